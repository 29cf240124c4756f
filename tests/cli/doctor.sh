# doctor.sh - qw doctor: its text, its JSON, its flags. How well it foretells is not tested here:
# nothing that depends on speed is.

python=${PYTHON:-python3}

t "doctor" 0 '*' "" doctor
check "doctor fits in 80 columns" "$(awk 'length > 80' "$d/out")" \
    [ -z "$(awk 'length > 80' "$d/out")" ]
for want in "^memory +[0-9.]+ GB" "^kernels +[a-z0-9]+; this CPU has [a-z0-9 ]*scalar" \
            "^CPUs +core +MHz +governor +threads +read GB/s +int8 G/s$" \
            "^In use: [0-9]+ threads? on CPUs [0-9]" "^model +type +GB +context that fits" \
            "^What holds this machine back:$"; do
    out_has "doctor says: $want" "$want"
done
for shape in 0.6b 1.7b 4b; do
    for type in q4 q8; do out_has "doctor: $shape $type" "^$shape +$type +[0-9]+[.][0-9]{2} "; done
done
check "doctor: no escape sequences" "$(cat "$d/out")" \
    [ -z "$(LC_ALL=C tr -d '\n -~' < "$d/out")" ]

# json_is NAME EXPRESSION: true of the object o in the last stdout
json_is() {
    if ! command -v "$python" > /dev/null; then skip "$1" "no python3"; return; fi
    check "$1" "$2 is not true of $(cat "$d/out")" "$python" -c '
import json, sys
o = json.load(open(sys.argv[1]))
sys.exit(not eval("(" + sys.argv[2] + ")"))' "$d/out" "$2"
}
t "doctor -o json" 0 '*' "" doctor -o json -q q4 --cpu scalar -t 1 --cpu-list $cpu -m "$tiny"
json_is "doctor -o json: its fields" 'list(o) == ["version", "cpu", "soc", "kernel", "arch",
    "memory", "memory_free", "memory_limit", "swap", "swap_free", "level", "levels", "lacks",
    "threads", "threads_batch", "celsius_before", "celsius_after", "others", "cpus", "models",
    "storage", "holds_back"]'
json_is "doctor -o json: what the flags say" 'o["level"] == "scalar" and o["threads"] == 1'
json_is "doctor -o json: the CPUs in use" "o['cpus'][-1]['cpus'] == '$cpu' and
    o['cpus'][-1]['threads'] == 1 and o['cpus'][-1]['int8_g_per_s'] > 0 and
    o['cpus'][-1]['pinned'] in (True, False)"
json_is "doctor -o json: the models" '[(m["model"], m["type"], sorted(m)) for m in o["models"]] ==
    [(s, "q4", ["context", "model", "pp512", "tg128", "type", "weight_bytes"])
     for s in ("0.6b", "1.7b", "4b")]'
json_is "doctor -o json: their speeds" 'all((m["pp512"] or 1) > 0 and (m["tg128"] or 1) > 0 and
    (m["tg128"] is None) == (m["pp512"] is None) for m in o["models"])'
json_is "doctor -o json: the model's storage" 'o["storage"]["file"].endswith(".safetensors") and
    o["storage"]["bytes"] > 10**7 and o["storage"]["mb_per_s"] > 0'
json_is "doctor -o json: what holds it back" 'all(f["text"] and f["what"] for f in o["holds_back"])'
case $(qw --version) in
*"(scalar)"*) skip "doctor: a slow level is said" "this CPU has no other" ;;
*) json_is "doctor: a slow level is said" 'o["holds_back"][0]["what"] == "level"' ;;
esac

# ---- what is refused ----

t "doctor: a model that is not there" 1 "" "nowhere" doctor -m "$d/nowhere"
t "doctor: a file that is no model" 1 "" "README.md" doctor -m README.md
t "doctor -q bf16" 2 "" "-q bf16: speeds are foretold with q8 and q4" doctor -q bf16
t "doctor -q q3" 2 "" "-q: unknown type 'q3'" doctor -q q3
t "doctor -o md" 2 "" "-o: 'md' is none of text\|json" doctor -o md
t "doctor --cpu pentium" 2 "" "CPU level 'pentium' cannot be used here" doctor --cpu pentium
t "doctor --cpu-list 1-0" 2 "" "--cpu-list: '1-0'" doctor --cpu-list 1-0
QW_CPU=pentium t "doctor: QW_CPU is named" 2 "" "QW_CPU is set to 'pentium'" doctor

# ---- Ctrl-C ----

: > "$d/out"
$QW doctor --cpu scalar > "$d/out" 2> "$d/err" < /dev/null & pid=$!
sleep 1
interrupt "Ctrl-C while doctor measures" 130 "" ""
