#!/bin/sh
# jobs.sh - the -j that make gets when the user gave none, in the environment either: as many jobs
# as there are cores, and no more than fit in memory, because a kernel file takes the compiler 250
# MB.
case " $MAKEFLAGS" in
' -'*j* | ' '[!-\ ]*j*) exit ;;
esac
n=$(nproc 2> /dev/null || getconf _NPROCESSORS_ONLN 2> /dev/null || echo 1)
fit=$(awk '/^MemAvailable:/ { print int($2 / 300000) }' /proc/meminfo 2> /dev/null)
if [ -n "$fit" ] && [ "$fit" -lt "$n" ]; then n=$fit; fi
if [ "$n" -lt 1 ]; then n=1; fi
echo "-j$n"
