#!/bin/sh
# cross.sh [JOB...] - the same bits on other machines: test_kernels, test_tiny, the bytes of
# test_packed, and on the first CPU test_forward, all in their quick forms, built with gcc -O2 and
# clang -O3, run under qemu on so many CPUs that every level runs; and faults in a kernel of each
# level of gcc's, which qw selftest finds; and the logits of two layers of 0.6B. `jobs` lists the
# jobs.
jobs="riscv64-gcc aarch64-clang aarch64-gcc riscv64-clang x86_64-clang x86_64-gcc arm-clang arm-gcc"
make=${MAKE:-make}
seconds=900             # for each program
failed=0
unset SAN OPENMP DEBUG

one() {     # one NAME TRIPLE QEMU CPUS CC CFLAGS
    name="$1" triple=$2 qemu=$3 cpus=$4 cc=$5 cflags=$6
    for needed in "$triple-gcc" "${cc%% *}" "$qemu"; do
        if ! command -v "$needed" > /dev/null 2>&1; then
            echo "skip - bits on $name, $cflags: $needed is missing"
            return
        fi
    done
    build=.build/cross-${cc%% *}-$triple
    programs="$build/test_kernels $build/test_tiny $build/test_packed $build/test_forward"
    more=
    case $name in *gcc) more="$build/qw $build/qw-faulty" ;; esac
    # shellcheck disable=SC2086
    if ! $make -s BUILD="$build" CC="$cc" CFLAGS="$cflags" LDFLAGS=-static $programs $more; then
        echo "not ok - bits on $name, $cflags: does not build"
        failed=1
        return
    fi
    for c in $cpus; do
        for program in $programs; do
            case $program in
            */test_packed) part=bytes ;;
            */test_tiny) part="quick $packed" ;;
            *) part=quick ;;
            esac
            what="${program##*/} on $name, $c, $cflags"
            began=$(date +%s)
            # shellcheck disable=SC2086
            out=$(sh tests/limit.sh $seconds "$qemu" -cpu "$c" "$program" $part 2>&1)
            case $? in
            0) echo "ok - $what ($(($(date +%s) - began)) s)"; continue ;;
            124) what="$what: took longer than $seconds s" ;;
            esac
            echo "$out"
            echo "not ok - $what"
            failed=1
        done
        programs="$build/test_kernels $build/test_tiny $build/test_packed"
    done
    if [ -z "$more" ]; then return; fi
    sh tests/selftest.sh "$qemu -cpu $c $build/qw" "$qemu -cpu $c $build/qw-faulty" \
        matmul_q4 attention_q8 || failed=1
    fastest=$($qemu -cpu $c "$build/qw" --version | sed 's/.*CPU levels: \([a-z0-9]*\).*/\1/')
    sh tests/shape.sh "$qemu -cpu $c $build/qw" "$qemu -cpu $c $build/qw-faulty" "$fastest" ||
        failed=1
}

# job NAME: one target and compiler
job() {
    case $1 in
    aarch64*) set -- "$1" aarch64-linux-gnu aarch64 "cortex-a53 cortex-a76 max" \
        aarch64-linux-gnu ;;
    arm*) set -- "$1" arm-linux-gnueabihf arm "cortex-a7 cortex-a9" \
        "arm-linux-gnueabihf -march=armv7-a -mfpu=neon-vfpv4" ;;
    riscv64*) set -- "$1" riscv64-linux-gnu riscv64 rv64 \
        "riscv64-linux-gnu -march=rv64gc -mno-relax" ;;
    x86_64*) set -- "$1" x86_64-linux-gnu x86_64 "Nehalem Haswell" x86_64-linux-gnu ;;
    *) echo "not ok - cross: no job $1"; failed=1; return ;;
    esac
    case $1 in
    *gcc) one "${1%-*}, gcc" "$2" "qemu-$3-static" "$4" "$2-gcc" "-O2" ;;
    *) one "${1%-*}, clang" "$2" "qemu-$3-static" "$4" "clang --target=$5" "-O3" ;;
    esac
}
if [ "$*" = jobs ]; then echo "$jobs"; exit; fi
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $jobs

# Packed here: under an emulator that takes longer than all the rest.
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
packed=$tmp/tiny-q4.safetensors
if ! ./qw quantize -m models/tiny -q q4 -o "$packed"; then
    echo "not ok - cross: ./qw does not pack models/tiny"
    exit 1
fi
for j; do job "$j"; done
exit $failed
