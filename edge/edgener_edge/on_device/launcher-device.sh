#!/bin/sh
# Starts edgener with the interpreter of the device, or the one in EDGENER_PYTHON; check_interpreter.py looks whether it fits.
here=$(readlink -f "$0")
here=${here%/*}
case $here in
*:*)
    echo "edgener: $here: a path with ':' cannot be used; move this folder" >&2
    exit @MACHINE_ERROR@
    ;;
esac
python=${EDGENER_PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
    echo "edgener: $python: not found; install Python @PYTHON@, or use a build that brings its own" >&2
    exit @MACHINE_ERROR@
fi
unset @PYTHON_SETTINGS@
export PYTHONPATH="$here/site" PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1
export OPENBLAS_NUM_THREADS=1 EDGENER_THREADS="${EDGENER_THREADS:-@THREADS@}" EDGENER_BUILD="$here"
exec "$python" -OO -S "$here/check_interpreter.py" @PYTHON@ @GLIBC@ @MACHINE@ @MACHINE_ERROR@ "$@"
