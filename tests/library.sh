#!/bin/sh
# library.sh - make lib and make install into a temporary folder: which names the library shows, and
# that programs build against what was installed, in C with both libraries and in C++.
# Called from the project's root with BUILD, CC, MAKE, and the CFLAGS of the build if it has some.
CC=${CC:-cc}
if [ -n "$SAN" ]; then echo "skip - library: not with sanitizers"; exit 0; fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
pass() { echo "ok - library: $1"; }
fail() {    # fail NAME: with what is in $tmp/out
    sed 's/^/  /' "$tmp/out" | head -20
    echo "not ok - library: $1"
    failed=1
}
result() { if [ "$1" -eq 0 ]; then pass "$2"; else fail "$2"; fi; }

prefix=/opt/qw
if [ -n "$BUILD" ]; then set -- BUILD="$BUILD"; fi
set -- -s "$@" CC="$CC" PREFIX=$prefix DESTDIR="$tmp"
"${MAKE:-make}" "$@" install > "$tmp/out" 2>&1
status=$?
result $status "make install"
[ $status -eq 0 ] || exit 1
lib=$tmp$prefix/lib
header=$tmp$prefix/include/qw.h
pc=$lib/pkgconfig/qw.pc
share=$tmp$prefix/share
: > "$tmp/out"
for f in man/man1/qw.1 bash-completion/completions/qw zsh/site-functions/_qw \
         fish/vendor_completions.d/qw.fish; do
    grep -q temperature "$share/$f" || echo "no flags in $f" >> "$tmp/out"
done
[ ! -s "$tmp/out" ]
result $? "make install: the manual page and the completions"

"$tmp$prefix/bin/qw-fetch" --help > "$tmp/out" 2>&1 && grep -q '^Usage: qw-fetch ' "$tmp/out"
result $? "make install: qw-fetch"

# ---- names ----

$CC -E -P "$header" | grep -oE '\bqw_[a-z0-9_]+\(' | tr -d '(' | sort -u > "$tmp/declared"
nm=$($CC -print-prog-name=nm)
if command -v "$nm" > /dev/null 2>&1; then
    "$nm" -D --defined-only "$lib/libqw.so" | sed 's/.* //' | sort > "$tmp/names"
    diff "$tmp/declared" "$tmp/names" > "$tmp/out" && [ -s "$tmp/names" ]
    result $? "libqw.so shows the functions of qw.h and nothing else"
    "$nm" -g --defined-only "$lib/libqw.a" | sed -n 's/.* [A-Z] //p' | sort > "$tmp/names"
    diff "$tmp/declared" "$tmp/names" > "$tmp/out" && [ -s "$tmp/names" ]
    result $? "libqw.a shows the functions of qw.h and nothing else"
else
    echo "skip - library, names: $nm is missing"
fi
if command -v readelf > /dev/null 2>&1; then
    readelf -d "$lib/libqw.so" > "$tmp/out"
    grep -q 'SONAME.*\[libqw\.so\.[0-9]*\]' "$tmp/out" && ! grep -q TEXTREL "$tmp/out"
    result $? "libqw.so has a soname and no text relocations"
    sh tests/links.sh "$lib/libqw.so" || failed=1
else
    echo "skip - library, soname: readelf is missing"
fi

# ---- programs ----

grep "$tmp" "$pc" > "$tmp/out"
result $((!$?)) "qw.pc does not name DESTDIR"
if command -v pkg-config > /dev/null 2>&1; then
    flags() {
        PKG_CONFIG_PATH=${pc%/*} pkg-config --define-variable=prefix="$tmp$prefix" "$@" qw
    }
else
    # What pkg-config would make of it.
    value() {
        sed -n "s|^$1: ||p" "$pc" |
            sed "s|\${libdir}|$lib|; s|\${includedir}|$tmp$prefix/include|"
    }
    flags() {
        case $* in *--cflags*) value Cflags ;; esac
        case $* in *--libs*) value Libs ;; esac
        case $* in *--static*) value Libs.private ;; esac
    }
fi

# build PROGRAM COMMAND...
build() {
    program=$1
    shift
    "$@" -o "$tmp/$program" > "$tmp/out" 2>&1
}
# shellcheck disable=SC2046,SC2086
if build shared $CC $CFLAGS -std=c11 tests/example.c $(flags --cflags --libs); then
    LD_LIBRARY_PATH=$lib sh tests/example.sh "$tmp/shared" > "$tmp/out"
    result $? "the example with libqw.so"
else
    fail "the example does not build with libqw.so"
fi
static=$(flags --cflags --libs --static | sed "s|-lqw|$lib/libqw.a|")
# shellcheck disable=SC2086
if build static $CC $CFLAGS -std=c11 tests/example.c $static; then
    sh tests/example.sh "$tmp/static" > "$tmp/out"
    result $? "the example with libqw.a"
else
    fail "the example does not build with libqw.a"
fi
echo '#include <qw.h>' > "$tmp/only.c"
# shellcheck disable=SC2046,SC2086
build only.o $CC -std=c99 -pedantic -Wall -Wextra -Werror -c "$tmp/only.c" $(flags --cflags)
result $? "qw.h is plain C99"

cxx=${CXX:-g++}
if command -v "$cxx" > /dev/null 2>&1; then
    cat > "$tmp/program.cc" << 'END'
#include <qw.h>
#include <cstdio>
int main() {
    qw_error err;
    qw_model *model;
    char levels[64];
    qw_load_params params = {};
    int rc = qw_load(&model, "/nowhere", &params, &err);
    std::printf("%d %s\n%s\n", rc, err.message, qw_cpu_levels(levels, sizeof levels));
    return rc != QW_EIO || model;
}
END
    # shellcheck disable=SC2046
    build program "$cxx" -Wall -Wextra -Werror "$tmp/program.cc" $(flags --cflags --libs) &&
        LD_LIBRARY_PATH=$lib "$tmp/program" > "$tmp/out" 2>&1
    result $? "a program in C++"
else
    echo "skip - library, C++: $cxx is missing"
fi

"${MAKE:-make}" "$@" uninstall > "$tmp/out" 2>&1 && find "$tmp$prefix" ! -type d >> "$tmp/out"
[ ! -s "$tmp/out" ]
result $? "make uninstall removes what make install wrote"
exit $failed
