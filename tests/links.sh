#!/bin/sh
# links.sh BINARY - the binary or library needs libc and libm and nothing else (libgomp only when
# built with OPENMP=1).
if ! command -v readelf > /dev/null 2>&1; then
    echo "skip - links: readelf is missing"
    exit 0
fi
name="links: ${1##*/} needs only libc and libm"
needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    grep -vE '^(libc\.so\.6|libm\.so\.6|libc\.musl-.*|ld-linux.*)$')
case ${OPENMP:+-openmp}$1 in
*-openmp*) needed=$(echo "$needed" | grep -vE '^(libgomp|libomp|libpthread)') ;;
esac
if [ -z "$needed" ]; then echo "ok - $name"; else
    echo "  also needs: $needed"
    echo "not ok - $name"
    exit 1
fi
