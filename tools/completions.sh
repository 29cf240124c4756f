#!/bin/sh
# completions.sh bash|zsh|fish - makes the completion of that shell out of the tables of flags
# (flag_tables.sh) on stdin. It comes on stdout.
shell=${1:?"bash, zsh or fish"}
all=$(cat)

common='
function replace(s, from, to,    out, i) {
    while (i = index(s, from)) {
        out = out substr(s, 1, i - 1) to
        s = substr(s, i + length(from))
    }
    return out s
}
# The beginning of a help, which must fit into a list.
function short(s) { return substr(s, 1, index(s "; ", "; ") - 1) }
function quoted(s) { return "\047" replace(s, "\047", "\047\\\047\047") "\047" }
function choices(kind) { return substr(kind, 8) }
BEGIN { FS = "\t" }
$1 == "command" {
    command = $2
    commands = commands (commands == "" ? "" : " ") command
    summary[command] = $4
}
'

case $shell in
bash)
    printf '%s\n' "$all" | awk "$common"'
$1 == "flag" {
    flags[command] = flags[command] " " $3
    n = split($3, name, " ")
    if ($5 ~ /^one of /) {
        pattern = ""
        for (i = 1; i <= n; i++) pattern = pattern (i > 1 ? "|" : "") command ":" name[i]
        cases = cases "    " pattern ") words=\"" choices($5) "\" ;;\n"
    } else if ($4 != "") {
        for (i = 1; i <= n; i++) valued = valued (valued == "" ? "" : "|") command ":" name[i]
    }
}
END {
    list = replace(commands, " ", "|")
    print "# bash completion of qw"
    print "_qw() {"
    print "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}"
    print "    local command=run words="
    print "    if ((COMP_CWORD > 1)); then"
    print "        case ${COMP_WORDS[1]} in"
    print "        " list "|help) command=${COMP_WORDS[1]} ;;"
    print "        esac"
    print "    fi"
    print "    case $command:$before in"
    printf "%s", cases
    print "    " valued ") return ;;        # files, by -o default"
    print "    *)"
    print "        case $command in"
    print "        help) words=\"" commands "\" ;;"
    n = split(commands, name, " ")
    for (i = 1; i <= n; i++) print "        " name[i] ") words=\"" substr(flags[name[i]], 2) "\" ;;"
    print "        esac"
    print "        [[ $command == help || $word == -* ]] || words="
    print "        if ((COMP_CWORD == 1)); then"
    print "            words=\"$words " commands " help --version\""
    print "        fi ;;"
    print "    esac"
    print "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))"
    print "}"
    print "complete -o default -F _qw qw"
}' ;;
zsh)
    printf '%s\n' "$all" | awk "$common"'
function bracketed(s) { return replace(replace(s, "[", "\\["), "]", "\\]") }
$1 == "flag" {
    n = split($3, name, " ")
    what = "[" bracketed(short($7)) "]"
    if ($4 != "") what = what ":" replace($4, ":", "\\:") ":"
    if ($5 == "file") what = what "_files"
    else if ($5 ~ /^one of /) what = what "(" choices($5) ")"
    spec = ""
    if (n == 1) spec = quoted("*" $3 what)
    else {
        for (i = 1; i <= n; i++) spec = spec (i > 1 ? "," : "") name[i]
        spec = "\047*\047{" spec "}" quoted(what)
    }
    flags[command] = flags[command] " \\\n            " spec
}
END {
    n = split(commands, name, " ")
    print "#compdef qw"
    print "_qw() {"
    print "    local command=run"
    print "    local -a commands"
    print "    commands=("
    for (i = 1; i <= n; i++)
        print "        " quoted(name[i] ":" replace(summary[name[i]], ":", "\\:"))
    print "        \047help:the flags of a command\047"
    print "    )"
    print "    if (( CURRENT == 2 )) && [[ ${words[2]} != -* ]]; then"
    print "        _describe command commands"
    print "        return"
    print "    fi"
    print "    case ${words[2]} in"
    print "    help)"
    print "        _describe command commands"
    print "        return ;;"
    print "    " replace(commands, " ", "|") ")"
    print "        command=${words[2]}"
    print "        shift words"
    print "        (( CURRENT-- )) ;;"
    print "    esac"
    print "    case $command in"
    for (i = 1; i <= n; i++)
        print "    " name[i] ")\n        _arguments" flags[name[i]] \
              " \\\n            \047*:text:_files\047 ;;"
    print "    esac"
    print "}"
    print "_qw \"$@\""
}' ;;
fish)
    printf '%s\n' "$all" | awk "$common"'
$1 == "flag" {
    line = ""
    n = split($3, name, " ")
    for (i = 1; i <= n; i++) {
        kind = "-o "                    # a long name after one dash
        if (name[i] ~ /^--/) kind = "-l "
        else if (length(name[i]) == 2) kind = "-s "
        bare = name[i]
        sub(/^--?/, "", bare)
        line = line " " kind bare
    }
    if ($5 == "file") line = line " -r -F"
    else if ($5 ~ /^one of /) line = line " -x -a " quoted(choices($5))
    else if ($4 != "") line = line " -x"
    lines[++n_lines] = command
    rest[n_lines] = line " -d " quoted(short($7))
}
END {
    print "# fish completion of qw"
    n = split(commands, name, " ")
    print "set -l commands " commands " help"
    for (i = 1; i <= n; i++)
        print "complete -c qw -n \"not __fish_seen_subcommand_from $commands\" -a " name[i] " -d " \
              quoted(summary[name[i]])
    print "complete -c qw -n \"not __fish_seen_subcommand_from $commands\" -a help -d " \
          quoted("the flags of a command")
    print "complete -c qw -n \"__fish_seen_subcommand_from help\" -f -a \"" commands "\""
    for (i = 1; i <= n_lines; i++) {
        print "complete -c qw -n \"__fish_seen_subcommand_from " lines[i] "\"" rest[i]
        if (lines[i] == "run")
            print "complete -c qw -n \"not __fish_seen_subcommand_from $commands\"" rest[i]
    }
}' ;;
*)
    echo "completions.sh: no shell '$shell' (bash, zsh, fish)" >&2
    exit 2 ;;
esac
