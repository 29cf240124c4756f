#!/bin/sh
# variants.sh [JOB...] - the unit tests (their quick form) and the command line under other
# compilers and options: clang, OpenMP, sanitizers. All warnings are errors; the address sanitizer
# also finds leaks. `jobs` lists the jobs.
jobs="gcc-sanitizers clang-sanitizers clang openmp threads"
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
    began=$(date +%s)
    out=$(sh tests/limit.sh $seconds "$@" 2>&1)
    case $? in
    0) echo "ok - $what ($(($(date +%s) - began)) s)"; return ;;
    124) what="$what: took longer than $seconds s" ;;
    esac
    if echo "$out" | grep -q '^not ok'; then echo "$out" | grep -A5 '^not ok'; fi
    echo "$out" | tail -40
    echo "not ok - $what"
    failed=1
}

one() {     # one NAME COMPILER VARIABLE...: the programs in $tests
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
        # flags are fuzzed, and pipes.py measures time; so does bench, once is enough
        seconds=2400
        check "cli, $name" env QW="$build/qw" QW_SLOW=10 sh tests/cli.sh usage which_model run \
            prompts ends tokens tokenizer_files template logits_info streams memory generation \
            interrupt quantize chat commands
        check "bench, $name" "$build/qw" bench -m models/tiny -p 16 -n 4 -r 2 -pg 8,2 -d 0,32 ;;
    esac
}

# Races in the pool.
threads() {
    build=.build/variant-threads
    if $make -s BUILD=$build CC=gcc CFLAGS="-O1 -g -Werror" SAN=thread KERNELS=reference \
        $build/test_base
    then check "test_base, gcc thread sanitizer" $build/test_base
    else
        echo "not ok - gcc thread sanitizer: does not build without warnings"
        failed=1
    fi
}

# With sanitizers a kernel file takes the compilers up to a minute: each level has one of the two.
case $(uname -m) in
x86_64) some="x86/avx2 x86/avx512vnni reference" others="x86/sse41 reference" ;;
aarch64) some="arm/dotprod arm/i8mm reference" others="arm/neon reference" ;;
*) some= others= ;;
esac

job() {
    case $1 in
    clang) one "clang -O3" clang CFLAGS="-O3 -Werror" ;;
    openmp)             # what runs on several threads: the rest is what it always is
        tests="test_base test_forward test_packed test_tiny"
        one "gcc OpenMP" gcc CFLAGS="-O2 -Werror" OPENMP=1 KERNELS=reference ;;
    gcc-sanitizers)
        one "gcc sanitizers" gcc CFLAGS="-O1 -g -Werror" SAN=address,undefined \
            ${some:+KERNELS="$some"} ;;
    clang-sanitizers)
        one "clang sanitizers" clang CFLAGS="-O1 -g -Werror" SAN=address,undefined \
            ${others:+KERNELS="$others"} ;;
    threads) threads ;;
    *) echo "not ok - variants: no job $1"; failed=1 ;;
    esac
}
if [ "$*" = jobs ]; then echo "$jobs"; exit; fi
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $jobs
for j; do (job "$j"; exit $failed) || failed=1; done
exit $failed
