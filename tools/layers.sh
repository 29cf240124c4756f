#!/bin/sh
# layers.sh - checks that includes point downward only, and that nothing below the command line prints or exits.
#
# A folder is a layer. Each line below names one and the folders that its files may include besides their own; include/qw.h counts as
# base, but kernels and the command line have rules of their own. Prints an ok or not ok line; run from the project's root.
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
    may["cli"]     = ""
}
function bad(why) { print "  " FILENAME ":" FNR ": " why; failed = 1 }
function folder(path) { sub(/\/.*/, "", path); return path }
FNR == 1 {
    mine = FILENAME; sub(/^src\//, "", mine); file = mine; mine = folder(mine)
    if (!(mine in may)) bad("no such layer: " mine)
}
/^#[ \t]*include[ \t]*"/ {
    split($0, part, "\""); to = part[2]; theirs = folder(to)
    if (to == "qw.h") {
        if (file ~ /^kernels\/.*\// ) bad("kernels include kernels/ alone")
    } else if ((getline line < ("src/" to)) < 0) bad("there is no src/" to)
    else if (file ~ /^kernels\/.*\// && theirs != "kernels") bad("kernels include kernels/ alone")
    else if (theirs != mine && index(" " may[mine] " ", " " theirs " ") == 0) bad(mine " includes " to)
    close("src/" to)
}
mine != "cli" && /(^|[^a-z_])(printf|fprintf|puts|fputs|perror|exit|_exit|abort|assert)[ \t]*\(/ { bad("prints or exits below the command line") }
END { print (failed ? "not ok" : "ok") " - layers: includes point downward, nothing below the command line prints or exits"; exit failed }
' $(find src -name '*.[ch]' -o -name '*.inc' | sort)
