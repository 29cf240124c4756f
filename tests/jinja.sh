#!/bin/sh
# jinja.sh - rendered conversations against the Jinja text of the real template.
command -v ${PYTHON:-python3} >/dev/null 2>&1 || { echo "skip - template vs jinja: python3 is missing"; exit 0; }
exec ${PYTHON:-python3} tests/template_vs_jinja.py
