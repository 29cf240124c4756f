#!/bin/sh
# example.sh PROGRAM - the example of include/qw.h prints the continuation it always prints.
want="Once upon a time, there was a little girl named Lily. She had a big, shiny crown. Lily \
loved to play with her crown. One day, she saw a big tree with a red ball on"
got=$("$1" 2>&1)
if [ "$got" = "$want" ]; then echo "ok - example program"; else
    printf '  expected %s\n  found    %s\n' "$want" "$got"
    echo "not ok - example program"
    exit 1
fi
