# spellings.sh - one checkpoint in many spellings (tests/spellings.py makes them): the same logits,
# and a warning where files contradict each other.

python=${PYTHON:-python3}
ids=1,2,3,300,17,5,5,319
if $python -c '' 2> /dev/null; then
    mkdir "$d/spellings"
    $python tests/spellings.py "$d/spellings/all" || fail "spellings.py" "exit code $?"
    one=$d/spellings/all/one-file
    qw logits -m "$one" --ids $ids -o "$d/same" || fail "spellings: one-file" "exit code $?"
    n=0
    for m in "$d/spellings/all"/*; do
        name=${m##*/}
        said=
        if [ -f "$m/WARNING" ]; then said='*'; fi
        t "spellings: $name" 0 "@$d/same" "$said" logits -m "$m" --ids $ids -o -
        if [ -n "$said" ]; then
            while read -r pattern; do err_has "spellings: $name says so" "$pattern"; done \
                < "$m/WARNING"
            lines "spellings: $name says nothing else" "$d/err" "$(wc -l < "$m/WARNING")"
        fi
        n=$((n + 1))
    done
    t "spellings: the file itself" 0 "@$d/same" "" \
        logits -m "$one/model.safetensors" --ids $ids -o -
    check "spellings: there are many" "only $n" [ $n -ge 40 ]

    # ---- a head of its own, although config.json ties it ----

    other=$d/spellings/other-head
    own="tie_word_embeddings is true, but 'lm_head.weight' has values of its own: they are used"
    t "spellings: another head" 0 "" "$own" logits -m "$other" --ids $ids -o "$d/logits"
    check "spellings: another head, other logits" "the same" not cmp -s "$d/same" "$d/logits"
    t "info of another head" 0 "*" "$own" info -m "$other"
    out_has "info: another head" 'head of its own'
    t "quantize of another head" 0 "" "$own" quantize -m "$other" -q q8 -o "$d/head.safetensors"
    qw logits -m "$other" --ids $ids -q q8 -o "$d/same" 2> /dev/null
    t "another head, packed" 0 "@$d/same" "" \
        logits -m "$d/head.safetensors" --ids $ids -o -
    other=$d/spellings/other-row
    qw logits -m "$one" --ids $ids -o "$d/same"
    t "another row of the head: a sample misses it" 0 "@$d/same" "" \
        logits -m "$other" --ids $ids -o -
    t "info of another row" 0 "*" "$own" info -m "$other"
    out_has "info: another row" 'head of its own'
    t "quantize of another row" 0 "" "$own" quantize -m "$other" -q q8 -o "$d/row.safetensors"
    t "info of another row, packed" 0 "*" "" info -m "$d/row.safetensors"
    out_has "info: another row, packed" 'head of its own'

    t "a tensor that no shard has" 1 "" \
        "00001-of-00002.safetensors and 1 more file: tensor 'model.norm.weight' is missing" \
        info -m "$d/spellings/no-norm"

    t "info of the model cards' yarn: no warning" 0 "*" "" info -m "$d/spellings/yarn"
    out_has "info: as far as yarn goes" "^context +131072$"
    t "shards and another variant, no index" 1 "" \
        "/model.fp16.safetensors: tensor '.*' is in .*/model-00001-of-00002.safetensors, too$" \
        info -m "$d/spellings/variant"

    # ---- decided when it was packed ----

    for name in only-head leftover-quantisation vocab-size; do
        m=$d/spellings/all/$name-w packed=$d/$name.safetensors
        t "quantize $name" 0 "" "$(cat "$m/WARNING")" quantize -m "$m" -q q8 -o "$packed"
        qw logits -m "$m" --ids $ids -q q8 -o "$d/same" 2> /dev/null
        t "$name, packed" 0 "@$d/same" "" logits -m "$packed" --ids $ids -o -
        qw info -m "$packed" > "$d/out" 2>&1
        out_has "info of $name, packed" 'head tied'
    done
    t "info: a copy of the embedding" 0 "*" "" info -m "$d/spellings/all/head-copy"
    out_has "info: a copy, tied" 'head tied'
    t "quantize -o model.safetensors beside shards" 2 "" "file of the model itself" quantize \
        -m "$d/spellings/all/two-shards" -o "$d/spellings/all/two-shards/model.safetensors"
else
    skip "spellings" "there is no python3"
fi
