# usage.sh - help, version, wrong flags, the environment.

version=$(sed -n 's/^#define QW_VERSION "\(.*\)"/\1/p' include/qw.h)
t "--version" 0 '*' "" --version
out_has "--version: the header's" "^qw $version( \([0-9a-f]{10}[+]?\))?, kernels "
t "help" 0 '*' "" help
t "help of no command" 2 "" "nonsense" help nonsense
for c in run chat tokenize detokenize template logits quantize info bench doctor; do
    qw help $c > "$d/same"
    same "$c --help is help $c" $c --help
    check "$c takes -m" "expected -m in: qw help $c" grep -q '^  -m ' "$d/same"
    check "help $c fits in 80 columns" "$(awk 'length > 80' "$d/same")" \
        [ -z "$(awk 'length > 80' "$d/same")" ]
    t "$c: an unknown flag is named" 2 "" "unknown flag '--bogus'" $c --bogus
    t "$c: a flag without its value" 2 "" "-m needs" $c -m
    t "$c: an empty path" 2 "" "-m: the path is empty" $c -m ""
    case $c in detokenize | run) continue ;; esac
    t "$c: an unexpected argument" 2 "" "unexpected .*'surplus'" $c surplus
done
sed -n 's/^## \{0,1\}//p' Makefile > "$d/help"
check "make help fits in 80 columns" "$(awk 'length > 80' "$d/help")" \
    [ -s "$d/help" -a -z "$(awk 'length > 80' "$d/help")" ]
t "an unknown command is named" 2 "" "'nonsense' is no command" nonsense
t "an unexpected argument after --version" 2 "" "unexpected .*'surplus'" --version surplus
t "an unexpected argument after help run" 2 "" "unexpected .*'surplus'" help run surplus

# ---- all names of all flags ----

# known COMMAND NAME: the flag is accepted: the next one is what is unknown, or it lacks its value.
# (Alone a switch would run the command.)
known() {
    qw $1 "$2" --bogus > "$d/out" 2> "$d/err"
    grep -q "unknown flag '--bogus'" "$d/err" && return
    qw $1 "$2" > "$d/out" 2> "$d/err"
    grep -qE -e "$2 needs a value" "$d/err"
}
# names COMMAND: reads lines of names, one flag each. They are those of its help, and all are known.
names() {
    sort > "$d/want"
    # "  -n --predict N  most tokens": the words of the first column that begin with a dash
    qw help $1 | sed -n 's/^  \(-[^ ].*\)/\1/p' | sed 's/   *.*//' |
        awk '{ s = ""; for (i = 1; i <= NF && $i ~ /^-/; i++) s = s (s ? " " : "") $i; print s }' |
        grep -v '^-h --help$' | sort > "$d/same"
    check "help $1: all flags and their names" "$(diff "$d/want" "$d/same")" \
        cmp -s "$d/want" "$d/same"
    unknown=
    for name in $(cat "$d/want"); do known $1 $name || unknown="$unknown $name"; done
    check "$1: all names of its flags are known" "not known:$unknown" [ -z "$unknown" ]
}
model_names='-m --model
-q --weight-type
--cpu-list -Cr --cpu-range
-C --cpu-mask
--cpu
-t --threads
-tb --threads-batch'
for c in run chat; do
    names $c << EOT
$model_names
-p --prompt
-f --file
--no-stdin
-sys --system-prompt
-sysf --system-prompt-file
-n --predict
-c --ctx-size
--context-full
--kv --kv-type
-b --batch-size
-s --seed
--temp --temperature
--top-k
--top-p
--min-p
--presence-penalty
--frequency-penalty
--repeat-penalty --repetition-penalty
-l --logit-bias
-r --stop --reverse-prompt
--ignore-eos
--no-loop-guard
--think
--no-think
--reasoning-budget
--show-thoughts
-x --extract
--json
-st --single-turn
-cnv --conversation -i --interactive
--template --chat-template
--chat-template-file
--template-var
--chat-template-kwargs
--date
--special
--wrap
--color
--quiet
-v --verbose
EOT
done
names tokenize << EOT
-m --model
-p --prompt
--jsonl
--no-special
EOT
names detokenize << EOT
-m --model
EOT
names template << EOT
-m --model
--messages
--template --chat-template
--chat-template-file
--template-var
--chat-template-kwargs
--date
--jsonl
EOT
names logits << EOT
$model_names
--ids
-o --output
--kv --kv-type
-b --batch-size
EOT
names quantize << EOT
$model_names
-o --output
--verify
EOT
names info << EOT
$model_names
-c --ctx-size
--kv --kv-type
-b --batch-size
EOT
names doctor << EOT
$model_names
-o --output
EOT
names bench << EOT
$(echo "$model_names" | grep -v '^-tb')
-p --n-prompt
-n --n-gen
-pg
-d --n-depth
-r --repetitions
--kv --kv-type
-b --batch-size
-o --output
-oe --output-err
-v --verbose
--progress
--no-warmup
--delay
--shape
--shape-file
--sustain
--check
EOT

# ---- wrong values ----

for bad in "-n 0" "-n 1.5" "-n x" "-n 99999999999" "-c -1" "-b 0" "-s -2" \
           "-s 18446744073709551616" "--temp -1" "--temp nan" "--temp inf" "--temp 0x1" \
           "--top-k -1" "--top-p 1.1" "--min-p 2" "-t 0" "-t 257" "-t 1e9" "-tb 0" "-tb 257" \
           "-tb 1.5" "-tb x" "-q q9" "-l 1" "--template nonsense" "--think=1" "--temp="; do
    flag=${bad%%[ =]*}
    value=${bad#*[ =]}
    t "run: $bad is refused" 2 "" "${value:-$flag}|$flag" run -p x $bad
done
t "run: --top-p 2 is out of range" 2 "" "--top-p 2 is out of range \(0 to 1\)" run -p x --top-p 2
t "run: -l 99999+1 is refused" 2 "" "99999" run -p x -l 99999+1
for bad in 1-0 x 0,x 0,,0 0- -1 1024 99999999999 0-1023; do
    why="'${bad#0,}|'' in '$bad|CPU [0-9]+ does not exist; this machine has"
    t "run: --cpu-list $bad is refused" 2 "" "--cpu-list: ($why)" run -p x --cpu-list "$bad"
done
t "run: an empty --cpu-list is refused" 2 "" "--cpu-list: '' in ''" run -p x --cpu-list ""
for c in run chat info bench "logits --ids 1 -o $d/x"; do
    t "${c%% *} --kv: unknown" 2 "" "--kv: unknown type 'q3' \(f32, f16 or q8\)" $c --kv q3
done
t "an unknown template name leaves no empty lines" 2 "" "nonsense" \
    template --messages - --jsonl --template nonsense < /dev/null
t "run: --wrap wrong" 2 "" "--wrap: 'maybe' is none of on\|off" run -p x --wrap maybe
t "run: --color wrong" 2 "" "--color: 'red' is none of auto\|on\|off" run -p x --color red
t "thinking where the template cannot" 2 "" "does not think" \
    run -p x --template instruct2507 --think
t "no thinking where the template cannot" 2 "" "always thinks" \
    run -p x --template thinking2507 --no-think
t "a system message without a template" 2 "" "system message" run -p x --template none -sys y

# ---- the environment ----

QW_CPU=scalar t "--version names the kernels in use" 0 '*' "" --version
out_has "--version: those that QW_CPU chooses" ', kernels scalar \('
QW_CPU=pentium t "--version: QW_CPU is none" 2 "" "QW_CPU: unknown level 'pentium'" --version
QW_CPU=pentium t "run: QW_CPU is named" 2 "" "QW_CPU is set to 'pentium'" run -p hi
QW_WEIGHT_TYPE=q9 t "run: QW_WEIGHT_TYPE is named" 2 "" "QW_WEIGHT_TYPE: unknown type 'q9'" \
    run -p hi
QW_KV_TYPE=q3 t "run: QW_KV_TYPE is named" 2 "" "QW_KV_TYPE: unknown type 'q3'" run -p hi
QW_CPU_LIST=x t "run: QW_CPU_LIST is named" 2 "" "QW_CPU_LIST: 'x'" run -p hi
QW_THREADS=many t "a bad environment variable is named" 2 "" "QW_THREADS" run -p x
QW_THREADS_BATCH=many t "a bad environment variable is named: -tb" 2 "" "QW_THREADS_BATCH" run -p x
QW_CTX_SIZE=5 t "the environment sets flags" 5 "" "5 positions" run -p x
QW_CTX_SIZE=5 t "the command line wins over the environment" 0 "2 + 3 = 5\n" "" \
    run -p "$question" $plain -c 100
