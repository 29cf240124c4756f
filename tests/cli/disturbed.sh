# disturbed.sh - what disturbs a run from outside: CPUs taken away, SIGSTOP, more threads than CPUs,
# clocks that jump. No text changes, nothing hangs, and qw bench says what happened to it.

long="$raw --no-loop-guard -c 1024 -n 900"
# field_is NAME FIELD REGEX: of the row in the last stdout
field_is() {
    check "$1" "expected $2 $3 in: $(cat "$d/out") $(stderr)" \
        sh -c 'printf "%s\n" "$1" | grep -qxE -e "$2"' - "$(field "$2")" "$3"
}
# finish NAME: wait for $pid, which ends well by itself
finish() {
    for i in $(awk -v n="$seconds" 'BEGIN { for (i = 0; i < n; i++) print i }'); do
        ended && break
        sleep 1
    done
    ended || kill -9 $pid
    wait $pid
    check "$1" "exit code $?: $(stderr)" [ $? -eq 0 ]
    pid=
}
# confine LIST: all threads of $pid to these CPUs
confine() {
    for task in /proc/$pid/task/*; do taskset -p -c "$1" "${task##*/}"; done > /dev/null 2>&1
}
all_cpus=$(sed -n 's/^Cpus_allowed_list:[^0-9]*//p' /proc/self/status)

# ---- a CPU taken away, a process stopped ----

if [ -n "$emulator" ] || ! command -v taskset > /dev/null; then
    skip "CPUs taken away, SIGSTOP" "no taskset, or an emulator"
elif [ "$all_cpus" = "$cpu" ]; then
    skip "CPUs taken away, SIGSTOP" "only one CPU may be used"
else
    qw run $long -p "Once upon a time" > "$d/same" 2> "$d/err"
    $QW run $long -t 4 -p "Once upon a time" > "$d/out" 2> "$d/err" & pid=$!
    wait_for test -s "$d/out"
    for round in 1 2 3 4 5; do
        confine "$cpu"
        kill -STOP $pid
        sleep 0.1
        kill -CONT $pid
        sleep 0.1
        confine "$all_cpus"
    done 2> /dev/null
    finish "run: CPUs taken away and given back, stopped and continued"
    check "run: the text is the same" "$(quote "$d/out")" cmp -s "$d/same" "$d/out"

    : > "$d/err"
    $QW bench -p 0 -n 16 --sustain 11 -t 2 -o jsonl --progress > "$d/out" 2> "$d/err" & pid=$!
    wait_for grep -q ' of 11' "$d/err"
    sleep 1
    confine "$cpu"
    sleep 1
    kill -STOP $pid
    sleep 4
    kill -CONT $pid
    sleep 1
    confine "$all_cpus"
    finish "bench: a CPU taken away and given back, stopped and continued"
    field_is "bench: disturbed" disturbed true
    field_is "bench: by the CPU that was taken away" \
        disturbed_by '".*CPU [-0-9,]+ was taken away.*"'
    field_is "bench: by having been stopped" disturbed_by '".*it stood still for [0-9.]+ s.*"'
    field_is "bench: the first ten seconds" first_10_s_ts '[0-9.]+'
    err_has "bench: a note says so, too" "^qw: disturbed: tg16, 2 threads: .*was taken away"
fi

# ---- more threads than CPUs ----

t "bench: 16 threads" 0 '*' "" bench -p 16 -n 16 -r 3 -t 16 -o jsonl
field_is "bench: a speed" avg_ts '[0-9]+[.][0-9]+'
qw run $raw -n 60 -t 1 -p "Once upon a time" > "$d/same" 2> /dev/null
same "run: 16 threads give the same text" run $raw -n 60 -t 16 -p "Once upon a time"

# ---- clocks ----

t "bench --sustain 10 is too short" 2 "" "--sustain.*11" bench --sustain 10
if [ -n "$emulator" ] || [ ! -x "$elsewhere" ]; then
    skip "clocks that jump" "make test builds qw-elsewhere, whose clocks jump"
else
    QW_TEST_CLOCK_FROM=$d/wrong
    export QW_TEST_CLOCK_FROM
    for fault in still back date; do
        rm -f "$d/wrong"
        QW_TEST_CLOCK=$fault $elsewhere bench -p 0 -n 16 --sustain 11 -t 2 -o jsonl \
            --progress > "$d/out" 2> "$d/err" & pid=$!
        wait_for grep -q ' of 11' "$d/err"
        sleep 2
        : > "$d/wrong"
        finish "bench: a clock: $fault"
        sed 's/"\(n_gpu_layers\|flash_attn\)": -1,//g' "$d/out" > "$d/a"
        check "bench: numbers with that clock" "$(cat "$d/out")" \
            not grep -qE '[:,[] *(-[0-9]|-?inf|-?nan)' "$d/a"
        case $fault in
        still | back)
            field_is "bench: that clock has disturbed it" disturbed_by '".*(clock|slept).*"' ;;
        date) check "bench: the date disturbs nothing" "$(cat "$d/out")" \
                  not grep -qE 'clock stood|slept' "$d/out" ;;
        esac
    done
    rm "$d/wrong"
    QW_TEST_CLOCK=back $elsewhere run $raw -n 60 -p "Once upon a time" > "$d/out" \
        2> "$d/err" & pid=$!
    wait_for test -s "$d/out"
    : > "$d/wrong"
    finish "run: a clock that goes back"
    check "run: the text is the same with it" "$(quote "$d/out")" cmp -s "$d/same" "$d/out"
    unset QW_TEST_CLOCK_FROM
fi
