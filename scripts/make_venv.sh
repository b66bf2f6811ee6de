#!/bin/sh
# Makes .venv with everything pinned in requirements-dev.txt, and straywatch itself in it.
# PYTHON=/path/to/python chooses the interpreter; otherwise the first that fits is taken.
set -eu
cd "$(dirname "$0")/.."

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 15))' 2>/dev/null; }
makes_venvs() { "$1" -c 'import venv, ensurepip' 2>/dev/null; }

choose_python() {
    too_bare=
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        fits "$candidate" || continue
        if makes_venvs "$candidate"; then
            echo "$candidate"
            return
        fi
        too_bare=$candidate
    done
    if [ -n "$too_bare" ]; then
        echo "straywatch: $too_bare lacks venv or ensurepip: install them (Debian: apt-get install python3-venv)" >&2
    else
        echo "straywatch: no Python from 3.11 to 3.15 found (looked for ${PYTHON:-python3.13, python3.12, python3.11, python3}): install one, or name it with PYTHON=/path/to/python" >&2
    fi
    return 1
}

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(choose_python)
    echo "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
echo "installing pinned dependencies into .venv (about a minute, once)"
pip() { .venv/bin/python -m pip --disable-pip-version-check -qq "$@"; }
# The lock is whole, so nothing needs to be resolved; most of it is never imported, so byte-code is
# made now only for what short-lived processes import each time.
pip install --no-deps --no-compile --requirement requirements-dev.txt
pip install --no-deps --no-build-isolation --editable .
pip check
cd "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
"$OLDPWD/.venv/bin/python" -m compileall -q -j 0 \
    boto3 botocore chalice click hypercorn ministack s3transfer urllib3
cd "$OLDPWD"
touch .venv/.installed
