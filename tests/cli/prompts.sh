# prompts.sh - where a prompt comes from: words, -p, -f and stdin; what is taken off it.

answer="2 + 3 = 5\n"
story="run $raw -n 20"

# ---- words ----

t "one quoted word is a prompt" 0 "$answer" "" "$question" $plain
t "one quoted word after flags is a prompt" 0 "$answer" "" $plain "$question"
t "words after run are a prompt" 0 "$answer" "" run $plain What is 2 plus "3?"
t "words after run, before flags" 0 "$answer" "" run What is 2 plus "3?" $plain
t "words after -- are a prompt" 0 "$answer" "" $plain -- What is 2 plus "3?"
t "qw -- without words" 2 "" "no prompt" --
qw $story -p "Once upon -n a time" > "$d/same"
same "after -- nothing is a flag" $story -- Once upon -n a time
same "run -- and one quoted word" $story -- "Once upon -n a time"
t "one word: no command, and how to ask it" 2 "" \
    "'nonsense' is no command .*; as a prompt: qw -- nonsense$" nonsense
t "several words: no command, and how to ask them" 2 "" \
    "'list' is no command .*; as a prompt: qw -- list the files$" list the files
t "words with flags after them" 2 "" "'list' is no command .*qw -- list the$" list the --bogus
t "two words, one of them quoted" 2 "" "'explain this' is no command .*as a prompt" \
    "explain this" file.txt
t "words after a flag" 2 "" "'list' is no command .*as a prompt: qw -- list it" -s 1 list it
t "a command after a flag" 2 "" "'chat' is a command only in the first place .*qw -- chat" \
    -s 1 chat
t "a word that is empty" 2 "" "'' is no command" ""
while read -r typo command; do
    t "'$typo' may be $command" 2 "" "did you mean qw $command\?" "$typo"
done << EOT
chta chat
rnu run
tokenze tokenize
detoknize detokenize
templat template
qunatize quantize
bnech bench
ifno info
logit logits
hlep help
versoin version
EOT
t "words after chat: run is named" 2 "" "unexpected .*'hello'.*qw run hello \.\.\." chat hello you
t "words after help are two readings" 2 "" "unexpected .*'me'.*qw help.*qw -- help me \.\.\." \
    help me please
t "help of a mistyped command" 2 "" "did you mean qw help chat\?" help chta
t "words after version are two readings" 2 "" "qw -- version 2 \.\.\." version 2 of it
for c in tokenize template quantize info bench logits; do
    t "words after $c are two readings" 2 "" "unexpected .*'this'.*help $c.*qw -- $c this \.\.\.$" \
        $c this now
    t "a word after $c, too" 2 "" "unexpected .*'this'.*help $c.*qw -- $c this$" $c this
done

# ---- several parts ----

printf 'a time\n' > "$d/a"
printf 'there was\r\n' > "$d/b"
qw $story -p "a time

Once upon

there was" > "$d/same"
same "-f and -p in the order given, then stdin" $story -f "$d/a" -p "Once upon" < "$d/b"
same "-f twice, -p between" $story -f "$d/a" -p "Once upon" -f "$d/b"
same "-p twice, and words after them" $story -p "a time" -p "Once upon" there was
same "the words, then stdin" $story -f "$d/a" "Once upon" < "$d/b"
printf 'Once upon\n' | same "-f - is where stdin stands" $story -f "$d/a" -f - -p "there was"
same "an empty part adds nothing" $story -f "$d/a" -p "" -p "Once upon" -f /dev/null -f "$d/b"
# An answer may be the same for a blank line more; the number of tokens is not.
qw tokenize -p "a time

Once upon

there was" > "$d/ids"
t "an empty part adds no token" 0 '*' "prompt $(wc -w < "$d/ids" | tr -d ' ') tokens" \
    $story -v -f "$d/a" -p "" -p "Once upon" -f /dev/null -f "$d/b"
qw $story -p "-

there was" > "$d/same"
same "-p - is a dash, and stdin joins it" $story -p - < "$d/b"
t "stdin that cannot be read, but written, is empty" 0 "$answer" "" run -p "$question" $plain \
    0> "$d/write-only"
t "-f - twice" 2 "" "only once" run -f - -f -
t "an empty file name" 2 "" "-f: the path is empty" run -f ""
t "only empty parts" 2 "" "no prompt" run -p "" -f /dev/null

qw $story -p "Once upon a time" > "$d/same"
printf '\357\273\277Once upon a time\r\n' > "$d/dos"
same "a byte order mark and CR LF go: -f" $story -f "$d/dos"
same "a byte order mark and CR LF go: stdin" $story < "$d/dos"
same "a byte order mark goes: -p" $story -p "$(printf '\357\273\277Once upon a time')"
printf 'Once upon a time\n\r\n' > "$d/two"
qw $story -p "Once upon a time
" > "$d/same"
same "only one newline goes, and none of -p" $story -f "$d/two"

# ---- the system message ----

printf '\357\273\277Answer in one word.\r\n' > "$d/system"
qw run -p hi $plain -sys "Answer in one word." > "$d/same"
same "-sysf FILE is -sys" run -p hi $plain -sysf "$d/system"
same "-sysf - reads stdin" run -p hi $plain -sysf - < "$d/system"
t "-sys and -sysf" 2 "" "give one of them" run -p hi -sys x -sysf "$d/system"
t "-sys twice" 2 "" "^qw: -sys is given twice" run -p hi -sys x -sys y
t "-sysf twice" 2 "" "-sysf is given twice" run -p hi -sysf "$d/system" -sysf "$d/system"
t "an empty -sysf" 2 "" "-sysf: the path is empty" run -p hi -sysf ""
t "-sysf: no such file" 1 "" "/no/such" run -p hi -sysf /no/such
printf 'a\000b' > "$d/nul"
t "-sysf: a NUL byte" 1 "" "NUL" run -p hi -sysf "$d/nul"

# ---- stdin left alone ----

echo junk > "$d/junk"
t "--no-stdin leaves stdin alone" 0 "$answer" "" run -p "$question" $plain --no-stdin < "$d/junk"
QW_NO_STDIN=1 t "QW_NO_STDIN=1, too" 0 "$answer" "" run -p "$question" $plain < "$d/junk"
qw run -p "$question" $plain < "$d/junk" > "$d/same"
QW_NO_STDIN=0 same "QW_NO_STDIN=0 does not" run -p "$question" $plain < "$d/junk"
QW_NO_STDIN= same "an empty QW_NO_STDIN does not" run -p "$question" $plain < "$d/junk"
QW_NO_STDIN=yes t "QW_NO_STDIN=yes is refused" 2 "" "QW_NO_STDIN: 'yes'" run -p x
t "--no-stdin and no prompt" 2 "" "no prompt" run --no-stdin < "$d/junk"
t "--no-stdin and -f -" 2 "" "--no-stdin" run --no-stdin -f - < "$d/junk"
echo "$question" > "$d/question"
QW_NO_STDIN=1 t "-f - wins over QW_NO_STDIN" 0 "$answer" "" run -f - $plain < "$d/question"
t "chat --no-stdin: the first message only" 0 "$answer" "" \
    chat $plain --no-stdin -p "$question" < "$d/question"
t "chat --no-stdin and no message" 2 "" "no message" chat --no-stdin < "$d/question"
if [ -c /dev/zero ]; then
    t "-f: a file without an end" 5 "" "/dev/zero has more than 64 MB" run -f /dev/zero
    yes 2> "$d/yes" | t "stdin without an end" 5 "" "stdin has more than 64 MB" run -p x
    t "a device is not read" 0 "$answer" "" run -p "$question" $plain < /dev/zero
    t "a device is no prompt" 2 "" "no prompt" run < /dev/zero
    t "chat: a device has no lines" 0 "" "" chat < /dev/zero
else
    skip "a device is not read" "no /dev/zero"
fi
