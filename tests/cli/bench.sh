# bench.sh - qw bench: its table, its rows in other formats (bench_rows.py), the hash of logits, its
# lists of tests.

python=${PYTHON:-python3}
small="bench -p 16 -n 4 -r 2"

# ---- the table ----

# rows FILE COLUMN: that column of the table's rows, each ended by a ';'
rows() { awk -F' *[|] *' -v c="$2" '/^\|/ && ++n > 2 { printf "%s;", $c }' "$1"; }
# titles FILE: those of the table's columns, the same way
titles() { sed -n '1s/^| *//; 1s/ *| */;/gp' "$1"; }
# well_formed FILE: a table as Markdown has it, whose rows all have the columns and widths of the
# first and whose second is dashes; then an empty line and paragraphs. Nothing is too wide.
well_formed() {
    sed 's/±/+/g' "$1" | awk -F'|' '
        /^\|/ && !below { $1 = NF; for (i = 2; i < NF; i++) $i = length($i); if (!n++) w = $0
                          bad += $0 != w || NF < 7 || $1 == 0; next }
        { below++; bad += below == 1 && $0 != "" }
        END { exit bad || n < 3 || below < 2 }' &&
        sed -n 2p "$1" | grep -qE '^\| -{5,} \| -+: \| (-+:? \| )+-+:? \|$' && narrow "$1"
}
# narrow FILE: no line has more than 80 characters, unless $wide is set
narrow() { [ "$wide" ] || [ -z "$(sed 's/±/+/g' "$1" | awk 'length > 80')" ]; }

# below_has NAME REGEX: what stands below the last table, as one line, matches
below_has() {
    sed '1,/^$/d' "$d/out" | tr '\n' ' ' > "$d/below"
    check "$1" "expected $2 in: $(cat "$d/out")" grep -qE -e "$2" "$d/below"
}

plain_titles="model;size;threads;test;t/s;"
all_titles="model;size;params;backend;cpu;threads;kv;n_batch;test;t/s;GB/s;% of read;ttft s;peak;\
MHz;temp C;others %;logits hash;"
wide=
t "bench: a table" 0 '*' "" $small -pg 512,128 -d 0-320+320
check "bench: its titles" "$(cat "$d/out")" [ "$(titles "$d/out")" = "$plain_titles" ]
want="pp16;tg4;pp512+tg128;pp16 @ d320;tg4 @ d320;pp512+tg128 @ d320;"
check "bench: its rows" "expected $want found $(cat "$d/out")" [ "$(rows "$d/out" 5)" = "$want" ]
check "bench: it is a table of at most 80 columns" "$(cat "$d/out")" well_formed "$d/out"
check "bench: the model's type" "$(cat "$d/out")" \
    [ "$(rows "$d/out" 2 | tr ';' '\n' | sort -u)" = "qwen3 6.2M bf16" ]
check "bench: its size in MB" "$(cat "$d/out")" \
    [ "$(rows "$d/out" 3 | tr ';' '\n' | sort -u)" = "12.3 MB" ]
check "bench: each speed has a deviation" "$(cat "$d/out")" [ -z "$(rows "$d/out" 6 |
    tr ';' '\n' | sed '/^[0-9]*[.][0-9]\{1,2\} ± [0-9]*[.][0-9]\{1,2\}$/d')" ]
below_has "bench: below it what all rows share" \
    "^build: qw .*, cache f32, batch 64, logits [0-9a-f]{16} "
below_has "bench: below it the machine" " machine: .*, .*, kernel $(uname -r)"
t "bench: one run has no deviation" 0 '*' "" bench -p 8 -n 0 -r 1
out_has "bench: it is 0" "± 0[.]00 +\|$"
t "bench: batches are a column where there are several" 0 '*' "" $small -b 8,64
check "bench: its titles then" "$(cat "$d/out")" \
    [ "$(titles "$d/out")" = "model;size;threads;n_batch;test;t/s;" ]
check "bench: batch by batch" "$(cat "$d/out")" [ "$(rows "$d/out" 5)" = "8;8;64;64;" ]
check "bench: that is a table, too" "$(cat "$d/out")" well_formed "$d/out"
check "bench: the batch is not below it" "$(cat "$d/out")" not grep -q "batch [0-9]" "$d/out"
t "bench --cpu-list stands below it" 0 '*' "" bench -p 8 -n 0 -r 1 --cpu-list $cpu
below_has "bench: which CPUs" ", CPUs $cpu,"
wide=1
t "bench -v: all columns" 0 '*' "threads: loaded" $small -v -pg 8,2
check "bench -v: their titles" "$(cat "$d/out")" [ "$(titles "$d/out")" = "$all_titles" ]
awk '/^\| machine/ { exit } { print }' "$d/out" > "$d/a"
check "bench -v: it is a table" "$(cat "$d/out")" well_formed "$d/a"
sed -n '/^| machine/,$p' "$d/out" | sed '/^$/,$d' > "$d/a"
check "bench -v: the machine as a table of its own" "$(cat "$d/out")" \
    [ "$(titles "$d/a") $(wc -l < "$d/a")" = "machine;SoC;cores;governor;memory;kernel;qw; 3" ]
check "bench -v: its kernel" "$(cat "$d/out")" [ "$(rows "$d/a" 7)" = "$(uname -r);" ]

# ---- formats ----

t "bench -o md -oe jsonl" 0 '*' '^\{"build_commit": ".*\}$' $small -oe jsonl
lines "bench: both have all rows" "$d/err" 2
check "bench: the table is as without -oe" "$(cat "$d/out")" well_formed "$d/out"
t "bench -o none" 0 "" "" $small -o none
t "bench -o none -oe csv" 0 "" '^build_commit,build_number,' $small -o none -oe csv
lines "bench: two rows and the names" "$d/err" 3
t "bench --progress: in a pipe, too" 0 '*' "run 1 of 2" $small --progress
check "bench --progress: no more columns" "$(cat "$d/out")" \
    [ "$(titles "$d/out")" = "$plain_titles" ]
t0=$(date +%s)
t "bench --delay" 0 '*' "" bench -p 8 -n 0 -r 1 --no-warmup --delay 2
check "bench --delay: it waits" "$(date +%s) - $t0" [ $(($(date +%s) - t0)) -ge 2 ]
if ! command -v "$python" > /dev/null; then
    skip "bench rows" "no python3"
elif QW=$QW "$python" tests/bench_rows.py > "$d/rows" 2>&1; then
    cat "$d/rows"
else
    cat "$d/rows"
    echo "bench rows" >> "$d/failed"
fi

# ---- one hash of logits, whatever computed it; another for another type ----

hash() { sed 's/.*"logits_hash": "\([0-9a-f]*\)".*/\1/'; }
: > "$d/hashes"
for type in "bf16" "bf16 --kv f16" "bf16 --kv q8" q8 q4; do
    for how in "-t 1,2" "-t 2 -b 1 --cpu scalar" "-t 3 -b 7"; do
        qw bench -p 1 -n 0 -r 1 --no-warmup -o jsonl -q $type $how 2> "$d/err" || cat "$d/err"
    done | hash > "$d/out"
    sort -u "$d/out" > "$d/a"
    cat "$d/a" >> "$d/hashes"
    check "bench: one hash for $type" "found: $(cat "$d/out")" \
        [ "$(grep -c '^[0-9a-f]*$' "$d/out") $(wc -l < "$d/a")" = "4 1" ]
done
check "bench: a hash for each type" "$(cat "$d/hashes")" [ "$(sort -u "$d/hashes" | wc -l)" -eq 5 ]

# ---- flags ----

for bad in "-o xml" "-oe xml" "-p 16,x" "-p 1,,2" "-n -4" "-t 0" "-t 1,257" "--cpu-list 0,x" \
           "-pg 5" "-pg 1,2,3" "-pg 1-2,3" "-d ,1" "-r 0" "-b 0" "-q q9" "--delay -1" "-p 1-" \
           "-p 1-x" "-p 1-2-3" "-d 512-128" "-t 4-1"; do
    t "bench: $bad is refused" 2 "" "'?${bad#* }" bench $bad
done
t "bench: +0 does not grow" 2 "" "-p: '8-16\+0': the step \+0 does not grow" bench -p 8-16+0
t "bench: *1 does not grow" 2 "" "-n: '8-16\*1': the step \*1 does not grow" bench -n 8-16*1
t "bench: 0*2 does not grow" 2 "" "-d: '0-8\*2': .* \*2 does not grow from 0" bench -d 0-8*2
t "bench: a range that ends first" 2 "" "-t: '4-1' ends before it begins" bench -t 4-1
t "bench: a range without end" 2 "" "-d: more than 1024 numbers" bench -d 0-16777216
t "bench: ranges in lists, repeated" 0 '*' "" bench -p 1,4-16*2 -p 20-30+5 -n 0 -r 1
want="pp1;pp4;pp8;pp16;pp20;pp25;pp30;"
check "bench: all of their numbers" "expected $want found $(cat "$d/out")" \
    [ "$(rows "$d/out" 5)" = "$want" ]
t "bench: nothing to measure" 2 "" "nothing" bench -p 0 -n 0
t "bench: more than the model's positions" 5 "" "1024" bench -p 0 -n 512 -d 0,1000
t "bench: a CPU level that is none" 2 "" "pentium" bench --cpu pentium
QW_THREADS=3,1 t "bench: the environment gives threads" 0 '*' "3 threads" \
    bench -v -p 1 -n 0 -r 1 -o csv
QW_THREADS=1-3+2 t "bench: as a range, too" 0 '*' "3 threads" bench -v -p 1 -n 0 -r 1 -o csv
QW_THREADS=3,1 t "bench: -t wins over it" 0 '*' "2 threads" bench -v -p 1 -n 0 -r 1 -o csv -t 2
lines "bench: -t wins entirely" "$d/out" 2
QW_BATCH_SIZE=8,16 t "bench: the environment gives batches" 0 '*' "" bench -p 1 -n 0 -r 1 -o csv
lines "bench: two of them" "$d/out" 3

# ---- interrupted ----

: > "$d/out"
$QW bench -v -p 1,1000 -n 0 -r 100 -o json --no-warmup > "$d/out" 2> "$d/err" & pid=$!
wait_for grep -q samples "$d/out" 2> /dev/null
interrupt "Ctrl-C while bench measures" 130 '*' "loaded"
check "Ctrl-C while bench measures: the list ends" "$(tail -n 3 "$d/out")" \
    [ "$(tail -n 1 "$d/out")" = "]" ]

: > "$d/out"
$QW bench -v -p 1,1000 -n 0 -r 100 --no-warmup --delay 60 > "$d/out" 2> "$d/err" & pid=$!
wait_for grep -q loaded "$d/err" 2> /dev/null
interrupt "Ctrl-C while bench waits" 130 "" "loaded"
