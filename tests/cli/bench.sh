# bench.sh - qw bench: its rows in four formats, the hash of logits, its lists of tests.

python=${PYTHON:-python3}
small="bench -p 16 -n 4 -r 2"

# ---- formats ----

t "bench: a table" 0 '*' "threads: loaded" $small -v -pg 8,2 -d 0,32
rows=$(awk -F' *[|] *' 'NR > 2 { printf "%s;", $9 }' "$d/out")
want="pp16;tg4;pp8+tg2;pp16 @ d32;tg4 @ d32;pp8+tg2 @ d32;"
check "bench: its rows" "expected $want found $(cat "$d/out")" [ "$rows" = "$want" ]
table_widths() { sed 's/±/+/g' "$1" | awk -F'|' '{ for (i = 1; i < NF; i++) $i = length($i) } 1'; }
check "bench: its columns are aligned" "found: $(cat "$d/out")" \
    [ "$(table_widths "$d/out" | sort -u | wc -l)" -eq 1 ]

columns="model_filename model_type model_size model_n_params n_batch n_threads type_k type_v \
n_prompt n_gen n_depth test_time avg_ns stddev_ns avg_ts stddev_ts cpu weight_type load_ns ttft_ns \
peak_memory bytes_per_token gb_per_s read_gb_per_s percent_of_read logits_hash"
t "bench -o csv" 0 '*' "threads: loaded" $small -v -o csv
check "bench: the names of csv" "found: $(head -n 1 "$d/out")" \
    [ "$(head -n 1 "$d/out")" = "\"$(echo $columns | sed 's/ /","/g')\"" ]
awk -F'","' '
    NR == 1 { n = NF }
    NF != n || $0 !~ /^"model_filename",|^".*models\/tiny",/' "$d/out" > "$d/a"
check "bench: csv is well-formed" "$(cat "$d/out")" [ "$(wc -l < "$d/out")$(cat "$d/a")" = 3 ]

cat > "$d/check.py" << 'EOT'
import json, sys
form, path, columns = sys.argv[1], sys.argv[2], sys.argv[3:]
text = open(path).read()
rows = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
tests = [(r["n_threads"], r["n_prompt"], r["n_gen"]) for r in rows]
assert tests == [(1, 16, 0), (1, 0, 4), (2, 16, 0), (2, 0, 4)]
for r in rows:
    ns, ts, tokens = r["samples_ns"], r["samples_ts"], r["n_prompt"] + r["n_gen"]
    assert list(r) == columns + ["samples_ns", "samples_ts"]
    assert len(ns) == len(ts) == 2
    assert abs(r["avg_ns"] - sum(ns) / 2) < 2
    assert abs(r["avg_ts"] - sum(ts) / 2) < 0.01 * r["avg_ts"]
    assert all(abs(t * n / 1e9 - tokens) < 0.01 for n, t in zip(ns, ts))
    assert r["model_n_params"] > 0 and r["model_size"] > 0 and r["read_gb_per_s"] > 0
    assert len(r["logits_hash"]) == 16
    generating = r["bytes_per_token"], r["gb_per_s"], r["percent_of_read"]
    if r["n_gen"]:
        assert r["ttft_ns"] is None and all(v > 0 for v in generating)
    else:
        assert r["ttft_ns"] > r["load_ns"] and generating == (None, None, None)
EOT
for format in json jsonl; do
    t "bench -o $format" 0 '*' "1 thread: loaded" $small -v -t 1,2 -o $format
    name="bench: $format is well-formed"
    if ! command -v "$python" > /dev/null; then
        skip "$name" "python3 is missing"
    elif "$python" "$d/check.py" $format "$d/out" $columns > "$d/a" 2>&1; then
        pass "$name"
    else
        fail "$name" "$(cat "$d/a" "$d/out")"
    fi
done

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

for bad in "-o xml" "-p 16,x" "-p 1,,2" "-n -4" "-t 0" "-t 1,257" "--cpu-list 0,x" "-pg 5" \
           "-pg 1,2,3" "-d ,1" "-r 0" "-b 0" "-q q9"; do
    t "bench: $bad is refused" 2 "" "'?${bad#* }" bench $bad
done
t "bench: nothing to measure" 2 "" "nothing" bench -p 0 -n 0
t "bench: more than the model's positions" 5 "" "1024" bench -p 0 -n 512 -d 0,1000
t "bench: a CPU level that is none" 2 "" "pentium" bench --cpu pentium
QW_THREADS=3,1 t "bench: the environment gives threads" 0 '*' "3 threads" \
    bench -v -p 1 -n 0 -r 1 -o csv
QW_THREADS=3,1 t "bench: -t wins over it" 0 '*' "2 threads" bench -v -p 1 -n 0 -r 1 -o csv -t 2
lines "bench: -t wins entirely" "$d/out" 2

# ---- interrupted ----

: > "$d/out"
$QW bench -v -p 1,1000 -n 0 -r 100 -o json --no-warmup > "$d/out" 2> "$d/err" & pid=$!
wait_for grep -q samples "$d/out" 2> /dev/null
interrupt "Ctrl-C while bench measures" 130 '*' "loaded"
check "Ctrl-C while bench measures: the list ends" "$(tail -n 3 "$d/out")" \
    [ "$(tail -n 1 "$d/out")" = "]" ]
