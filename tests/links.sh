#!/bin/sh
# links.sh BINARY - the binary needs libc and libm and nothing else (libgomp only when built with OPENMP=1).
command -v readelf >/dev/null 2>&1 || { echo "skip - links: readelf is missing"; exit 0; }
needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc\.so\.6|libm\.so\.6|libc\.musl-.*|ld-linux.*)$')
case "$1" in *-openmp*) needed=$(echo "$needed" | grep -vE '^(libgomp|libomp|libpthread)') ;; esac
if [ -z "$needed" ]; then echo "ok - links: libc and libm alone"; else
    echo "  also needs: $needed"
    echo "not ok - links: libc and libm alone"
    exit 1
fi
