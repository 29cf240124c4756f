# memory.sh - little memory.

if sh -c "ulimit -v 4000000 && $QW --version; exit \$?" > /dev/null 2>&1; then
    (
        ulimit -v 4000000
        t "a context that does not fit in memory" 3 "" "(memory|available).*; a smaller -c " \
            run -p x -m "$d/long" -c 1048576
        t "-c unset fits all the same" 0 "2 + 3 = 5\n" "" run -p "$question" $plain -m "$d/long"
    )
else
    skip "a context that does not fit in memory" "ulimit -v does not work for $QW"
fi
# with_200_mb COMMAND...: where so many are free
printf 'MemTotal: 500000 kB\nMemFree: 200000 kB\nMemAvailable: 200000 kB\n' > "$d/meminfo"
with_200_mb() {
    $namespace sh -c 'mount --bind "$1" /proc/meminfo || exit 99; shift; exec "$@"' - "$d/meminfo" \
        "$@"
}
# plan NAME RC ERR ARGUMENT...: qw there
plan() {
    plan_name=$1 plan_rc=$2 plan_err=$3
    shift 3
    with_200_mb $limit $QW "$@" > "$d/out" 2> "$d/err"
    status=$?
    cp "$d/out" "$d/kept"
    compare "$plan_name" "$plan_rc" "@$d/kept" "$plan_err"
}
if [ -n "$namespace" ] && with_200_mb true 2> /dev/null; then
    fits="positions fit; that is for the prompt and -n:"
    plan "what the prompt and -n need is checked at the start" 3 "$fits .*--kv q8" \
        run -p x -m "$d/long" -n 1000000
    plan "... also where that is the smallest cache" 3 "$fits .*smaller -n" \
        run -p x -m "$d/long" -n 1000000 --kv q8
    repeat 150000 "and " > "$d/long prompt"
    plan "... and for a long prompt" 3 "$fits" run -f "$d/long prompt" -m "$d/long" -n 1
    plan "what fits is begun" 0 "" run -p "$question" $plain -m "$d/long"
    mkdir "$d/many"
    for f in "$d/long"/*; do ln -s "$f" "$d/many"; done
    rm "$d/many/generation_config.json"
    echo '{"eos_token_id": 4072, "max_new_tokens": 1000000}' > "$d/many/generation_config.json"
    plan "a model's own limit of answers need not fit" 0 "" \
        run -p "$question" $plain -m "$d/many"
else
    skip "what the prompt and -n need is checked at the start" "cannot mount over /proc/meminfo"
fi
# MB: the first that suffices for the model has none left for the read bandwidth.
for room in 16 18 20 22 24 26 28 30 32 34 36; do
    (ulimit -v ${room}000; $QW bench -v -p 0 -n 1 -r 1 -t 1 -o jsonl) > "$d/out" 2> "$d/err"
    status=$?
    [ $status -ne 0 ] || break
done
if [ $status -eq 0 ]; then
    compare "bench with little memory" 0 '*' "read bandwidth unknown"
    out_has "bench with little memory: null" '"read_gb_per_s": null, "percent_of_read": null'
else
    skip "bench with little memory" "36 MB do not suffice for $QW"
fi
