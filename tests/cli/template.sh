# template.sh - qw template.

prompt="$user<|im_start|>assistant\n"
t "template: no generation prompt by default, no newline added" 0 "$user" "" \
    template --messages "$d/hi.json"
echo "$hi,\"add_generation_prompt\":true}" > "$d/add.json"
t "template: add_generation_prompt" 0 "$prompt" "" template --messages - < "$d/add.json"
for name in hybrid instruct2507 thinking2507; do
    case $name in thinking2507) think='<think>\n' ;; *) think= ;; esac
    QW_MODEL=/no/such t "template --template $name needs no model" 0 "$prompt$think" "" \
        template --messages - --template $name < "$d/add.json"
done
echo "$hi,\"add_generation_prompt\":true,\"enable_thinking\":false}" |
    t "template: enable_thinking" 0 "$prompt<think>\n\n</think>\n\n" "" \
        template --messages - --template hybrid
t "template needs tokenizer files at most" 0 "$user" "" \
    template --messages "$d/hi.json" -m tests/fixtures/qwen3-tokenizer
function='{"name":"f","big":12345678901234567890,"e":1.50E+2}'
echo "$hi,\"tools\":[{\"type\":\"function\",\"function\":$function}]}" |
    t "template: tools" 0 '*' "" template --messages - --template hybrid
out_has "template: integers keep their spelling" '12345678901234567890'
out_has "template: numbers as Python writes them" '"e": 150\.0'
json='"<|im_start|>user\\nhi<|im_end|>\\n"\n'
printf '%s}\nbad\n\n{}\n%s}' "$hi" "$hi" |
    t "template --jsonl: bad lines are empty lines" 1 "$json\n\n\n$json" '*' \
        template --jsonl --messages - --template hybrid
bad_lines "template --jsonl: bad lines are numbered" "2 3 4"
cat > "$d/own.jinja" << 'EOT'
{{ mode }} {{ n + 1 }} {{ strftime_now('%d %b %Y') }}
EOT
today=$(date '+%d %b %Y')
t "template FILE.jinja, variables and the date" 0 "fast 2 29 Feb 2024" "" \
    template --messages "$d/hi.json" --template "$d/own.jinja" --template-var 'mode="fast"' \
    --template-var n=1 --date 2024-02-29
QW_DATE=2024-02-28 t "template: QW_DATE, and kwargs in one object" 0 "fast 2 28 Feb 2024" "" \
    template --messages "$d/hi.json" --chat-template "$d/own.jinja" \
    --chat-template-kwargs '{"mode":"fast","n":1}'
t "template: today without a date" 0 "slow 1 $today" "" template --messages "$d/hi.json" \
    --chat-template-file "$d/own.jinja" --template-var 'mode="slow"' --template-var n=0
t "template: a variable that is no JSON" 1 "" "variables.*; values are JSON, .*double quotes" \
    template --messages "$d/hi.json" --template "$d/own.jinja" --template-var mode=fast
t "variables without a template" 2 "" "--template-var: --template none has no variables" \
    run -p x --template none --template-var n=1
t "variables without a template, in one object" 2 "" "--chat-template-kwargs: --template none" \
    run -p x -no-cnv --chat-template-kwargs '{"n":1}'
t "template: a variable without a name" 2 "" "NAME=JSON" \
    template --messages "$d/hi.json" --template "$d/own.jinja" --template-var '=1'
t "template: a day that is none" 2 "" "2024-02-30" \
    template --messages "$d/hi.json" --template "$d/own.jinja" --date 2024-02-30
t "template: an error of the template names the place" 1 "" "own.jinja: line 1, column [0-9]*: " \
    template --messages "$d/hi.json" --template "$d/own.jinja" --template-var 'mode="x"'
t "template: two templates" 2 "" "give one of them" \
    template --messages "$d/hi.json" --template hybrid --chat-template-file "$d/own.jinja"
printf "{%% if add_generation_prompt %%}{{ raise_exception('no system, please') }}{%% endif %%}x" \
    > "$d/raise.jinja"
t "template: an exception that it raises" 1 "" "no system, please" \
    template --messages "$d/add.json" --template "$d/raise.jinja"
t "template --jsonl of a file" 0 "$json" "" template --jsonl --messages "$d/hi.json"
{ printf '\357\273\277'; cat "$d/hi.json"; } |
    t "template: a byte order mark" 0 "$user" "" template --messages - --template hybrid
{ printf '\357\273\277'; cat "$d/hi.json"; } |
    t "template --jsonl: a byte order mark" 0 "$json" "" \
        template --jsonl --messages - --template hybrid
echo "bad" | t "template: bad JSON" 1 "" "not valid JSON" template --messages -
t "template without --messages" 2 "" "--messages" template
t "template: no such file" 1 "" "/no/such" template --messages /no/such
t "template: a directory" 1 "" "include" template --messages include
t "template --jsonl: a directory" 1 "" "include" template --jsonl --messages include
t "template: a model without one, and what helps" 1 "" "chat template.*--template NAME" \
    template --messages "$d/hi.json" -m "$bare"
