#!/bin/sh
# shape.sh QW FAULTY [LEVEL...] - qw bench --shape: the logits of shapes are the same everywhere,
# in memory and mapped from a file, at each level (or at those named); another result is told as
# WRONG, without a speed. FAULTY is built with tests/faulty.c. Both may begin with an emulator.
qw=$1 faulty=$2
shift 2
failed=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
unset QW_CPU QW_TEST_FAULT QW_TEST_RIGHT

result() {      # result RC NAME DETAIL
    if [ "$1" -eq 0 ]; then echo "ok - shape: $2"; return; fi
    printf '  %s\nnot ok - shape: %s\n' "$3" "$2"
    failed=1
}

# bench BINARY FLAG...: leaves stdout in $out, stderr in $err, the exit code in $rc
bench() {
    binary=$1
    shift
    out=$(timeout 600 $binary bench -p 1 -n 0 -r 1 --no-warmup -o jsonl "$@" 2> "$tmp/err")
    rc=$?
    err=$(cat "$tmp/err")
}

# right_hash NAME HASH: the last bench ended well and found that hash
right_hash() {
    case "$rc:$out" in
    "0:"*"\"logits_hash\": \"$2\""*) result 0 "$1" ;;
    *) result 1 "$1" "expected $2, found $rc: $out $err" ;;
    esac
}

# is_wrong NAME: the last bench said WRONG and nothing of speed
is_wrong() {
    case "$rc:$out:$err" in
    "1::"*"WRONG"*) result 0 "$1" ;;
    *) result 1 "$1" "expected 1 and WRONG, found $rc: $out $err" ;;
    esac
}

levels=${*:-$($qw --version | sed 's/.*CPU levels: \(.*\))/\1/')}
for level in $levels; do
    bench "$qw" --shape 0.6b/2 -q q4 --cpu "$level"
    right_hash "0.6b/2 q4 at $level" 4e40337d574c8a1d
    bench "$qw" --shape 0.6b/2 -q q8 --cpu "$level"
    right_hash "0.6b/2 q8 at $level" 30f157510860e8db
done
export QW_TEST_FAULT=matmul_q4
bench "$faulty" --shape 0.6b/2 -q q4
is_wrong "a fault in a kernel is told"
[ $# -eq 0 ] || exit $failed

QW_TEST_RIGHT=scalar QW_MODEL=models/tiny
export QW_TEST_RIGHT QW_MODEL
bench "$faulty" -q q4 --check
is_wrong "--check tells it of a model"
bench "$faulty" -q q8 --check
right_hash "--check: what has no fault is right" "$(bench "$qw" -q q8; echo "$out" |
    sed 's/.*"logits_hash": "\([0-9a-f]*\)".*/\1/')"
unset QW_TEST_FAULT QW_TEST_RIGHT QW_MODEL

file=$tmp/shape
bench "$qw" --shape 0.6b/2 --shape-file "$file"
right_hash "--shape-file writes the file" 4e40337d574c8a1d
cp "$file" "$tmp/first"
bench "$qw" --shape 0.6b/2 --shape-file "$file"
right_hash "--shape-file uses it" 4e40337d574c8a1d
[ "$(ls "$tmp" | tr '\n' ' ')" = "err first shape " ] && cmp "$file" "$tmp/first"
result $? "--shape-file leaves that file alone" "$(ls -l "$tmp")"
bench "$qw" --shape 0.6b/2 -q q8 --shape-file "$file"
case "$rc:$out:$err" in
"1::"*"$file does not hold the tensor 'qw shape 0.6b/2 q8, version 1'"*) result 0 "another type" ;;
*) result 1 "another type" "found $rc: $out $err" ;;
esac
printf '\377\377\377\377' | dd of="$file" bs=1 seek=1000000 conv=notrunc 2> "$tmp/err"
bench "$qw" --shape 0.6b/2 --shape-file "$file"
is_wrong "a damaged file is told"
head -c 1000000 "$tmp/first" > "$file"
bench "$qw" --shape 0.6b/2 --shape-file "$file"
[ "$rc" -eq 1 ] && [ -z "$out" ]
result $? "a file cut short is refused" "found $rc: $out $err"
(
    ulimit -f 1000
    bench "$qw" --shape 0.6b/2 --shape-file "$tmp/new"
    [ "$rc" -eq 1 ] && [ -z "$out" ]
) && [ ! -e "$tmp/new" ]
result $? "a file that cannot be written is not there" "$(ls -l "$tmp")"
exit $failed
