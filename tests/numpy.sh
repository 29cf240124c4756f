#!/bin/sh
# numpy.sh - qw logits of models/tiny against tests/reference.py, a forward pass in float64.
python=${PYTHON:-python3}
if ! $python -c 'import numpy' 2> /dev/null; then
    echo "skip - numpy reference: python3 with numpy is missing"
    exit 0
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
ids=$($python -c 'print(",".join(str((i * 1237 + 11) % 4000) for i in range(150)))')
if ${QW:-./qw} logits -m models/tiny --ids "$ids" -o "$tmp/logits" &&
    $python tests/reference.py models/tiny "$ids" "$tmp/logits"; then
    echo "ok - logits agree with numpy in float64"
else
    echo "not ok - logits agree with numpy in float64"
    exit 1
fi
