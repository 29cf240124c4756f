#!/bin/sh
# editor.sh - the line editor (edit_line) in a real terminal, tmux: keys, pastes, resizing, plain.
# Called from the project's root with BUILD.
binary=$PWD/${BUILD:?is the folder of edit_line}/edit_line
if ! command -v tmux > /dev/null; then
    echo "skip - editor in a terminal: no tmux"
    exit 0
fi
d=$(mktemp -d) || exit 1
servers=0
tmux() { command tmux -S "$d/tmux$servers" "$@"; }
trap 'tmux kill-server 2> /dev/null; rm -rf "$d"' EXIT
trap 'exit 130' INT TERM
failed=0

screen() { tmux capture-pane -p | sed 's/ *$//'; }
keys() { tmux send-keys "$@"; }
cursor() { tmux display -p '#{cursor_x},#{cursor_y}'; }

# begin COLUMNS ROWS [plain]: 40 numbered lines, then the editor. Each time a server of its own: one
# that is about to end may still take a new session with it.
begin() {
    tmux kill-server 2> /dev/null
    servers=$((servers + 1))
    LC_ALL=C.UTF-8 TERM=xterm command tmux -u -S "$d/tmux$servers" -f /dev/null new-session -d \
        -x "$1" -y "$2" "seq 101 140; '$binary' $3 '$d/history'; sleep 60"
    wait_for '^>'
}

# wait_for PATTERN: until a line of the screen matches it, 5 seconds at most.
wait_for() {
    for _ in $(seq 50); do
        if screen | grep -q -e "$1"; then return 0; fi
        sleep 0.1
    done
    return 1
}

# check NAME CURSOR: the end of the screen must be stdin, the cursor at X,Y. What is shown may be on
# its way: 5 seconds at most.
check() {
    want=$(cat)
    lines=$(printf '%s\n' "$want" | wc -l)
    for _ in $(seq 50); do
        found=$(screen | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' | tail -n "$lines")
        at=$(cursor)
        if [ "$found" = "$want" ] && [ "$at" = "$2" ]; then
            echo "ok - editor in a terminal: $1"
            return
        fi
        sleep 0.1
    done
    printf 'expected, cursor %s:\n%s\nfound, cursor %s:\n%s\n' "$2" "$want" "$at" "$found"
    echo "not ok - editor in a terminal: $1"
    failed=1
}

# resize COLUMNS ROWS NAME CURSOR: the same, after that.
resize() {
    tmux resize-window -x "$1" -y "$2"
    check "$1x$2, $3" "$4"
}

wide=$(printf '\344\275\240\345\245\275')           # two characters, four cells
acute=$(printf 'e\314\201')

begin 80 24
keys -l "ab $wide ${acute}x"
keys Left Left C-h
check 'keys and wide characters' 9,23 << END
140
> ab $wide${acute}x
END
keys C-a C-k C-y Enter
check 'a line' 2,23 << END
140
> ab $wide${acute}x
line "ab $wide${acute}x" 13
>
END
keys Up M-b X C-c
check 'Ctrl-C' 2,23 << END
line "ab $wide${acute}x" 13
interrupt "ab X$wide${acute}x" 14
>
END
keys C-r X
check 'search' 16,23 << END
interrupt "ab X$wide${acute}x" 14
(search 'X') ab X$wide${acute}x
END
keys C-g
seq 1 120 > "$d/lines"
tmux load-buffer "$d/lines"
keys 'see '
tmux paste-buffer -p
keys ' and'
check 'a paste' 39,23 << END
interrupt "ab X$wide${acute}x" 14
> see [pasted 120 lines, 372 bytes] and
END
keys C-w C-w C-w C-w C-w
printf 'one\r\ntwo\tx\r\n' > "$d/lines"
tmux load-buffer "$d/lines"
tmux paste-buffer -p -r
check 'a short paste' 2,23 << END
interrupt "ab X$wide${acute}x" 14
> one
. two     x
.
END
keys C-c
check 'it goes' 2,22 << END
interrupt "ab X$wide${acute}x" 14
interrupt "one\ntwo\\011x\n" 10
>
END

# A line at other widths: it must be there once, and what is above it must stay. Each W stands for a
# wide character, which has two cells and an even column here.
line='words that are longer than this screen is wide, so that a terminal that gets narrow or'
line="$line wide breaks them again, WWWWWWWWWWWWWWWWWW and on"
rows() {
    awk -v text="> $line" -v columns="$1" -v wide="$(printf '\344\275\240')" 'BEGIN {
        print 140
        for (i = 1; i <= length(text); i++) {
            c = substr(text, i, 1)
            n = c == "W" ? 2 : 1
            if (x + n > columns) {
                print row
                row = ""
                x = 0
            }
            row = row (c == "W" ? wide : c)
            x += n
        }
        print row
    }' | sed 's/ *$//'
}
# resize COLUMNS ROWS X,Y: and then the cursor is there, before the last character.
resize() {
    tmux resize-window -x "$1" -y "$2"
    rows "$1" | check "$1x$2" "$3"
}
begin 80 24
keys -l "$(rows 1000 | sed -e 1d -e 's/^> //')"
keys Left
rows 80 | check '80x24' 75,23
resize 40 24 36,23
resize 20 24 16,23
resize 100 24 55,23
resize 80 24 75,23
resize 40 12 36,11
resize 156 12 155,10
resize 155 12 0,11
resize 80 24 75,23

begin 40 12
keys one C-j two C-j three Up Up C-a 'the ' M-d C-h
check 'several lines' 5,9 << END
140
> the
. two
. three
END
keys C-x C-e
check 'another program' 8,11 << END
140
> <the
. two
. three>
END
keys Enter
check 'several lines are sent' 2,11 << END
. three>
line "<the\\ntwo\\nthree>" 15
>
END

begin 40 12 plain
keys abc C-h d C-w 'x y z' C-w
check 'plain' 6,11 << END
140
> x y
END
keys C-j b
check 'plain, a new line' 3,11 << END
140
> x y
. b
END
keys Up
check 'plain, the history' 8,11 << END
140
> x y
. b
> <the
. two
. three>
END
exit $failed
