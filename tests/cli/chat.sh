# chat.sh - qw chat in a pipe.

printf '%s\nWhat is 1 plus 1?\n' "$question" |
    t "chat in a pipe: an answer a line" 0 "2 + 3 = 5\n1 + 1 = 2\n" "" chat $plain
printf '"""\nWhat is 2\nplus 3?\n"""\n' | t 'chat: """ for many lines' 0 '*' "" chat $plain
lines 'chat: """ makes one message' "$d/out" 1
printf 'My name is Tom. \\\n%s\n' "$question" |
    t 'chat: \ at the end of a line' 0 '*' "" chat $plain
lines 'chat: \ makes one message' "$d/out" 1
printf '"""\nHello\nworld\n"""\n' | qw chat $plain -n 8 -v 2> "$d/err" > "$d/same"
printf 'Hello\\\nworld\n' |
    t 'chat: \ makes a newline' 0 "@$d/same" "$(grep -o 'prompt [0-9]* tokens' "$d/err")" \
        chat $plain -n 8 -v
printf '%s\\' "$question" |
    t 'chat: \ at the end of the input: the message is answered' 0 "2 + 3 = 5\n" "" chat $plain
printf '%s\\\n' "$question" |
    t 'chat: \ and a newline at the end: the same' 0 "2 + 3 = 5\n" "" chat $plain
printf '"""\n%s' "$question" |
    t 'chat: """ without an end: the message is answered' 0 "2 + 3 = 5\n" "" chat $plain
printf '/exit\n%s\n' "$question" | t "chat: /exit" 0 "" "" chat $plain
printf '/nonsense\n%s\n' "$question" |
    t "chat: an unknown command" 2 "" "unknown command /nonsense" chat $plain
printf '/help\n' | t "chat: /help" 0 "" "/clear" chat $plain
printf '%s\n' "$question" |
    t "chat -p begins" 0 "1 + 1 = 2\n2 + 3 = 5\n" "" chat $plain -p "What is 1 plus 1?"
printf '%s\n' "$question" | t "chat -n" 0 '*' "answer 1 tokens" chat $plain -n 1 -v
printf 'ab\377\n' | t "chat: invalid UTF-8" 0 '*' "byte 2" chat $plain -n 4
printf 'hi\nhi\n' | t "chat: a context too small" 5 "" "context" chat $plain -c 8
lines "chat: a context too small for each message" "$d/err" 2

# ---- lines that end in CR LF, a byte order mark ----

printf '%s\r\n' "$question" | t "chat: CR LF" 0 "2 + 3 = 5\n" "" chat $plain
printf '\357\273\277%s\n' "$question" | t "chat: a byte order mark" 0 "2 + 3 = 5\n" "" chat $plain
printf '"""\r\nWhat is 2\r\nplus 3?\r\n"""\r\n' |
    t 'chat: """ and CR LF' 0 '*' "" chat $plain
lines 'chat: """ and CR LF make one message' "$d/out" 1
printf '"""\nWhat is 2\nplus 3?\n"""\n' | qw chat $plain -n 8 > "$d/same"
printf '"""\r\nWhat is 2\r\nplus 3?\r\n"""\r\n' |
    same 'chat: """ and CR LF: no CR in the message' chat $plain -n 8
printf 'What is 2\\\r\nplus 3?\r\n' | same 'chat: \ and CR LF' chat $plain -n 8
printf '/exit\r\n%s\n' "$question" | t "chat: a command and CR LF" 0 "" "" chat $plain

# ---- commands ----

# sampling: what -v says of it, a line for each time that it was set
sampling() { sed -n 's/^qw: \([a-z ]*\): \(temperature .*\), seed.*/\1 \2/p' "$d/err"; }
printf '/nothink\n/think\n' | qw chat -v -s 1 2> "$d/err" > "$d/out"
sampling > "$d/modes"
check "/nothink and /think set the sampling of their mode" "$(cat "$d/err")" \
    [ "$(cat "$d/modes")" = "thinking temperature 0.6, top-k 20, top-p 0.95, min-p 0
direct answers temperature 0.7, top-k 20, top-p 0.8, min-p 0
thinking temperature 0.6, top-k 20, top-p 0.95, min-p 0" ]
printf '/nothink\n' | qw chat -v -s 1 --temp 0.3 --top-k 7 2> "$d/err" > "$d/out"
check "/nothink keeps what flags have set" "$(cat "$d/err")" \
    [ "$(sampling | tail -n 1)" = "direct answers temperature 0.3, top-k 7, top-p 0.8, min-p 0" ]
printf '%s\n/undo\n%s\n' "$question" "What is 1 plus 1?" |
    t "/undo forgets the last turn" 0 "2 + 3 = 5\n1 + 1 = 2\n" "" chat $plain
printf '/undo\n' | t "/undo without a turn" 2 "" "." chat $plain
printf '%s\n/regen\n' "$question" |
    t "/regen answers again" 0 "2 + 3 = 5\n2 + 3 = 5\n" "" chat $plain
printf '/regen\n' | t "/regen without a turn" 2 "" "." chat $plain
printf '%s\n/continue\n' "$question" |
    t "/continue goes on where -n cut the answer" 0 "2 + 3\n = 5\n" "" chat $plain -n 4
printf '/continue\n' | t "/continue without an answer" 2 "" "." chat $plain
printf '%s\n/regen\n' "$question" | qw chat --temp 0 -n 3 2> "$d/err" > "$d/out"
check "greedy thinking is warned of once" "$(cat "$d/err")" \
    [ "$(grep -c "temperature 0" "$d/err")" -eq 1 ]
printf '%s\n%s\n' "$question" "$question" |
    t "chat -st: one turn" 0 "2 + 3 = 5\n" "" chat $plain -st
t "chat: closed stdin" 0 "" "" chat <&-
