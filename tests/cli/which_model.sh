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
