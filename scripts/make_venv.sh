#!/bin/sh
# Makes .venv with everything pinned in requirements-dev.txt, and straywatch itself in it.
# PYTHON=/path/to/python chooses the interpreter; otherwise the machine's own comes first, then the
# newest of the others. 3.14.1 is left out: its dataclasses break networkx, which cfn-lint needs.
set -eu
cd "$(dirname "$0")/.."

candidates=${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}

fail() {
    echo "straywatch: $1" >&2
    exit 1
}
fits() {
    "$1" -c 'import sys; v = sys.version_info[:3]; sys.exit(not (3, 11) <= v < (3, 15) or v == (3, 14, 1))' 2>/dev/null
}
makes_venvs() { "$1" -c 'import venv, ensurepip' 2>/dev/null; }

choose_python() {
    too_bare=
    for candidate in $candidates; do
        fits "$candidate" || continue
        if makes_venvs "$candidate"; then
            echo "$candidate"
            return
        fi
        too_bare=${too_bare:-$candidate}
    done
    if [ -n "$too_bare" ]; then
        fail "$too_bare lacks venv or ensurepip: install them (Debian: apt-get install python3-venv)"
    fi
    fail "no Python from 3.11 to 3.14, other than 3.14.1, found (looked for: $candidates): install one, or name it with PYTHON=/path/to/python"
}

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(choose_python)
    echo "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv || fail "$python could not make .venv"
fi
echo "installing pinned dependencies into .venv (a minute or two, once)"
pip() {
    .venv/bin/python -m pip --disable-pip-version-check -qq "$@" ||
        fail "the dependencies could not be installed; the same command goes on from here"
}
# The lock is whole, so nothing needs to be resolved; most of it is never imported, so byte-code is
# made now only for what short-lived processes import each time. straywatch itself, which is a folder and
# has no hash, is a step of its own.
pip install --no-deps --no-compile --require-hashes --requirement requirements-dev.txt
pip install --no-deps --no-build-isolation --editable .
# What pip finds missing it says at a level that -qq hides.
missing=$(.venv/bin/python -m pip --disable-pip-version-check check) ||
    fail "requirements-dev.txt is not whole, make it anew as requirements-dev.in says: $missing"
cd "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
"$OLDPWD/.venv/bin/python" -m compileall -q -j 0 \
    boto3 botocore chalice click hypercorn ministack s3transfer urllib3
cd "$OLDPWD"
touch .venv/.installed
