#!/bin/sh
# layers.sh - checks that includes point downward only, and that nothing below the command line prints or exits.
#
#   L0 base  L1 formats, text, kernels  L2 weights  L3 decoder  L4 engine (include/qw.h)  L5 command line
#
# Prints an ok or not ok line; run from the project's root. A new file must be given its layer here.
awk '
function layer(f) {
    if (f ~ /^(base|utf8|num|memory|cgroup|threads|topology)\./) return 0
    if (f ~ /^(json|safetensors|companions|tokenizer|tokenizer_impl|tokenizer_load|bpe|split|unicode|unicode_tables|template|template_detect|sampler|cpu)\./) return 1
    if (f ~ /^kernels\//) return 1
    if (f ~ /^(config|weights|pack)\./) return 2
    if (f ~ /^decoder\./) return 3
    if (f ~ /^(engine|bandwidth|chat|text|quantize)\./) return 4
    if (f ~ /^cli\//) return 5
    return -1
}
function bad(why) { print "  " FILENAME ":" FNR ": " why; failed = 1 }
FNR == 1 {
    name = FILENAME; sub(/^src\//, "", name)
    mine = layer(name); dir = name; if (!sub(/\/[^\/]*$/, "/", dir)) dir = ""
    if (mine < 0) bad("no layer; add it to tools/layers.sh")
}
/^#[ \t]*include[ \t]*"/ {
    split($0, part, "\""); to = part[2]
    if (to == "qw.h") { if (dir == "kernels/") bad("kernels include kernels.h alone"); next }
    path = layer(dir to) >= 0 && dir != "" ? dir to : to
    theirs = layer(path)
    if (theirs < 0) bad("includes unknown " to)
    else if (dir == "cli/" && path !~ /^cli\//) bad("the command line knows qw.h alone, not " to)
    else if (dir == "kernels/" && path !~ /^kernels\/(kernels|lanes|vectors|quant|attention|sdot|panels|maddubs)\.h$/) bad("kernels include one another alone, not " to)
    else if (theirs > mine) bad("layer " mine " includes " to " of layer " theirs)
}
mine < 5 && /(^|[^a-z_])(printf|fprintf|puts|fputs|perror|exit|_exit|abort|assert)[ \t]*\(/ { bad("prints or exits below the command line") }
END { print (failed ? "not ok" : "ok") " - layers: includes point downward, nothing below the command line prints or exits"; exit failed }
' $(find src -name '*.[ch]' | sort)
