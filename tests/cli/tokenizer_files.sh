# tokenizer_files.sh - what a user sees of a tokenizer whose files are unusual.

# beside DIR: the bundled model there, as links, but for its tokenizer's files
beside() {
    mkdir "$1"
    for f in "$tiny"/*; do ln -s "$f" "$1"; done
    rm "$1/tokenizer.json" "$1/tokenizer_config.json"
}
config=$tiny/tokenizer_config.json
beside "$d/merged"
ln -s "$tiny/tokenizer.json" "$d/merged"
new='"4096": {"content": "<new>", "special": true, "lstrip": true},'
sed "s/\"added_tokens_decoder\": *{/&$new/" "$config" > "$d/merged/tokenizer_config.json"
t "tokens that only tokenizer_config.json has, which is said" 0 '4096\n' \
    'tokenizer_config.json: .*tokenizer.json lacks: <new> \(4096\)' \
    tokenize -m "$d/merged" -p " <new>"
lines "one warning" "$d/err" 1
t "tokenizer.json alone" 0 '*' "" tokenize -m "$d/merged/tokenizer.json" -p " <new>"
t "they are said, and that the embedding has no row for them" 0 '*' \
    'tokenizer.json lacks: <new> \(4096\)' info -m "$d/merged"
err_has "the embedding is too small" 'has 4097 tokens, but the embedding 4096 rows'
lines "two warnings" "$d/err" 2
t "no warnings for the bundled model" 0 '*' "" info

beside "$d/unsupported"
sed 's/"NFC"/"NFKC"/' "$tiny/tokenizer.json" > "$d/unsupported/tokenizer.json"
ln -s "$config" "$d/unsupported"
t "logits with a tokenizer that is not supported" 0 "" "" \
    logits -m "$d/unsupported" --ids 1,2,3 -o "$d/unsupported.logits"
t "logits with a supported one" 0 "@$d/unsupported.logits" "" logits --ids 1,2,3 -o -
t "info with a tokenizer that is not supported" 0 '*' "" info -m "$d/unsupported"
out_has "info says why" 'tokenizer +.*normalizer.type is "NFKC"; only NFC is supported'
t "run needs it" 1 "" 'normalizer.type is "NFKC"' run -m "$d/unsupported" -p x
t "tokenize needs it" 1 "" 'normalizer.type is "NFKC"' tokenize -m "$d/unsupported" -p x

slow='import json, sys
tokenizer = json.load(open(sys.argv[1] + "/tokenizer.json", encoding="utf-8"))["model"]
with open(sys.argv[2] + "/vocab.json", "w", encoding="utf-8") as f:
    json.dump(tokenizer["vocab"], f)
with open(sys.argv[2] + "/merges.txt", "w", encoding="utf-8") as f:
    f.write("#version: 0.2\n" + "".join(a + " " + b + "\n" for a, b in tokenizer["merges"]))'
beside "$d/slow"
if ! python3 -c "$slow" "$tiny" "$d/slow" 2> "$d/err"; then
    skip "a tokenizer in vocab.json and merges.txt" "$(tail -n 1 "$d/err")"
else
    ln -s "$config" "$d/slow"
    qw run $plain -n 20 -p "$question" > "$d/same" 2> "$d/err"
    same "a tokenizer in vocab.json and merges.txt" run -m "$d/slow" $plain -n 20 -p "$question"
    t "packed with its model" 0 "" "" quantize -m "$d/slow" -q q8 -o "$d/slow.safetensors"
    qw tokenize -p "$question<|im_end|>" > "$d/same" 2> "$d/err"
    t "a packed one" 0 "@$d/same" "" tokenize -m "$d/slow.safetensors" -p "$question<|im_end|>"
    qw info -m "$d/slow" > "$d/out" 2> "$d/err"
    out_has "info names the file" '^tokenizer +vocab.json$'
    rm "$d/slow/merges.txt"
    t "without merges.txt there is no tokenizer" 1 "" "tokenizer.json is missing" \
        tokenize -m "$d/slow" -p x
fi
