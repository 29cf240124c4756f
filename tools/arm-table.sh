#!/bin/sh
# arm-table.sh - estimated cycles of a token of Qwen3-0.6B in q4 on ARM cores, one thread, measured
# on any machine: builds for aarch64 and ARMv7, counts executed blocks under qemu, weighs them with
# llvm-mca, and compares the sums with their limits (armcost/table.py).
#
#     tools/arm-table.sh [-c gcc|clang] [-d DIR]      DIR keeps the builds and models between runs
#
# A token costs 28 layers and the head, computed from models of one and two layers: no cost depends
# on which layer it is. Levels whose cross compiler is missing are skipped. Exit code 1 if a figure
# is above its limit, 2 if something else is missing or does not build.
cd "$(dirname "$0")/.." || exit 2
compiler=gcc dir=
while getopts c:d: flag; do
    case $flag in
    c) compiler=$OPTARG ;;
    d) dir=$OPTARG ;;
    *)
        sed -n '6p' "$0"
        exit 2
        ;;
    esac
done

missing=
for tool in make "${CC:-cc}" "$compiler" qemu-aarch64 qemu-arm llvm-mc-19 llvm-mca-19; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
for PYTHON in python3 /usr/bin/python3 ''; do
    [ -n "$PYTHON" ] && "$PYTHON" -c 'import numpy' 2>/dev/null && break
done
[ -n "$PYTHON" ] || missing="$missing python3-numpy"
if [ -n "$missing" ]; then
    echo "arm-table: missing:$missing (Debian: gcc clang qemu-user llvm-19 python3-numpy)" >&2
    exit 2
fi

if [ -z "$dir" ]; then
    dir=$(mktemp -d) || exit 2
    trap 'rm -rf "$dir"' EXIT
fi
trap 'exit 130' INT TERM
mkdir -p "$dir" || exit 2
dir=$(cd "$dir" && pwd)
make=${MAKE:-make}

# Models of one and two layers; packed files are the same on every machine.
$make -s BUILD="$dir/native" "$dir/native/qw" || exit 2
${CC:-cc} -O2 -shared -fPIC -o "$dir/icount.so" tools/armcost/icount.c || exit 2
for layers in 1 2; do
    model=$dir/$layers.safetensors
    "$dir/native/qw" info -m "$model" >/dev/null 2>&1 && continue
    "$PYTHON" tools/mkmodel.py "$dir/hub" --preset 0.6b --layers $layers >/dev/null || exit 2
    "$dir/native/qw" quantize -m "$dir/hub" -q q4 -o "$model" >/dev/null || exit 2
    rm -rf "$dir/hub"
done

# engine_objects BUILD: the objects of the engine, without those that an earlier layout of src left
engine_objects() {
    find "$1/src" -name '*.o' ! -path '*/cli/*' | while read -r object; do
        source=${object#"$1/"}
        if [ -f "${source%.o}.c" ]; then echo "$object"; fi
    done
}

# build TRIPLE CLANG-FLAGS: $program
build() {
    if ! command -v "$1-gcc" >/dev/null; then
        echo "skip - $1: $1-gcc is missing" >&2
        return 1
    fi
    cc="$1-gcc"
    if [ "$compiler" = clang ]; then cc="clang --target=$1 $2"; fi
    build=$dir/$compiler-$1
    program=$build/token
    $make -s BUILD="$build" CC="$cc" LDFLAGS=-static "$build/qw" || exit 2
    # shellcheck disable=SC2046
    $cc -std=c11 -O2 -static -Iinclude tools/armcost/token.c $(engine_objects "$build") \
        -lm -pthread -o "$program" || exit 2
}

# level NAME QEMU CPU: a file for each number of layers, prompt tokens, tokens drawn. Two runs at a
# time.
level() {
    echo "arm-table: $1, $compiler" >&2
    rm -f "$dir/$1".*.tsv
    for run in "0 0" "256 0" "8 1" "8 5"; do
        for layers in 1 2; do
            name="$1.$layers.$(echo "$run" | tr ' ' .)"
            # shellcheck disable=SC2086
            "$2" -cpu "$3" -plugin "$dir/icount.so,top=0,tb=$dir/$name.tsv" "$program" \
                "$dir/$layers.safetensors" $run > "$dir/$name.log" 2>&1 &
        done
        wait
        for layers in 1 2; do
            name="$1.$layers.$(echo "$run" | tr ' ' .)"
            [ -s "$dir/$name.tsv" ] && grep -q "^${1%v7}" "$dir/$name.log" && continue
            cat "$dir/$name.log" >&2
            echo "arm-table: $name failed" >&2
            exit 2
        done
    done
    levels="$levels $1=$program"
}

levels=
if build aarch64-linux-gnu ""; then
    level neon qemu-aarch64 cortex-a53
    level dotprod qemu-aarch64 cortex-a76
    level i8mm qemu-aarch64 max
fi
if build arm-linux-gnueabihf "-march=armv7-a -mfpu=neon-vfpv4"; then
    level neonv7 qemu-arm cortex-a15
fi
[ -n "$levels" ] || exit 2
# shellcheck disable=SC2086
"$PYTHON" tools/armcost/table.py "$dir" $levels
