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
printf 'hi' | t "chat: a context too small" 5 "" "context" chat $plain -c 8
t "chat: closed stdin" 0 "" "" chat <&-
