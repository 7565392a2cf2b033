"""Options of the commands that download packages, and what those options stand for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.standard_streams import log
from edgener.user_directories import cache_home
from edgener_edge.lock import LOCK_FILE

if TYPE_CHECKING:
    from edgener_edge.apt import AptRoot
    from edgener_edge.cache import Cache

GOES_ON = "interrupted; the same command continues with what was downloaded"


def add_downloads(parser: argparse.ArgumentParser) -> None:
    """Add the options ``--cache``, ``--lock`` and ``--apt-sources``."""
    help_text = "directory of downloads; default: edgener/edge in XDG_CACHE_HOME or ~/.cache"
    parser.add_argument("--cache", type=Path, metavar="DIR", help=help_text)
    help_text = "file that pins the packages; default: the one that edgener brings"
    parser.add_argument("--lock", type=Path, default=LOCK_FILE, metavar="FILE", help=help_text)
    help_text = "apt sources of Debian's archive; default: those of this machine"
    parser.add_argument("--apt-sources", type=Path, metavar="FILE", help=help_text)


def cache_directory(options: argparse.Namespace) -> Path:
    """Return the directory of downloads, which is made; raises UsageError where there is no place for one."""
    directory: Path = options.cache or cache_home() / "edgener" / "edge"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def open_cache(options: argparse.Namespace, release: str) -> Cache:
    """Return the cache of downloads that the options name."""
    from edgener_edge.cache import Cache

    return Cache(cache_directory(options), apt_root(options, release), log)


def apt_root(options: argparse.Namespace, release: str) -> AptRoot:
    """Return the apt that fetches packages of a Debian release, from the sources that the options name."""
    from edgener_edge.apt import AptRoot

    return AptRoot(cache_directory(options) / "apt", release, options.apt_sources)
