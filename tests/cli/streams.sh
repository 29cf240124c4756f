# streams.sh - stdin, stdout and files that are closed, full or not what they should be.

story="run -p Story: --no-think -s 1"

# ---- stdout and stderr ----

for c in "run -p hi $plain" "tokenize -p hi" "detokenize 1022" "template --messages $d/hi.json" \
         "logits --ids 1 -o -" info "doctor -q q4" help "help run" --version; do
    qw $c >&- 2> "$d/err"
    status=$?
    : > "$d/out"
    compare "closed stdout: ${c%% *}" 1 "" "cannot write stdout"
    if [ -c /dev/full ]; then
        qw $c > /dev/full 2> "$d/err"
        status=$?
        compare "full stdout: ${c%% *}" 1 "" "cannot write stdout"
    else
        skip "full stdout: ${c%% *}" "no /dev/full"
    fi
done
if [ -c /dev/full ]; then
    qw bench -p 1 -n 1 -r 1 -o json > /dev/full 2> "$d/err"
    status=$?
    compare "full stdout: bench" 1 "" "cannot write stdout"
    check "full stdout: reported once" "found: $(cat "$d/err")" \
        [ "$(grep -c "cannot write" "$d/err")" -eq 1 ]
else
    skip "full stdout: bench" "no /dev/full"
fi
t "closed stderr" 0 "2 + 3 = 5\n" "" run -p "$question" $plain 2>&-
{ qw $story 2> "$d/err"; echo $? > "$d/rc"; } | head -c 1 > "$d/out"
status=$(cat "$d/rc")
[ "$status" -eq 0 ] || [ "$status" -eq 124 ] || status=broken
check "a reader that leaves: it has one byte" "found: $(quote "$d/out")" \
    [ "$(wc -c < "$d/out")" -eq 1 ]
compare "a reader that leaves: quiet" broken '*' ""
{ (trap '' PIPE; qw $story 2> "$d/err"; echo $? > "$d/rc") } | head -c 1 > "$d/out"
status=$(cat "$d/rc")
compare "a reader that leaves, SIGPIPE ignored: quiet" 1 '*' ""

# ---- warnings and notes ----

printf 'ab\377cd' > "$d/invalid"
t "a warning is shown in a pipe" 0 '*' "not valid UTF-8" run $raw -n 2 -f "$d/invalid"
t "--quiet silences warnings" 0 '*' "" run $raw -n 2 -f "$d/invalid" --quiet
t "--quiet does not silence errors" 5 "" "context" run -p "$question" -c 8 --quiet

# ---- input ----

t "-f: a directory" 1 "" "include" run -f include
t "-f: no such file" 1 "" "/no/such" run -f /no/such < /dev/null
t "stdin: a directory" 1 "" "stdin" run < include
if [ "$(id -u)" -ne 0 ]; then
    echo x > "$d/secret" && chmod 000 "$d/secret"
    t "-f: an unreadable file" 1 "" "secret" run -f "$d/secret" < /dev/null
elif [ -e /proc/self/mem ]; then
    t "-f: an unreadable file" 1 "" "/proc/self/mem" run -f /proc/self/mem < /dev/null
else
    skip "-f: an unreadable file" "root may read all, and there is no /proc"
fi

# ---- output files ----

if [ -c /dev/full ]; then
    t "logits -o on a full device" 1 "" "/dev/full" logits --ids 1,2,3 -o /dev/full
else
    skip "logits -o on a full device" "no /dev/full"
fi
many=$(repeat 199 5,)5
(ulimit -f 64; t "logits -o beyond ulimit -f" 1 "" "small/x" logits --ids $many -o "$d/small/x")
check "logits -o beyond ulimit -f leaves nothing" "found: $(ls -A "$d/small")" \
    [ -z "$(ls -A "$d/small")" ]
on_full_disk "logits -o on a full disk fails and leaves nothing" "small/x: No space" \
    logits --ids $many -o "$d/small/x"
echo old > "$d/old"
t "logits -o keeps the old file when it fails" 2 "" "token id" logits --ids 1,99999 -o "$d/old"
check "the old file is as it was" "found: $(head -c 400 "$d/old")" [ "$(cat "$d/old")" = old ]

# preload NAME SOURCE: build $d/NAME.so from a source on stdin, which creates the file LOADED names.
preload() {
    { cat; cat << 'EOT'
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void loaded(void) {
    FILE *f = fopen(getenv("LOADED"), "w");
    if (f) fclose(f);
}
EOT
    } > "$d/$1.c"
    ${CC:-cc} -shared -fPIC -o "$d/$1.so" "$d/$1.c" -ldl 2> /dev/null
}
# with_preload NAME ARGUMENT...: qw with it; fails where that does not work
with_preload() {
    library=$1
    shift
    rm -f "$d/loaded"
    LOADED=$d/loaded LD_PRELOAD=$d/$library.so ASAN_OPTIONS=verify_asan_link_order=0 \
        $bin "$@" > "$d/out" 2> "$d/err"
    status=$?
    [ -e "$d/loaded" ]
}

# A disk that fails as late as it can: at the fsync before the file gets its name.
no_fsync() {
    if [ -n "$emulator" ]; then skip "$1" "an emulator"; return; fi
    if ! preload fsync << 'EOT'
#include <errno.h>
int fsync(int fd) { (void)fd; errno = EIO; return -1; }
EOT
    then skip "$1" "${CC:-cc} cannot build a shared library"; return; fi
    echo old > "$d/small/x"
    if ! with_preload fsync logits --ids 1 -o "$d/small/x"; then
        skip "$1" "LD_PRELOAD does not work for $bin"
        return
    fi
    compare "$1" 1 "" "cannot write .*small/x: Input/output error"
    check "$1: the old file is as it was" "found: $(ls "$d/small")" \
        [ "$(ls "$d/small") $(cat "$d/small/x")" = "x old" ]
    rm "$d/small/x"
}
no_fsync "logits -o: fsync fails"

# A signal that comes when the file has just been created, before anything else is done.
signal_at_open() {
    if [ -n "$emulator" ]; then skip "$1" "an emulator"; return; fi
    if ! preload open << 'EOT'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <string.h>
static int opened(const char *name, const char *path, int flags, int mode) {
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    int fd = real(path, flags, mode);
    if (strstr(path, ".part")) raise(SIGTERM);
    return fd;
}
int open(const char *path, int flags, int mode) { return opened("open", path, flags, mode); }
int open64(const char *path, int flags, int mode) { return opened("open64", path, flags, mode); }
EOT
    then skip "$1" "${CC:-cc} cannot build a shared library"; return; fi
    mkdir "$d/signal"
    if ! with_preload open logits --ids 1 -o "$d/signal/x"; then
        skip "$1" "LD_PRELOAD does not work for $bin"
        return
    fi
    compare "$1" 143 "" ""
    check "$1: nothing is left" "found: $(ls "$d/signal")" [ -z "$(ls "$d/signal")" ]
}
signal_at_open "a signal right after a file was created"
