# flags.sh - flags of llama.cpp, typos, and that every flag stands in the help, the manual page, the
# completions and a test.

# A command line that is right ends at the model, which is not there; one that is wrong earlier.
nowhere="-m $d/nowhere"
# taken COMMAND FLAG...: without a word about it
taken() {
    taken_name="$1: $(echo "$*" | cut -d ' ' -f 2-) is taken"
    taken_command=$1
    shift
    case $taken_command in
    bench) t "$taken_name" 1 "" "nowhere" bench $nowhere "$@" < /dev/null ;;
    *) t "$taken_name" 1 "" "nowhere" $taken_command $nowhere -p x "$@" < /dev/null ;;
    esac
    lines "$taken_name: and nothing is said" "$d/err" 1
}
# refused COMMAND WHY FLAG...: WHY is a regular expression
refused() {
    refused_command=$1 refused_why=$2
    shift 2
    t "$refused_command: $* is refused" 2 "" "$refused_why" $refused_command $nowhere "$@" \
        < /dev/null
    lines "$refused_command: $* is refused in one line" "$d/err" 1
}

# ---- honoured under llama.cpp's names ----

story="run $raw -p Once"
qw $story -n 5 > "$d/same" 2> "$d/err"
same "--n-predict is -n" $story --n-predict 5
same "--n_predict=5 is -n 5" $story --n_predict=5
same "--predict is -n" $story --predict 5
qw run -p "$question" $plain > "$d/same" 2> "$d/err"
same "-rea off is --no-think" run -p "$question" -rea off --temp 0
same "--reasoning=off is --no-think" run -p "$question" --reasoning=off --temp 0
same "-n -1, -t -1, -tb -1 are the defaults" run -p "$question" $plain -n -1 -t -1 -tb -1
QW_THREADS=3 t "-t -1 is the default, whatever the variable" 0 "@$d/same" " [12] threads|threads" \
    run -p "$question" $plain -t -1 -v
qw run $raw -p Once -n 8 > "$d/same"
same "-no-cnv is --template none" run -no-cnv --temp 0 -p Once -n 8
same "--no-conversation, too" run --no-conversation --temp 0 -p Once -n 8
taken run -rea on
taken run -rea auto
taken chat --reasoning on
refused run "on, off and auto" -rea maybe
refused run "-rea needs a value" -p x -rea
taken run -s 5 -s -1
qw run $raw -p Once --temp 2 -n 20 -s 5 > "$d/same"
qw run $raw -p Once --temp 2 -n 20 -s 5 -s -1 > "$d/other"
qw run $raw -p Once --temp 2 -n 20 -s 5 -s -1 > "$d/out"
check "-s -1 is a new seed, also after -s 5" "found the same: $(cat "$d/out")" \
    not cmp -s "$d/same" "$d/out"
check "-s -1 is another one each time" "found the same: $(cat "$d/out")" \
    not cmp -s "$d/other" "$d/out"

# Conversations: a line of the pipe is a message.
printf '%s\n%s\n' "$question" "$question" > "$d/twice"
qw chat $plain < "$d/twice" > "$d/same" 2> /dev/null
for f in -cnv --conversation -i --interactive; do same "$f is qw chat" $f $plain < "$d/twice"; done
same "chat -cnv -i" chat -cnv -i $plain < "$d/twice"
refused run "-cnv: that is qw chat" -p x -cnv
refused run "-cnv: that is qw chat" --interactive
echo "$question" | qw chat $plain > "$d/same" 2> /dev/null
for f in -st --single-turn; do
    same "$f: one answer" chat $f $plain < "$d/twice"
    same "$f in run" run -p "$question" $f $plain < /dev/null
done
t "a reverse prompt is a stop text" 0 "2 \n" "" run -p "$question" $plain --reverse-prompt "+ 3"
t "-r" 0 "2 \n" "" run -p "$question" $plain -r "+ 3"

# All end tokens: the answer goes on until -n.
t "an answer ends by itself" 0 "2 + 3 = 5\n" "answer [0-9] tokens" \
    run -p "$question" $plain -n 40 -v
t "--ignore-eos: it goes on" 0 '*' "answer 40 tokens" \
    run -p "$question" $plain -n 40 -v --ignore-eos --no-loop-guard

# The type of weights and cache, as -v reports them.
for type in q8_0 Q8_0 q8 Q8; do
    t "-ctk $type -ctv $type" 0 '*' "cache q8," run -p "$question" $plain -v -ctk $type -ctv $type
done
for type in f16 F16 fp16 FP16; do
    t "--kv $type" 0 '*' "cache f16," run -p "$question" $plain -v --kv $type
done
t "--cache-type-k alone" 0 '*' "cache f16," run -p "$question" $plain -v --cache-type-k f16
t "--cache-type-v alone" 0 '*' "cache f32," run -p "$question" $plain -v --cache-type-v F32
t "-ctk twice: the last one" 0 '*' "cache f16," run -p "$question" $plain -v -ctk q8 -ctk f16
t "one type by two names" 0 '*' "cache q8," run -p "$question" $plain -v -ctk q8 -ctv Q8_0
refused run "one type" -p x -ctk q8_0 -ctv f16
refused chat "one type" --cache-type-v f16 --cache-type-k q8_0
refused bench "one type" -ctk f32 -ctv f16
refused run "unknown type 'q4_0' \(f32, f16 or q8\)" -p x -ctk q4_0
refused run "unknown type 'f16' \(bf16, q8, q4 or auto\)" -p x -q f16
refused run "unknown type 'q5_k_m' \(bf16, q8, q4 or auto\)" -p x -q q5_k_m
QW_KV_TYPE=Q8_0 t "QW_KV_TYPE in any case" 0 '*' "cache q8," run -p "$question" $plain -v
qw run -p "$question" $plain -q q4 > "$d/same" 2> /dev/null
t "-q Q4_0 is q4, and -v says whose" 0 "@$d/same" "q4_0: taken as q4, which is qw's own" \
    run -p "$question" $plain -v -q Q4_0
t "-q q4_0 without -v" 0 "@$d/same" "" run -p "$question" $plain -q q4_0 --quiet
t "-q q4_0 -v --quiet" 0 "@$d/same" "" run -p "$question" $plain -q q4_0 -v --quiet
t "-q q8_0 is q8" 0 '*' "q8_0: taken as q8" run -p "$question" $plain -v -q q8_0
t "-q BF16" 0 '*' "" run -p "$question" $plain -q BF16

# CPUs by list, range and mask
mask=$(awk -v cpu="$cpu" 'BEGIN {
    digits = substr("1248", cpu % 4 + 1, 1)
    for (i = 4; i <= cpu; i += 4) digits = digits "0"
    print digits
}')
for f in "-C $mask" "-C 0x$mask" "--cpu-mask 000$mask" "-Cr $cpu-$cpu" "--cpu-range $cpu" \
         "--cpu_list $cpu"; do
    t "$f" 0 '*' " 1 thread" run -p "$question" $plain -v $f
done
QW_CPU_LIST=9999 t "-C wins over QW_CPU_LIST" 0 '*' " 1 thread" \
    run -p "$question" $plain -v -C $mask
for bad in "" 0 00 0x x f00g -1 "f 0" ffffffffffffffffff00000000000000000000000000000000000000; do
    t "-C '$bad' is refused" 2 "" "-C: " run -p x -C "$bad"
done
t "-C and --cpu-list" 2 "" "-C and --cpu-list are the same" run -p x -C 1 --cpu-list 0
t "-C in bench" 0 '*' "1 thread" bench -v -C $mask -p 4 -n 0 -r 1

# ---- what is so anyway ----

for f in --jinja -fa "-fa on" "-fa auto" "-fa 1" "--flash-attn on" --flash-attn=auto --mmap \
         --no-display-prompt --no_display_prompt --no-warmup "-ngl 0" "--gpu-layers 0" \
         --n-gpu-layers=0 "-ngl auto" --log-disable "-ub 512" "--ubatch-size 32" \
         --no-context-shift --no-escape --no-perf --simple-io -mli --multiline-input \
         "-dev none" "--device none" -nkvo --no-kv-offload "--repeat-last-n -1"; do
    taken run $f
    taken chat $f
done
taken run -fa --jinja
for f in "-mmp 1" "--mmap 1" "-ngl 0" "--n-gpu-layers 0" -fa "-fa 1" "-fa on" "--flash-attn auto" \
         "-ub 512" "--ubatch-size 64" "-lm mmap" "--load-mode mmap" --progress "-nkvo 0" \
         "--no-kv-offload 1" "-embd 0" "--embeddings 0" "--prio 0" "--delay 0" \
         "--cpu-strict 0" "-dev none" "--device none" \
         "-ctk q8_0 -ctv q8_0" "--cache-type-k f16" "--cache-type-v f16" "-r 3" "-pg 8,2" "-d 16" \
         "-p 64 -n 8 -t 1 -b 32 -o json"; do
    taken bench $f
done

# ---- what cannot be honoured ----

while IFS='|' read -r command flag why; do
    [ "$command" != both ] || refused chat "$why" $flag
    case $command in
    both) refused run "$why" -p x $flag ;;
    *) refused bench "$why" $flag ;;
    esac
done << 'EOT'
both|-ngl 99|-ngl 99: there is no GPU here
both|--gpu-layers 1|no GPU
both|--n-gpu-layers=all|no GPU
both|-sm layer|no GPU
both|--split-mode none|no GPU
both|-mg 0|no GPU
both|--main-gpu 0|no GPU
both|-ts 1,1|no GPU
both|--tensor-split 1,1|no GPU
both|-dev CUDA0|no GPU
both|--device CUDA0|no GPU
both|-e|-e: escapes are the shell's here: -p \$'a\\nb'
both|--escape|escapes
both|--mlock|a packed file is mapped.*nothing to switch
both|--no-mmap|a packed file is mapped.*nothing to switch
both|-fa off|-fa off: attention
both|-fa 0|-fa 0: attention
both|--flash-attn=off|attention
both|--mirostat 2|mirostat
both|--mirostat-lr 0.1|mirostat
both|--mirostat_ent 5|mirostat
both|--dry-multiplier 0.8|dry
both|--dry_base=1.75|dry
both|--xtc-probability 0.5|xtc
both|--xtc-threshold 0.1|xtc
both|--samplers top_k;temperature|penalties, temperature, top-k, top-p, min-p
both|--sampling-seq kt|penalties, temperature
both|--sampler-seq kt|penalties, temperature
both|--typical 0.9|no such sampler
both|--typical-p 0.9|no such sampler
both|--top-nsigma 1|no such sampler
both|--top-n-sigma 1|no such sampler
both|--dynatemp-range 0.5|temperature does not change
both|--repeat-last-n 64|all tokens so far
both|--keep 4|--keep 4: the system message stays
both|--grammar x|grammar
both|--grammar-file x|grammar
both|-j {}|grammar
both|--json-schema {}|grammar
both|-jf x|grammar
both|--json-schema-file x|grammar
both|--prompt-cache x|disk
both|--rope-freq-base 1|config.json
both|--yarn-orig-ctx 1|config.json
both|--lora x|adapters
both|--lora-scaled x|adapters
both|-md x|speculative
both|--model-draft x|speculative
both|--draft 4|speculative
both|--draft-max 4|speculative
both|--mmproj x|text only
both|--image x|text only
both|--numa distribute|--cpu-list
both|--prio 2|nice
both|--cpu-strict 1|--cpu-list
both|--poll 50|--cpu-list
both|-hf Qwen/Qwen3-0.6B|; qw-fetch Qwen/Qwen3-0.6B .tools/fetch-model. .* -m Qwen/Qwen3-0.6B$
both|-hf Qwen/Qwen3-4B-GGUF:Q4_K_M|; qw-fetch Qwen/Qwen3-4B .* -m Qwen/Qwen3-4B$
both|-hf unsloth/Qwen3-4B-GGUF|; qw-fetch Qwen/Qwen3-4B .* -m Qwen/Qwen3-4B$
both|-hf x/Qwen_Qwen3-4B-GGUF:Q8_0|; qw-fetch Qwen/Qwen3-4B .* -m Qwen/Qwen3-4B$
both|-hf x/Qwen3-4B-Mine-GGUF|; qw-fetch x/Qwen3-4B-Mine .* -m x/Qwen3-4B-Mine$
both|-hf x/Qwen3-4B|; qw-fetch x/Qwen3-4B .* -m x/Qwen3-4B$
both|-hf a/Qwen3-0.6B-Base-GGUF|; qw-fetch Qwen/Qwen3-0.6B-Base 
both|-hfr a/b|qw-fetch a/b 
both|--hf-repo=nonsense|qw-fetch nonsense 
bench|-ngl 99|no GPU
bench|--n-gpu-layers 0,99|no GPU
bench|-mmp 0|mapped
bench|--mmap 0,1|mapped
bench|-fa 0|attention
bench|-fa 0,1|attention
bench|--flash-attn off|attention
bench|-nkvo 2|0 and 1
bench|--no-kv-offload x|0 and 1
bench|-embd 1|measured
bench|--embeddings 1|measured
bench|-lm none|mapped
bench|--load-mode dio|mapped
bench|--numa isolate|--cpu-list
bench|--prio 2|nice
bench|--cpu-strict 1|--cpu-list
bench|--poll 50|--cpu-list
bench|-sm row|no GPU
bench|--split-mode row|no GPU
bench|-mg 1|no GPU
bench|--main-gpu 1|no GPU
bench|-ts 1|no GPU
bench|--tensor-split 1|no GPU
bench|-dev CUDA0|no GPU
bench|--device CUDA0|no GPU
bench|-hf Qwen/Qwen3-0.6B|nothing is downloaded
bench|-hfr Qwen/Qwen3-0.6B|nothing is downloaded
bench|--hf-repo Qwen/Qwen3-0.6B|nothing is downloaded
EOT
refused run "-ngl needs a value" -p x -ngl
refused run "--jinja takes no value" -p x --jinja=1
refused tokenize "unknown flag '-ngl'" -ngl 0

# ---- commands of others ----

while IFS='|' read -r words why; do
    t "qw $words is refused" 2 "" "$why" $words < /dev/null
    lines "qw $words is refused in one line" "$d/err" 1
done << 'EOT'
pull|'pull' is no command \(nothing is downloaded here; .*\); as a prompt: qw -- pull$
pull Qwen/Qwen3-0.6B|'pull' is no command \(nothing is downloaded here; qw-fetch Qwen/Qwen3-0.6B 
list|'list' is no command \(there is no store of models
list the files|as a prompt: qw -- list the files
show|qw info -m DIR
serve|there is no server here
ps|no model stays loaded
rm x|remove the directory or file
EOT

# ---- typos ----

while read -r command typo meant; do
    t "$command: $typo" 2 "" "unknown flag '$typo'; did you mean $meant\?" $command $typo \
        < /dev/null
done << 'EOT'
run --tempp --temp
run --tmep --temp
run -temp --temp
run --Temp --temp
run --temprature --temperature
run --topk --top-k
run --top_pp --top-p
run --thinkk --think
run --nothink --no-think
run --sead --seed
run --promt --prompt
run --flie --file
run --ctx_sise --ctx-size
run --n-predcit --n-predict
run --verbos --verbose
run --treads --threads
run --jinj --jinja
run --repeat-lst-n --repeat-last-n
run --hepl --help
run --modle --model
run -ctc -ctk
run --cache-typ-k --cache-type-k
chat --quite --quiet
chat --chat-tempalte --chat-template
bench --repetition --repetitions
bench --outptu --output
bench --progres --progress
tokenize --josnl --jsonl
quantize --verfy --verify
template --mesages --messages
logits --id --ids
EOT
for typo in --versoin --vresion -version; do
    t "$typo" 2 "" "unknown flag '$typo'; did you mean --version\?" $typo
done
t "a prompt is no typo of --version" 0 '*' "" "a version" $plain
t "--help=1" 2 "" "--help takes no value" run --help=1
t "--verbos is nearer to --verbose" 2 "" "did you mean --verbose\?" --verbos
for typo in -z --bogus --nothing-like-it -zzz --; do
    [ "$typo" = -- ] ||
        t "run: $typo suggests nothing" 2 "" "unknown flag '$typo'; see: qw help run" run $typo
done

# ---- where flags end, variables ----

t "-- ends the flags" 0 "Hello world" "" detokenize -- 1022 2079
t "-- makes a word of what follows" 1 "" "'--bogus' is not a token id" detokenize -- --bogus
QW_KV_TYPE='' QW_THREADS='' QW_CPU='' QW_CTX_SIZE='' \
    t "an empty variable is unset" 0 "2 + 3 = 5\n" "" run -p "$question" $plain

# ---- help, manual page, completions ----

qw help > "$d/out"
check "qw help fits in 80 columns" "$(awk 'length > 80' "$d/out")" \
    [ -z "$(awk 'length > 80' "$d/out")" ]
if [ -n "$emulator" ]; then
    skip "the manual page and the completions" "not under an emulator"
else
    sh tools/flag_tables.sh "$QW" > "$d/flags.tsv" 2> "$d/err"
    check "the tables of flags" "$(cat "$d/err")" [ -s "$d/flags.tsv" ]
    sh tools/manual.sh < "$d/flags.tsv" > "$d/qw.1"
    for shell in bash zsh fish; do
        sh tools/completions.sh $shell < "$d/flags.tsv" > "$d/qw.$shell"
    done
    for c in $(awk -F '\t' '$1 == "command" { print $2 }' "$d/flags.tsv"); do
        qw help $c > "$d/help.$c"
    done

    # words FILE...: one a line
    words() { cat "$@" | tr -cs 'A-Za-z0-9_*-' '\n' | sort -u; }
    sed 's/\\f[BIR]//g; s/\\-/-/g' "$d/qw.1" > "$d/manual"
    # Of a flag fish has the letters alone: "-l temp".
    sed 's/ -l / --/g; s/ -[so] / -/g' "$d/qw.fish" > "$d/fish"
    words "$d/manual" > "$d/in.manual"
    sed 's/\*-/-/g' "$d/qw.zsh" > "$d/zsh"         # "*--stop": may be repeated
    words "$d/qw.bash" > "$d/in.bash"
    words "$d/zsh" > "$d/in.zsh"
    words "$d/fish" > "$d/in.fish"
    words tests/cli/*.sh tests/*.sh tests/*.py tests/tty/*.py | sed 's/_/-/g' | sort -u \
        > "$d/in.tests"
    # missing WHERE KIND...: names of flags in the tables that a list of words lacks
    missing() {
        awk -F '\t' -v kinds=" $2 " -v list="$d/in.$1" '
            BEGIN { while ((getline line < list) > 0) have[line] = 1 }
            index(kinds, " " $1 " ") {
                n = split($1 == "flag" ? $3 : $2, name, " ")
                for (i = 1; i <= n; i++) {
                    found = name[i] in have
                    prefix = substr(name[i], 1, length(name[i]) - 1)
                    if (name[i] ~ /\*$/)
                        for (w in have) if (index(w, prefix) == 1) found = 1
                    if (!found && !told[name[i]]++) print name[i]
                }
            }' "$d/flags.tsv"
    }
    for where in manual tests; do
        missing $where "flag means anyway refused" > "$d/out"
        check "every flag stands in: $where" "missing: $(cat "$d/out")" [ ! -s "$d/out" ]
    done
    for where in bash zsh fish; do
        missing $where flag > "$d/out"
        check "every flag stands in: completion of $where" "missing: $(cat "$d/out")" \
            [ ! -s "$d/out" ]
    done
    : > "$d/out"
    for c in $(awk -F '\t' '$1 == "command" { print $2 }' "$d/flags.tsv"); do
        words "$d/help.$c" > "$d/in.help"
        awk -F '\t' -v c=$c '$1 == "command" { on = $2 == c } on' "$d/flags.tsv" > "$d/one.tsv"
        mv "$d/flags.tsv" "$d/all.tsv"
        mv "$d/one.tsv" "$d/flags.tsv"
        missing help flag | sed "s/^/$c /" >> "$d/out"
        mv "$d/all.tsv" "$d/flags.tsv"
    done
    check "every flag stands in: help" "missing: $(cat "$d/out")" [ ! -s "$d/out" ]
    printf 'flag\t\t--bogus-flag\t\tswitch\t\tnothing\n' >> "$d/flags.tsv"
    check "a flag that the manual lacks is noticed" "not noticed" \
        [ "$(missing manual flag)" = --bogus-flag ]

    # What takes a FILE or a DIR completes to file names. bash offers them where it knows nothing.
    awk -F '\t' '$1 == "flag" && $4 ~ /^(FILE|DIR)$/ {
        sub(/.* --/, "--", $3)
        print $3
    }' "$d/flags.tsv" | sort -u > "$d/files"
    check "some flags take files" "$(cat "$d/files")" grep -qx -e --file "$d/files"
    : > "$d/out"
    while read -r flag; do
        grep -qe "$flag}*'*\[.*:_files" "$d/qw.zsh" || echo "zsh $flag" >> "$d/out"
        grep -qe "-l ${flag#--} -r -F" "$d/qw.fish" || echo "fish $flag" >> "$d/out"
    done < "$d/files"
    check "files are completed" "not: $(cat "$d/out")" [ ! -s "$d/out" ]

    # The page and the scripts are well-formed.
    if command -v man > /dev/null && man --version 2> /dev/null | grep -q man; then
        man --warnings -E UTF-8 -l -Tutf8 -Z "$d/qw.1" > /dev/null 2> "$d/err" < /dev/null
        check "man --warnings" "$(cat "$d/err")" [ ! -s "$d/err" ]
    else
        skip "man --warnings" "there is no man"
    fi
    if command -v mandoc > /dev/null; then
        mandoc -T lint -W warning "$d/qw.1" 2>&1 | grep -v 'missing date' > "$d/out"
        check "mandoc -T lint" "$(cat "$d/out")" [ ! -s "$d/out" ]
    else
        skip "mandoc -T lint" "there is no mandoc"
    fi
    for shell in bash zsh fish; do
        if command -v $shell > /dev/null; then
            $shell -n "$d/qw.$shell" > "$d/out" 2>&1
            check "the completion of $shell is well-formed" "$(cat "$d/out")" [ ! -s "$d/out" ]
        else
            skip "the completion of $shell is well-formed" "there is no $shell"
        fi
    done
    # complete WORD...: what bash would offer
    complete_words() {
        bash -c '
            . "$0"
            COMP_WORDS=(qw "$@")
            COMP_CWORD=$#
            _qw
            echo "${COMPREPLY[*]}"' "$d/qw.bash" "$@"
    }
    if command -v bash > /dev/null; then
        while IFS='|' read -r line want; do
            eval "complete_words $line" > "$d/out" 2>&1
            check "bash completes: qw $line" "expected $want, found: $(cat "$d/out")" \
                [ "$(cat "$d/out")" = "$want" ]
        done << 'EOT'
be|bench
--tempe|--temperature
run --temp|--template --template-var --temp --temperature
quantize --v|--verify
run --kv ""|f32 f16 q8
bench --kv q|q8
bench -oe n|none
run -m ""|
run -p x ""|
help quan|quantize
EOT
    else
        skip "bash completes" "there is no bash"
    fi
    if command -v fish > /dev/null; then
        HOME=$d XDG_CONFIG_HOME=$d XDG_DATA_HOME=$d fish --no-config -c '
            source $argv[1]
            complete -C "qw run --tempe"
            complete -C "qw -v --kv f1"' "$d/qw.fish" 2>&1 | cut -f 1 > "$d/out"
        check "fish completes" "found: $(cat "$d/out")" \
            [ "$(tr '\n' ' ' < "$d/out")" = "--temperature f16 " ]
    else
        skip "fish completes" "there is no fish"
    fi
fi
