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
out_has "template: numbers keep their spelling" '1\.50E\+2'
json='"<|im_start|>user\\nhi<|im_end|>\\n"\n'
printf '%s}\nbad\n\n{}\n%s}' "$hi" "$hi" |
    t "template --jsonl: bad lines are empty lines" 1 "$json\n\n\n$json" '*' \
        template --jsonl --messages - --template hybrid
bad_lines "template --jsonl: bad lines are numbered" "2 3 4"
t "template --jsonl of a file" 0 "$json" "" template --jsonl --messages "$d/hi.json"
echo "bad" | t "template: bad JSON" 1 "" "not valid JSON" template --messages -
t "template without --messages" 2 "" "--messages" template
t "template: no such file" 1 "" "/no/such" template --messages /no/such
t "template: a directory" 1 "" "include" template --messages include
t "template --jsonl: a directory" 1 "" "include" template --jsonl --messages include
t "template: a model without one, and what helps" 1 "" "chat template.*--template NAME" \
    template --messages "$d/hi.json" -m "$bare"
