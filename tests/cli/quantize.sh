# quantize.sh - qw quantize, and what a packed file is good for.

mkdir "$d/q"
q4=$d/q/t4.safetensors
x=$d/q/x.safetensors
copy=$d/copy                                # of the model
cp -R "$tiny" "$copy"
t "quantize" 0 "" "" quantize -m "$copy" -q q4 -o "$q4"
t "quantize -q q8" 0 "" "" quantize -m "$copy" -q q8 -o "$d/q/t8.safetensors"
unchanged() {
    cmp "$tiny/model.safetensors" "$copy/model.safetensors" && [ "$(ls "$tiny")" = "$(ls "$copy")" ]
}
check "quantize leaves the model as it is" "$(ls "$copy")" unchanged
t "quantize --verify" 0 "" "" quantize --verify -m "$q4"

# ---- using a packed file ----

for q in 4 8; do
    qw run -q q$q -p "$question" $plain > "$d/same" 2> /dev/null
    same "a packed file answers as -q q$q does" \
        run -q q$q -m "$d/q/t$q.safetensors" -p "$question" $plain
done
t "a packed file as q8" 2 "" "packed as q4.* as q8" run -m "$q4" -q q8 -p hi
t "tokenize -m FILE" 0 "1022 220 4072\n" "" tokenize -m "$q4" -p "Hello <|im_end|>"
t "detokenize -m FILE" 0 "Hello <|im_end|>" "" detokenize -m "$q4" 1022 220 4072
t "template -m FILE" 0 "$user" "" template -m "$q4" --messages "$d/hi.json"
t "info -m FILE" 0 '*' "" info -m "$q4"
out_has "info -m FILE: q4" 'weights as q4'
out_has "info of a packed file: its type" '^weights          q4 of BF16, '

# ---- what is refused ----

t "quantize --verify with another flag" 2 "" "nothing else" quantize --verify -m "$q4" -q q8
t "quantize --verify with -o" 2 "" "nothing else" quantize --verify -m "$q4" -o "$x"
QW_WEIGHT_TYPE=auto t "quantize: QW_WEIGHT_TYPE is for running" 0 "" "" quantize -o "$x"
t "quantize without a tokenizer says so" 0 "" "no tokenizer: .*tokenizer.json" \
    quantize -m "$bare" -o "$x"
err_has "quantize without a template says so" "no chat template: "
rm "$x"
t "quantize a packed file" 2 "" "already packed" quantize -m "$q4" -o "$x"
t "quantize without -o" 2 "" "-o FILE" quantize
t "quantize -o of another name" 2 "" "must end in .safetensors" quantize -o "$d/q/x.bin"
t "quantize -q bf16" 2 "" "'bf16'.*q8" quantize -q bf16 -o "$x"
t "quantize -o onto the model" 2 "" "file of the model itself" \
    quantize -m "$copy" -o "$copy/model.safetensors"
mv "$copy/model.safetensors" "$copy/model-1.safetensors"
for name in model-1 model-2 model; do
    t "quantize -o among shards: $name" 2 "" "file of the model itself" \
        quantize -m "$copy" -o "$copy/$name.safetensors"
done
t "quantize -o into no directory" 1 "" "/no/such" quantize -o /no/such/x.safetensors

# ---- failures ----

(ulimit -f 64; t "quantize beyond ulimit -f" 1 "" "q/x.saf.*: File too large" quantize -o "$x")
on_full_disk "quantize on a full disk fails and leaves nothing" "x.safetensors: No space" \
    quantize -o "$d/small/x.safetensors"
check "quantize: a failure leaves no file" "found: $(ls -A "$d/q")" \
    [ "$(ls -A "$d/q" | tr '\n' ' ')" = "t4.safetensors t8.safetensors " ]
echo old > "$x"
(ulimit -f 64; t "quantize beyond ulimit -f, over a file" 1 "" "File too large" quantize -o "$x")
check "quantize: a failure keeps the old file" "found other bytes" [ "$(cat "$x")" = old ]

# ---- over something ----

t "quantize over a file" 0 "" "" quantize -o "$x"
check "quantize over a file: the same bytes" "" cmp "$q4" "$x"
rm "$x"
ln -s ../t.safetensors "$x"
echo old > "$d/t.safetensors"
t "quantize -o onto a link" 0 "" "" quantize -o "$x"
check "quantize -o onto a link: it stays one" "$(ls -l "$d/q")" [ -L "$x" ]
check "quantize -o onto a link writes where it points" "" cmp "$q4" "$d/t.safetensors"
rm "$d/t.safetensors"
t "quantize -o onto a link to nowhere" 1 "" "x.safetensors: No such file" quantize -o "$x"
rm "$x"
sh -c 'echo left > "$2.$$.part"; exec $1 quantize -o "$2"' - "$QW" "$x" > "$d/out" 2> "$d/err"
status=$?
compare "quantize next to what a process of the same number left" 0 "" ""
check "quantize keeps it" "found: $(ls "$d/q")" [ "$(cat "$x".*.part)" = left ]
check "quantize next to it: the same bytes" "" cmp "$q4" "$x"
rm "$d/q"/x.*
mkdir "$x"
t "quantize -o onto a directory" 1 "" "x.safetensors: Is a directory" quantize -o "$x"
rmdir "$x"
if [ -w /dev/full ]; then
    ln -s /dev/full "$x"
    t "quantize onto a full device" 1 "" "x.safetensors: No space" quantize -o "$x"
    rm "$x"
else
    skip "quantize onto a full device" "no /dev/full"
fi
mv "$copy/model-1.safetensors" "$copy/model.safetensors"
check "quantize: failures leave the model as it is" "$(ls "$copy")" unchanged

# ---- a weight that is infinite ----

data=$(($(head -c 8 "$copy/model.safetensors" | od -An -t u4 | awk '{ print $1 }') + 8))
printf '\200\177' |
    dd of="$copy/model.safetensors" bs=1 seek=$((data + 512 * 7)) conv=notrunc 2> /dev/null
infinite="row 7: .*not finite"
t "quantize: an infinite weight is refused by name" 1 "" \
    "copy/model.safetensors: tensor 'model.embed_tokens.weight', $infinite" \
    quantize -m "$copy" -o "$x"
t "run -q q8: so it is while loading" 1 "" "$infinite" run -m "$copy" -q q8 -p x

# ---- interrupted ----

if make_wide; then
    untouched() {
        [ "$(ls "$d" | grep '^interrupted')" = interrupted.safetensors ] &&
            [ "$(cat "$d/interrupted.safetensors")" = old ]
    }
    echo old > "$d/interrupted.safetensors"
    for signal in INT:130 TERM:143 XCPU:152; do
        name="SIG${signal%:*} during quantize"
        $QW $quantize_wide > "$d/out" 2> "$d/err" & pid=$!
        wait_for part || fail "quantize writes next to its file" "no .part file: $(stderr)"
        [ $signal = INT:130 ] || kill -${signal%:*} $pid
        interrupt "$name" ${signal#*:} "" ""
        check "$name leaves what was there" "found: $(ls "$d")" untouched
    done
    for threads in 1 3; do
        name="a model that becomes shorter, $threads threads"
        $QW $quantize_wide -t $threads > "$d/out" 2> "$d/err" & pid=$!
        wait_for part
        cp "$d/header" "$d/wide/model.safetensors"
        wait_for ended
        wait $pid
        status=$? pid=
        compare "$name" 1 "" "can no longer be read"
        check "$name, leaves what was there" "found: $(ls "$d")" untouched
        fill_wide
    done
    rm "$d/interrupted.safetensors"
else
    skip "Ctrl-C during quantize" "cannot make a sparse file"
fi

# ---- damaged ----

{ head -c 1000000 "$q4"; printf '\377\377\377'; tail -c +1000004 "$q4"; } > "$d/damaged"
t "quantize --verify of a damaged file" 1 "" "tensor '.*' is damaged" \
    quantize --verify -m "$d/damaged"
