#!/bin/sh
# jinja.sh - rendered conversations against the Jinja text of the real template.
python=${PYTHON:-python3}
if ! command -v "$python" > /dev/null 2>&1; then
    echo "skip - template vs jinja: python3 is missing"
    exit 0
fi
exec "$python" tests/template_vs_jinja.py
