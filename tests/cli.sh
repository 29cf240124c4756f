#!/bin/sh
# cli.sh - every command of qw as its users run it: streams, exit codes, pipes, Ctrl-C, full disks.
# A terminal: terminal.py.
#
#     sh tests/cli.sh [PART...]           from the project's root; PART is a file of tests/cli
#     QW="qemu-aarch64 .build/qw" sh tests/cli.sh     another binary, or an emulator and a binary
#
# A command that runs for more than a minute (ten under an emulator, QW_SLOW times as long) is
# stopped and fails its test.
. tests/cli/helpers.sh
[ $# -gt 0 ] || set -- usage flags which_model run prompts ends tokens tokenizer_files template \
                       logits_info streams memory generation interrupt quantize spellings bench \
                       machines disturbed doctor chat commands chat_names pipes
for part; do . "tests/cli/$part.sh"; done
[ ! -s "$d/failed" ]
