# pipes.sh - qw among other programs: tests/pipes.py.
if ! command -v python3 > /dev/null; then
    skip "pipes" "no python3"
elif QW=$QW python3 tests/pipes.py > "$d/pipes" 2>&1; then
    cat "$d/pipes"
else
    cat "$d/pipes"
    echo pipes >> "$d/failed"
fi
