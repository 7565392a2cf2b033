"""Compare two files of answers to the same lines, as ``edgener`` prints them: the device's and the host's."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

from edgener.bundle import describe_file
from edgener_edge.verify import UNDECIDED, Entities, differing_scores


@dataclass(frozen=True)
class StreamAgreement:
    """The comparison of the device's answers with the host's, line by line."""

    lines: int
    """Number of lines that either of them has answered."""
    missing_lines: int
    """Number of lines that only one of them has answered."""
    entities: int
    """Number of entities that the host found."""
    same_entities: int
    """Number of lines with exactly the host's spans and labels."""
    undecided: int
    """Number of lines where only entities differ whose scores are below UNDECIDED."""
    largest_score_difference: float
    """Largest difference between the scores of two equal entities, which have four decimals."""
    is_identical: bool
    """True if the two files are equal byte for byte."""

    @property
    def is_good(self) -> bool:
        """True if every line is answered, and with the host's entities except those with a score below UNDECIDED."""
        return self.same_entities + self.undecided == self.lines


def compare_streams(reference: Path, other: Path) -> StreamAgreement:
    """Compare two files of JSON lines, in memory that does not grow with them."""
    lines = entities = missing = same = undecided = 0
    largest = 0.0
    with reference.open("rb") as expected_lines, other.open("rb") as found_lines:
        for expected_line, found_line in itertools.zip_longest(expected_lines, found_lines):
            lines += 1
            if expected_line is None or found_line is None:
                missing += 1
                continue
            expected, found = _entities(expected_line), _entities(found_line)
            entities += len(expected)
            differing = differing_scores(found, expected)
            same += not differing
            undecided += bool(differing) and max(differing) < UNDECIDED
            shared = found.keys() & expected.keys()
            largest = max([largest, *(abs(found[span] - expected[span]) for span in shared)])
    is_identical = describe_file(reference).sha256 == describe_file(other).sha256
    return StreamAgreement(lines, missing, entities, same, undecided, largest, is_identical)


def _entities(line: bytes) -> Entities:
    return {(one["start"], one["end"], one["label"]): one["score"] for one in json.loads(line)["entities"]}
