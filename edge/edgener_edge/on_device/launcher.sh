#!/bin/sh
# Starts edgener with the interpreter and the C library of this folder; nothing of the system is used but the kernel.
# -P: nor is a Python file that happens to lie in the present directory.
here=$(readlink -f "$0")
here=${here%/*}
case $here in
*[:\;\$]*)
    echo "edgener: $here: a path with ':', ';' or '\$' cannot be used; move this folder" >&2
    exit @MACHINE_ERROR@
    ;;
esac
unset LD_PRELOAD LD_LIBRARY_PATH @PYTHON_SETTINGS@
export PYTHONHOME="$here" PYTHONPATH="$here/site" PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1
export OPENBLAS_NUM_THREADS=1 EDGENER_THREADS="${EDGENER_THREADS:-@THREADS@}" EDGENER_BUILD="$here"
exec "$here/syslib/@LOADER@" --library-path "$here/syslib" "$here/bin/python@PYTHON@" -OO -S -P -m edgener "$@"
