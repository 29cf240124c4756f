#!/bin/sh
# cli.sh - every command of qw as its users run it: streams, exit codes, pipes, Ctrl-C, full disks, a terminal.
# Run from the project's root. QW is the binary, or an emulator and a binary (used unquoted).
QW=${QW:-./qw}
LC_ALL=C
export LC_ALL
unset QW_CTX_SIZE QW_BATCH_SIZE QW_THREADS QW_THREADS_BATCH QW_CPU_LIST QW_CPU QW_WEIGHT_TYPE QW_KV_TYPE NO_COLOR
root=$(pwd)
bin=${QW##* }
case $bin in /*) ;; *) bin=$root/$bin ;; esac
case $QW in *" "*) emulator="${QW% *} " ;; *) emulator= ;; esac
QW=$emulator$bin
tiny=$root/models/tiny
bare=$root/tests/fixtures/forward/gqa5              # weights without a tokenizer; vocabulary of 320
QW_MODEL=$tiny
export QW_MODEL
d=$(mktemp -d) || exit 1
pid=
trap 'test -z "$pid" || kill -9 $pid 2>/dev/null; command -v tmux >/dev/null && tmux -S "$d/tmux" kill-server 2>/dev/null; rm -rf "$d"' EXIT
trap 'exit 130' INT TERM

# ---- helpers ----

skip() { echo "skip - $1: $2"; }
pass() { echo "ok - $1"; }
# fail NAME LINE...: what was expected and found, then the verdict
fail() {
    failed=$1
    shift
    for line in "$@"; do echo "  $line"; done
    echo "not ok - $failed"
    echo "$failed" >> "$d/failed"
}

quote() { od -An -c "$1" | head -n 12; }

# compare NAME RC OUT ERR: what the last command left in $status, $d/out, $d/err. OUT in printf %b; "@FILE": the bytes of a file; "*":
# anything, but something. ERR "": nothing; "*": something; else a regular expression that a line matches.
compare() {
    case $3 in
    @*) cat "${3#@}" > "$d/want" ;;
    *) printf '%b' "$3" > "$d/want" ;;
    esac
    if [ "$status" != "$2" ]; then fail "$1" "expected exit code $2, found $status" "stderr: $(head -c 400 "$d/err")"
    elif [ "$3" = '*' ] && [ ! -s "$d/out" ]; then fail "$1" "expected something on stdout, found nothing" "stderr: $(head -c 400 "$d/err")"
    elif [ "$3" != '*' ] && ! cmp -s "$d/want" "$d/out"; then fail "$1" "expected stdout" "$(quote "$d/want")" "found" "$(quote "$d/out")"
    elif [ -z "$4" ] && [ -s "$d/err" ]; then fail "$1" "expected nothing on stderr, found: $(head -c 400 "$d/err")"
    elif [ "$4" = '*' ] && [ ! -s "$d/err" ]; then fail "$1" "expected a message on stderr, found nothing"
    elif [ -n "$4" ] && [ "$4" != '*' ] && ! grep -qE -e "$4" "$d/err"; then fail "$1" "expected on stderr: $4" "found: $(head -c 400 "$d/err")"
    else pass "$1"
    fi
}

# t NAME RC OUT ERR ARGUMENT...: qw with these arguments
t() {
    t_name=$1 t_rc=$2 t_out=$3 t_err=$4
    shift 4
    $QW "$@" > "$d/out" 2> "$d/err"
    status=$?
    compare "$t_name" "$t_rc" "$t_out" "$t_err"
}

# same NAME ARGUMENT...: as t, and stdout as in the file $d/same
same() { same_name=$1; shift; t "$same_name" 0 "@$d/same" "" "$@"; }

# A short greedy answer, and a continuation of plain text: the same each time.
plain="--no-think --temp 0"
cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)     # one that we may use
raw="--template none --temp 0"

# ---- help, version, usage ----

version=$(sed -n 's/^#define QW_VERSION "\(.*\)"/\1/p' include/qw.h)
$QW --version > "$d/out" 2> "$d/err"; status=$?
case $(cat "$d/out") in "qw $version"*) compare "--version" 0 '*' "" ;; *) fail "--version" "expected qw $version, found $(cat "$d/out")" ;; esac
t "help" 0 '*' "" help
t "help of no command" 2 "" "nonsense" help nonsense
for c in run chat tokenize detokenize template logits info bench; do
    $QW help $c > "$d/same"
    same "$c --help is help $c" $c --help
    grep -q '^  -m ' "$d/same" && pass "$c takes -m" || fail "$c takes -m" "expected -m in: qw help $c"
    t "$c: an unknown flag is named" 2 "" "--bogus" $c --bogus
    t "$c: a flag without its value" 2 "" "-m needs" $c -m
    t "$c: an empty path" 2 "" "-m: the path is empty" $c -m ""
    [ $c = detokenize ] || t "$c: a word too many" 2 "" "surplus" $c surplus
done
t "an unknown command is named" 2 "" "nonsense" nonsense
t "a word too many behind --version" 2 "" "surplus" --version surplus
QW_CPU=scalar t "--version names the kernels in use" 0 '*' "" --version
grep -q ', kernels scalar (' "$d/out" && pass "--version: those that QW_CPU chooses" || fail "--version: those that QW_CPU chooses" "found: $(cat "$d/out")"
QW_CPU=pentium t "--version: QW_CPU is none" 2 "" "QW_CPU: 'pentium'" --version
QW_CPU=pentium t "run: QW_CPU is named" 2 "" "QW_CPU is set to 'pentium'" run -p hi
QW_WEIGHT_TYPE=q9 t "run: QW_WEIGHT_TYPE is named" 2 "" "QW_WEIGHT_TYPE is set to 'q9'" run -p hi
QW_KV_TYPE=q3 t "run: QW_KV_TYPE is named" 2 "" "QW_KV_TYPE: 'q3'" run -p hi
QW_CPU_LIST=x t "run: QW_CPU_LIST is named" 2 "" "QW_CPU_LIST: 'x'" run -p hi
for bad in "-n 0" "-n 1.5" "-n x" "-n 99999999999" "-c -1" "-b 0" "-s -1" "-s 18446744073709551616" "--temp -1" "--temp nan" "--temp inf" "--temp 0x1" \
           "--top-k -1" "--top-p 1.1" "--min-p 2" "-t 0" "-t 257" "-t 1e9" "-tb 0" "-tb 257" "-tb 1.5" "-tb x" "-q q9" "-l 1" "--template nonsense" "--think=1" "--temp="; do
    flag=${bad%%[ =]*}
    value=${bad#*[ =]}
    t "run: $bad is refused" 2 "" "${value:-$flag}|$flag" run -p x $bad
done
t "run: -l 99999+1 is refused" 2 "" "99999" run -p x -l 99999+1
for bad in 1-0 x 0,x 0,,0 0- -1 1024 99999999999 0-1023; do
    t "run: --cpu-list $bad is refused" 2 "" "--cpu-list: ('${bad#0,}|'' in '$bad|CPU [0-9]+ does not exist; this machine has)" run -p x --cpu-list "$bad"
done
t "run: an empty --cpu-list is refused" 2 "" "--cpu-list: '' in ''" run -p x --cpu-list ""
t "an unknown template name leaves no empty lines" 2 "" "nonsense" template --messages - --jsonl --template nonsense < /dev/null
t "thinking where the template cannot" 2 "" "cannot think" run -p x --template instruct2507 --think
t "no thinking where the template cannot" 2 "" "always thinks" run -p x --template thinking2507 --no-think
t "a system message without a template" 2 "" "system message" run -p x --template none -sys y
QW_THREADS=many t "a bad environment variable is named" 2 "" "QW_THREADS" run -p x
QW_THREADS_BATCH=many t "a bad environment variable is named: -tb" 2 "" "QW_THREADS_BATCH" run -p x
QW_CTX_SIZE=5 t "the environment sets flags" 5 "" "5 positions" run -p x
QW_CTX_SIZE=5 t "the command line wins over the environment" 0 "2 + 3 = 5\n" "" run -p "What is 2 plus 3?" $plain -c 100

# ---- which model ----

t "no such model" 1 "" "/no/such" run -p x -m /no/such
t "a model directory without config.json" 1 "" "config.json" run -p x -m include
t "a file that is no model" 1 "" "Makefile|config.json" run -p x -m Makefile
(
    unset QW_MODEL
    t "the bundled model of ./models, named in one line" 0 "2 + 3 = 5\n" "models/tiny" run -p "What is 2 plus 3?" $plain
    [ "$(wc -l < "$d/err")" -eq 1 ] && pass "one line names the model" || fail "one line names the model" "found: $(cat "$d/err")"
    t "--quiet: nothing on stderr" 0 "2 + 3 = 5\n" "" run -p "What is 2 plus 3?" $plain --quiet
    mkdir -p "$d/beside" "$d/prefix/bin" "$d/prefix/share/qw" "$d/empty"
    for place in beside prefix/bin empty; do cp "$bin" "$d/$place/qw"; done
    ln -s "$root/models" "$d/beside/models"
    ln -s "$root/models" "$d/prefix/share/qw/models"
    cd "$d/empty" || exit
    QW=$emulator$d/beside/qw
    t "the bundled model beside the binary, from another directory" 0 "1022\n" "models/tiny" tokenize -p Hello
    QW=$emulator$d/prefix/bin/qw
    t "the bundled model in PREFIX/share" 0 "1022\n" "models/tiny" tokenize -p Hello
    QW=$emulator$d/empty/qw
    t "no model anywhere" 1 "" "-m DIR or QW_MODEL" run -p x
)
if [ "$bin" != "$root/./qw" ]; then skip "make install" "QW is not ./qw"
elif ! ${MAKE:-make} -s install "PREFIX=$d/inst" > "$d/err" 2>&1; then fail "make install" "$(head -c 400 "$d/err")"
else
    (
        unset QW_MODEL
        cd /
        QW=$d/inst/bin/qw
        t "make install brings its model" 0 "2 + 3 = 5\n" "models/tiny" run -p "What is 2 plus 3?" $plain
    )
fi

# ---- run ----

t "run -p: the answer and nothing else" 0 "2 + 3 = 5\n" "" run -p "What is 2 plus 3?" $plain
t "run is the default when there is a prompt" 0 "2 + 3 = 5\n" "" -p "What is 2 plus 3?" $plain
printf 'What is 2 plus 3?\n' > "$d/question"
t "run is the default when there is a pipe" 0 "2 + 3 = 5\n" "" $plain < "$d/question"
t "run -f FILE" 0 "2 + 3 = 5\n" "" -f "$d/question" $plain < /dev/null
t "run -f -" 0 "2 + 3 = 5\n" "" -f - $plain < "$d/question"
t "--long=VALUE" 0 "2 + 3 = 5\n" "" "--prompt=What is 2 plus 3?" $plain < /dev/null
t "run with stdin closed" 0 "2 + 3 = 5\n" "" -p "What is 2 plus 3?" $plain <&-
t "no prompt: empty stdin" 2 "" "no prompt" run < /dev/null
t "no prompt: closed stdin" 2 "" "no prompt" <&-
$QW run $raw -n 6 -v -p "Once upon

a time there was" < /dev/null > "$d/same" 2> "$d/same.err"
printf 'a time there was\n' | same "stdin joins -p behind a blank line, less one newline" run $raw -n 6 -p "Once upon"
joined=$(sed -n 's/.*prompt \([0-9]*\) tokens.*/\1/p' "$d/same.err")
printf 'a time there was\n' | $QW run $raw -n 6 -v -p "Once upon" 2>&1 > /dev/null | grep -q "prompt $joined tokens" &&
    pass "stdin joins -p: as many tokens" || fail "stdin joins -p: as many tokens" "expected $joined tokens"
printf 'a time there was\n\n' | $QW run $raw -n 6 -v -p "Once upon" 2>&1 > /dev/null | grep -q "prompt $joined tokens" &&
    fail "only one newline goes" "expected more than $joined tokens" || pass "only one newline goes"

t "-sys reaches the model" 0 '*' "prompt [0-9]+ tokens" run -p hi -sys "Answer in one word." $plain -v
with=$(sed -n 's/.*prompt \([0-9]*\) tokens.*/\1/p' "$d/err")
$QW run -p hi $plain -v > /dev/null 2> "$d/err"
without=$(sed -n 's/.*prompt \([0-9]*\) tokens.*/\1/p' "$d/err")
[ "${with:-0}" -gt "${without:-0}" ] && pass "-sys adds tokens" || fail "-sys adds tokens" "expected more than $without, found $with"
t "-n 1 is one token" 0 '*' "answer 1 tokens" run $raw -p "Once upon a time" -n 1 -v
t "-c: a prompt longer than the context" 5 "" "context" run -p "What is 2 plus 3?" -c 8
t "-c: the context fills up" 5 '*' "context of 40" run -p "Tell me a story." --no-think -s 1 -c 40
t "-c beyond the model's" 2 "" "1 to 1024" run -p x -c 1025
t "-n and thoughts only: nothing on stdout, and a word why" 0 "" "thoughts" run -p "What is 2 plus 3?" -s 1 -n 2
$QW run -s 7 -p "Tell me a story." --no-think -n 24 > "$d/same"
same "-s: the same text again" run -s 7 -p "Tell me a story." --no-think -n 24
for f in "-b 1" "-b 3" "-b 65536" "-t 1" "-t 2" "-t 5" "-t 1 -tb 3" "-t 3 -tb 1" "--cpu-list $cpu" "--cpu-list $cpu -t 4" "-q bf16" "-n -1 -n 24" "-c 0"; do
    same "$f: the same text" run -s 7 -p "Tell me a story." --no-think -n 24 $f
done
$QW run -s 8 -p "Tell me a story." --no-think -n 24 > "$d/out"
cmp -s "$d/same" "$d/out" && fail "another seed, another text" "found the same: $(cat "$d/out")" || pass "another seed, another text"
$QW run $raw -p "Once upon a time" -n 12 > "$d/same"
for f in "--top-k 1" "--top_k=1" "--top-p 0" "--min-p 1"; do
    same "$f at temperature 2 is greedy" run --template none -p "Once upon a time" -n 12 --temp 2 $f
done
t "--think shows thoughts on stderr" 0 "2 + 3 = 5\n" '*' run -p "What is 2 plus 3?" -s 1 --think < /dev/null
grep -q "2 + 3" "$d/err" && pass "--think: they are thoughts" || fail "--think: they are thoughts" "found: $(cat "$d/err")"
t "thoughts are dropped in a pipe" 0 "2 + 3 = 5\n" "" run -p "What is 2 plus 3?" -s 1 < /dev/null
t "--quiet wins over --think" 0 "2 + 3 = 5\n" "" run -p "What is 2 plus 3?" -s 1 --think --quiet < /dev/null
t "--no_think is --no-think" 0 "2 + 3 = 5\n" "" run -p "What is 2 plus 3?" --no_think --temp 0 < /dev/null
t "greedy thinking is warned of" 0 "2 + 3 = 5\n" "temperature 0" run -p "What is 2 plus 3?" --temp 0 < /dev/null
t "a bare model cannot run, and why" 1 "" "tokenizer.json" run -m "$bare" -p x

printf 'ab\377cd\376' | t "invalid UTF-8 on stdin is replaced" 0 '*' "stdin.* 2[; ]" run $raw -n 6
printf 'ab\377cd\376' | $QW run $raw -n 6 2> "$d/err" > "$d/same"
[ "$(wc -l < "$d/err")" -eq 1 ] && pass "invalid UTF-8 is warned of once" || fail "invalid UTF-8 is warned of once" "found: $(cat "$d/err")"
printf 'ab\357\277\275cd\357\277\275' | same "invalid UTF-8 is replaced by U+FFFD" run $raw -n 6
# Token 158 is the byte 0xE2, the beginning of a character that never ends.
t "no half characters come out" 0 '\0357\0277\0275\0357\0277\0275\0357\0277\0275\n' "" run $raw -p x -n 3 -l 158+100000
printf '<|im_end|>' | t "<|im_end|> in a pipe is text" 0 '*' "prompt $((without - 1 + $($QW tokenize --no-special -p '<|im_end|>' | wc -w))) tokens" run $plain -v -n 4
printf '<|im_end|>' | t "--special: <|im_end|> is one token" 0 '*' "prompt $without tokens" run $plain -v -n 4 --special

# ---- tokenize, detokenize ----

t "tokenize -p" 0 "1022 220 4072\n" "" tokenize -p "Hello <|im_end|>"
printf 'Hello <|im_end|>' | t "tokenize stdin" 0 "1022 220 4072\n" "" tokenize
t "tokenize --no-special" 0 "1022 473 91 329 62 413 91 29\n" "" tokenize --no-special -p "Hello <|im_end|>"
printf '\n' | t "tokenize keeps every byte of stdin" 0 "198\n" "" tokenize
t "tokenize nothing" 0 "\n" "" tokenize -p ""
t "tokenize closed stdin" 0 "\n" "" tokenize <&-
t "tokenize without weights or config" 0 "9707 1879\n" "" tokenize -m tests/fixtures/qwen3-tokenizer -p "Hello world"
t "tokenize with the file itself" 0 "9707 1879\n" "" tokenize -m tests/fixtures/qwen3-tokenizer/tokenizer.json -p "Hello world"
printf 'ab\377' | t "tokenize refuses invalid UTF-8, with its offset" 1 "" "byte 2" tokenize
printf '"Hello"\n"a\\u0000b"\n""\n"<|im_end|>"' | t "tokenize --jsonl" 0 "1022\n64 188 65\n\n4072\n" "" tokenize --jsonl
printf '"<|im_end|>"\n' | t "tokenize --jsonl --no-special" 0 "$($QW tokenize --no-special -p '<|im_end|>')\n" "" tokenize --jsonl --no-special
printf '"Hello"\nbad\n"\\ud800"\n"a\377"\n7\n\n"Hello"\n' | t "tokenize --jsonl: bad lines are empty lines" 1 "1022\n\n\n\n\n\n1022\n" '*' tokenize --jsonl
[ "$(sed -n 's/^qw: line \([0-9]*\):.*/\1/p' "$d/err" | tr '\n' ' ')" = "2 3 4 5 6 " ] &&
    pass "tokenize --jsonl: bad lines are numbered" || fail "tokenize --jsonl: bad lines are numbered" "expected lines 2 to 6, found: $(cat "$d/err")"
t "tokenize --jsonl with -p" 2 "" "--jsonl" tokenize --jsonl -p x
t "tokenize a directory on stdin" 1 "" "stdin" tokenize < include
t "tokenize without a tokenizer" 1 "" "tokenizer.json" tokenize -m "$bare" -p x

t "detokenize arguments" 0 "Hello <|im_end|>" "" detokenize 1022 220,4072
printf '1022, 220\n4072\n' | t "detokenize stdin" 0 "Hello <|im_end|>" "" detokenize
t "detokenize raw bytes" 0 '\0342' "" detokenize 158
t "detokenize nothing" 0 "" "" detokenize < /dev/null
t "detokenize without weights or config" 0 "Hello world" "" detokenize -m tests/fixtures/qwen3-tokenizer 9707 1879
t "detokenize an id beyond the vocabulary" 1 "" "99999" detokenize 99999
t "detokenize a word" 1 "" "'x'" detokenize x
t "detokenize a negative id" 1 "" "'-1'" detokenize -1
t "detokenize a huge id" 1 "" "99999999999999999999" detokenize 99999999999999999999
printf '1022\000220' | t "detokenize a NUL byte" 1 '*' "NUL" detokenize
$QW tokenize < models/tiny/README.md | $QW detokenize | cmp -s - models/tiny/README.md &&
    pass "tokenize and back" || fail "tokenize and back" "expected the same bytes of models/tiny/README.md"

# ---- template ----

hi='{"messages":[{"role":"user","content":"hi"}]'
user='<|im_start|>user\nhi<|im_end|>\n'
echo "$hi}" > "$d/hi.json"
t "template: no generation prompt by default, no newline added" 0 "$user" "" template --messages "$d/hi.json"
echo "$hi,\"add_generation_prompt\":true}" | t "template: add_generation_prompt" 0 "$user<|im_start|>assistant\n" "" template --messages -
for name in hybrid instruct2507 thinking2507; do
    case $name in thinking2507) think='<think>\n' ;; *) think= ;; esac
    echo "$hi,\"add_generation_prompt\":true}" | QW_MODEL=/no/such t "template --template $name needs no model" 0 "$user<|im_start|>assistant\n$think" "" template --messages - --template $name
done
echo "$hi,\"add_generation_prompt\":true,\"enable_thinking\":false}" |
    t "template: enable_thinking" 0 "$user<|im_start|>assistant\n<think>\n\n</think>\n\n" "" template --messages - --template hybrid
t "template needs tokenizer files at most" 0 "$user" "" template --messages "$d/hi.json" -m tests/fixtures/qwen3-tokenizer
echo "$hi,\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"big\":12345678901234567890,\"e\":1.50E+2}}]}" |
    t "template: tools" 0 '*' "" template --messages - --template hybrid
grep -q '12345678901234567890' "$d/out" && grep -qF '1.50E+2' "$d/out" && pass "template: numbers keep their spelling" ||
    fail "template: numbers keep their spelling" "expected 12345678901234567890 and 1.50E+2 in: $(cat "$d/out")"
printf '%s}\nbad\n\n{}\n%s}' "$hi" "$hi" | t "template --jsonl: bad lines are empty lines" 1 '"<|im_start|>user\\nhi<|im_end|>\\n"\n\n\n\n"<|im_start|>user\\nhi<|im_end|>\\n"\n' '*' template --jsonl --messages - --template hybrid
[ "$(sed -n 's/^qw: line \([0-9]*\):.*/\1/p' "$d/err" | tr '\n' ' ')" = "2 3 4 " ] &&
    pass "template --jsonl: bad lines are numbered" || fail "template --jsonl: bad lines are numbered" "expected lines 2 to 4, found: $(cat "$d/err")"
t "template --jsonl of a file" 0 '"<|im_start|>user\\nhi<|im_end|>\\n"\n' "" template --jsonl --messages "$d/hi.json"
echo "bad" | t "template: bad JSON" 1 "" "not valid JSON" template --messages -
t "template without --messages" 2 "" "--messages" template
t "template: no such file" 1 "" "/no/such" template --messages /no/such
t "template: a directory" 1 "" "include" template --messages include
t "template --jsonl: a directory" 1 "" "include" template --jsonl --messages include
t "template: a model without one" 1 "" "chat template" template --messages "$d/hi.json" -m "$bare"

# ---- logits, info ----

ids=245,229,139,200,129,168,235,147,310
t "logits -o FILE, without a tokenizer" 0 "" "" logits -m "$bare" --ids $ids -o "$d/logits"
[ "$(wc -c < "$d/logits")" -eq $((9 * 320 * 4)) ] && pass "logits: a float for each token and position" ||
    fail "logits: a float for each token and position" "expected $((9 * 320 * 4)) bytes, found $(wc -c < "$d/logits")"
for b in 1 4 65536; do t "logits -b $b -o -: the same bytes" 0 "@$d/logits" "" logits -m "$bare" --ids $ids -b $b -o -; done
cmp -s "$d/logits" "$bare/logits1.f32" || {     # little-endian: sign and exponent stand in the last byte of each float
    od -An -v -tu1 -w4 "$d/logits" | awk '{ print $4 }' > "$d/a"
    od -An -v -tu1 -w4 "$bare/logits1.f32" | awk '{ print $4 }' > "$d/b"
}
if [ -f "$d/a" ] && [ "$(paste "$d/a" "$d/b" | awk '$1 != $2' | wc -l)" -gt 30 ]; then fail "logits: float32, little-endian" "expected the last bytes of $bare/logits1.f32"
else pass "logits: float32, little-endian"; fi
t "logits: -o is needed" 2 "" "-o" logits --ids 1
t "logits: --ids is needed" 2 "" "--ids" logits -o "$d/x"
for bad in 1,x 1,,2 "" 1,-2 1,99999; do
    t "logits --ids '$bad'" 2 "" "token id" logits --ids "$bad" -o "$d/x"
done
[ -z "$(ls "$d" | grep '^x')" ] && pass "logits: a failure leaves no file" || fail "logits: a failure leaves no file" "found: $(ls "$d")"
t "logits: more tokens than positions" 5 "" "1024" logits --ids "$(awk 'BEGIN { for (i = 0; i < 1024; i++) printf "5,"; print 5 }')" -o "$d/x"
t "logits: a directory" 1 "" "include" logits --ids 1 -o include
t "logits: an impossible place" 1 "" "/no/such" logits --ids 1 -o /no/such/file

t "info" 0 '*' "" info
for want in 'parameters +6164480' 'weights +BF16, 12328960 bytes' 'layers +6' 'vocabulary +4096' 'context +1024' 'chat template +hybrid' 'end tokens +4072 4070' \
            'tokenizer +tokenizer.json' 'files +.*model.safetensors' 'memory at -c 1024:.*cache as f32 6\.0 MiB'; do
    grep -qE "$want" "$d/out" && pass "info: $want" || fail "info: $want" "found: $(cat "$d/out")"
done
t "info -t -tb" 0 '*' "" info -t 2 -tb 3
grep -q '^threads          2, 3 for prompts, on CPUs [0-9]' "$d/out" && pass "info: threads" || fail "info: threads" "found: $(cat "$d/out")"
t "info --cpu-list" 0 '*' "" info --cpu-list "$cpu"
grep -q "^threads          1, on CPUs $cpu\$" "$d/out" && pass "info: one thread for each CPU listed" || fail "info: one thread for each CPU listed" "found: $(cat "$d/out")"
QW_CPU_LIST=$cpu QW_THREADS_BATCH=5 t "info: CPUs and -tb from the environment" 0 '*' "" info -t 2
grep -q "^threads          2, 5 for prompts, on CPUs $cpu\$" "$d/out" && pass "info: -t wins over --cpu-list" || fail "info: -t wins over --cpu-list" "found: $(cat "$d/out")"
t "info -c" 0 '*' "" info -c 512
grep -q 'memory at -c 512:.*cache as f32 3\.0 MiB' "$d/out" && pass "info: memory at -c" || fail "info: memory at -c" "found: $(cat "$d/out")"
t "info --kv q8" 0 '*' "" info -c 1024 --kv q8
grep -q 'cache as q8 1\.6 MiB' "$d/out" && pass "info: a cache of q8" || fail "info: a cache of q8" "found: $(cat "$d/out")"
t "info -q q4" 0 '*' "" info -q q4
grep -q 'cache as q8' "$d/out" && pass "info: q8 is the cache of q4" || fail "info: q8 is the cache of q4" "found: $(cat "$d/out")"
for command in run chat info bench "logits --ids 1 -o $d/x"; do
    t "${command%% *} --kv: unknown" 2 "" "--kv: 'q3' is unknown; there are f32, f16 and q8" $command --kv q3
done
t "info of a larger context" 0 '*' "" info -m "$bare"
grep -q 'memory at -c 4096:' "$d/out" && pass "-c unset: 4096 at most" || fail "-c unset: 4096 at most" "found: $(cat "$d/out")"
t "info -c beyond the model's" 2 "" "1 to 1024" info -c 1025

# ---- streams that break ----

for c in "run -p hi $plain" "tokenize -p hi" "detokenize 1022" "template --messages $d/hi.json" "logits --ids 1 -o -" info help "help run" --version; do
    $QW $c >&- 2> "$d/err"; status=$?; : > "$d/out"
    compare "closed stdout: ${c%% *}" 1 "" "cannot write stdout"
    if [ -c /dev/full ]; then
        $QW $c > /dev/full 2> "$d/err"; status=$?
        compare "full stdout: ${c%% *}" 1 "" "cannot write stdout"
    else skip "full stdout: ${c%% *}" "no /dev/full"; fi
done
if [ -c /dev/full ]; then
    $QW bench -p 1 -n 1 -r 1 -o json > /dev/full 2> "$d/err"; status=$?
    compare "full stdout: bench" 1 "" "cannot write stdout"
    [ "$(grep -c "cannot write" "$d/err")" -eq 1 ] && pass "full stdout: told once" || fail "full stdout: told once" "found: $(cat "$d/err")"
else skip "full stdout: bench" "no /dev/full"; fi
t "closed stderr" 0 "2 + 3 = 5\n" "" run -p "What is 2 plus 3?" $plain 2>&-
{ $QW run -p "Tell me a story." --no-think -s 1 2> "$d/err"; echo $? > "$d/rc"; } | head -c 1 > "$d/out"
status=$(cat "$d/rc")
[ "$status" -ne 0 ] && status=broken
[ "$(wc -c < "$d/out")" -eq 1 ] && compare "a reader that leaves: quiet" broken '*' "" || fail "a reader that leaves: quiet" "expected one byte"
{ (trap '' PIPE; $QW run -p "Tell me a story." --no-think -s 1 2> "$d/err"; echo $? > "$d/rc") } | head -c 1 > "$d/out"
status=$(cat "$d/rc")
compare "a reader that leaves, SIGPIPE ignored: quiet" 1 '*' ""
t "-f: a directory" 1 "" "include" run -f include
t "-f: no such file" 1 "" "/no/such" run -f /no/such < /dev/null
t "stdin: a directory" 1 "" "stdin" run < include
if [ "$(id -u)" -ne 0 ]; then
    echo x > "$d/secret" && chmod 000 "$d/secret"
    t "-f: an unreadable file" 1 "" "secret" run -f "$d/secret" < /dev/null
elif [ -e /proc/self/mem ]; then t "-f: an unreadable file" 1 "" "/proc/self/mem" run -f /proc/self/mem < /dev/null
else skip "-f: an unreadable file" "root may read all, and there is no /proc"; fi

if [ -c /dev/full ]; then t "logits -o on a full device" 1 "" "/dev/full" logits --ids 1,2,3 -o /dev/full
else skip "logits -o on a full device" "no /dev/full"; fi
mkdir "$d/small"
many=$(awk 'BEGIN { for (i = 0; i < 199; i++) printf "5,"; print 5 }')
(ulimit -f 64; t "logits -o beyond ulimit -f" 1 "" "small/x" logits --ids $many -o "$d/small/x")
[ -z "$(ls -A "$d/small")" ] && pass "logits -o beyond ulimit -f leaves nothing" || fail "logits -o beyond ulimit -f leaves nothing" "found: $(ls -A "$d/small")"
for namespace in "unshare -m" "unshare -rm" ""; do
    [ -n "$namespace" ] && $namespace mount -t tmpfs -o size=64k tmpfs "$d/small" 2> /dev/null && break
done
if [ -n "$namespace" ]; then
    $namespace sh -c "mount -t tmpfs -o size=64k tmpfs '$d/small' && { $QW logits --ids $many -o '$d/small/x'; rc=\$?; ls -A '$d/small'; exit \$rc; }" > "$d/out" 2> "$d/err"
    status=$?
    compare "logits -o on a full disk fails and leaves nothing" 1 "" "small/x: No space"
else skip "logits -o on a full disk" "cannot mount a tmpfs"; fi
echo old > "$d/old"
t "logits -o keeps the old file when it fails" 2 "" "token id" logits --ids 1,99999 -o "$d/old"
[ "$(cat "$d/old")" = old ] && pass "the old file is as it was" || fail "the old file is as it was" "found other bytes"

# ---- memory ----

# The bundled model with a context of 6 GiB, which also no patience fills.
mkdir "$d/long"
for f in "$tiny"/*; do ln -s "$f" "$d/long"; done
rm "$d/long/config.json"
sed 's/"max_position_embeddings": 1024/"max_position_embeddings": 1048576/' "$tiny/config.json" > "$d/long/config.json"
if sh -c "ulimit -v 4000000 && $QW --version; exit \$?" > /dev/null 2>&1; then
    (ulimit -v 4000000; t "a context that does not fit in memory" 3 "" "memory|available" run -p x -m "$d/long" -c 1048576)
    (ulimit -v 4000000; t "-c unset fits all the same" 0 "2 + 3 = 5\n" "" run -p "What is 2 plus 3?" $plain -m "$d/long")
else skip "a context that does not fit in memory" "ulimit -v does not work for $QW"; fi
for room in 16 18 20 22 24 26 28 30 32 34 36; do      # MB: the first that suffices for the model has none left for the read bandwidth
    (ulimit -v ${room}000; $QW bench -p 0 -n 1 -r 1 -t 1 -o jsonl) > "$d/out" 2> "$d/err"; status=$?
    [ $status -ne 0 ] || break
done
if [ $status -eq 0 ]; then
    compare "bench with little memory" 0 '*' "read bandwidth unknown"
    grep -q '"read_gb_per_s": null, "percent_of_read": null' "$d/out" && pass "bench with little memory: null" || fail "bench with little memory: null" "found: $(cat "$d/out")"
else skip "bench with little memory" "36 MB do not suffice for $QW"; fi

# ---- Ctrl-C ----

# wait_for COMMAND...: until it succeeds, 20 seconds at most
wait_for() {
    for i in $(awk 'BEGIN { for (i = 0; i < 400; i++) print i }'); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}
# interrupt NAME RC OUT ERR: SIGINT to $pid, then as compare
interrupt() {
    kill -INT $pid 2> /dev/null
    wait_for ended || kill -9 $pid
    wait $pid
    status=$?
    pid=
    compare "$@"
}
# A process that has ended is gone or a zombie until it is waited for.
ended() { ! kill -0 $pid 2> /dev/null || [ "$(sed 's/.*) \(.\).*/\1/' /proc/$pid/stat 2> /dev/null)" = Z ]; }
part() { ls "$d"/interrupted.*.part > /dev/null 2>&1; }

endless="-m $d/long -c 40960 --template none --temp 0 -l 4070-100000 -l 4072-100000"
: > "$d/out"                                # what is waited for must be its own, not left from before
$QW run $endless -p "Once upon a time" > "$d/out" 2> "$d/err" < /dev/null & pid=$!
wait_for test -s "$d/out"
interrupt "Ctrl-C while it answers" 130 '*' ""
[ "$(tail -c 1 "$d/out" | od -An -c | tr -d ' ')" = '\n' ] && pass "Ctrl-C while it answers: the line ends" || fail "Ctrl-C while it answers: the line ends" "$(tail -c 20 "$d/out")"
awk 'BEGIN { for (i = 0; i < 30000; i++) printf "and " }' > "$d/prompt"
$QW run $endless -b 8 > "$d/out" 2> "$d/err" < "$d/prompt" & pid=$!
sleep 1
interrupt "Ctrl-C while it reads the prompt" 130 "" ""
$QW run $endless -p "Once upon a time" > "$d/out" 2> "$d/err" < /dev/null & pid=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do kill -INT $pid 2> /dev/null; sleep 0.01; done
interrupt "Ctrl-C while it loads" 130 "@$d/out" ""
mkfifo "$d/fifo"
exec 3<> "$d/fifo"
for c in run tokenize chat; do
    $QW $c > "$d/out" 2> "$d/err" < "$d/fifo" & pid=$!
    sleep 0.5
    interrupt "Ctrl-C while $c waits for stdin" 130 "" ""
done
exec 3>&-
for signal in INT TERM; do
    $QW logits -m "$bare" --ids "$(awk 'BEGIN { for (i = 0; i < 30000; i++) printf "5,"; print 5 }')" -b 16 -o "$d/interrupted" > "$d/out" 2> "$d/err" & pid=$!
    wait_for part || fail "logits writes beside its file" "no $d/interrupted.*.part"
    [ $signal = INT ] || kill -$signal $pid
    interrupt "SIG$signal during logits -o" $([ $signal = INT ] && echo 130 || echo 143) "" ""
    [ -z "$(ls "$d" | grep '^interrupted')" ] && pass "SIG$signal during logits -o leaves no file" || fail "SIG$signal during logits -o leaves no file" "found: $(ls "$d")"
done

# ---- quantize ----

mkdir "$d/q"
q4=$d/q/t4.safetensors
cp -R "$tiny" "$d/copy"
t "quantize" 0 "" "" quantize -m "$d/copy" -q q4 -o "$q4"
t "quantize -q q8" 0 "" "" quantize -m "$d/copy" -q q8 -o "$d/q/t8.safetensors"
cmp "$tiny/model.safetensors" "$d/copy/model.safetensors" && [ "$(ls "$tiny")" = "$(ls "$d/copy")" ] &&
    pass "quantize leaves the model as it is" || fail "quantize leaves the model as it is" "$(ls "$d/copy")"
t "quantize --verify" 0 "" "all checksums are right" quantize --verify -m "$q4"
for q in 4 8; do
    $QW run -q q$q -p "What is 2 plus 3?" $plain > "$d/same" 2> /dev/null
    t "a packed file answers as -q q$q does" 0 "@$d/same" "" run -q q$q -m "$d/q/t$q.safetensors" -p "What is 2 plus 3?" $plain
done
t "a packed file as q8" 2 "" "packed as q4.* as q8" run -m "$q4" -q q8 -p hi
t "tokenize -m FILE" 0 "1022 220 4072\n" "" tokenize -m "$q4" -p "Hello <|im_end|>"
t "detokenize -m FILE" 0 "Hello <|im_end|>" "" detokenize -m "$q4" 1022 220 4072
t "template -m FILE" 0 "$user" "" template -m "$q4" --messages "$d/hi.json"
t "info -m FILE" 0 '*' "" info -m "$q4"
grep -q 'weights as q4' "$d/out" && pass "info -m FILE: q4" || fail "info -m FILE: q4" "found: $(cat "$d/out")"
t "quantize --verify with another flag" 2 "" "nothing else" quantize --verify -m "$q4" -q q8
QW_WEIGHT_TYPE=auto t "quantize: QW_WEIGHT_TYPE is for running" 0 "" "" quantize -o "$d/q/x.safetensors"
t "quantize without a tokenizer says so" 0 "" "no tokenizer: .*tokenizer.json" quantize -m "$bare" -o "$d/q/x.safetensors"
grep -q "no chat template: " "$d/err" && pass "quantize without a template says so" || fail "quantize without a template says so" "found: $(cat "$d/err")"
t "info of a packed file" 0 '*' "" info -m "$q4"
grep -q '^weights          q4 of BF16, ' "$d/out" && pass "info of a packed file: its type" || fail "info of a packed file: its type" "found: $(cat "$d/out")"
rm "$d/q/x.safetensors"
t "quantize a packed file" 2 "" "packed already" quantize -m "$q4" -o "$d/q/x.safetensors"
t "quantize without -o" 2 "" "-o FILE" quantize
t "quantize -o of another name" 2 "" "must end in .safetensors" quantize -o "$d/q/x.bin"
t "quantize -q bf16" 2 "" "'bf16'.*q8 and q4" quantize -q bf16 -o "$d/q/x.safetensors"
t "quantize -o onto the model" 2 "" "file of the model itself" quantize -m "$d/copy" -o "$d/copy/model.safetensors"
mv "$d/copy/model.safetensors" "$d/copy/model-1.safetensors"
for name in model-1 model-2 model; do
    t "quantize -o among shards: $name" 2 "" "file of the model itself" quantize -m "$d/copy" -o "$d/copy/$name.safetensors"
done
t "quantize -o into no directory" 1 "" "/no/such" quantize -o /no/such/x.safetensors
(ulimit -f 64; t "quantize beyond ulimit -f" 1 "" "q/x.safetensors: File too large" quantize -o "$d/q/x.safetensors")
if [ -n "$namespace" ]; then
    $namespace sh -c "mount -t tmpfs -o size=64k tmpfs '$d/small' && { $QW quantize -o '$d/small/x.safetensors'; rc=\$?; ls -A '$d/small'; exit \$rc; }" > "$d/out" 2> "$d/err"
    status=$?
    compare "quantize on a full disk fails and leaves nothing" 1 "" "x.safetensors: No space"
else skip "quantize on a full disk" "cannot mount a tmpfs"; fi
[ "$(ls -A "$d/q" | tr '\n' ' ')" = "t4.safetensors t8.safetensors " ] && pass "quantize: a failure leaves no file" || fail "quantize: a failure leaves no file" "found: $(ls -A "$d/q")"
echo old > "$d/q/x.safetensors"
(ulimit -f 64; t "quantize beyond ulimit -f, over a file" 1 "" "File too large" quantize -o "$d/q/x.safetensors")
[ "$(cat "$d/q/x.safetensors")" = old ] && pass "quantize: a failure keeps the old file" || fail "quantize: a failure keeps the old file" "found other bytes"
t "quantize over a file" 0 "" "" quantize -o "$d/q/x.safetensors"
cmp "$q4" "$d/q/x.safetensors" && pass "quantize over a file: the same bytes" || fail "quantize over a file: the same bytes"
rm "$d/q/x.safetensors"
ln -s ../t.safetensors "$d/q/x.safetensors"
echo old > "$d/t.safetensors"
t "quantize -o onto a link" 0 "" "" quantize -o "$d/q/x.safetensors"
[ -L "$d/q/x.safetensors" ] && cmp "$q4" "$d/t.safetensors" && pass "quantize -o onto a link writes where it points" || fail "quantize -o onto a link writes where it points"
rm "$d/t.safetensors"
t "quantize -o onto a link to nowhere" 1 "" "x.safetensors: No such file" quantize -o "$d/q/x.safetensors"
rm "$d/q/x.safetensors"
sh -c 'echo left > "$2/q/x.safetensors.$$.part"; exec $1 quantize -o "$2/q/x.safetensors"' - "$QW" "$d" > "$d/out" 2> "$d/err"; status=$?
compare "quantize beside what a process of the same number left" 0 "" ""
[ "$(cat "$d/q"/x.*.part)" = left ] && cmp "$q4" "$d/q/x.safetensors" && pass "quantize keeps it" || fail "quantize keeps it" "found: $(ls "$d/q")"
rm "$d/q"/x.*
mkdir "$d/q/x.safetensors"
t "quantize -o onto a directory" 1 "" "x.safetensors: Is a directory" quantize -o "$d/q/x.safetensors"
rmdir "$d/q/x.safetensors"
if [ -w /dev/full ]; then
    ln -s /dev/full "$d/q/x.safetensors"
    t "quantize onto a full device" 1 "" "x.safetensors: No space" quantize -o "$d/q/x.safetensors"
    rm "$d/q/x.safetensors"
else skip "quantize onto a full device" "no /dev/full"; fi
mv "$d/copy/model-1.safetensors" "$d/copy/model.safetensors"
cmp "$tiny/model.safetensors" "$d/copy/model.safetensors" && pass "quantize: failures leave the model as it is" || fail "quantize: failures leave the model as it is"
data=$(($(head -c 8 "$d/copy/model.safetensors" | od -An -t u4 | awk '{ print $1 }') + 8))
printf '\200\177' | dd of="$d/copy/model.safetensors" bs=1 seek=$((data + 512 * 7)) conv=notrunc 2> /dev/null
t "quantize: an infinite weight is refused by name" 1 "" "copy/model.safetensors: tensor 'model.embed_tokens.weight', row 7: .*not finite" quantize -m "$d/copy" -o "$d/q/x.safetensors"
t "run -q q8: so it is while loading" 1 "" "row 7: .*not finite" run -m "$d/copy" -q q8 -p x

# A vocabulary that keeps a thread busy for seconds, in a file that takes no room.
mkdir "$d/wide"
sed 's/"hidden_size": 256/"hidden_size": 1024/; s/"intermediate_size": 768/"intermediate_size": 1/; s/"num_hidden_layers": 6/"num_hidden_layers": 1/
     s/"num_attention_heads": 6/"num_attention_heads": 2/' "$tiny/config.json" > "$d/wide/config.json"
cp "$tiny/tokenizer.json" "$tiny/tokenizer_config.json" "$d/wide"
awk -v size="$d/size" 'BEGIN {
    n = split("embed_tokens 524288 1024 norm 1024 0 input_layernorm 1024 0 post_attention_layernorm 1024 0 self_attn.q_norm 64 0 self_attn.k_norm 64 0 " \
              "self_attn.q_proj 128 1024 self_attn.k_proj 128 1024 self_attn.v_proj 128 1024 self_attn.o_proj 1024 128 mlp.gate_proj 1 1024 " \
              "mlp.up_proj 1 1024 mlp.down_proj 1024 1", a, " ")
    for (i = 1; i < n; i += 3) {
        bytes = 2 * a[i + 1] * (a[i + 2] ? a[i + 2] : 1)
        s = s sprintf("%s\"model.%s%s.weight\":{\"dtype\":\"BF16\",\"shape\":[%d%s],\"data_offsets\":[%d,%d]}", s ? "," : "{", i < 6 ? "" : "layers.0.", a[i],
                      a[i + 1], a[i + 2] ? "," a[i + 2] : "", at, at + bytes)
        at += bytes
    }
    printf "%d", at + 2008 > size
    printf "%-2000s", s "}" }' > "$d/header"
{ printf '\320\007\0\0\0\0\0\0'; cat "$d/header"; } > "$d/wide/model.safetensors"
if truncate -s "$(cat "$d/size")" "$d/wide/model.safetensors" 2> /dev/null; then
    wide="quantize -m $d/wide -t 1 -o $d/interrupted.safetensors"
    untouched() {
        [ "$(ls "$d" | grep '^interrupted') $(cat "$d/interrupted.safetensors")" = "interrupted.safetensors old" ] &&
            pass "$1 during quantize leaves what was there" || fail "$1 during quantize leaves what was there" "found: $(ls "$d")"
    }
    echo old > "$d/interrupted.safetensors"
    for signal in INT:130 TERM:143 XCPU:152; do
        $QW $wide > "$d/out" 2> "$d/err" & pid=$!
        wait_for part || fail "quantize writes beside its file" "no $d/interrupted.*.part: $(cat "$d/err")"
        [ $signal = INT:130 ] || kill -${signal%:*} $pid
        interrupt "SIG${signal%:*} during quantize" ${signal#*:} "" ""
        untouched "SIG${signal%:*}"
    done
    for threads in 1 3; do
        $QW $wide -t $threads > "$d/out" 2> "$d/err" & pid=$!
        wait_for part
        cp "$d/header" "$d/wide/model.safetensors"
        wait_for ended
        wait $pid
        status=$? pid=
        compare "a model that becomes shorter, $threads threads" 1 "" "cannot be read any more"
        untouched "a model that becomes shorter, $threads threads,"
        { printf '\320\007\0\0\0\0\0\0'; cat "$d/header"; } > "$d/wide/model.safetensors"
        truncate -s "$(cat "$d/size")" "$d/wide/model.safetensors"
    done
    rm "$d/interrupted.safetensors"
else skip "Ctrl-C during quantize" "cannot make a sparse file"; fi
head -c 1000000 "$q4" > "$d/damaged" && printf '\377\377\377' >> "$d/damaged" && tail -c +1000004 "$q4" >> "$d/damaged"
mv "$d/damaged" "$q4"
t "quantize --verify of a damaged file" 1 "" "tensor '.*' is damaged" quantize --verify -m "$q4"

# ---- bench ----

python=${PYTHON:-python3}
small="bench -p 16 -n 4 -r 2"
t "bench: a table" 0 '*' "threads: loaded" $small -pg 8,2 -d 0,32
rows=$(awk -F' *[|] *' 'NR > 2 { printf "%s;", $9 }' "$d/out")
want="pp16;tg4;pp8+tg2;pp16 @ d32;tg4 @ d32;pp8+tg2 @ d32;"
[ "$rows" = "$want" ] && pass "bench: its rows" || fail "bench: its rows" "expected $want" "found $rows" "$(cat "$d/out")"
t "bench -o csv" 0 '*' "threads: loaded" $small -o csv
[ "$(awk -F'","' 'NR == 1 { n = NF } $0 !~ /^"model_filename",|^".*models\/tiny",/ || NF != n || n < 20 { print }' "$d/out")$(wc -l < "$d/out")" -eq 3 ] &&
    pass "bench: csv is well-formed" || fail "bench: csv is well-formed" "$(cat "$d/out")"
for format in json jsonl; do
    t "bench -o $format" 0 '*' "1 thread: loaded" $small -t 1,2 -o $format
    if ! command -v "$python" > /dev/null; then skip "bench: $format is well-formed" "python3 is missing"; continue; fi
    if "$python" - $format "$d/out" > "$d/a" 2>&1 << 'EOF'
import json, sys
text = open(sys.argv[2]).read()
rows = json.loads(text) if sys.argv[1] == "json" else [json.loads(line) for line in text.splitlines()]
assert [(r["n_threads"], r["n_prompt"], r["n_gen"]) for r in rows] == [(1, 16, 0), (1, 0, 4), (2, 16, 0), (2, 0, 4)]
for r in rows:
    ns, ts, tokens = r["samples_ns"], r["samples_ts"], r["n_prompt"] + r["n_gen"]
    assert len(ns) == len(ts) == 2 and abs(r["avg_ns"] - sum(ns) / 2) < 2 and abs(r["avg_ts"] - sum(ts) / 2) < 0.01 * r["avg_ts"]
    assert all(abs(t * n / 1e9 - tokens) < 0.01 for n, t in zip(ns, ts))
    assert r["model_n_params"] > 0 and r["model_size"] > 0 and r["read_gb_per_s"] > 0 and len(r["logits_hash"]) == 16
    if r["n_gen"]: assert r["ttft_ns"] is None and r["bytes_per_token"] > 0 and r["gb_per_s"] > 0 and r["percent_of_read"] > 0
    else: assert r["ttft_ns"] > r["load_ns"] and r["bytes_per_token"] is r["gb_per_s"] is r["percent_of_read"] is None
EOF
    then pass "bench: $format is well-formed"; else fail "bench: $format is well-formed" "$(cat "$d/a" "$d/out")"; fi
done
for type in "bf16" "bf16 --kv f16" "bf16 --kv q8" q8 q4; do      # one hash, whatever computed it; another for another type
    for how in "-t 1,2" "-t 2 -b 1 --cpu scalar" "-t 3 -b 7"; do
        $QW bench -p 1 -n 0 -r 1 --no-warmup -o jsonl -q $type $how 2> "$d/err" || cat "$d/err"
    done | sed 's/.*"logits_hash": "\([0-9a-f]*\)".*/\1/' > "$d/out"
    sort -u "$d/out" > "$d/a"
    cat "$d/a" >> "$d/hashes"
    [ "$(grep -c '^[0-9a-f]*$' "$d/out") $(wc -l < "$d/a")" = "4 1" ] && pass "bench: one hash for $type" || fail "bench: one hash for $type" "found: $(cat "$d/out")"
done
[ "$(sort -u "$d/hashes" | wc -l)" -eq 5 ] && pass "bench: a hash for each type" || fail "bench: a hash for each type" "$(cat "$d/hashes")"
for bad in "-o xml" "-p 16,x" "-p 1,,2" "-n -4" "-t 0" "-t 1,257" "--cpu-list 0,x" "-pg 5" "-pg 1,2,3" "-d ,1" "-r 0" "-b 0" "-q q9"; do
    t "bench: $bad is refused" 2 "" "'?${bad#* }" bench $bad
done
t "bench: nothing to measure" 2 "" "nothing" bench -p 0 -n 0
t "bench: more than the model's positions" 5 "" "1024" bench -p 0 -n 512 -d 0,1000
t "bench: a CPU level that is none" 2 "" "pentium" bench --cpu pentium
QW_THREADS=3,1 t "bench: the environment gives threads" 0 '*' "3 threads" bench -p 1 -n 0 -r 1 -o csv
QW_THREADS=3,1 t "bench: -t wins over it" 0 '*' "2 threads" bench -p 1 -n 0 -r 1 -o csv -t 2
[ "$(wc -l < "$d/out")" -eq 2 ] && pass "bench: -t wins entirely" || fail "bench: -t wins entirely" "$(cat "$d/out")"
: > "$d/out"
$QW bench -p 1,1000 -n 0 -r 100 -o json --no-warmup > "$d/out" 2> "$d/err" & pid=$!
wait_for grep -q samples "$d/out" 2> /dev/null
interrupt "Ctrl-C while bench measures" 130 '*' "loaded"
[ "$(tail -n 1 "$d/out")" = "]" ] && pass "Ctrl-C while bench measures: the list ends" || fail "Ctrl-C while bench measures: the list ends" "$(tail -n 3 "$d/out")"

# ---- chat ----

printf 'What is 2 plus 3?\nWhat is 1 plus 1?\n' | t "chat in a pipe: an answer a line" 0 "2 + 3 = 5\n1 + 1 = 2\n" "" chat $plain
printf '"""\nWhat is 2\nplus 3?\n"""\n' | t 'chat: """ for many lines' 0 '*' "" chat $plain
[ "$(wc -l < "$d/out")" -eq 1 ] && pass 'chat: """ makes one message' || fail 'chat: """ makes one message' "found: $(cat "$d/out")"
printf 'My name is Tom. \\\nWhat is 2 plus 3?\n' | t 'chat: \\ at the end of a line' 0 '*' "" chat $plain
[ "$(wc -l < "$d/out")" -eq 1 ] && pass 'chat: \ makes one message' || fail 'chat: \ makes one message' "found: $(cat "$d/out")"
printf '/exit\nWhat is 2 plus 3?\n' | t "chat: /exit" 0 "" "" chat $plain
printf '/nonsense\nWhat is 2 plus 3?\n' | t "chat: an unknown command" 2 "" "/nonsense" chat $plain
printf '/help\n' | t "chat: /help" 0 "" "/clear" chat $plain
printf 'What is 2 plus 3?\n' | t "chat -p begins" 0 "1 + 1 = 2\n2 + 3 = 5\n" "" chat $plain -p "What is 1 plus 1?"
printf 'What is 2 plus 3?\n' | t "chat -n" 0 '*' "answer 1 tokens" chat $plain -n 1 -v
printf 'ab\377\n' | t "chat: invalid UTF-8" 0 '*' "byte 2" chat $plain -n 4
printf 'hi' | t "chat: a context too small" 5 "" "context" chat $plain -c 8
t "chat: closed stdin" 0 "" "" chat <&-

# ---- a terminal ----

if ! command -v tmux > /dev/null; then skip "chat on a terminal" "no tmux"
else
    screen() { tmux -S "$d/tmux" capture-pane -p -S - "$@" 2> /dev/null; }
    keys() { tmux -S "$d/tmux" send-keys "$@"; }
    # shows NAME REGEX: a line of the screen matches, soon
    on_screen() { screen | grep -qE -e "$1"; }
    shows() {
        if wait_for on_screen "$2"; then pass "terminal: $1"; else fail "terminal: $1" "expected on the screen: $2" "found:" "$(screen | grep .)"; fi
    }
    # terminal COMMAND: in a fresh terminal, the exit code behind it
    terminal() {
        tmux -S "$d/tmux" respawn-pane -k "cd '$root'; env $1; echo rc=\$?; sleep 60"
        tmux -S "$d/tmux" clear-history
    }
    tmux -S "$d/tmux" -f /dev/null new-session -d -x 100 -y 50 "sleep 60"
    terminal "-u QW_MODEL $QW -t 1 -s 1"
    shows "chat is the default, and names the model" "models/tiny"
    shows "the prompt" "^> *$"
    keys "What is 12 plus 13?" Enter
    shows "the answer" "^12 \+ 13 = 25$"
    [ "$(screen -e | grep -c "$(printf '\033')\[2m")" -gt 0 ] && pass "terminal: thoughts are dim" || fail "terminal: thoughts are dim" "$(screen -e | cat -v)"
    shows "the prompt comes back" "^> *$"
    keys "/nonsense" Enter
    shows "an unknown command does not end it" "unknown command /nonsense"
    keys C-d
    shows "Ctrl-D ends with 0" "^rc=0$"

    terminal "$QW chat $endless"
    shows "the prompt, again" "^> *$"
    keys "Once upon a time" Enter
    wait_for on_screen "^[^>q]+"
    keys C-c
    shows "Ctrl-C stops an answer, and the prompt returns" "^> *$"
    keys "/clear" Enter "/exit" Enter
    shows "/exit ends with 0" "rc=0$"

    terminal "$QW chat"
    shows "the prompt, once more" "^> *$"
    keys "half a line" C-c
    shows "Ctrl-C at the prompt ends with 130" "^rc=130$"

    if [ -n "$wide" ]; then
        terminal "$QW $wide"
        shows "quantize tells how far it is" "^quantising .* s left"
        keys C-c
        shows "Ctrl-C ends quantize with 130, in a clean line" "^rc=130$"
        screen | grep -q quantising && fail "terminal: the bar is gone" "$(screen | grep .)" || pass "terminal: the bar is gone"
        part && fail "terminal: no file is left" "$(ls "$d")" || pass "terminal: no file is left"
        terminal "sh -c 'ulimit -f 20000; $QW $wide'"
        shows "a failure stands on a line of its own" "^qw: cannot write .*: File too large"
        tmux -S "$d/tmux" resize-window -x 20 -y 24
        terminal "$QW $wide"
        shows "a narrow terminal: how far quantize is" "^quantising  *[1-9]"
        sleep 1
        [ "$(screen | grep -c quantising)" -eq 1 ] && pass "terminal: a narrow one has one such line" || fail "terminal: a narrow one has one such line" "$(screen | grep .)"
        keys C-c
        shows "a narrow terminal: Ctrl-C" "^rc=130$"
        tmux -S "$d/tmux" resize-window -x 80 -y 24
    fi

    for e in NO_COLOR=1 TERM=dumb; do
        terminal "$e $QW run -p 'What is 2 plus 3?' -s 1"
        shows "$e: an answer" "^rc=0$"
        screen -e | grep -q "$(printf '\033')\[2m" && fail "terminal: $e: no colour" "$(screen -e | cat -v)" || pass "terminal: $e: no colour"
    done
    terminal "$QW run -p 'What is 2 plus 3?' -s 1 > '$d/out'"
    shows "stdout elsewhere: done" "^rc=0$"
    screen | grep -q '2 + 3' && fail "terminal: stdout elsewhere: no thoughts" "$(screen)" || pass "terminal: stdout elsewhere: no thoughts"
    terminal "$QW run"
    shows "run without a prompt does not wait for one" "^rc=2$"
    terminal "$QW | cat"
    shows "no prompt and a pipe behind" "no prompt"
fi

[ ! -s "$d/failed" ]
