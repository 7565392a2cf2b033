"""The first file that a device's own interpreter runs: says by name what is wrong with it, before anything can crash.

Usage: check_interpreter.py PYTHON GLIBC MACHINE EXIT_CODE ARGUMENTS...: the first three as the packages of the build
need them, then the exit code for an interpreter that does not fit.
Any Python since 3.6 understands this file; it knows nothing of the rest of edgener.
"""

import os
import struct
import sys
from collections.abc import Iterator


def troubles(python: str, glibc: str, machine: str) -> "Iterator[str]":
    """Yield each thing that keeps this interpreter from running the packages of the build."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.implementation.name != "cpython" or found.split(".")[:2] != python.split("."):
        yield f"it is {sys.implementation.name} {found}, but the packages of this build are for CPython {python}"
    if struct.calcsize("P") != 8:
        yield "it is a 32-bit program, but the packages of this build have 64 bit"
    elif os.uname().machine != machine:
        yield f"it runs on {os.uname().machine}, but this build is for {machine}"
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (OSError, ValueError):  # musl, for instance
        name, version = "another C library", "0"
    if name != "glibc" or numbers(version) < numbers(glibc):
        yield f"it runs on {name} {version}, but the packages of this build need glibc {glibc} or newer"


def numbers(version: str) -> "list[int]":
    """The parts of a version as numbers, which compare in the right order."""
    return [int(part) for part in version.split(".")]


def start() -> int:
    """Check the interpreter and hand over to edgener; returns the exit code."""
    python, glibc, machine, exit_code = sys.argv[1:5]
    wrong = list(troubles(python, glibc, machine))
    for trouble in wrong:
        print(f"edgener: {sys.executable}: {trouble}", file=sys.stderr)
    if wrong:
        print(
            f"edgener: name another one, EDGENER_PYTHON=/path/to/python{python}, or use a build that brings its own",
            file=sys.stderr,
        )
        return int(exit_code)
    del sys.argv[1:5]
    del sys.path[0]  # the folder of this file
    from edgener.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(start())
