# which_model.sh - the model that is named, and the bundled one if none is.

t "no such model" 1 "" "/no/such" run -p x -m /no/such
t "a model directory without config.json" 1 "" "config.json" run -p x -m include
t "a file that is no model" 1 "" "Makefile|config.json" run -p x -m Makefile
(
    unset QW_MODEL
    t "the bundled model of ./models, in a pipe without a word" 0 "2 + 3 = 5\n" "" \
        run -p "$question" $plain
    t "the bundled model, named with -v" 0 "2 + 3 = 5\n" "bundled model .*models/tiny" \
        run -p "$question" $plain -v
    t "--quiet wins over -v" 0 "2 + 3 = 5\n" "" run -p "$question" $plain --quiet -v
    mkdir -p "$d/beside" "$d/prefix/bin" "$d/prefix/share/qw" "$d/empty"
    for place in beside prefix/bin empty; do cp "$bin" "$d/$place/qw"; done
    ln -s "$root/models" "$d/beside/models"
    ln -s "$root/models" "$d/prefix/share/qw/models"
    cd "$d/empty" || exit
    QW=$emulator$d/beside/qw
    t "the bundled model next to the binary, from another directory" 0 "1022\n" "" \
        tokenize -p Hello
    QW=$emulator$d/prefix/bin/qw
    t "the bundled model in PREFIX/share" 0 "1022\n" "" tokenize -p Hello
    QW=$emulator$d/empty/qw
    t "no model anywhere" 1 "" "-m DIR or QW_MODEL" run -p x
)

# ---- names ----

# in_cache DIR NAME HASH: the bundled model in the hub's cache DIR as huggingface_hub writes it
in_cache() {
    mkdir -p "$1/$2/blobs" "$1/$2/refs" "$1/$2/snapshots/$3"
    for file in "$tiny"/*; do
        file=${file##*/}
        cp "$tiny/$file" "$1/$2/blobs/$3-$file"
        ln -s "../../blobs/$3-$file" "$1/$2/snapshots/$3/$file"
    done
    printf %s "$3" > "$1/$2/refs/main"
}
# called NAME MODEL: the last --json calls the model so
called() { out_has "$1" "^\\{\"model\": \"$2\", \"text\": \"2 . 3 = 5\""; }
# answers NAME MODEL [CALLED]: -m MODEL works, and is called so
answers() {
    t "$1" 0 "*" "" run --json -p "$question" $plain -m "$2"
    [ -z "$3" ] || called "$1, its name" "$3"
}
qwen=models--Qwen--Qwen3-0.6B
own=models--somebody--My-Qwen3
(
    unset QW_MODEL HUGGINGFACE_HUB_CACHE HF_HOME XDG_CACHE_HOME
    mkdir -p "$d/names"
    cd "$d/names" || exit
    HF_HUB_CACHE=$d/hub
    export HF_HUB_CACHE
    in_cache "$d/hub" $qwen 0123abcd
    in_cache "$d/hub" $own 4567
    in_cache "$d/hub" models--other--My-Qwen3 89ab
    in_cache "$d/hub" models--third--Qwen3-0.6B cdef
    in_cache "$d/hub" models--third--Only-One cdef
    in_cache "$d/hub" models--ownerless cdef

    answers "the cache: -m OWNER/NAME" Qwen/Qwen3-0.6B Qwen3-0.6B
    answers "the cache: -m NAME, which is Qwen's" Qwen3-0.6B Qwen3-0.6B
    answers "the cache: -m NAME of the only owner" Only-One Only-One
    answers "the cache: -m NAME without an owner" ownerless ownerless
    answers "the cache: somebody's -m OWNER/NAME" somebody/My-Qwen3 My-Qwen3
    answers "the cache: a model's directory" "$d/hub/$qwen" Qwen3-0.6B
    answers "the cache: a model's directory with a slash" "$d/hub/$qwen/" Qwen3-0.6B
    answers "the cache: a snapshot" "$d/hub/$qwen/snapshots/0123abcd" Qwen3-0.6B
    answers "the cache: weights of a snapshot" \
        "$d/hub/$qwen/snapshots/0123abcd/model.safetensors" Qwen3-0.6B
    t "the cache: several owners" 1 "" "has .*/My-Qwen3 and .*/My-Qwen3: say whose" \
        run -p x -m My-Qwen3
    t "the cache: -v says where" 0 "2 + 3 = 5\n" "^qw: using $d/hub/$qwen/snapshots/0123abcd$" \
        run -p "$question" $plain -m Qwen3-0.6B -v
    t "the cache: qw tokenize" 0 "1022\n" "" tokenize -p Hello -m Qwen3-0.6B
    t "the cache: qw template" 0 "*" "" template --messages "$d/hi.json" -m Qwen/Qwen3-0.6B
    t "the cache: qw info" 0 "*" "" info -m Qwen3-0.6B
    QW_MODEL=Qwen3-0.6B t "the cache: QW_MODEL" 0 "1022\n" "" tokenize -p Hello
    printf '/save s.json\n/stats\n' > "$d/in"
    qw chat -m Qwen3-0.6B < "$d/in" > "$d/out" 2> "$d/err"
    err_has "the cache: /stats shows the name" "^ *model +Qwen3-0.6B  "
    check "the cache: /save keeps the name" "found: $(cat s.json)" \
        grep -q '"model": "Qwen3-0.6B"' s.json

    # as where links cannot be made: copies, and line ends as an editor leaves them
    mkdir -p "$d/copies/$qwen/refs" "$d/copies/$qwen/snapshots"
    cp -R "$tiny" "$d/copies/$qwen/snapshots/main-hash"
    printf 'main-hash\r\n' > "$d/copies/$qwen/refs/main"
    HF_HUB_CACHE=$d/copies answers "the cache: copies instead of links" Qwen3-0.6B Qwen3-0.6B

    # where the cache is
    mkdir -p "$d/home/hub" "$d/xdg/huggingface/hub" "$d/user/.cache/huggingface/hub"
    mv "$d/hub/$own" "$d/home/hub"
    cp -R "$d/home/hub/$own" "$d/xdg/huggingface/hub"
    cp -R "$d/home/hub/$own" "$d/user/.cache/huggingface/hub"
    mine=somebody/My-Qwen3
    HF_HUB_CACHE= HF_HOME=$d/home answers "HF_HOME" $mine
    HF_HUB_CACHE= HUGGINGFACE_HUB_CACHE=$d/home/hub answers "HUGGINGFACE_HUB_CACHE" $mine
    HF_HUB_CACHE= XDG_CACHE_HOME=$d/xdg answers "XDG_CACHE_HOME" $mine
    HF_HUB_CACHE= HOME=$d/user answers "~/.cache" $mine
    HF_HUB_CACHE='~/hub' HOME=$d/home answers "HF_HUB_CACHE with ~" $mine
    HF_HUB_CACHE= HF_HOME='${WHERE}me' WHERE=$d/ho answers "HF_HOME with a variable" $mine
    HF_HUB_CACHE='$NONE/hub' t "HF_HUB_CACHE with a variable that is not set" 1 "" \
        "cache \(.NONE/hub\)" run -p x -m $mine
    HF_HUB_CACHE= HF_HOME=$d/home XDG_CACHE_HOME=$d/nowhere answers "HF_HOME goes first" $mine

    # what goes before the cache
    mkdir -p models/Qwen
    ln -s "$tiny" models/Qwen3-0.6B
    answers "models/NAME goes before the cache" Qwen3-0.6B models/Qwen3-0.6B
    answers "models/NAME is Qwen's" Qwen/Qwen3-0.6B models/Qwen3-0.6B
    answers "models/NAME is nobody else's" third/Qwen3-0.6B Qwen3-0.6B
    ln -s "$tiny" models/Qwen/Qwen3-0.6B
    answers "models/OWNER/NAME" Qwen/Qwen3-0.6B models/Qwen/Qwen3-0.6B
    mkdir Qwen
    ln -s "$tiny" Qwen/Qwen3-0.6B
    answers "a path goes before models/" Qwen/Qwen3-0.6B Qwen/Qwen3-0.6B
    mkdir Qwen3-0.6B
    t "a path goes first even if it is empty" 1 "" "Qwen3-0.6B/config.json is missing; .* empty$" \
        run -p x -m Qwen3-0.6B

    # what is nowhere
    get="qw-fetch Qwen/Qwen3-4B .tools/fetch-model. gets it$"
    t "a name that is nowhere" 1 "" "no model 'Qwen3-4B': .*cache \($d/hub\); $get" \
        run -p x -m Qwen3-4B
    t "a path in models/ that is nowhere" 1 "" "$get" run -p x -m models/Qwen3-4B
    t "a name of a GGUF repository" 1 "" "$get" run -p x -m unsloth/Qwen3-4B-GGUF
    t "a name without an owner" 1 "" "qw-fetch OWNER/x " run -p x -m x
    HF_HUB_CACHE= HOME= t "no cache" 1 "" "nor in the hub's cache; qw-fetch" run -p x -m Qwen3-4B
    t "a file's name is no model's" 1 "" "x.safetensors: no such file" run -p x -m x.safetensors
    repeat 300 long/ > "$d/in"
    t "a name that is too long" 1 "" "^qw: long" run -p x -m "$(cat "$d/in")"
    lines "one message" "$d/err" 1
    repeat 9000 a > "$d/in"
    t "one message where a long prompt is counted first" 1 "" "no model 'Qwen3-4B'" \
        run -f "$d/in" -m Qwen3-4B
    lines "no second message" "$d/err" 1

    # a cache that is not as it should be
    begun=$d/hub/models--new--begun
    mkdir -p "$begun/blobs" "$begun/refs"
    : > "$begun/blobs/0123.incomplete"
    t "a download that has just begun" 1 "" "revision main: hf download gets it$" \
        run -p x -m "$begun"
    t "the cache itself" 1 "" "is the hub's cache; a model in it is $d/hub/models--" \
        run -p x -m "$d/hub"
    mv "$d/hub/$qwen/refs/main" "$d/hub/$qwen/refs/other"
    t "no refs/main" 1 "" "revision main: .*; -m $d/hub/$qwen/snapshots/0123abcd takes another$" \
        run -p x -m "$d/hub/$qwen"
    mv "$d/hub/$qwen/snapshots/0123abcd" "$d/hub/$qwen/snapshots/main"
    answers "a snapshot that is named main" "$d/hub/$qwen" Qwen3-0.6B
    for ref in ../.. .. /etc main/. '' 0123abcd; do
        printf %s "$ref" > "$d/hub/$qwen/refs/main"
        t "refs/main is '$ref'" 1 "" "holds no snapshot" run -p x -m "$d/hub/$qwen"
    done
    rm "$d/hub/$qwen/refs/main"
    mkfifo "$d/hub/$qwen/refs/main"
    answers "refs/main is a pipe" "$d/hub/$qwen" Qwen3-0.6B
    rm "$d/hub/$qwen/refs/main"
    printf main > "$d/hub/$qwen/refs/main"
    rm "$d/hub/$qwen/snapshots/main/config.json"
    t "a snapshot of some files" 1 "" "holds only some files of this model" \
        run -p x -m "$d/hub/$qwen"
    : > "$d/hub/$qwen/blobs/0123.incomplete"
    t "an unfinished download" 1 "" "0123.incomplete is there" run -p x -m "$d/hub/$qwen"
)

# ---- make install ----

if [ "$bin" != "$root/./qw" ]; then
    skip "make install" "QW is not ./qw"
elif ! ${MAKE:-make} -s install "PREFIX=$d/inst" > "$d/err" 2>&1; then
    fail "make install" "$(stderr)"
else
    (
        unset QW_MODEL
        cd /
        QW=$d/inst/bin/qw
        t "make install brings its model" 0 "2 + 3 = 5\n" "" run -p "$question" $plain
    )
fi
