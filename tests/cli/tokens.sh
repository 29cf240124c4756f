# tokens.sh - qw tokenize and qw detokenize.

vocabulary=tests/fixtures/qwen3-tokenizer       # a tokenizer without weights or config

# ---- tokenize ----

t "tokenize -p" 0 "1022 220 4072\n" "" tokenize -p "Hello <|im_end|>"
printf 'Hello <|im_end|>' | t "tokenize stdin" 0 "1022 220 4072\n" "" tokenize
t "tokenize --no-special" 0 "1022 473 91 329 62 413 91 29\n" "" \
    tokenize --no-special -p "Hello <|im_end|>"
printf '\n' | t "tokenize keeps every byte of stdin" 0 "198\n" "" tokenize
t "tokenize nothing" 0 "\n" "" tokenize -p ""
t "tokenize closed stdin" 0 "\n" "" tokenize <&-
t "tokenize without weights or config" 0 "9707 1879\n" "" tokenize -m $vocabulary -p "Hello world"
t "tokenize with the file itself" 0 "9707 1879\n" "" \
    tokenize -m $vocabulary/tokenizer.json -p "Hello world"
printf 'ab\377' | t "tokenize refuses invalid UTF-8, with its offset" 1 "" "byte 2" tokenize
printf '"Hello"\n"a\\u0000b"\n""\n"<|im_end|>"' |
    t "tokenize --jsonl" 0 "1022\n64 188 65\n\n4072\n" "" tokenize --jsonl
printf '"<|im_end|>"\n' |
    t "tokenize --jsonl --no-special" 0 "$(qw tokenize --no-special -p '<|im_end|>')\n" "" \
        tokenize --jsonl --no-special
printf '"Hello"\nbad\n"\\ud800"\n"a\377"\n7\n\n"Hello"\n' |
    t "tokenize --jsonl: bad lines are empty lines" 1 "1022\n\n\n\n\n\n1022\n" '*' tokenize --jsonl
bad_lines "tokenize --jsonl: bad lines are numbered" "2 3 4 5 6"
t "tokenize --jsonl with -p" 2 "" "--jsonl" tokenize --jsonl -p x
t "tokenize a directory on stdin" 1 "" "stdin" tokenize < include
t "tokenize without a tokenizer" 1 "" "tokenizer.json" tokenize -m "$bare" -p x

# ---- detokenize ----

t "detokenize arguments" 0 "Hello <|im_end|>" "" detokenize 1022 220,4072
printf '1022, 220\n4072\n' | t "detokenize stdin" 0 "Hello <|im_end|>" "" detokenize
t "detokenize raw bytes" 0 '\0342' "" detokenize 158
t "detokenize nothing" 0 "" "" detokenize < /dev/null
t "detokenize without weights or config" 0 "Hello world" "" detokenize -m $vocabulary 9707 1879
t "detokenize an id beyond the vocabulary" 1 "" "no token 99999 .*\(0 to 4[0-9]+\)" detokenize 99999
t "detokenize a word" 1 "" "'x'" detokenize x
t "detokenize a negative id" 1 "" "'-1'" detokenize -1
t "detokenize a huge id" 1 "" "99999999999999999999" detokenize 99999999999999999999
printf '1022\000220' | t "detokenize a NUL byte" 1 '*' "NUL" detokenize
qw tokenize < models/tiny/README.md | qw detokenize > "$d/out"
check "tokenize and back" "expected the same bytes of models/tiny/README.md" \
    cmp -s "$d/out" models/tiny/README.md
