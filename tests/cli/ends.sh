# ends.sh - why an answer ended: the exit code, what is said of it, and what is not.

# 4072 is <|im_end|>: an answer that ends at once.
at_once="-l 4072+100000"

# ---- no answer ----

t "no answer: -n within thoughts" 6 "" "all 2 tokens of -n went into thoughts; --no-think" \
    run -p "$question" -s 1 -n 2
t "no answer: no --no-think where the template has none" 6 "" "of -n went into thoughts$" \
    run -p "$question" --template thinking2507 -n 2
t "no answer: --quiet says so, too" 6 "" "no answer" run -p "$question" -s 1 -n 2 --quiet
t "no answer: an end token at once" 6 "" "no answer: the model ended its turn at once$" \
    run -p "$question" $plain $at_once
lines "no answer: one line says so" "$d/err" 1
t "no answer: inside a thought" 6 "" "no answer: .*inside its thoughts|no answer: .*at once" \
    run -p "$question" --template thinking2507 --temp 0 $at_once
t "no answer: a text of --stop at once" 6 "" "no answer: it began with a text of --stop" \
    run -p "$question" $plain -r 2

# ---- -n ----

t "an answer cut by -n ends with 0 and no word in a pipe" 0 '*' "" \
    run $raw -p "Once upon a time" -n 3
t "an answer cut by -n: a note" 0 '*' "cut at 3 tokens \(-n\)" \
    run $raw -p "Once upon a time" -n 3 -v
t "a whole answer: no such note" 0 "2 + 3 = 5\n" "answer [0-9]+ tokens" \
    run -p "$question" $plain -v
check "a whole answer: nothing about its end" "found: $(cat "$d/err")" \
    not grep -q "cut\|no answer" "$d/err"

# ---- loops ----

# 64 is "a": an answer of nothing else.
loop="run $raw -l 64+1000"
t "a loop ends with 4 and says why" 4 '*' "repeats itself; --no-loop-guard" \
    $loop -p "Once upon a time"
t "a loop: --quiet says so, too" 4 '*' "repeats itself" $loop -p "Once upon a time" --quiet
mkdir "$d/short"                # a model that has not many positions
ln -s "$tiny"/* "$d/short"
rm "$d/short/config.json"
sed 's/\("max_position_embeddings"\): [0-9]*/\1: 128/' "$tiny/config.json" > "$d/short/config.json"
t "--no-loop-guard: until the context is full" 5 '*' "context of 128 tokens is full" \
    $loop -m "$d/short" -p "Once upon a time" --no-loop-guard
check "a full context: no hint where the model has no more" "found: $(cat "$d/err")" \
    not grep -q -e " -c " "$d/err"

t "a loop in a thought closes it: a note" 4 '*' "thought [0-9]+ .* closed: it repeated itself" \
    run -p x --template thinking2507 --temp 0 -l 64+20 -v

# 4094 is <think>: where a thought begins again after a loop has closed it, its loop is the end.
t "a thought that is closed once and loops again" 4 "" "no answer: the model repeats itself" \
    run -p x --template thinking2507 --top-k 1 -l 4094+1000

# 198 is a newline: an answer of those alone has no text.
t "no answer: a loop counts before no answer" 4 "" "no answer: the model repeats itself" \
    run -p x $plain -l 198+1000
t "no answer: so does a full context" 5 "" "no answer: the context of 64 tokens is full" \
    run -p x --template thinking2507 --temp 0 -l 64+20 --no-loop-guard -c 64
t "no answer: -n without any text" 6 "" "no answer: the 4 tokens of -n have no text" \
    run -p x $plain -l 198+1000 -n 4

# ---- --stop ----

t "--stop: the answer ends before it" 0 "2 + 3\n" "" run -p "$question" $plain --stop " = 5"
t "-r within a token and over several" 0 "2 +\n" "" run -p "$question" $plain -r " 3 ="
t "-r twice: whichever comes first" 0 "2 \n" "" run -p "$question" $plain -r "= 5" -r "+"
t "-r twice in one token: what begins first" 0 "Hi! \n" "" run -p hi $plain -r ha -r What
t "--reverse-prompt is -r" 0 "2 + 3\n" "" run -p "$question" $plain --reverse-prompt " ="
t "--stop that does not come" 0 "2 + 3 = 5\n" "" run -p "$question" $plain --stop "6"
t "an empty --stop" 2 "" "--stop: the text is empty" run -p x --stop ""

# ---- thoughts ----

t "--reasoning-budget 0 answers directly" 0 "2 + 3 = 5\n" "" \
    run -p "$question" --temp 0 --reasoning-budget 0 --show-thoughts
t "--reasoning-budget 0 and --think" 2 "" "--reasoning-budget 0" \
    run -p x --think --reasoning-budget 0
t "--reasoning-budget -2" 2 "" "out of range" run -p x --reasoning-budget -2
t "--reasoning-budget -1: no limit" 0 "2 + 3 = 5\n" "" run -p "$question" -s 1 --reasoning-budget -1
t "--reasoning-budget 3: the thought is closed, and a note" 0 '*' \
    "thought 3 tokens, .* closed by --reasoning-budget" \
    run -p "$question" -s 1 --reasoning-budget 3 -v
check "--reasoning-budget: no control token in the answer" "found: $(cat "$d/out")" \
    not grep -q "think>" "$d/out"

# ---- a chat in a pipe ----

printf '%s\n%s\n' "$question" "$question" |
    t "chat: no answer ends the turn, not the chat" 6 "" "no answer" chat $plain $at_once
lines "chat: two turns without an answer" "$d/err" 2
repeat 40 "and " > "$d/much"
{ cat "$d/much"; printf '\n%s\n' "$question"; } |
    t "chat: a message too long ends the turn, not the chat" 5 "2 + 3 = 5\n" "context" \
        chat $plain -c 50
printf '%s\n%s\n' "$question" "$question" |
    t "chat: a loop ends the turn, not the chat" 4 '*' "repeats itself" chat $plain -l 64+1000
lines "chat: two turns that were loops" "$d/out" 2
printf '%s\n%s\n' "$question" "$question" |
    t "chat: -n ends the turn, not the chat" 0 "2 +\n2 +\n" "" chat $plain -n 2
printf '%s\n/nonsense\n%s\n' "$question" "$question" |
    t "chat: an unknown command ends it" 2 "2 + 3 = 5\n" "/nonsense" chat $plain
printf '%s\n' "$question" |
    t "chat -p: an end of the first turn counts" 6 "" "no answer" chat $plain $at_once -p hi
for i in 1 2 3 4 5 6; do printf '%s\n' "$question"; done |
    t "chat: a full context drops the oldest turns" 0 '*' "oldest [0-9]+ of [0-9]+ turns were" \
        chat $plain -c 64 -v
lines "chat: all turns are answered" "$d/out" 6
for i in 1 2 3 4 5 6; do printf '%s\n' "$question"; done |
    t "chat --context-full stop: the context is full" 5 '*' "context" \
        chat $plain -c 64 --context-full stop
t "--context-full: what it may be" 2 "" "none of drop\|stop" run -p x --context-full never

# ---- -x ----

t "-x: the whole answer where there is no block" 0 "2 + 3 = 5\n" "" run -p "$question" $plain -x
