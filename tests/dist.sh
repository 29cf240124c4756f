#!/bin/sh
# dist.sh [JOB...] - what tools/dist.sh makes of each target: its form, its archive, and under qemu
# the same answers as everywhere, also on CPUs that lack what the kernels use; on ARM no system call
# that Android forbids. `jobs` lists the jobs of make test; again-TARGET is one more: the same bytes
# from a copy of the source in another folder. With QW_DIST=DIR, of what was built there.
jobs="riscv64 armv6 armv7 aarch64 x86_64"
seconds=900             # for each command
failed=0
root=$PWD
unset QW_CPU QW_MODEL
version=$(sed -n 's/^#define QW_VERSION "\(.*\)"/\1/p' include/qw.h)
if [ "$*" = jobs ]; then echo "$jobs"; exit; fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

result() {      # result STATUS NAME: with what is in $tmp/out if it failed
    if [ "$1" -eq 0 ]; then echo "ok - dist: $target: $2"; return; fi
    sed 's/^/  /' "$tmp/out" | tail -20
    echo "not ok - dist: $target: $2"
    failed=1
}
skip() { echo "skip - dist: $target: $1"; }

# build SOURCE DIR: the target, from the source in that folder
build() {
    (cd "$1" && HOST_QW=$root/qw sh tools/dist.sh -o "$2" "$target") > "$tmp/out" 2>&1
    case $? in
    0) ;;
    3) skip "$(sed -n 's/^dist: .* left out: //p' "$tmp/out")"; return 1 ;;
    *) result 1 "builds"; return 1 ;;
    esac
}

# ---- the files ----

# form BINARY: no dynamic linker, no page that is written and executed, no path of this machine
form() {
    readelf -hlW "$1" > "$tmp/elf"
    grep -E 'INTERP|DYNAMIC' "$tmp/elf"
    grep -q 'Type: .*EXEC' "$tmp/elf" || echo "is not of type EXEC"
    grep -E '^ *(LOAD|GNU_STACK).* RWE ' "$tmp/elf"
    grep -q 'GNU_STACK .* RW ' "$tmp/elf" || echo "does not say that its stack is not executed"
    # Linux has pages of up to 64 KB there.
    case $1 in
    *aarch64) grep ' LOAD ' "$tmp/elf" | grep -v ' 0x10000$' ;;
    esac
    grep -aoE "($root|/home/|/root/|\.build/)[^ ]*" "$1" && echo "paths of this machine"
    readelf -SW "$1" | grep -E '\.(debug|symtab)' && echo "is not stripped"
}

# archive FILE NAME: what is in it, all in NAME/, of nobody's, at the time of the commit
archive() {
    tar -tzf "$1" | sed "s#^$2/##" | grep -vE '/$|^$' | sort > "$tmp/files"
    {
        printf '%s\n' LICENSE LICENSE-libc README.md completions/_qw completions/qw.bash \
            completions/qw.fish models/README.md qw qw-fetch qw.1
        for f in models/tiny/*; do echo "$f"; done
    } | sort > "$tmp/want"
    diff "$tmp/want" "$tmp/files"
    TZ=UTC tar --numeric-owner -tvzf "$1" > "$tmp/list"
    awk '$2 != "0/0" || $1 !~ /^(-rw-r--r--|[-d]rwxr-xr-x)$/ { print }' "$tmp/list"
    [ "$(awk '{ print $4, $5 }' "$tmp/list" | sort -u | wc -l)" -eq 1 ] || echo "several times"
}

files() {
    : > "$tmp/out"
    form "$dist/$name" > "$tmp/out"
    [ ! -s "$tmp/out" ]
    result $? "is static, and has nothing of this machine in it ($(wc -c < "$dist/$name") bytes)"
    archive "$dist/$name.tar.gz" "$name" > "$tmp/out" 2>&1
    [ ! -s "$tmp/out" ] && tar -xzf "$dist/$name.tar.gz" -C "$tmp" &&
        cmp "$tmp/$name/qw" "$dist/$name" > "$tmp/out" 2>&1 &&
        (cd "$dist" && grep "$name" SHA256SUMS | sha256sum -c) > "$tmp/out" 2>&1
    result $? "archive and sums"
}

# ---- what it computes ----

# What models/tiny says after "Once upon a time", 64 tokens, by weight type.
answer_of() {
    case $1 in
    q4) echo 26782a63cc27cadc2d2955ad559505f246185ab5fa5a6d4fb6b5a31b1e025ea4 ;;
    *) echo abd37488444244c68b3410f5a9358e67140ecf6e415e07c290e16bb0a2638396 ;;
    esac
}

# answers COMMAND...: its answers with the model beside it are those, for each type of weights. As
# q4 it was packed here: under an emulator that takes longer than all the rest.
answers() {
    for type in bf16 q8 q4; do
        model=models/tiny read_as=$type
        if [ $type = q4 ]; then model=$tmp/tiny-q4.safetensors read_as=auto; fi
        sh "$root/tests/limit.sh" $seconds "$@" run -m "$model" -q $read_as --template none \
            --no-stdin --quiet --temp 0 -n 64 -p "Once upon a time" > "$tmp/answer" || return 1
        sum=$(sha256sum < "$tmp/answer")
        if [ "${sum%% *}" != "$(answer_of $type)" ]; then
            echo "$type: $sum"
            cat "$tmp/answer"
            return 1
        fi
    done
    # With the model beside it, found by itself.
    [ "$("$@" -p "What is 2 + 3?" --temp 0 --no-think --no-stdin --quiet)" = "2 + 3 = 5" ]
}

# on CPU LEVELS [PART...]: it has these kernel levels there; the parts, or all of selftest, answers
on() {
    cpu=$1 levels=$2
    shift 2
    [ $# -gt 0 ] || set -- selftest answers
    began=$(date +%s)
    (
        cd "$tmp/$name" || exit 1
        set -- "$@" -- ${cpu:+"$qemu" -cpu "$cpu"} ./qw
        parts=
        while [ "$1" != -- ]; do parts="$parts $1"; shift; done
        shift
        "$@" --version > "$tmp/shown"
        echo "qw $version${commit:+ ($commit)}, kernels ${levels%% *} (CPU levels: $levels)" |
            diff - "$tmp/shown" || exit 1
        for part in $parts; do
            case $part in
            selftest) sh "$root/tests/limit.sh" $seconds "$@" selftest || exit 1 ;;
            answers) answers "$@" || exit 1 ;;
            esac
        done
    ) > "$tmp/out" 2>&1
    result $? "on ${cpu:-this CPU} ($levels): $* ($(($(date +%s) - began)) s)"
}

runs() {
    case $target in
    x86_64)
        qemu=qemu-x86_64-static
        answers ./qw > "$tmp/out" 2>&1
        result $? "answers of this machine's own build"
        on "" "$(./qw --version | sed 's/.*CPU levels: \(.*\))/\1/')"
        ;;
    *) qemu=qemu-$(echo "$target" | sed 's/^armv.*/arm/')-static ;;
    esac
    if ! command -v $qemu > /dev/null; then
        skip "does not run: $qemu is missing"
        return
    fi
    case $target in
    aarch64)
        on cortex-a53 "neon scalar" answers
        on max "i8mm dotprod neon scalar"
        ;;
    armv7)
        on cortex-a7 "neon scalar"
        on cortex-a9,neon=off scalar
        ;;
    armv6) on arm1176 scalar ;;
    x86_64) on core2duo scalar ;;
    riscv64) on rv64 scalar ;;
    esac
}

# ---- what it asks of the system ----

# trace NAME ARGUMENT...: the system calls of qw with these arguments, in $tmp/NAME.calls
trace() {
    log=$tmp/$1.calls
    shift
    "$qemu" -strace -D "$log" ./qw "$@" > /dev/null 2> "$tmp/said" || cat "$tmp/said"
    [ -s "$log" ] || echo "no calls: $*"
}

# forbidden FILE...: the calls that the filter of Android 8 refuses although there is no other way,
# or before there is a handler that makes ENOSYS of it
forbidden() {
    for log; do
        grep -aoE '(^|[^a-z])[0-9]+ [a-z_0-9]+\((SIGSYS)?' "$log" | sed 's/.* //' |
            awk -v in_file="${log##*/}" '
                NR == FNR { if (!/^#/) { since[$1] = $2; other[$1] = $4 } next }
                /SIGSYS/ { handled = 1 }
                { sub(/\(.*/, "") }
                since[$1] == 8 || (since[$1] && handled && since[other[$1]] == 8) { next }
                !told[$1]++ { print in_file ": " $1 (handled ? "" : ", before the handler") }
            ' "$root/tests/fixtures/android-calls.txt" -
    done
}

calls() {
    (
        cd "$tmp/$name" || exit
        trace version --version
        trace info info
        printf 'What is 2 + 3?\n/regen\n/save talk.json\n/load talk.json\n/stats\n' |
            trace chat chat --no-think -q q8 -n 4 -t 2
        trace bench bench -q q8 -p 8 -n 2 -r 1 -t 2
        trace doctor doctor -q q4 -t 1 -m models/tiny
        trace quantize quantize -q q8 -o packed.safetensors
        cmp packed.safetensors "$tmp/tiny-q8.safetensors"
        trace packed run -m packed.safetensors --template none --no-stdin -p "Once upon" -n 2
        forbidden "$tmp"/*.calls
    ) > "$tmp/out" 2>&1
    [ ! -s "$tmp/out" ]
    result $? "calls nothing that Android 8 and later forbid, or does without it"
}

# ---- jobs ----

# A copy with the same state of git; it is only read.
again() {
    mkdir -p "$tmp/another/folder/.build" || return
    cp -R Makefile LICENSE README.md include models src tools "$tmp/another/folder"
    if [ -e .git ]; then ln -s "$root/.git" "$tmp/another/folder/.git"; fi
    if [ -d .build/musl ]; then cp -R .build/musl "$tmp/another/folder/.build"; fi
    build "$tmp/another/folder" "$tmp/again" || return
    (cd "$tmp/again" && grep . SHA256SUMS && cd "$dist" &&
        sha256sum -c "$tmp/again/SHA256SUMS") > "$tmp/out" 2>&1
    result $? "the same bytes from another folder"
}

# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $jobs
commit=$(sh tools/commit.sh)
for type in q4 q8; do
    ./qw quantize -q $type -m models/tiny -o "$tmp/tiny-$type.safetensors" || exit 1
done
for job; do
    target=${job#again-}
    name=qw-$version-$target
    dist=$QW_DIST
    if [ -z "$dist" ]; then
        dist=$tmp/$target
        build . "$dist" || continue
    fi
    case $job in
    again-*) again; continue ;;
    esac
    files
    runs
    case $target in
    aarch64 | armv7) if command -v $qemu > /dev/null; then calls; fi ;;
    x86_64) again ;;
    esac
done
exit $failed
