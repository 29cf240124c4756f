# commands.sh - the commands of a conversation, in a pipe. What a person sees is in terminal.py.

cd "$d" || exit
printf 'one\n\302\240two\n' > "a b.txt"
printf '\357\273\277three\r\n' > c.txt

# says NAME RC ERR LINES...: a conversation of these lines; ERR as in t, stdout is not looked at
says() {
    says_name=$1 says_rc=$2 says_err=$3
    shift 3
    printf '%s\n' "$@" | qw chat $plain -n 4 -v > "$d/out" 2> "$d/err"
    status=$?
    : > "$d/nothing"
    cp "$d/out" "$d/kept"
    compare "$says_name" "$says_rc" "@$d/kept" "$says_err"
}

# ---- which lines are commands ----

says "a command with blanks around it" 0 "the conversation is forgotten" "  /clear  "
says "a command with an argument too many" 2 "^qw: /help takes no arguments" "/help me"
says "/quit takes none" 2 "^qw: /exit takes no arguments" "/quit now"
for c in /undo /clear /regen /continue /edit /think /nothink /thoughts /stats; do
    says "$c takes no arguments" 2 "^qw: $c takes no arguments" "$c x"
done
says "an unknown command gets a suggestion" 2 "unknown command /cler; did you mean /clear\?" "/cler"
says "an unknown command without one" 2 "unknown command /abcdef; /help lists them" "/abcdef"
says "a path is text" 0 "prompt [0-9]+ tokens" "/usr/bin/env"
says "a slash and a number are text" 0 "prompt [0-9]+ tokens" "/1"
says "a slash alone is text" 0 "prompt [0-9]+ tokens" "/"
printf '//x\n/save slash.json\n' | qw chat $plain -n 4 > "$d/out" 2>&1
check "//x sends /x" "$(cat slash.json)" grep -q '"content": "/x"' slash.json
printf '"""\n/clear\nnow\n"""\n/save lines.json\n' | qw chat $plain -n 4 > "$d/out" 2>&1
check "a command in a message of several lines is text" "$(cat lines.json)" \
    grep -q '"content": "/clear\\nnow"' lines.json
for c in /exit /quit /bye; do
    printf '%s\n%s\n' $c "$question" | t "$c ends" 0 "" "" chat $plain
done
printf '"""What is\n2 plus 3?"""\n/save q.json\n' | qw chat $plain -n 4 > "$d/out" 2>&1
check '""" with text on its lines' "$(cat q.json)" \
    grep -q '"content": "What is\\n2 plus 3?"' q.json
printf '"""%s"""\n' "$question" | t '""" on one line' 0 "2 + 3 = 5\n" "" chat $plain

# ---- /set ----

says "/set lists what can be set" 0 "^  presence-penalty +0$" "/set"
for name in n context-full seed temp top-k top-p min-p presence-penalty frequency-penalty \
            repeat-penalty stop no-loop-guard budget show-thoughts wrap color; do
    err_has "/set lists $name" "^  $name "
done
says "/set shows one" 0 "^  top-k +20$" "/set top-k"
says "/set changes one" 0 "^  top-k +7$" "/set top-k 7" "/set top-k"
says "/set takes a flag as it is" 0 "^  n +9$" "/set --predict 9" "/set -n"
says "/set: what it is out of range" 2 "top-p 2 is out of range \(0 to 1\)" "/set top-p 2"
says "/set: a wrong number" 2 "temp: 'warm' is not a number" "/set temp warm"
says "/set: a switch" 2 "show-thoughts: 'yes' is neither on nor off" "/set show-thoughts yes"
says "/set: a word" 2 "wrap: 'maybe' is none of on\|off" "/set wrap maybe"
says "/set: an unknown name" 2 "no 'tmep'; did you mean temp\?" "/set tmep 1"
says "/set: an unknown name without a suggestion" 2 "no 'abcdef'; /set lists" "/set abcdef 1"
for name in m q t c tb kv b cpu cpu-list; do
    says "/set $name is refused with the reason" 2 "$name needs the model to be loaded again" \
        "/set $name 1"
done
says "/set think names /think" 2 "/think and /nothink" "/set think on"
says "/set sys names /system" 2 "/system TEXT" "/set sys x"
says "/set: what is for the command line" 2 "works on the command line only" "/set json on"
says "/set budget 0 is /nothink" 2 "/nothink" "/set budget 0"
says "/set n 0 is refused" 2 "n 0 is out of range" "/set n 0"
printf '/set n 3\n%s\n' "$question" | t "/set n cuts answers" 0 "2 + \n" "" chat $plain
printf '/set stop +\n%s\n' "$question" | t "/set stop ends them" 0 "2 \n" "" chat $plain
printf '/set stop +\n/set stop ""\n%s\n' "$question" |
    t '/set stop "" takes it back' 0 "2 + 3 = 5\n" "" chat $plain
printf '/set temp 5\n/set temp 0\n%s\n' "$question" |
    t "/set temp" 0 "2 + 3 = 5\n" "" chat --no-think --temp 1
printf '/set budget 3\n%s\n' "$question" | qw chat -s 1 -v > "$d/out" 2> "$d/err"
err_has "/set budget closes thoughts" "thought 3 tokens, .* closed by --reasoning-budget"
printf '/set show-thoughts on\n%s\n' "$question" | qw chat -s 1 > "$d/out" 2> "$d/err"
err_has "/set show-thoughts" "2 \+ 3"
printf '/set seed 5\n%s\n' "Tell me a story." | qw chat --no-think -n 30 > "$d/same"
printf '%s\n' "Tell me a story." | same "/set seed is -s" chat --no-think -n 30 -s 5

# ---- files and the system message ----

printf '/read a\\ b.txt c.txt\n%s\n/save files.json\n' "sum" | qw chat $plain -n 4 > "$d/out" 2>&1
check "/read puts files before the message" "$(cat files.json)" \
    grep -q '"content": "one\\n.*two\\n\\nthree\\n\\nsum"' files.json
says "/read: a file that is not there" 1 "cannot open nowhere" "/read nowhere"
says "/read without a file" 2 "which file\?" "/read"
printf '/read c.txt nowhere\n' | qw chat $plain > "$d/out" 2>&1
printf '/read c.txt\n/clear\nhi\n/save clear.json\n' | qw chat $plain -n 4 > "$d/out" 2>&1
check "/clear forgets files" "$(cat clear.json)" not grep -q three clear.json
says "/system shows that there is none" 0 "^\(no system message\)$" "/system"
says "/system changes it" 0 "^be brief$" "/system be brief" "/system"
says '/system "" takes it away' 0 "^\(no system message\)$" "/system be brief" '/system ""' \
    "/system"
printf '/system be\\\nbrief\nhi\n/save system.json\n' | qw chat $plain -n 4 > "$d/out" 2>&1
check "/system takes several lines" "$(cat system.json)" \
    grep -q '{"role": "system", "content": "be\\nbrief"}' system.json
says "/load brings a system message" 0 "^be$" "/load system.json" "/system"
says "/load takes one away" 0 "^\(no system message\)$" "/system be brief" "/load slash.json" \
    "/system"

# ---- /think, /thoughts, /stats ----

says "/thoughts without any" 2 "the last answer has none" "/thoughts"
printf '%s\n/thoughts\n' "$question" | t "/thoughts shows them" 0 "2 + 3 = 5\n" "2 \+ 3" \
    chat --temp 0
printf '%s\nWho are you?\n/undo\n/thoughts\n' "$question" |
    t "/thoughts after /undo: those of the answer before" 0 '*' "2 \+ 3" chat --temp 0
printf '%s\n/clear\n/thoughts\n' "$question" |
    t "/thoughts after /clear: there are none" 2 '*' "the last answer has none" chat --temp 0
says "/stats" 0 "^  last turn +0 thought \+ 4 answer tokens, [0-9.]+/s; 20 read \(0 reused\)" \
    "$question" "/stats"
err_has "/stats: the context" "^  context +[0-9]+ of 1024 tokens, [0-9]+ MB; 1 turn$"
err_has "/stats: the model" "^  model +$tiny  bf16, [0-9]+ MB; cache f32; [0-9]+ threads?, "
err_has "/stats: sampling" "^  sampling +direct: temp 0, top-k 20, top-p 0.8; seed [0-9]+$"
err_has "/stats: thinking" "^  thinking +off, no budget; loop guard on$"
says "/edit needs a keyboard" 2 "no line to edit in a pipe" "/edit"

# ---- /save and /load ----

story="Tell me a story."
for seed in "--temp 0" "-s 3"; do
    printf '%s\n/save s.json\nAnd then?\n' "$story" | qw chat --no-think -n 20 $seed > "$d/all"
    printf '/load s.json\nAnd then?\n' | qw chat --no-think -n 20 $seed > "$d/out" 2> "$d/err"
    check "/load goes on as if it had never ended, $seed" "$(cat "$d/out" "$d/err")" \
        [ "$(tail -n 1 "$d/all")" = "$(tail -n 1 "$d/out")" ]
done
printf '%s\n/save t.json\n' "$question" | qw chat --temp 0 > "$d/out" 2>&1
check "/save keeps thoughts" "$(cat t.json)" grep -q '"reasoning_content": "2 + 3 = 5."' t.json
says "/load: the thoughts of the last answer" 0 "2 \+ 3" "/load t.json" "/thoughts"
check "/save keeps the model" "$(cat t.json)" grep -q "\"model\": \"$tiny\"" t.json
printf '/nothink\n/set temp 0.3\n/set stop END\n/save set.json\n' | qw chat > "$d/out" 2>&1
printf '/load set.json\n/set\n/stats\n' | qw chat > "$d/out" 2> "$d/err"
err_has "/load: settings" "^  temp +0.3$"
err_has "/load: stop" "^  stop +END$"
err_has "/load: thinking" "^  thinking +off"
printf '/save c.txt\n' | t "/save overwrites nothing else" 1 "" "c.txt exists and is no saved" chat
printf 'hi\n/save s.json\n' | t "/save replaces a conversation" 0 '*' "" chat $plain -n 4
check "/save leaves nothing else" "$(ls)" [ -z "$(ls | grep part)" ]
printf 'hi\n/save a\\ b.json\n' |
    t "/save names the file as /load takes it" 0 '*' '/load a\\ b.json goes on' \
        chat $plain -n 4 -v
printf '/save nowhere/x\n' | t "/save where nothing can be" 1 "" "nowhere/x" chat
printf '/save a b\n' | t "/save takes one file" 2 "" "takes one file" chat
printf '/load nowhere\n' | t "/load: a file that is not there" 1 "" "cannot open nowhere" chat
# bad NAME JSON ERR: /load refuses it, and nothing of it is there
bad() {
    printf '%s' "$2" > bad.json
    printf '%s\n/load bad.json\n' "$question" | qw chat $plain > "$d/out" 2> "$d/err"
    status=$?
    compare "/load: $1" 1 "2 + 3 = 5\n" "$3"
}
bad "no JSON" "hello" "bad.json"
bad "an array" "[1]" "bad.json"
bad "something else" "{}" 'no saved conversation: it has no "qw_session"'
bad "another version" '{"qw_session": 2, "messages": [], "settings": {}}' "another version"
bad "no messages" '{"qw_session": 1, "settings": {}}' 'it has no "messages"'
bad "wrong messages" '{"qw_session": 1, "messages": [{"role": "user"}], "settings": {}}' "messages"
bad "cut off" '{"qw_session": 1, "messages": [' "bad.json"
printf '{"qw_session": 1, "messages": [], "settings": {"temp": "warm"}}' > bad.json
printf '/load bad.json\n' | t "/load: a wrong setting is said" 2 "" "'warm' is not a number" chat
cd "$root" || exit
