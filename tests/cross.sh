#!/bin/sh
# cross.sh - the same bits on other machines: test_kernels, test_tiny, the bytes of test_packed, and
# on the first CPU test_forward, built with gcc -O2 and clang -O3, run under qemu on so many CPUs
# that every level runs. From clang, test_tiny runs on the first CPU only.
make=${MAKE:-make}
seconds=900             # for each program
unset SAN OPENMP DEBUG

one() {     # one NAME TRIPLE QEMU CPUS CC CFLAGS
    name="$1" triple=$2 qemu=$3 cpus=$4 cc=$5 cflags=$6 failed=0
    for needed in "$triple-gcc" "${cc%% *}" "$qemu"; do
        if ! command -v "$needed" > /dev/null 2>&1; then
            echo "skip - bits on $name, $cflags: $needed is missing"
            return
        fi
    done
    build=.build/cross-${cc%% *}-$triple
    programs="$build/test_kernels $build/test_tiny $build/test_packed $build/test_forward"
    # shellcheck disable=SC2086
    if ! $make -s BUILD="$build" CC="$cc" CFLAGS="$cflags" LDFLAGS=-static $programs; then
        echo "not ok - bits on $name, $cflags: does not build"
        return 1
    fi
    first=${cpus%% *}
    for c in $cpus; do
        for program in $programs; do
            part=quick
            case $program in
            */test_packed) part=bytes ;;
            */test_tiny) if [ "$c" != "$first" ]; then part=answer; fi ;;
            esac
            case $part,$cc in       # it takes long, and what differs are the kernels
            answer,clang*) continue ;;
            esac
            what="${program##*/} on $name, $c, $cflags"
            out=$(sh tests/limit.sh $seconds "$qemu" -cpu "$c" "$program" $part 2>&1)
            case $? in
            0) echo "ok - $what"; continue ;;
            124) what="$what: took longer than $seconds s" ;;
            esac
            echo "$out"
            echo "not ok - $what"
            failed=1
        done
        programs="$build/test_kernels $build/test_tiny $build/test_packed"
    done
    return $failed
}

# job NAME: one target and compiler
job() {
    case $1 in
    aarch64*) set -- "$1" aarch64-linux-gnu aarch64 "cortex-a53 cortex-a76 max" \
        aarch64-linux-gnu ;;
    arm*) set -- "$1" arm-linux-gnueabihf arm "cortex-a7 cortex-a9 cortex-a15" \
        "arm-linux-gnueabihf -march=armv7-a -mfpu=neon-vfpv4" ;;
    riscv64*) set -- "$1" riscv64-linux-gnu riscv64 rv64 \
        "riscv64-linux-gnu -march=rv64gc -mno-relax" ;;
    x86_64*) set -- "$1" x86_64-linux-gnu x86_64 "Nehalem Haswell" x86_64-linux-gnu ;;
    esac
    case $1 in
    *gcc) one "${1%-*}, gcc" "$2" "qemu-$3-static" "$4" "$2-gcc" "-O2" ;;
    *) one "${1%-*}, clang" "$2" "qemu-$3-static" "$4" "clang --target=$5" "-O3" ;;
    esac
}
if [ $# -gt 0 ]; then
    job "$1"
    exit
fi

# Two jobs at a time, the longest first; each prints when it is done.
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
# shellcheck disable=SC2016
printf '%s\n' riscv64-gcc riscv64-clang aarch64-gcc aarch64-clang arm-gcc arm-clang x86_64-gcc \
    x86_64-clang |
    xargs -P 2 -I '{}' sh -c 'sh tests/cross.sh "$1" > "$0/$1" 2>&1; rc=$?; cat "$0/$1"; exit $rc' \
        "$tmp" '{}' || failed=1
exit $failed
