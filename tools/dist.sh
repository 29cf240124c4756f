#!/bin/sh
# dist.sh [-o DIR] [TARGET...] - static binaries of qw for other machines and archives of them, in
# DIR (.build/dist), from an x86_64 Debian with its cross compilers. The same commit and compilers
# make the same bytes, in any folder. What is missing is named with its package, and the other
# targets are built all the same; exit code: 0 all built, 3 something is missing, 1 an error.
#
# Four targets are linked with musl, whose files for ARM come out of Debian's packages, without
# installing them: they are kept in .build/musl/ARCH, where one may put musl-dev_*_ARCH.deb as well.
targets="aarch64 armv7 armv6 x86_64 riscv64"
make=${MAKE:-make}
host=${HOST_QW:-./qw}       # a qw of this version that runs here: it lists its flags
# Kernels have an -O3 of their own, whatever this says of the rest.
small="-Os -fno-unwind-tables -fno-asynchronous-unwind-tables"
out=.build/dist
root=$PWD
worst=0
unset MAKEFLAGS MFLAGS MAKELEVEL SAN OPENMP DEBUG

# describe TARGET: its compiler, the packages with it, the package of its C library and where its
# license is, the architecture of its musl-dev (if that is not this machine's), options for the
# compiler and the linker, variables of make, the most bytes its binary may have
describe() {
    musl= options= variables= limit=800000 libc=musl-dev docs=/usr/share/doc/musl-dev
    # A static start of musl makes no data read-only, so that no file need be padded for it.
    link="-static -s -Wl,-z,norelro"
    case $1 in
    aarch64) cc=aarch64-linux-gnu-gcc packages=gcc-aarch64-linux-gnu musl=arm64 ;;
    armv7) cc=arm-linux-gnueabihf-gcc packages=gcc-arm-linux-gnueabihf musl=armhf ;;
    armv6)
        cc=arm-linux-gnueabi-gcc packages=gcc-arm-linux-gnueabi musl=armel
        options="-mcpu=arm1176jzf-s -mfpu=vfp -mfloat-abi=softfp" variables=KERNELS=reference
        ;;
    x86_64) cc=musl-gcc packages=musl-tools limit=1000000 ;;
    riscv64)
        cc=riscv64-linux-gnu-gcc packages="gcc-riscv64-linux-gnu libc6-dev-riscv64-cross"
        libc=libc6-dev-riscv64-cross docs=/usr/share/doc/libc6-dev-riscv64-cross limit=1500000
        link="-static -s"
        ;;
    *) echo "dist.sh: no target $1; there are: $targets" >&2; exit 2 ;;
    esac
}

apt() {     # apt ARCH COMMAND...: with lists of its own, so that the machine's stay as they are
    arch=$1
    shift
    lists=$root/.build/musl/$arch/lists cache=$root/.build/musl/$arch/cache
    apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
        -o Dir::State::lists="$lists" -o Dir::Cache="$cache" \
        -o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}

# get_musl ARCH: .build/musl/ARCH/gcc.specs makes gcc compile and link with it. An update may fail
# for one of many sources, and the package still be there.
get_musl() {
    dir=.build/musl/$1
    [ -f "$dir/gcc.specs" ] && return
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" || return 1
    if [ ! -f "$(echo "$dir"/musl-dev_*.deb)" ]; then
        { apt "$1" update; (cd "$dir" && apt "$1" download musl-dev); } > "$dir/log" 2>&1
    fi
    rm -rf "$dir/lists" "$dir/cache"
    dpkg -x "$dir"/musl-dev_*.deb "$dir/root" 2>> "$dir/log" &&
        sed "s#/usr/#$dir/root/usr/#g" "$dir"/root/usr/lib/*/musl-gcc.specs > "$dir/new.specs" &&
        mv "$dir/new.specs" "$dir/gcc.specs"
}

missing() {     # missing TARGET PACKAGE
    echo "dist: $1 left out: it needs $2" >&2
    if [ $worst -eq 0 ]; then worst=3; fi
}

failed() {      # failed TARGET WHY
    echo "dist: $1: $2" >&2
    worst=1
}

# build TARGET: $objects/qw and its manual
build() {
    if ! command -v "$cc" > /dev/null; then
        missing "$1" "$packages"
        return 1
    fi
    if [ "$cc" = musl-gcc ] && [ "$(uname -m)" != "$1" ]; then
        missing "$1" "a machine of its kind"
        return 1
    fi
    from=$("$cc" --version | head -n 1)
    if [ -n "$musl" ]; then
        if ! get_musl "$musl"; then
            missing "$1" "musl-dev:$musl (apt-get download; or put its file into .build/musl/$musl)"
            return 1
        fi
        cc="$cc -specs=.build/musl/$musl/gcc.specs"
        docs=.build/musl/$musl/root$docs
        libc=$(basename .build/musl/"$musl"/musl-dev_*.deb .deb)
    else
        libc=$(dpkg-query -W -f '${Package}_${Version}' "$libc" 2> /dev/null)
    fi
    # shellcheck disable=SC2086
    if ! $make -s BUILD="$objects" CC="$cc" CFLAGS="$small $options" LDFLAGS="$link" \
        HOST_QW="$host" $variables "$objects/qw" "$objects/manual/qw.1" \
        "$objects/manual/qw.bash" "$objects/manual/_qw" "$objects/manual/qw.fish"; then
        failed "$1" "does not build"
        return 1
    fi
    bytes=$(($(wc -c < "$objects/qw")))
    if [ $bytes -gt $limit ]; then
        failed "$1" "$bytes bytes, and may have $limit"
        return 1
    fi
}

# pack TARGET: the binary and the archive, with the license of the C library that is in it
pack() {
    name=qw-$version-$1
    dir=$objects/$name
    rm -rf "$objects"/qw-*
    mkdir -p "$dir/models/tiny" "$dir/completions" &&
        cp "$objects/qw" README.md LICENSE "$objects/manual/qw.1" "$dir" &&
        cp "$docs/copyright" "$dir/LICENSE-libc" &&
        cp models/README.md "$dir/models" &&
        cp models/tiny/* "$dir/models/tiny" &&
        cp "$objects/manual/qw.bash" "$objects/manual/_qw" "$objects/manual/qw.fish" \
            "$dir/completions" &&
        cp tools/fetch-model "$dir/qw-fetch" &&
        tar --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$time" \
            --mode=u=rwX,go=rX -C "$objects" -cf "$objects/qw.tar" "$name" &&
        gzip -9n < "$objects/qw.tar" > "$out/$name.tar.gz" &&
        cp "$objects/qw" "$out/$name" &&
        echo "$name: $bytes bytes; $from, $libc" || failed "$1" "no archive"
    rm -rf "$dir" "$objects/qw.tar"
}

if [ "$1" = -o ]; then
    out=$2
    shift 2
fi
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $targets
for target; do describe "$target"; done
version=$(sed -n 's/^#define QW_VERSION "\(.*\)"/\1/p' include/qw.h)
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || echo 0)}
mkdir -p "$out" || exit 1
for target; do
    rm -f "$out"/qw-*-"$target" "$out"/qw-*-"$target".tar.gz
    objects=.build/dist-objects/$target
    describe "$target"
    if build "$target"; then pack "$target"; fi
done
rm -f "$out/SHA256SUMS"
if ls "$out"/qw-* > /dev/null 2>&1; then (cd "$out" && sha256sum qw-* > SHA256SUMS); fi
exit $worst
