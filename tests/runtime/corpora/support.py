"""Helpers of the tests of corpora: a job in this process, without workers, and a look into its results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgener import Entity, Recognizer
from edgener.corpora.annotate import annotate
from edgener.corpora.inputs import InputFile, find_inputs
from edgener.corpora.job import Model, opened
from edgener.corpora.settings import Settings
from edgener.corpora.shard import Shard

MODEL = Model("tiny", "0" * 64)
SMALL = 200
"""Bytes of a part that holds one to three rows."""


def do_job(
    recognizer: Recognizer,
    inputs: Sequence[Path],
    output: Path,
    settings: Settings,
    *,
    shard: Shard = Shard(),  # noqa: B008  # it is frozen
    model: Model = MODEL,
    most_parts: int | None = None,
) -> list[tuple[str, int]]:
    """Do the parts of a job that are missing, at most ``most_parts``; return those that were done."""
    files = find_inputs(list(map(str, inputs)), output).files
    done: list[tuple[str, int]] = []
    with opened(output, model, settings, shard) as job:
        job.begin(files)
        for file in files:
            for part in job.pending(file):
                if len(done) == most_parts:
                    return done
                job.commit(part, annotate(part, recognizer, settings, job.drafts(part)))
                done.append(part.key)
            job.finish(file)
    return done


def result_files(output: Path) -> dict[str, bytes]:
    """Return every file of results by its path in the output folder, hidden files included."""
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and "_edgener" not in path.relative_to(output).parts
    }


def json_rows(output: Path, file: str) -> list[dict[str, Any]]:
    """Return the rows of all parts of an input file, in order."""
    return [
        json.loads(line)
        for path in sorted((output / file).glob("part-*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


def spans(entities: Sequence[Entity]) -> list[tuple[int, int, str, str]]:
    """Return entities without their scores, whose last digits depend on what they were computed with."""
    return [(entity.start, entity.end, entity.label, entity.text) for entity in entities]


def row_spans(row: dict[str, Any]) -> list[tuple[int, int, str, str]]:
    """Return the entities of a row of results without their scores."""
    return [(one["start"], one["end"], one["label"], one["text"]) for one in row["entities"]]


def input_file(path: Path, file_format: str) -> InputFile:
    """Return a file as an input of a job."""
    return InputFile(path, path.name, file_format)
