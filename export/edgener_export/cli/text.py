"""``edgener-export text``: unlabelled text out of public repositories at named commits."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgener.command_line import Command
from edgener.standard_streams import log, write
from edgener_export.cli.recipe import add_cache, cache_of


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", type=Path, metavar="SOURCES", help="list of repositories, a TOML file")
    parser.add_argument("output", type=Path, metavar="OUT", help="JSON lines to write; a name in .xz or .gz is packed")
    help_text = "folder with clones OWNER/NAME that are there already; default: clones are made in --cache"
    parser.add_argument("--clones", type=Path, metavar="DIR", help=help_text)
    help_text = "take only this source of the list; may be repeated"
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help=help_text)
    add_cache(parser)


def _text(options: argparse.Namespace) -> None:
    from edgener_export.errors import RecipeError
    from edgener_export.texts.collect import collect
    from edgener_export.texts.sources import read_sources

    sources = read_sources(options.sources)
    known = [source.name for source in sources]
    unknown = [name for name in options.only if name not in known]
    if unknown:
        raise RecipeError(f"{options.sources}: has no source {unknown[0]!r}; it has {', '.join(known)}")
    chosen = [source for source in sources if not options.only or source.name in options.only]
    number = collect(chosen, options.output, cache_of(options), options.clones, log)
    write(f"{options.output}: {number} texts of {len(chosen)} sources\n")


TEXT = Command(
    name="text",
    summary="collect unlabelled text out of public repositories at named commits",
    description=(
        "Write the texts of public repositories as JSON lines with text, kind and source, which label takes. The list "
        "names commits, files and digests of the texts; git clones only what is read, once, into --cache."
    ),
    examples="""\
edgener-export text export/recipes/text/today.toml text.jsonl.xz
edgener-export text export/recipes/text/today.toml hot.jsonl --only weibo-hot-search
edgener-export text export/recipes/text/today.toml text.jsonl.xz --clones ~/clones        without a network""",
    add_arguments=_add_arguments,
    run=_text,
    when_interrupted="interrupted; the same command goes on with the sources that are not read yet",
)
