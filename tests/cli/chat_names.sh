# chat_names.sh - every command of /help, every setting of /set and every key of the line editor
# stands in the name of a test of terminal.py.

# The names of the tests, one a line.
if python3 tests/terminal.py --list > "$d/tests" 2> "$d/err"; then
    printf '/help\n' | qw chat 2>&1 > "$d/out" |
        awk '{ for (i = 1; $i ~ /^\/[a-z]/; i++) print $i }' > "$d/commands"
    printf '/set\n' | qw chat 2>&1 > "$d/out" | sed -n 's/^  \([a-z-]*\) .*/\1/p' > "$d/settings"
    # The table of bindings; the keys after Ctrl-X; those of the search.
    awk '
        function name(code, mods,    s) {
            s = mods ~ /CTRL/ ? "Ctrl-" : ""
            if (mods ~ /ALT/) s = s "Alt-"
            if (code == "127") return s "Backspace"
            if (code ~ /^KEY_/) return s substr(code, 5, 1) tolower(substr(code, 6))
            if (code ~ /^\047/) return s toupper(substr(code, 2, 1))
            code = substr(code, 7, length(code) - 8)
            sub(/^\\/, "", code)
            if (code == "M") return s "Enter"
            if (code == "I") return s "Tab"
            return s "Ctrl-" code
        }
        /^} bindings\[\] = {/ { inside = 1 }
        inside && /^};/ { inside = 0 }
        inside {
            while (match($0, /{[^{}]*}/)) {
                entry = substr($0, RSTART + 1, RLENGTH - 2)
                $0 = substr($0, RSTART + RLENGTH)
                split(entry, part, ", ")
                print name(part[1], part[2])
            }
        }
        /key->code == CTRL\(\047.\047\)/ {
            match($0, /CTRL\(\047.\047\)/)
            print "Ctrl-X " name(substr($0, RSTART, RLENGTH), "")
        }
        /key->code == CTRL_/ {
            match($0, /CTRL_[A-Z]/)
            print "Ctrl-" substr($0, RSTART + 5, 1)
        }' src/terminal/bindings.c src/terminal/recall.c | sort -u > "$d/keys"
    # untested WHAT: those of $d/WHATs that no name of a test has, after that word
    untested() {
        awk -v kind="$1" '
            NR == FNR {
                if (index($0, kind " ") == 1) all = all " " substr($0, length(kind) + 2) " "
                next
            }
            {
                rest = all
                word = kind == "setting" ? "/set " $0 : $0
                found = 0
                while (!found && (at = index(rest, word)) > 0) {
                    before = substr(rest, at - 1, 1)
                    after = substr(rest, at + length(word), 1)
                    found = before ~ /[ ,]/ && after ~ /[ ,:]/
                    rest = substr(rest, at + 1)
                }
                if (!found) print
            }' "$2" "$3"
    }
    sed 's/^command \/set /setting \/set /' "$d/tests" > "$d/tests.setting"
    for kind in command key setting; do
        list=$d/tests
        [ $kind != setting ] || list=$d/tests.setting
        check "there are ${kind}s" "found none" [ -s "$d/${kind}s" ]
        untested $kind "$list" "$d/${kind}s" > "$d/out"
        check "every $kind stands in the name of a test" "missing: $(cat "$d/out")" \
            [ ! -s "$d/out" ]
        echo bogus > "$d/bogus"
        check "a $kind without a test is noticed" "not noticed" \
            [ "$(untested $kind "$list" "$d/bogus")" = bogus ]
    done
else
    skip "every command, setting and key stands in the name of a test" "no python3"
fi
