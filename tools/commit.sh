#!/bin/sh
# commit.sh - the commit that this source is, as qw --version shows it: a short hash, with "+" if
# what the binary is made of was changed since. Nothing without git, in an unpacked archive, or in
# a repository that is not qw's own. From the project's root.
GIT_OPTIONAL_LOCKS=0
export GIT_OPTIONAL_LOCKS
top=$(git rev-parse --show-cdup 2> /dev/null) && [ -z "$top" ] || exit 0
git cat-file -e HEAD:include/qw.h 2> /dev/null || exit 0
changed=$(git status --porcelain -- Makefile include src tools/levels.sh)
echo "$(git rev-parse --short=10 HEAD)${changed:++}"
