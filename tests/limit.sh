#!/bin/sh
# limit.sh SECONDS COMMAND... - runs a command for at most so many seconds (QW_SLOW times as many on
# a slow machine). Its exit code is the command's; 124, and a line, when it took longer.
seconds=$(($1 * ${QW_SLOW:-1}))
shift
start=$(date +%s)
watcher=
if timeout 5 true 2> /dev/null; then
    timeout -k 10 "$seconds" "$@" &
    pid=$!
else                    # a second at a time, so that nothing is left sleeping
    "$@" &
    pid=$!
    {
        n=0
        while [ $n -lt $seconds ] && kill -0 $pid; do
            sleep 1
            n=$((n + 1))
        done
        kill $pid && sleep 10 && kill -9 $pid
    } > /dev/null 2>&1 &
    watcher=$!
fi
trap 'kill $pid $watcher 2> /dev/null; exit 130' INT TERM HUP
wait $pid
status=$?
if [ -n "$watcher" ]; then kill $watcher 2> /dev/null; fi
if [ $status -ge 124 ] && [ $(($(date +%s) - start)) -ge $seconds ]; then
    echo "  took longer than $seconds s: $*"
    exit 124
fi
exit $status
