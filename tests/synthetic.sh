#!/bin/sh
# synthetic.sh - a checkpoint of Qwen3-0.6B's shapes (1.5 GB on disk, made by tools/mkmodel.py): it
# runs, and its logits agree with numpy.
python=${PYTHON:-python3}
if ! $python -c 'import numpy' 2> /dev/null; then
    echo "skip - synthetic 0.6B: python3 with numpy is missing"
    exit 0
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/qw-synthetic-XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
free=$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')
if [ "$free" -lt 3000000 ]; then
    echo "skip - synthetic 0.6B: less than 3 GB free in $dir"
    exit 0
fi
$python tools/mkmodel.py "$dir/m" --preset 0.6b --dup-head \
    --tokenizer tests/fixtures/qwen3-tokenizer || exit 1
failed=0
result() { if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; failed=1; fi; }

./qw run -m "$dir/m" -p "Hello" -n 4 --no-think --quiet > "$dir/text" && [ -s "$dir/text" ]
result $? "synthetic 0.6B answers"
ids=1,2,3,1000,15000,150000
./qw logits -m "$dir/m" --ids $ids -o "$dir/logits" &&
    $python tests/reference.py "$dir/m" $ids "$dir/logits"
result $? "synthetic 0.6B logits agree with numpy in float64"
./qw logits -m "$dir/m" --ids $ids -b 1 -t 1 -o "$dir/again" && cmp "$dir/logits" "$dir/again"
result $? "synthetic 0.6B logits have the same bits token by token"
exit $failed
