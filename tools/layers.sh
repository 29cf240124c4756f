#!/bin/sh
# layers.sh - checks that includes point downward only, and that nothing below the command line
# prints, exits, or names one of its flags.
#
# A folder is a layer. Each line below names one and the folders that its files may include besides
# their own; include/qw.h counts as base, but kernels and the command line have rules of their own.
# Prints an ok or not ok line; run from the project's root.
awk '
BEGIN {
    may["base"]    = ""
    may["sys"]     = "base"
    may["kernels"] = "base"
    may["text"]    = "base"
    may["chat"]    = "base"
    may["sample"]  = "base"
    may["model"]   = "base sys kernels"
    may["engine"]  = "base sys kernels text chat sample model"
    may["terminal"] = "base"
    may["cli"]     = "terminal"
}
function bad(why) { print "  " FILENAME ":" FNR ": " why; failed = 1 }
function folder(path) { sub(/\/.*/, "", path); return path }

# Whether a string constant on this line names a flag: " -c", "(-c)", "--ids". Escapes end with a
# character that begins no flag.
function names_flag(s,    text) {
    sub(/^[ \t]*(\/\*|\*).*/, "", s)
    while (match(s, /"([^"\\]|\\.)*"/)) {
        text = substr(s, RSTART + 1, RLENGTH - 2)
        s = substr(s, RSTART + RLENGTH)
        if (text ~ /(^|[ (,;:`\047])--?[a-z][a-z-]*($|[ ).,;:`\047=])/) return 1
    }
    return 0
}
FNR == 1 {
    mine = FILENAME
    sub(/^src\//, "", mine)
    file = mine
    mine = folder(mine)
    if (!(mine in may)) bad("no such layer: " mine)
}
/^#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    to = part[2]
    theirs = folder(to)
    if (to == "qw.h") {
        if (file ~ /^kernels\/.*\// ) bad("kernels include only kernels/")
    } else if ((getline line < ("src/" to)) < 0) bad("there is no src/" to)
    else if (file ~ /^kernels\/.*\// && theirs != "kernels") bad("kernels include only kernels/")
    else if (theirs != mine && index(" " may[mine] " ", " " theirs " ") == 0)
        bad(mine " includes " to)
    close("src/" to)
    next
}
mine == "cli" { next }
/(^|[^a-z_])(printf|fprintf|puts|fputs|perror|exit|_exit|abort|assert)[ \t]*\(/ {
    bad("prints or exits below the command line")
}
!/^#[ \t]*error/ && names_flag($0) { bad("a message names a flag of the command line") }
END {
    why = "includes point downward; only the command line prints, exits or knows its flags"
    print (failed ? "not ok" : "ok") " - layers: " why
    exit failed
}
' $(find src -name '*.[ch]' -o -name '*.inc' | sort)
