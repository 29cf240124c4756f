#!/bin/sh
# flag_tables.sh QW - prints what a binary of qw says of its commands and flags: for each command
# the lines of QW COMMAND --dump-flags, whose fields are separated by tabs:
#
#     command  NAME  ARGUMENTS  SUMMARY
#     flag     HEADING  NAMES  VALUE  KIND  VARIABLE  HELP
#                       KIND: "switch", "file", "one of A B", "value"
#     means    NAMES  VALUES  FLAG            a flag of llama.cpp, and the one of ours that it means
#     anyway   NAMES  VALUES                  one without effect
#     refused  NAMES  VALUES  WHY
#     detail   LINE                           the end of the help
#
# manual.sh and completions.sh read them. From the project's root.
qw=${1:?"the binary of qw, such as ./qw"}
for command in $(sed -n 's/^extern const struct command command_\([a-z]*\);/\1/p' \
    src/cli/commands/commands.h); do
    $qw "$command" --dump-flags || exit 1
done
