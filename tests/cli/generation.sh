# generation.sh - what a user sees of a model's generation_config.json: warnings, what qw info and
# /set show, why an answer ended.

# with JSON: the bundled model with this generation_config.json at $g
g=$d/gen
mkdir "$g"
for f in "$tiny"/*; do ln -s "$f" "$g"; done
with() {
    rm -f "$g/generation_config.json"
    printf '{"eos_token_id": [4072, 4070]%s}\n' "$1" > "$g/generation_config.json"
}

# ---- warnings ----

with ', "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95'
t "generation_config.json as the official ones: no warning" 0 "2 + 3 = 5\n" "" \
    run -m "$g" -p "$question" $plain
with ', "do_sample": true, "top_k": -1, "top_p": 1.2, "num_beams": 4, "min_length": 5'
t "values out of range stop nothing" 0 "2 + 3 = 5\n" \
    "generation_config.json: out of range or of the wrong type, so off: top_k -1, top_p 1.2$" \
    run -m "$g" -p "$question" $plain
err_has "settings that are not honoured" "json: not honoured: min_length 5, num_beams 4$"
lines "one warning a kind" "$d/err" 2
t "--quiet: without them" 0 "2 + 3 = 5\n" "" run -m "$g" -p "$question" $plain --quiet
with ', "temperature": 0.6'
t "a temperature without do_sample" 0 '*' "without do_sample .*: temperature 0.6$" info -m "$g"
out_has "info: without do_sample" '^sampling         the likeliest token$'
printf '{"eos_token_id": 4070}' > "$g/generation_config.json"
t "end tokens that differ from config.json's" 0 "2 + 3 = 5\n" \
    "answers end at token 4072 of config.json, too" run -m "$g" -p "$question" $plain

# ---- max_new_tokens ----

with ', "max_new_tokens": 3'
story="-m $g $plain"
t "max_new_tokens ends an answer and says so" 0 "Once upon a\n" \
    "cut at 3 tokens, max_new_tokens of generation_config.json; -n -1" run $story -p "A story."
cp "$d/out" "$d/three"
t "max_new_tokens: -n wins" 0 '*' "" run $story -p "A story." -n 5
check "max_new_tokens: -n may be more" "found: $(cat "$d/out")" not cmp -s "$d/out" "$d/three"
t "max_new_tokens: -n -1 is no limit" 0 '*' "" run $story -p "A story." -n -1
check "max_new_tokens: -n -1 goes on" "found: $(cat "$d/out")" [ "$(wc -w < "$d/out")" -gt 20 ]
t "max_new_tokens: all of it thoughts" 6 "" "all 3 tokens of max_new_tokens went into thoughts" \
    run -m "$g" -p "$question" -s 1
t "max_new_tokens: -v says it before" 0 '*' "at most 3 tokens, max_new_tokens" \
    run $story -p "A story." -v
printf '/set n\n/set n 4\n/set n\n/set n -1\n/set n\n' | qw chat $story --quiet \
    > "$d/out" 2> "$d/err"
check "/set n: the model's, and changed" "$(cat "$d/err")" \
    [ "$(tr -d '\n' < "$d/err" | tr -s ' ')" = " n 3 n 4 n -1" ]
t "info: max_new_tokens" 0 '*' "" info -m "$g"
out_has "info shows it" '^answers          3 tokens at most$'

# ---- stop_strings ----

with ', "stop_strings": ["ZZ\u001b[2J", "+"]'
t "stop_strings end an answer" 0 "2 \n" "" run $story -p "$question"
t "stop_strings: --stop adds to them" 0 "2 \n" "" run $story -p "$question" --stop 5
t "stop_strings: a text of --stop that comes first" 6 "" "began with a stop text$" \
    run $story -p "$question" --stop "2 "
with ', "stop_strings": ["2", "\u001b[2J"]'
t "stop_strings at once" 6 "" "began with a stop text of generation_config.json$" \
    run $story -p "$question"
t "info: stop_strings" 0 '*' "" info -m "$g"
out_has "info shows them, made visible" '^stop texts       "2", "\\u001b\[2J"$'
printf '/set stop abc\n/set stop\n' | qw chat $story > "$d/out" 2> "$d/err"
err_has "/set stop shows the model's own, too" \
    "^  stop               abc  \(the model's own: \"2\", \"..001b\[2J\"\)$"

# ---- sampling ----

with ', "do_sample": true, "temperature": 0.5, "top_k": 7, "top_p": 0.9, "min_p": 0.1,
      "repetition_penalty": 1.1, "presence_penalty": 1.5, "frequency_penalty": 0.25,
      "suppress_tokens": [5, 99999], "begin_suppress_tokens": [6, 7], "bad_words_ids": [[8]]'
t "info: sampling" 0 '*' "" info -m "$g"
out_has "info shows all of it" "^sampling         temperature 0.5, top-k 7, top-p 0.9, min-p 0.1, \
repetition penalty 1.1, presence penalty 1.5, frequency penalty 0.25; 2 tokens never drawn; \
2 tokens not drawn first$"
printf '/set presence-penalty\n/set frequency-penalty\n/set presence-penalty 0\n%s\n' \
    '/set presence-penalty' | qw chat -m "$g" > "$d/out" 2> "$d/err"
check "/set: penalties of the model" "$(cat "$d/err")" \
    [ "$(tr -d '\n' < "$d/err" | tr -s ' ')" = \
    " presence-penalty 1.5 frequency-penalty 0.25 presence-penalty 0" ]
t "quantize keeps it" 0 "" "" quantize -m "$g" -q q8 -o "$d/gen.safetensors"
t "info of the packed file" 0 '*' "" info -m "$d/gen.safetensors"
out_has "a packed file: sampling" '^sampling         temperature 0.5, top-k 7.*; 2 tokens never'
