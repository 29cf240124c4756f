#!/bin/sh
# release.sh - a release in one command (make release): README.md names the archives of this
# version, everything is committed, tools/dist.sh builds all targets, tests/dist.sh tests each, and
# the last lines say what to publish and with what it was built.
make=${MAKE:-make}
version=$(sed -n 's/^#define QW_VERSION "\(.*\)"/\1/p' include/qw.h)
targets=$(sh tests/dist.sh jobs)

# The names of archives in the README, whatever their version was.
sed -E "s/qw-[0-9]+\.[0-9]+\.[0-9]+-($(echo "$targets" | tr ' ' '|'))/qw-$version-\1/g" README.md \
    > README.md.part && { cmp -s README.md.part README.md || cp README.md.part README.md; }
rm -f README.md.part
if [ -n "$(git status --porcelain)" ]; then
    git status --short
    echo "release: commit these first; the binaries show their commit"
    exit 1
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
MAKE=$make sh tools/dist.sh > "$tmp/built" || exit 1
cores=$(nproc 2> /dev/null || echo 1)
# shellcheck disable=SC2086
printf '%s\n' $targets | QW_DIST=$PWD/.build/dist xargs -P "$cores" -n 1 sh tests/dist.sh |
    tee "$tmp/log"
if grep -qE '^(not ok|skip)' "$tmp/log" || [ "$(grep -c '^ok' "$tmp/log")" -eq 0 ]; then
    echo "release: not tested, or wrong"
    exit 1
fi
echo
echo "qw $version ($(sh tools/commit.sh)), in .build/dist:"
cat "$tmp/built" .build/dist/SHA256SUMS
