# helpers.sh - sourced by tests/cli.sh: the binary under test, how a test reports, what tests share.

QW=${QW:-./qw}
LC_ALL=C
export LC_ALL
exec < /dev/null                            # tests that read stdin give it to qw
unset QW_CTX_SIZE QW_BATCH_SIZE QW_THREADS QW_THREADS_BATCH QW_CPU_LIST QW_CPU QW_WEIGHT_TYPE \
      QW_KV_TYPE QW_NO_STDIN NO_COLOR
root=$(pwd)
bin=${QW##* }
case $bin in /*) ;; *) bin=$root/$bin ;; esac
case $QW in *" "*) emulator="${QW% *} " ;; *) emulator= ;; esac
QW=$emulator$bin
elsewhere=${BUILD:-nowhere}/qw-elsewhere    # qw on a machine that is made up (elsewhere.c)
case $elsewhere in /*) ;; *) elsewhere=$root/$elsewhere ;; esac
tiny=$root/models/tiny
bare=$root/tests/fixtures/forward/gqa5      # weights without a tokenizer; vocabulary of 320
QW_MODEL=$tiny
export QW_MODEL
d=$(mktemp -d) || exit 1
pid=                                        # a process in the background
clean_up() {
    test -z "$pid" || kill -9 $pid 2> /dev/null
    rm -rf "$d"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# ---- results ----

skip() { echo "skip - $1: $2"; }
pass() { echo "ok - $1"; }
# fail NAME LINE...: what was expected and found, then the verdict
fail() {
    failed=$1
    shift
    for line in "$@"; do echo "  $line"; done
    echo "not ok - $failed"
    echo "$failed" >> "$d/failed"
}
# check NAME DETAIL COMMAND...: the command succeeds; if not, DETAIL is what was expected or found
check() {
    check_name=$1 check_detail=$2
    shift 2
    if "$@"; then pass "$check_name"; else fail "$check_name" "$check_detail"; fi
}
not() { ! "$@"; }

quote() { od -An -c "$1" | head -n 12; }
stderr() { head -c 400 "$d/err"; }

# ---- commands under test ----

seconds=$((60 * ${QW_SLOW:-1}))
[ -z "$emulator" ] || seconds=$((seconds * 10))
limit="timeout -k 5 $seconds"
if ! $limit true 2> /dev/null; then
    skip "time limits" "there is no timeout -k"
    limit=
fi

# qw ARGUMENT...: the binary, for a limited time; exit code 124 when that is over
qw() { $limit $QW "$@"; }

# compare NAME RC OUT ERR: what the last command left in $status, $d/out, $d/err.
# OUT: for printf %b; "@FILE": the bytes of a file; "*": anything, but something.
# ERR: "": nothing; "*": something; else a regular expression that a line matches.
compare() {
    case $3 in
    @*) cat "${3#@}" > "$d/want" ;;
    *) printf '%b' "$3" > "$d/want" ;;
    esac
    if [ "$status" = 124 ] && [ "$2" != 124 ]; then
        fail "$1" "still running after $seconds seconds"
    elif [ "$status" != "$2" ]; then
        fail "$1" "expected exit code $2, found $status" "stderr: $(stderr)"
    elif [ "$3" = '*' ] && [ ! -s "$d/out" ]; then
        fail "$1" "expected something on stdout, found nothing" "stderr: $(stderr)"
    elif [ "$3" != '*' ] && ! cmp -s "$d/want" "$d/out"; then
        fail "$1" "expected stdout" "$(quote "$d/want")" "found" "$(quote "$d/out")"
    elif [ -z "$4" ] && [ -s "$d/err" ]; then
        fail "$1" "expected nothing on stderr, found: $(stderr)"
    elif [ "$4" = '*' ] && [ ! -s "$d/err" ]; then
        fail "$1" "expected a message on stderr, found nothing"
    elif [ -n "$4" ] && [ "$4" != '*' ] && ! grep -qE -e "$4" "$d/err"; then
        fail "$1" "expected on stderr: $4" "found: $(stderr)"
    else
        pass "$1"
    fi
}

# t NAME RC OUT ERR ARGUMENT...: qw with these arguments
t() {
    t_name=$1 t_rc=$2 t_out=$3 t_err=$4
    shift 4
    qw "$@" > "$d/out" 2> "$d/err"
    status=$?
    compare "$t_name" "$t_rc" "$t_out" "$t_err"
}
# same NAME ARGUMENT...: as t, and stdout as in the file $d/same
same() {
    same_name=$1
    shift
    t "$same_name" 0 "@$d/same" "" "$@"
}
# out_has NAME REGEX, err_has NAME REGEX: a line of the last stdout or stderr matches
out_has() { check "$1" "expected $2 in: $(cat "$d/out")" grep -qE -e "$2" "$d/out"; }
err_has() { check "$1" "expected $2 in: $(cat "$d/err")" grep -qE -e "$2" "$d/err"; }
# field NAME: the value of the first row in jsonl on the last stdout, in quotes if it is a text
field() { sed -n "1s/.*\"$1\": \(\"[^\"]*\"\|[^,}]*\).*/\1/p" "$d/out"; }
# lines NAME FILE N: it has so many lines
lines() { check "$1" "expected $3 lines in: $(cat "$2")" [ "$(wc -l < "$2")" -eq "$3" ]; }
# bad_lines NAME NUMBERS: the last stderr has messages for just these lines of the input
bad_lines() {
    numbers=$(sed -n 's/^qw: line \([0-9]*\):.*/\1/p' "$d/err" | tr '\n' ' ')
    check "$1" "expected lines $2, found: $(cat "$d/err")" [ "$numbers" = "$2 " ]
}

# ---- processes in the background ----

# wait_for COMMAND...: until it succeeds, 20 seconds at most
wait_for() {
    for i in $(awk 'BEGIN { for (i = 0; i < 400; i++) print i }'); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}
# A process that has ended is gone, or a zombie until it is waited for.
ended() {
    kill -0 $pid 2> /dev/null || return 0
    [ "$(sed 's/.*) \(.\).*/\1/' /proc/$pid/stat 2> /dev/null)" = Z ]
}
# interrupt NAME RC OUT ERR: SIGINT to $pid, then as compare
interrupt() {
    kill -INT $pid 2> /dev/null
    wait_for ended || kill -9 $pid
    wait $pid
    status=$?
    pid=
    compare "$@"
}
# Is there an incomplete $d/interrupted*?
part() { ls "$d"/interrupted.*.part > /dev/null 2>&1; }

# ---- what several parts use ----

# A short greedy answer, and a continuation of plain text: the same each time.
question="What is 2 plus 3?"
plain="--no-think --temp 0"
raw="--template none --temp 0"

# One CPU that we may use.
cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)

# A conversation, and its prompt for printf %b.
hi='{"messages":[{"role":"user","content":"hi"}]'
user='<|im_start|>user\nhi<|im_end|>\n'
echo "$hi}" > "$d/hi.json"

# repeat N TEXT: so many times
repeat() { awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s", text }'; }

# The bundled model with a context of 6 GiB; the second is an answer that never ends.
mkdir "$d/long"
for f in "$tiny"/*; do ln -s "$f" "$d/long"; done
rm "$d/long/config.json"
sed 's/"max_position_embeddings": 1024/"max_position_embeddings": 1048576/' "$tiny/config.json" \
    > "$d/long/config.json"
endless="-m $d/long -c 40960 $raw -l 4070-100000 -l 4072-100000 --no-loop-guard"

# A disk of 64 KiB at $d/small, which only commands after $namespace see.
mkdir "$d/small"
for namespace in "unshare -m" "unshare -rm" ""; do
    [ -n "$namespace" ] || break
    $namespace mount -t tmpfs -o size=64k tmpfs "$d/small" 2> /dev/null && break
done
# on_full_disk NAME ERR ARGUMENT...: qw, which fills $d/small, fails and leaves nothing there
on_full_disk() {
    if [ -z "$namespace" ]; then skip "$1" "cannot mount a tmpfs"; return; fi
    disk_name=$1 disk_err=$2
    shift 2
    $namespace sh -c '
        disk=$1
        shift
        mount -t tmpfs -o size=64k tmpfs "$disk" || exit
        "$@"
        rc=$?
        ls -A "$disk"
        exit $rc' - "$d/small" $limit $QW "$@" > "$d/out" 2> "$d/err"
    status=$?
    compare "$disk_name" 1 "" "$disk_err"
}

# A model whose vocabulary keeps a thread busy for seconds, in a file that takes no room. make_wide
# creates $d/wide; quantize_wide are the arguments that pack it. Fails without sparse files.
quantize_wide="quantize -m $d/wide -t 1 -o $d/interrupted.safetensors"
make_wide() {
    [ ! -d "$d/wide" ] || return 0
    mkdir "$d/wide"
    sed 's/"hidden_size": 256/"hidden_size": 1024/
         s/"intermediate_size": 768/"intermediate_size": 1/
         s/"num_hidden_layers": 6/"num_hidden_layers": 1/
         s/"vocab_size": 4096/"vocab_size": 524288/
         s/"num_attention_heads": 6/"num_attention_heads": 2/' "$tiny/config.json" \
        > "$d/wide/config.json"
    cp "$tiny/tokenizer.json" "$tiny/tokenizer_config.json" "$d/wide"
    awk -v size="$d/size" '
        # a tensor of rows x columns, or of rows if columns is 0
        function tensor(name, rows, columns) {
            bytes = 2 * rows * (columns ? columns : 1)
            s = s sprintf("%s\"model.%s.weight\":{\"dtype\":\"BF16\",\"shape\":[%d%s]," \
                          "\"data_offsets\":[%d,%d]}", s ? "," : "{", name, rows,
                          columns ? "," columns : "", at, at + bytes)
            at += bytes
        }
        BEGIN {
            tensor("embed_tokens", 524288, 1024)
            tensor("norm", 1024, 0)
            tensor("layers.0.input_layernorm", 1024, 0)
            tensor("layers.0.post_attention_layernorm", 1024, 0)
            tensor("layers.0.self_attn.q_norm", 64, 0)
            tensor("layers.0.self_attn.k_norm", 64, 0)
            tensor("layers.0.self_attn.q_proj", 128, 1024)
            tensor("layers.0.self_attn.k_proj", 128, 1024)
            tensor("layers.0.self_attn.v_proj", 128, 1024)
            tensor("layers.0.self_attn.o_proj", 1024, 128)
            tensor("layers.0.mlp.gate_proj", 1, 1024)
            tensor("layers.0.mlp.up_proj", 1, 1024)
            tensor("layers.0.mlp.down_proj", 1024, 1)
            printf "%d", at + 2008 > size
            printf "%-2000s", s "}"
        }' > "$d/header"
    fill_wide
}
# Give the model of $d/wide its full size (again).
fill_wide() {
    { printf '\320\007\0\0\0\0\0\0'; cat "$d/header"; } > "$d/wide/model.safetensors"
    truncate -s "$(cat "$d/size")" "$d/wide/model.safetensors" 2> /dev/null
}
