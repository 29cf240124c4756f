#!/bin/sh
# style.sh - checks what a compiler does not: no line over 100 columns; in C one statement a line
# (macros excepted) and no conditional operator inside another (its condition or a branch, in
# parentheses or not). Prints each offence with file:line. Generated tables, fixtures and the
# fuzzer's seeds are not checked.
# Run from the project's root; with arguments, checks only those files.
LC_ALL=C
export LC_ALL
if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046
    set -- Makefile .ci/run $(find src include tests tools \
        \( -path tests/fixtures -o -path tests/corpus -o -name unicode_tables.h \) -prune -o \
        \( -name '*.[ch]' -o -name '*.inc' -o -name '*.sh' -o -name '*.py' -o -name '*.mjs' \
        -o -name Makefile -o -name fetch-model \) -print | sort)
fi
awk '
function bad(line, why) {
    print "  " file ":" line ": " why
    total++
}

# The stack of open brackets. kind: "{" a block, "m" a macro, "s" a struct, "i" an initializer, "("
# also for "[". A segment is what lies between commas, semicolons and brackets at one depth. In it,
# own counts the conditional operators at this depth, child the brackets that have one inside; any
# remembers earlier segments.
function segment() {
    any[d] += own[d] + child[d]
    own[d] = child[d] = told[d] = 0
}
function open(k, is_control, is_cast) {
    d++
    kind[d] = k
    control[d] = is_control
    cast[d] = is_cast
    any[d] = own[d] = child[d] = told[d] = 0
}
function check(line) {
    if (told[d] || own[d] == 0 || own[d] + child[d] < 2) return
    told[d] = 1
    bad(line, "nested ?:")
}
# Closes a bracket of an expression: what it holds belongs to the segment around it.
function close_into(line,    inside, was_told) {
    inside = any[d] + own[d] + child[d] > 0
    was_told = told[d]
    if (d > 0) d--
    if (was_told) told[d] = 1
    if (inside) {
        child[d]++
        check(line)
    }
}

function token(t, line,    is_struct, was) {
    was = previous
    is_struct = in_struct
    in_struct = 0
    previous = "o"
    if (t ~ /^[A-Za-z_0-9]/) {
        previous = "word"
        if (t ~ /^(case|default)$/) label[line] = 1      # its break or return may follow
        if (t ~ /^(struct|union)$/) in_struct = 1
        else if (is_struct == 1) in_struct = 2
        else if (t ~ /^(return|else|do)$/) {
            segment()
            previous = "start"
        }
        if (t ~ /^(if|for|while|switch)$/) previous = "control"
        if (t ~ /^(if|for|while|switch|do)$/ && was == "start" && after_control == line &&
            !in_macro)
            bad(line, "a loop or condition within another on one line")
    } else if (t == "?") {
        own[d]++
        check(line)
    } else if (t == "(" || t == "[") {
        open("(", was == "control", was != "word" && was != "control" && was != ")")
    } else if (t == ")" || t == "]") {
        previous = cast[d] ? "cast" : ")"
        if (control[d]) {
            if (d > 0) d--
            segment()
            previous = "start"
            after_control = line
            return
        }
        close_into(line)
    } else if (t == "{") {
        if (is_struct) open("s", 0, 0)
        else if (was == "cast" || was == "o" || was == "(") open("i", 0, 0)
        else if (was == "{" && kind[d] == "i") open("i", 0, 0)
        else {
            segment()
            open("{", 0, 0)
        }
        previous = "{"
    } else if (t == "}") {
        previous = "}"
        if (kind[d] == "i") close_into(line)
        else {
            if (d > 0 && kind[d] != "m") d--
            segment()
            previous = "start"
        }
    } else if (t == ";") {
        if (kind[d] == "{" && !in_macro && ++statements[line] == 2 + label[line])
            bad(line, "two statements on one line")
        segment()
        previous = "start"
    } else if (t == ",") segment()
    else if (t == ":") previous = "start"
    else if (t ~ /^(=|[-+*\/%&|^]=|<<=|>>=)$/ && own[d] == 0) segment()
    if (t != ";") after_control = 0
}

# The line without comments and with 0 for each string and character constant.
function strip(s,    out, q) {
    out = ""
    for (;;) {
        if (in_comment) {
            if (!match(s, /\*\//)) return out
            s = substr(s, RSTART + 2)
            in_comment = 0
        }
        if (!match(s, /\/\*|\/\/|"|\047/)) return out s
        q = substr(s, RSTART, 1)
        out = out substr(s, 1, RSTART - 1)
        if (q == "/") {
            if (substr(s, RSTART, 2) == "//") return out
            out = out " "
            s = substr(s, RSTART + 2)
            in_comment = 1
            continue
        }
        s = substr(s, RSTART + 1)
        out = out "0"
        while (match(s, /[\\"\047]/) && substr(s, RSTART, 1) != q)
            s = substr(s, RSTART + (substr(s, RSTART, 1) == "\\" ? 2 : 1))
        if (RSTART == 0) return out
        s = substr(s, RSTART + 1)
    }
}

function tokens(s,    t) {
    while (match(s, /[A-Za-z_0-9][A-Za-z_0-9.]*|<<=|>>=|[-+*\/%&|^<>=!]=|[^ \t\\]/)) {
        t = substr(s, RSTART, RLENGTH)
        s = substr(s, RSTART + RLENGTH)
        token(t, FNR)
    }
}

function end_macro() {
    if (!in_macro) return
    in_macro = 0
    d = outside
    previous = outside_previous
}

FNR == 1 {
    file = FILENAME
    is_c = file ~ /\.(c|h|inc)$/
    d = depth_if = in_comment = in_macro = in_struct = after_control = continued = 0
    kind[0] = "{"
    any[0] = own[0] = child[0] = told[0] = control[0] = cast[0] = 0
    previous = "start"
    for (k in statements) delete statements[k]
}
length($0) > 100 { bad(FNR, "over 100 columns") }
!is_c { next }
{
    text = strip($0)
    directive = !continued && text ~ /^[ \t]*#/
    if (!continued) end_macro()
    if (directive) {
        if (text ~ /^[ \t]*#[ \t]*if/) saved[++depth_if] = d
        else if (text ~ /^[ \t]*#[ \t]*el/ && depth_if > 0) d = saved[depth_if]
        else if (text ~ /^[ \t]*#[ \t]*endif/ && depth_if > 0) depth_if--
        in_macro = 1
        outside = d
        outside_previous = previous
        ignore = text !~ /^[ \t]*#[ \t]*define[ \t]/
        open("m", 0, 0)
        previous = "start"
        sub(/^[ \t]*#[ \t]*define[ \t]+[A-Za-z_0-9]+(\([^)]*\))?/, "", text)
    }
    continued = text ~ /\\$/
    if (!(in_macro && ignore)) tokens(text)
}
END {
    if (total > 0) print "not ok - style: " total " lines to mend"
    else print "ok - style"
    exit total > 0
}
' "$@"
