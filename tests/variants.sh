#!/bin/sh
# variants.sh - the unit tests (their quick form) and the command line under other compilers and
# options: clang, OpenMP, sanitizers. All warnings are errors; the address sanitizer also finds
# leaks.
make=${MAKE:-make}
seconds=1200            # for each program
failed=0
unset SAN OPENMP DEBUG
ASAN_OPTIONS=detect_leaks=1
export ASAN_OPTIONS
tests=$(for t in tests/test_*.c; do basename "$t" .c; done)

# check NAME COMMAND...: it succeeds in time
check() {
    what=$1
    shift
    out=$(sh tests/limit.sh $seconds "$@" 2>&1)
    case $? in
    0) echo "ok - $what"; return ;;
    124) what="$what: took longer than $seconds s" ;;
    esac
    if echo "$out" | grep -q '^not ok'; then echo "$out" | grep -A5 '^not ok'; fi
    echo "$out" | tail -40
    echo "not ok - $what"
    failed=1
}

one() {     # one NAME COMPILER VARIABLE...
    name=$1 cc=$2 build=.build/variant-$(echo "$1" | tr ' ,' '--')
    shift 2
    if ! command -v "$cc" > /dev/null 2>&1; then echo "skip - $name: $cc is missing"; return; fi
    targets="$build/qw"
    for t in $tests; do targets="$targets $build/$t"; done
    # shellcheck disable=SC2086
    if ! $make -s BUILD="$build" CC="$cc" "$@" $targets; then
        echo "not ok - $name: does not build without warnings"
        failed=1
        return
    fi
    for t in $tests; do check "$t, $name" "$build/$t" quick; done
    case $name in       # the command line takes minutes; once is enough to see what sanitizers see
    "gcc sanitizers")
        # flags are fuzzed, and pipes.py measures time
        check "cli, $name" env QW="$build/qw" sh tests/cli.sh usage which_model run prompts ends \
            tokens template logits_info streams memory interrupt quantize bench chat terminal ;;
    esac
}
one "clang -O3" clang CFLAGS="-O3 -Werror"
one "gcc OpenMP" gcc CFLAGS="-O2 -Werror" OPENMP=1
one "gcc sanitizers" gcc CFLAGS="-O1 -g -Werror" SAN=address,undefined
one "clang sanitizers" clang CFLAGS="-O1 -g -Werror" SAN=address,undefined

# Races in the pool.
build=.build/variant-threads
if $make -s BUILD=$build CC=gcc CFLAGS="-O1 -g -Werror" SAN=thread $build/test_base; then
    check "test_base, gcc thread sanitizer" $build/test_base
else
    echo "not ok - gcc thread sanitizer: does not build without warnings"
    failed=1
fi
exit $failed
