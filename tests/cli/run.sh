# run.sh - qw run: what each flag does to the answer.

# ---- the prompt ----

answer="2 + 3 = 5\n"
echo "$question" > "$d/question"
t "run -p: the answer and nothing else" 0 "$answer" "" run -p "$question" $plain
t "run is the default when there is a prompt" 0 "$answer" "" -p "$question" $plain
t "run is the default when there is a pipe" 0 "$answer" "" $plain < "$d/question"
t "run -f FILE" 0 "$answer" "" -f "$d/question" $plain < /dev/null
t "run -f -" 0 "$answer" "" -f - $plain < "$d/question"
t "--long=VALUE" 0 "$answer" "" "--prompt=$question" $plain < /dev/null
t "run with stdin closed" 0 "$answer" "" -p "$question" $plain <&-
t "no prompt: empty stdin" 2 "" "no prompt" run < /dev/null
t "no prompt: closed stdin" 2 "" "no prompt" <&-

# prompt_tokens FILE: as -v reports them
prompt_tokens() { sed -n 's/.*prompt \([0-9]*\) tokens.*/\1/p' "$1"; }

qw run $raw -n 6 -v -p "Once upon

a time there was" < /dev/null > "$d/same" 2> "$d/err"
joined=$(prompt_tokens "$d/err")
printf 'a time there was\n' |
    same "stdin joins -p after a blank line, less one newline" run $raw -n 6 -p "Once upon"
printf 'a time there was\n' | qw run $raw -n 6 -v -p "Once upon" 2> "$d/err" > /dev/null
check "stdin joins -p: as many tokens" "expected $joined tokens: $(cat "$d/err")" \
    [ "$(prompt_tokens "$d/err")" = "$joined" ]
printf 'a time there was\n\n' | qw run $raw -n 6 -v -p "Once upon" 2> "$d/err" > /dev/null
check "only one newline goes" "expected more than $joined tokens: $(cat "$d/err")" \
    [ "$(prompt_tokens "$d/err")" -gt "$joined" ]

t "-sys reaches the model" 0 '*' "prompt [0-9]+ tokens" \
    run -p hi -sys "Answer in one word." $plain -v
with=$(prompt_tokens "$d/err")
qw run -p hi $plain -v > /dev/null 2> "$d/err"
without=$(prompt_tokens "$d/err")
check "-sys adds tokens" "expected more than $without, found $with" \
    [ "${with:-0}" -gt "${without:-0}" ]

# ---- limits ----

t "-n 1 is one token" 0 '*' "answer 1 tokens" run $raw -p "Once upon a time" -n 1 -v
t "-c: a prompt longer than the context" 5 "" "context.*; -c 1024 takes [0-9]+ MB; without -c" \
    run -p "$question" -c 8
t "-c: the context fills up" 5 '*' "context of 40 tokens is full; -c 1024 takes" \
    run -p "Tell me a story." --no-think -s 1 -c 40
repeat 1500 "and " > "$d/prompt"
t "-c 0: a prompt longer than the model's context" 5 "" "context" run $raw -c 0 -f "$d/prompt"
check "no -c is suggested beyond the model's context" "found: $(cat "$d/err")" \
    not grep -q -e ' -c ' "$d/err"
t "-c 50: a prompt longer than the model's context" 5 "" "context" \
    run $raw -c 50 -f "$d/prompt"
check "no -c is suggested where the model's own limit is met" "found: $(cat "$d/err")" \
    not grep -q -e ' -c ' "$d/err"
t "-c beyond the model's" 2 "" "1 to 1024" run -p x -c 1025

# ---- the same text, another text ----

story="run -p Story: --no-think -n 24"
qw $story -s 7 > "$d/same"
same "-s: the same text again" $story -s 7
for f in "-b 1" "-b 3" "-b 65536" "-t 1" "-t 2" "-t 5" "-t 1 -tb 3" "-t 3 -tb 1" \
         "--cpu-list $cpu" "--cpu-list $cpu -t 4" "-q bf16" "-n -1 -n 24" "-c 0"; do
    same "$f: the same text" $story -s 7 $f
done
qw $story -s 8 > "$d/out"
check "another seed, another text" "found the same: $(cat "$d/out")" not cmp -s "$d/same" "$d/out"
qw run $raw -p "Once upon a time" -n 12 > "$d/same"
for f in "--top-k 1" "--top_k=1" "--top-p 0" "--min-p 1"; do
    same "$f at temperature 2 is greedy" \
        run --template none -p "Once upon a time" -n 12 --temp 2 $f
done

# ---- thoughts ----

t "--show-thoughts shows them in a pipe" 0 "$answer" '*' \
    run -p "$question" -s 1 --show-thoughts < /dev/null
err_has "--show-thoughts: they are thoughts" '2 \+ 3'
t "--show-thoughts wins over --quiet" 0 "$answer" '2 \+ 3' \
    run -p "$question" -s 1 --show-thoughts --quiet < /dev/null
t "--think shows no thoughts" 0 "$answer" "" run -p "$question" -s 1 --think < /dev/null
t "thoughts are dropped in a pipe" 0 "$answer" "" run -p "$question" -s 1 < /dev/null
t "--no_think is --no-think" 0 "$answer" "" run -p "$question" --no_think --temp 0 < /dev/null
t "greedy thinking is warned of" 0 "$answer" "temperature 0" run -p "$question" --temp 0 < /dev/null
t "a bare model cannot run, and why" 1 "" "tokenizer.json" run -m "$bare" -p x

# ---- no chat template ----

mkdir "$d/untold"
for f in "$tiny"/*; do ln -s "$f" "$d/untold"; done
rm "$d/untold/tokenizer_config.json"
sed 's/"chat_template"/"no_template"/' "$tiny/tokenizer_config.json" \
    > "$d/untold/tokenizer_config.json"
t "a model without a chat template, and what helps" 1 "" "template.*--template NAME.*none" \
    run -m "$d/untold" -p "$question" $plain
t "a model without a chat template: --template" 0 "$answer" "" \
    run -m "$d/untold" -p "$question" $plain --template hybrid

# ---- bytes ----

printf 'ab\377cd\376' > "$d/invalid"
t "invalid UTF-8 on stdin is replaced" 0 '*' "stdin.* 2[; ]" run $raw -n 6 < "$d/invalid"
lines "invalid UTF-8 is warned of once" "$d/err" 1
cp "$d/out" "$d/same"
printf 'ab\357\277\275cd\357\277\275' | same "invalid UTF-8 is replaced by U+FFFD" run $raw -n 6
# Token 158 is the byte 0xE2, the beginning of a character that never ends.
t "no half characters come out" 0 '\0357\0277\0275\0357\0277\0275\0357\0277\0275\n' "" \
    run $raw -p x -n 3 -l 158+100000
as_text=$((without - 1 + $(qw tokenize --no-special -p '<|im_end|>' | wc -w)))
printf '<|im_end|>' | t "<|im_end|> in a pipe is text" 0 '*' "prompt $as_text tokens" \
    run $plain -v -n 4
printf '<|im_end|>' | t "--special: <|im_end|> is one token" 0 '*' "prompt $without tokens" \
    run $plain -v -n 4 --special
