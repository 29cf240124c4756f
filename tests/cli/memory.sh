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
# MB: the first that suffices for the model has none left for the read bandwidth.
for room in 16 18 20 22 24 26 28 30 32 34 36; do
    (ulimit -v ${room}000; $QW bench -p 0 -n 1 -r 1 -t 1 -o jsonl) > "$d/out" 2> "$d/err"
    status=$?
    [ $status -ne 0 ] || break
done
if [ $status -eq 0 ]; then
    compare "bench with little memory" 0 '*' "read bandwidth unknown"
    out_has "bench with little memory: null" '"read_gb_per_s": null, "percent_of_read": null'
else
    skip "bench with little memory" "36 MB do not suffice for $QW"
fi
