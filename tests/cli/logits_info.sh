# logits_info.sh - qw logits and qw info.

# ---- logits ----

ids=245,229,139,200,129,168,235,147,310
bytes=$((9 * 320 * 4))
t "logits -o FILE, without a tokenizer" 0 "" "" logits -m "$bare" --ids $ids -o "$d/logits"
check "logits: a float for each token and position" \
    "expected $bytes bytes, found $(wc -c < "$d/logits")" [ "$(wc -c < "$d/logits")" -eq $bytes ]
for b in 1 4 65536; do
    t "logits -b $b -o -: the same bytes" 0 "@$d/logits" "" \
        logits -m "$bare" --ids $ids -b $b -o -
done
# Little-endian: sign and exponent are in the last byte of each float.
last_bytes() { od -An -v -tu1 -w4 "$1" | awk '{ print $4 }'; }
last_bytes "$d/logits" > "$d/a"
last_bytes "$bare/logits1.f32" > "$d/b"
different=$(paste "$d/a" "$d/b" | awk '$1 != $2' | wc -l)
check "logits: float32, little-endian" "expected the last bytes of $bare/logits1.f32" \
    [ "$different" -le 30 ]
t "logits: -o is needed" 2 "" "-o" logits --ids 1
t "logits: --ids is needed" 2 "" "--ids" logits -o "$d/x"
for bad in 1,x 1,,2 "" 1,-2 1,99999; do
    t "logits --ids '$bad'" 2 "" "token id" logits --ids "$bad" -o "$d/no-logits"
done
check "logits: a failure leaves no file" "found: $(ls "$d")" [ -z "$(ls "$d" | grep '^no-logits')" ]
t "logits: more tokens than positions" 5 "" "1024" logits --ids "$(repeat 1024 5,)5" -o "$d/x"
t "logits: a directory" 1 "" "include" logits --ids 1 -o include
t "logits: an impossible place" 1 "" "/no/such" logits --ids 1 -o /no/such/file

# ---- info ----

t "info" 0 '*' "" info
for want in 'parameters +6164480' 'weights +BF16, 12328960 bytes' 'layers +6' 'vocabulary +4096' \
            'context +1024' 'end tokens +4072 4070' \
            'chat template +tokenizer_config.json: thinks unless --no-think; keeps no thoughts;' \
            'keeps no thoughts; tools$' \
            'tokenizer +tokenizer.json' 'files +.*model.safetensors' \
            'memory at -c 1024:.*cache as f32 6\.3 MB'; do
    out_has "info: $want" "$want"
done
mkdir "$d/odd"
for f in "$tiny"/*; do ln -s "$f" "$d/odd"; done
rm "$d/odd/tokenizer_config.json"
sed 's/"chat_template"/"chat_template": 3, "no_template"/' "$tiny/tokenizer_config.json" \
    > "$d/odd/tokenizer_config.json"
t "info of a model whose template is a number" 0 '*' "" info -m "$d/odd"
out_has "info says so" 'chat template +.*chat_template is neither a text nor a list'
t "logits of it" 0 "" "" logits -m "$d/odd" --ids 1 -o "$d/odd.logits"
t "run of it" 1 "" "neither a text nor a list; --template" run -m "$d/odd" -p x
t "info -t -tb" 0 '*' "" info -t 2 -tb 3
out_has "info: threads" '^threads          2, 3 for prompts, on CPUs [0-9]'
t "info --cpu-list" 0 '*' "" info --cpu-list "$cpu"
out_has "info: one thread for each CPU listed" "^threads          1, on CPUs $cpu\$"
QW_CPU_LIST=$cpu QW_THREADS_BATCH=5 t "info: CPUs and -tb from the environment" 0 '*' "" info -t 2
out_has "info: -t wins over --cpu-list" "^threads          2, 5 for prompts, on CPUs $cpu\$"
t "info -c" 0 '*' "" info -c 512
out_has "info: memory at -c" 'memory at -c 512:.*cache as f32 3\.1 MB'
t "info --kv q8" 0 '*' "" info -c 1024 --kv q8
out_has "info: a cache of q8" 'cache as q8 1\.7 MB'
t "info -q q4" 0 '*' "" info -q q4
out_has "info: q8 is the cache of q4" 'cache as q8'
t "info of a larger context" 0 '*' "" info -m "$bare"
out_has "-c unset: 4096 at most" 'memory at -c 4096:'
t "info -c beyond the model's" 2 "" "1 to 1024" info -c 1025
