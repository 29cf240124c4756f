#!/bin/sh
# manual.sh - makes qw(1) out of the tables of flags (flag_tables.sh) on stdin and the texts below.
# From the project's root; the page comes on stdout, and it is the same for the same version and
# tables.
version=$(sed -n 's/^#define QW_VERSION "\(.*\)"/\1/p' include/qw.h)
all=$(cat)

# What the page needs everywhere: texts as troff has them.
roff='
function replace(s, from, to,    out, i) {
    while (i = index(s, from)) {
        out = out substr(s, 1, i - 1) to
        s = substr(s, i + length(from))
    }
    return out s
}
function text(s) {
    s = replace(replace(s, "\\", "\\e"), "-", "\\-")
    return s ~ /^[.\047]/ ? "\\&" s : s
}
# "-n --predict", "N": bold names, a value in italics
function names(list, value,    part, n, i, out) {
    n = split(list, part, " ")
    for (i = 1; i <= n; i++) out = out (i > 1 ? ", " : "") "\\fB" text(part[i]) "\\fR"
    return out (value == "" ? "" : " \\fI" text(value) "\\fR")
}
'

cat << EOT
.TH QW 1 "" "qw $version" "User Commands"
.SH NAME
qw \\- Qwen3 on any CPU
.SH SYNOPSIS
.B qw
[\\fIFLAGS\\fR] [\\fIPROMPT\\fR...]
.br
.B qw
\\fICOMMAND\\fR [\\fIFLAGS\\fR] [\\fIARGUMENTS\\fR]
.SH DESCRIPTION
.B qw
runs dense Qwen3 models: it talks on a terminal, answers prompts in pipes and scripts, and has tools
that look at tokens, templates, logits and speed.
It reads checkpoints of the Hugging Face hub as they were downloaded, which
.B qw\-fetch
does
.RB ( "qw\-fetch \-\-help" );
without a model a small one that comes with it is used.
The same model, prompt, settings and seed give the same bytes on every machine.
.PP
Without a command it is
.B qw chat
when a person is at the terminal and there is no prompt, else
.BR "qw run" .
.PP
The answer goes to standard output, everything else to standard error; a good run in a pipe says
nothing there.
.PP
Long flags may have their value after a blank or a \\(oq=\\(cq, and \\(oq_\\(cq for \\(oq\\-\\(cq.
.B \\-\\-
ends the flags.
EOT

printf '%s\n' '.SH COMMANDS'
printf '%s\n' "$all" | awk -F '\t' "$roff"'
# A command may have the flags of an earlier one.
function finish(    i, same) {
    if (command == "") return
    for (i = 1; i < n_commands; i++)
        if (flags[name[i]] == flags[command]) same = name[i]
    if (page !~ /^\.TP/ || same != "") print ".PP"
    if (same != "") print "The flags are those of\n.BR \"qw " same "\" ."
    else printf "%s", page
    if (details != "") printf ".PP\n.nf\n%s.fi\n", details
}
$1 == "command" {
    finish()
    command = name[++n_commands] = $2
    page = details = ""
    print ".SS \"qw " $2 " " text($3) "\""
    print text(toupper(substr($4, 1, 1)) substr($4, 2)) "."
}
$1 == "flag" {
    flags[command] = flags[command] $0 "\n"
    if ($2 != "") page = page (page == "" ? "" : ".PP\n") ".I " text($2) "\n"
    page = page ".TP\n" names($3, $4) "\n" text($7) "\n"
    if ($6 != "") page = page "(\\fB" $6 "\\fR)\n"
}
$1 == "detail" { details = details text($2) "\n" }
END { finish() }
'

printf '%s\n' '.SH FLAGS OF LLAMA.CPP'
printf '%s\n' "$all" | awk -F '\t' "$roff"'
# One item for all flags that have the same text.
function add(kind, what) {
    if (!((kind, what) in flags)) text_of[kind, ++n[kind]] = what
    else flags[kind, what] = flags[kind, what] "; "
    flags[kind, what] = flags[kind, what] names($2, replace($3, " ", "|"))
}
function list(kind, heading,    i, what) {
    if (n[kind]) print ".PP\n" heading
    for (i = 1; i <= n[kind]; i++) {
        what = text_of[kind, i]
        if (what == "") print ".PP\n" flags[kind, what]
        else print ".TP\n" flags[kind, what] "\n" what
        delete flags[kind, what]
    }
    n[kind] = 0
}
function finish() {
    if (!n["means"] && !n["anyway"] && !n["refused"]) return
    print ".SS \"" (command == "run" ? "qw run, qw chat" : "qw " command) "\"\n" \
          "What follows a name in italics are the values for which it holds."
    list("means", "Taken as a flag of qw:")
    list("anyway", "Taken without effect, since it is so anyway:")
    list("refused", "Refused with exit status 2, for other values than those above:")
}
$1 == "command" {
    finish()
    command = $2
}
$1 == "means" && command != "chat" { add($1, "\\fB" text($4) "\\fR") }     # chat has those of run
$1 == "anyway" && command != "chat" { add($1, "") }
$1 == "refused" && command != "chat" { add($1, text($4)) }
END { finish() }
'

printf '%s\n' '.SH ENVIRONMENT' \
    'An empty variable counts as unset; switches are on with 1. The command line wins.'
printf '%s\n' "$all" | awk -F '\t' "$roff"'
$1 == "flag" && $6 != "" && !($6 in seen) {
    seen[$6] = 1
    print ".TP\n.B " $6 "\n" names($3, "")
}
'
cat << 'EOT'
.TP
.B HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME
where the hub's cache is, in which models are found by name
.TP
.B NO_COLOR
no colours, unless it is empty
.SH EXIT STATUS
.TP
0
done; also an answer that was cut by
.B \-n
.TP
1
an error
.TP
2
wrong usage
.TP
3
not enough memory
.TP
4
the answer was stopped because it repeated itself
.TP
5
the context is full
.TP
6
there was no answer: it ended inside its thoughts, or at once
.TP
130
interrupted
.SH EXAMPLES
.nf
qw\-fetch Qwen/Qwen3\-0.6B
qw \-p "Why is the sky blue?"
cat log.txt | qw \-p "What failed?"
qw chat \-m models/Qwen3\-0.6B
qw quantize \-m models/Qwen3\-0.6B \-q q4 \-o qwen3\-0.6b\-q4.safetensors
qw bench \-m qwen3\-0.6b\-q4.safetensors \-p 256 \-n 32 \-t 1,2
.fi
EOT
