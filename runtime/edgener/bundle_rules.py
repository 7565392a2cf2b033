"""The rules of a bundle: words, exclusions, scores and types that travel with the model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from edgener.errors import ManifestError, UsageError
from edgener.rules import Rules

DICTIONARY = "dictionary.tsv"
"""File name of the words in a bundle."""
EXCLUDE = "exclude.txt"
"""File name of the excluded texts in a bundle."""


@dataclass(frozen=True)
class BundleRules:
    """The part of a manifest that holds rules; its files are listed with size and digest like all others."""

    dictionary: str | None = None
    """Name of the file with the words that are always entities; None for no words."""
    exclude: str | None = None
    """Name of the file with the texts that are no entities; None for none."""
    min_score: dict[str, float] | None = None
    """The lowest scores of the model's entities by type; None keeps all."""
    types: tuple[str, ...] | None = None
    """The types that are returned; None for all."""

    def verify(self, labels: Collection[str], files: Collection[str]) -> None:
        """Raise ManifestError for types that are not among ``labels``, and for names that are not among ``files``."""
        for name in filter(None, (self.dictionary, self.exclude)):
            if name not in files:
                raise ManifestError(f"rules names {name!r}, which files does not list; copy the bundle again")
        for label in (*(self.min_score or ()), *(self.types or ())):
            if label not in labels:
                raise ManifestError(f"rules names the type {label!r}, which the model does not have")
        try:
            self.in_directory(Path())
        except UsageError as error:
            raise ManifestError(f"rules: {error}") from error

    def in_directory(self, directory: Path) -> Rules:
        """Return the rules with the paths of the files in the bundle's directory."""
        return Rules(
            dictionary=directory / self.dictionary if self.dictionary else None,
            exclude=directory / self.exclude if self.exclude else None,
            min_score=self.min_score,
            types=self.types,
        )
