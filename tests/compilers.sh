#!/bin/sh
# compilers.sh [all] - compilers that refuse what a kernel level needs leave out that level and no
# more, and other optimization levels and C libraries give the same bits. With `all`, more of the
# latter; about 20 minutes with two cores.
make=${MAKE:-make}
seconds=900             # for each program
failed=0
unset MAKEFLAGS MFLAGS MAKELEVEL SAN OPENMP DEBUG CFLAGS LDFLAGS
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

result() {  # result STATUS NAME: with what is in $tmp/out if it failed
    if [ "$1" -eq 0 ]; then echo "ok - $2"; return; fi
    sed 's/^/  /' "$tmp/out" | tail -20
    if [ "$1" -eq 124 ]; then echo "not ok - $2: took longer than $seconds s"; else
        echo "not ok - $2"
    fi
    failed=1
}

# ---- levels that are left out ----

# refuse PATTERN COMPILER: a compiler at $tmp/cc that fails for an argument like PATTERN
refuse() {
    cat > "$tmp/cc" << END
#!/bin/sh
for a in "\$@"; do
    case \$a in $1) echo "cc: error: unrecognized command-line option '\$a'" >&2; exit 1 ;; esac
done
exec $2 "\$@"
END
    chmod +x "$tmp/cc"
}

# left_out NAME COUNT TARGET VARIABLE...: make builds with COUNT lines about levels left out
left_out() {
    name=$1 count=$2
    shift 2
    rm -rf "$tmp/build"
    "$make" -s BUILD="$tmp/build" CC="$tmp/cc" "$@" > "$tmp/out" 2>&1 &&
        [ "$(grep -c '^left out: ' "$tmp/out")" -eq "$count" ] &&
        [ "$(grep -c . "$tmp/out")" -eq "$count" ]
    result $? "$name"
}

# has_levels NAME LEVELS COMMAND...: qw --version names these and no others
has_levels() {
    name=$1 levels=$2
    shift 2
    "$@" --version > "$tmp/out" 2>&1 && grep -qF "(CPU levels: $levels)" "$tmp/out"
    result $? "$name"
}

case $(gcc -dumpmachine) in
x86_64-*)
    refuse '-mavx512vnni|-mavx2' gcc
    left_out "a compiler without AVX2 and AVX-512 VNNI" 2 "$tmp/build/qw"
    if grep -q sse4_1 /proc/cpuinfo; then
        has_levels "its levels" "sse41 scalar" "$tmp/build/qw"
    fi
    # Flags that are understood, but not enough for the intrinsics.
    echo 'for a in "$@"; do shift; [ "$a" = -mavx512vnni ] || set -- "$@" "$a"; done' > "$tmp/drop"
    { sed -n 1p "$tmp/cc"; cat "$tmp/drop"; echo 'exec gcc "$@"'; } > "$tmp/cc.new"
    chmod +x "$tmp/cc.new" && mv "$tmp/cc.new" "$tmp/cc"
    left_out "a compiler without the intrinsics of AVX-512 VNNI" 1 "$tmp/build/levels.mk"
    ;;
*) echo "skip - a compiler without AVX2: not an x86_64 machine" ;;
esac
if command -v aarch64-linux-gnu-gcc > /dev/null 2>&1; then
    refuse '*+i8mm*' aarch64-linux-gnu-gcc
    left_out "a compiler without i8mm" 1 LDFLAGS=-static "$tmp/build/qw"
    if command -v qemu-aarch64-static > /dev/null 2>&1; then
        has_levels "its levels without i8mm" "dotprod neon scalar" \
            qemu-aarch64-static -cpu max "$tmp/build/qw"
    else
        echo "skip - its levels without i8mm: qemu-aarch64-static is missing"
    fi
else
    echo "skip - a compiler without i8mm: aarch64-linux-gnu-gcc is missing"
fi
refuse '*' gcc
! "$make" -s BUILD="$tmp/none" CC="$tmp/cc" "$tmp/none/qw" > "$tmp/out" 2>&1 &&
    ! grep -q '^left out' "$tmp/out"
result $? "a compiler that does not work leaves out nothing"

# ---- the same bits ----

# bits COMPILER CFLAGS LDFLAGS [VARIABLE...]: KERNELS=reference where the other levels would be what
# they always are: kernels have an -O3 of their own
bits() {
    cc=$1 cflags=$2 ldflags=$3
    shift 3
    name="$cc $cflags"
    build=.build/bits-$(echo "$name" | tr -d ' =')
    if ! command -v "$cc" > /dev/null 2>&1; then
        echo "skip - bits of $name: $cc is missing"
        return
    fi
    "$make" -s BUILD="$build" CC="$cc" CFLAGS="$cflags -Werror" LDFLAGS="$ldflags" "$@" \
        "$build/test_kernels" "$build/test_tiny" "$build/test_packed" > "$tmp/out" 2>&1
    status=$?
    if [ $status -ne 0 ]; then
        result $status "bits of $name: does not build"
        return
    fi
    for test in 'test_kernels quick' 'test_tiny quick' 'test_packed bytes'; do
        sh tests/limit.sh $seconds "$build"/$test > "$tmp/out" 2>&1
        result $? "${test% *}, $name"
    done
}
bits gcc -O0 '' KERNELS=reference
bits gcc -Os '' KERNELS=reference
bits musl-gcc -O2 -static KERNELS=reference
if [ "$1" = all ]; then
    bits gcc -O1 '' KERNELS=reference
    bits gcc -O3 '' KERNELS=reference
    bits gcc '-O2 -march=native' ''
    bits gcc '-O2 -flto' ''
    bits clang -O0 '' KERNELS=reference
    bits clang -Os '' KERNELS=reference
    bits clang '-O3 -march=native' ''
    bits clang '-O2 -flto' -fuse-ld=lld
fi
exit $failed
