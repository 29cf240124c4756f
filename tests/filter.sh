#!/bin/sh
# filter.sh QW - under a filter that answers forbidden system calls with SIGSYS, as Android's does
# for apps, qw goes on as if the kernel lacked them, in its threads too.
qw=$1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
if ! ${CC:-cc} -D_GNU_SOURCE -o "$tmp/filter" tests/filter.c 2> "$tmp/err"; then
    echo "skip - filter: $(head -n 1 "$tmp/err")"
    exit
fi
"$tmp/filter" true
if [ $? -eq 77 ]; then echo "skip - filter: this system has no seccomp filters"; exit; fi
answer() { timeout 60 "$@" run -m models/tiny --no-stdin -p "Once upon a time" --template none \
    --temp 0 -n 20 -t 2 2>&1; }
want=$(answer "$qw")
got=$(answer "$tmp/filter" "$qw")
if [ -n "$want" ] && [ "$got" = "$want" ]; then echo "ok - filter: the same answer"; else
    printf '  expected %s\n  found %s\nnot ok - filter: the same answer\n' "$want" "$got"
    exit 1
fi
