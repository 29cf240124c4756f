#!/bin/sh
# cross.sh - the same bits on other machines: test_tiny and test_forward, built with gcc -O2 and clang -O3, run under qemu.
make=${MAKE:-make}
one() {     # one NAME TRIPLE QEMU CPU CC CFLAGS
    name="$1, $6" triple=$2 qemu=$3 cpu=$4 cc=$5 cflags=$6 failed=0
    if ! command -v "$triple-gcc" >/dev/null 2>&1; then echo "skip - bits on $name: $triple-gcc is missing"; return; fi
    if ! command -v "${cc%% *}" >/dev/null 2>&1; then echo "skip - bits on $name: ${cc%% *} is missing"; return; fi
    if ! command -v "$qemu" >/dev/null 2>&1; then echo "skip - bits on $name: $qemu is missing"; return; fi
    build=.build/cross-${cc%% *}-$triple
    if ! $make -s BUILD="$build" CC="$cc" CFLAGS="$cflags" LDFLAGS=-static "$build/test_tiny" "$build/test_forward"; then
        echo "not ok - bits on $name: does not build"
        return 1
    fi
    for t in test_tiny test_forward; do
        if out=$("$qemu" -cpu "$cpu" "$build/$t" quick 2>&1); then echo "ok - $t on $name"; else
            echo "$out"
            echo "not ok - $t on $name"
            failed=1
        fi
    done
    return $failed
}

# Two at a time, each printing when it is done.
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
gcc_then_clang() {  # gcc_then_clang NAME TRIPLE QEMU CPU CLANG-TARGET
    one "$1, gcc" "$2" "$3" "$4" "$2-gcc" "-O2" > "$tmp/$2.gcc" 2>&1 &
    one "$1, clang" "$2" "$3" "$4" "clang --target=$5" "-O3" > "$tmp/$2.clang" 2>&1
    status=$?
    wait $! || status=1
    cat "$tmp/$2.gcc" "$tmp/$2.clang"
    return $status
}
failed=0
gcc_then_clang "aarch64 cortex-a53" aarch64-linux-gnu qemu-aarch64-static cortex-a53 aarch64-linux-gnu || failed=1
gcc_then_clang "arm cortex-a7" arm-linux-gnueabihf qemu-arm-static cortex-a7 "arm-linux-gnueabihf -march=armv7-a -mfpu=neon-vfpv4" || failed=1
gcc_then_clang "riscv64" riscv64-linux-gnu qemu-riscv64-static rv64 "riscv64-linux-gnu -march=rv64gc -mno-relax" || failed=1
exit $failed
