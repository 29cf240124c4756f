#!/bin/sh
# fuzz.sh NAME... - builds the libFuzzer program of each tests/NAME.c and runs it for FUZZ_SECONDS
# on a copy of its seeds, tests/corpus/ and the name without fuzz_, with the words of a .dict there
# for names that begin with its name. Called by make fuzz from the project's root. What crashes
# stays in .build/fuzz/*-crashes/.
seconds=${FUZZ_SECONDS:-60}
if ! command -v clang > /dev/null; then
    echo "skip - fuzz: clang is not installed"
    exit 0
fi
entry='int LLVMFuzzerTestOneInput(const char *p, unsigned long n)'
if ! echo "$entry; $entry { return !p && n; }" |
    clang -fsanitize=fuzzer -x c - -o /dev/null 2> /dev/null; then
    echo "skip - fuzz: this clang has no libFuzzer"
    exit 0
fi

unset MAKEFLAGS MFLAGS MAKELEVEL SAN OPENMP DEBUG
programs=
for name in "$@"; do programs="$programs .build/fuzz/$name"; done
# shellcheck disable=SC2086
"${MAKE:-make}" -s BUILD=.build/fuzz CC=clang CFLAGS='-O1 -g' \
    SAN=fuzzer-no-link,address,undefined KERNELS=reference $programs || exit 1

# Many small files are written: in memory where possible.
scratch=$(mktemp -d /dev/shm/qw-fuzz-XXXXXX 2> /dev/null || mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

failed=0
for binary in $programs; do
    name=${binary##*/fuzz_}
    crashes=.build/fuzz/$name-crashes
    mkdir -p "$scratch/$name" "$crashes"
    cp tests/corpus/"$name"/* "$scratch/$name" || exit 1
    words=tests/corpus/${name%%_*}.dict
    if [ ! -f "$words" ]; then words=; fi
    TMPDIR=$scratch sh tests/limit.sh $((seconds + 300)) "$binary" "$scratch/$name" \
        ${words:+"-dict=$words"} -max_total_time="$seconds" -max_len=12288 \
        -rss_limit_mb=2048 -malloc_limit_mb=1024 -timeout=10 \
        -artifact_prefix="$crashes/" -print_final_stats=1 > "$scratch/log" 2>&1
    status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/log")
    if [ $status -eq 0 ] && [ "${runs:-0}" -gt 0 ]; then
        echo "ok - fuzz $name ($runs inputs)"
        continue
    fi
    failed=1
    grep -vE '^#[0-9]|^(INFO|stat)' "$scratch/log" | head -40
    if [ $status -eq 124 ]; then
        echo "not ok - fuzz $name: took longer than $((seconds + 300)) s"
    else
        echo "not ok - fuzz $name: exit code $status; the input is in $crashes"
    fi
done
exit $failed
