#!/bin/sh
# sizes.sh TARGET... - what the bytes of the static binaries in .build/dist are, as a table; of what
# tools/dist.sh left in .build/dist-objects. Code, constants and data that have a value; what is
# left is the C library, with padding.
objects=.build/dist-objects
version=$(sed -n 's/^#define QW_VERSION "\(.*\)"/\1/p' include/qw.h)

# bytes TARGET OBJECT...: their sum, of those that were built
bytes() {
    target=$1
    shift
    for o; do
        f=$objects/$target/src/$o.o
        if [ -f "$f" ]; then echo "$f"; fi
    done | xargs -r readelf -SW | sed 's/^ *\[ *[0-9]*\]//' |
        awk '$2 ~ /BITS|ARRAY/ && $2 != "NOBITS" && $7 ~ /A/ { print "0x" $5 }' |
        { sum=0; while read -r n; do sum=$((sum + n)); done; echo $sum; }
}

# folder TARGET FOLDER...: every object there but those that have a row of their own
folder() {
    t=$1
    shift
    files=$(for d; do find "$objects/$t/src/$d" -name '*.o'; done |
        sed "s#^$objects/$t/src/##; s/\.o\$//" |
        grep -vE '^(text/unicode|terminal/width|chat/jinja/unicode|kernels/(arm|x86|reference).*)$')
    # shellcheck disable=SC2086
    bytes "$t" $files
}

row() {     # row NAME COMMAND...: a line with the result for each target; adds it up in $tmp
    printf '| %s |' "$1"
    how=$2
    shift 2
    for t in $targets; do
        n=$($how "$t" "$@")
        echo "$n" >> "$tmp/$t"
        printf ' %s |' "$(kb "$n")"
    done
    echo
}
kb() { if [ "$1" -eq 0 ]; then echo; else echo $((($1 + 500) / 1000)); fi; }
rest() {
    sum=$(wc -c < ".build/dist/qw-$version-$1")
    while read -r n; do sum=$((sum - n)); done < "$tmp/$1"
    echo $sum
}
file() { wc -c < ".build/dist/qw-$version-$1"; }

targets=${*:-aarch64 armv7 armv6 x86_64 riscv64}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
echo "| KB (1,000 bytes) | $(echo "$targets" | sed 's/ / | /g') |"
echo "|---|$(for t in $targets; do printf -- '---|'; done)"
row "kernels: i8mm" bytes kernels/arm/i8mm
row "kernels: dotprod" bytes kernels/arm/dotprod
row "kernels: NEON" bytes kernels/arm/neon
row "kernels: AVX-512 VNNI" bytes kernels/x86/avx512vnni
row "kernels: AVX2" bytes kernels/x86/avx2
row "kernels: SSE4.1" bytes kernels/x86/sse41
row "kernels: plain C" bytes kernels/reference
row "tables of Unicode" bytes text/unicode terminal/width chat/jinja/unicode
row "command line, terminal" folder cli terminal
row "chat templates" folder chat
row "models, tokenizers, engine" folder base sys kernels text sample model engine
row "C library and start" rest
row "**file**" file
