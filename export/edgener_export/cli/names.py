"""Names of what a command was given by path, told apart where two have the same one."""

from __future__ import annotations

from collections.abc import Sequence


def distinct_names(names: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Return for each path its name, or the path itself where another has that name.

    All are called by their paths where such a path is the name of another one.
    """
    distinct = [name if names.count(name) == 1 else path for name, path in zip(names, paths, strict=True)]
    return distinct if len(set(distinct)) == len(distinct) else list(paths)
