# interrupt.sh - Ctrl-C and other signals, wherever a command may be.

: > "$d/out"                            # what is waited for must not be left from before
$QW run $endless -p "Once upon a time" > "$d/out" 2> "$d/err" < /dev/null & pid=$!
wait_for test -s "$d/out"
interrupt "Ctrl-C while it answers" 130 '*' ""
check "Ctrl-C while it answers: the line ends" "$(tail -c 20 "$d/out")" \
    [ "$(tail -c 1 "$d/out" | od -An -c | tr -d ' ')" = '\n' ]

repeat 30000 "and " > "$d/prompt"
$QW run $endless -b 8 > "$d/out" 2> "$d/err" < "$d/prompt" & pid=$!
sleep 1
interrupt "Ctrl-C while it reads the prompt" 130 "" ""

$QW run $endless -p "Once upon a time" > "$d/out" 2> "$d/err" < /dev/null & pid=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -INT $pid 2> /dev/null
    sleep 0.01
done
interrupt "Ctrl-C while it loads" 130 "@$d/out" ""

mkfifo "$d/fifo"
exec 3<> "$d/fifo"
for c in run tokenize chat; do
    $QW $c > "$d/out" 2> "$d/err" < "$d/fifo" & pid=$!
    sleep 0.5
    interrupt "Ctrl-C while $c waits for stdin" 130 "" ""
done

# Once a model is loaded only the third Ctrl-C ends a command that does not react: here it writes
# 128 KiB to a reader that stops after one byte.
$QW logits --ids 1,2,3,4,5,6,7,8 -o - > "$d/fifo" 2> "$d/err" & pid=$!
timeout 20 head -c 1 <&3 > /dev/null
for i in 1 2; do
    kill -INT $pid 2> /dev/null
    sleep 0.5
    check "Ctrl-C number $i does not end what cannot stop" "it ended: $(stderr)" not ended
done
: > "$d/out"
interrupt "Ctrl-C number 3 does" 130 "" ""
exec 3>&-

ids=$(repeat 29999 5,)5
for signal in INT:130 TERM:143; do
    name="SIG${signal%:*} during logits -o"
    $QW logits -m "$bare" --ids $ids -b 16 -o "$d/interrupted" > "$d/out" 2> "$d/err" & pid=$!
    wait_for part || fail "logits writes next to its file" "no $d/interrupted.*.part"
    [ $signal = INT:130 ] || kill -${signal%:*} $pid
    interrupt "$name" ${signal#*:} "" ""
    check "$name leaves no file" "found: $(ls "$d")" [ -z "$(ls "$d" | grep '^interrupted')" ]
done

# An instruction that the CPU lacks.
level=$($QW --version | sed 's/.*kernels \([^ ]*\) .*/\1/')
if [ "$level" = scalar ]; then want="that this build of qw uses"
else want="of kernel level $level: --cpu scalar"; fi
: > "$d/out"
$QW run $endless -p "Once upon a time" > "$d/out" 2> "$d/err" < /dev/null & pid=$!
wait_for test -s "$d/out"
kill -ILL $pid
wait $pid
status=$? pid=
compare "SIGILL: says which level, and what avoids it" 1 '*' "CPU lacks an instruction $want"
