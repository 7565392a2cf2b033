"""The normalization of a bundle: what its model sees in place of the text, and how its spans are corrected."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from edgener.aliases import ALIASES, EARLIER_TABLES, table_sha256
from edgener.errors import ManifestError
from edgener.span_rules.registry import SPAN_RULES

VERSION = 1
"""The version of what the aliases and the span rules do; another version gives other entities."""


@dataclass(frozen=True)
class Normalization:
    """The part of a manifest that names aliases and span rules; a bundle without it uses none of them."""

    version: int
    """The version of the aliases and rules, see VERSION."""
    aliases: tuple[str, ...]
    """Names of ``edgener.aliases.ALIASES``."""
    table_sha256: str
    """Digest of the table of characters that the aliases use."""
    span_rules: tuple[str, ...]
    """Names of ``edgener.span_rules.registry.SPAN_RULES``, in the order in which they are applied."""

    def __post_init__(self) -> None:
        """Raise ManifestError if this edgener does not do the same as the one that made the bundle."""
        if self.version != VERSION:
            raise ManifestError(
                f"normalization.version is {self.version}, but this edgener does version {VERSION}; "
                + ("update edgener" if self.version > VERSION else "export the model again")
            )
        if self.table_sha256 not in (table_sha256(), *EARLIER_TABLES):
            raise ManifestError(
                "normalization.table_sha256 is another table of characters than that of this edgener; "
                "update edgener, or export the model again"
            )
        verify_names("normalization.aliases", self.aliases, ALIASES)
        verify_names("normalization.span_rules", self.span_rules, SPAN_RULES)


def normalization_of(aliases: Iterable[str], span_rules: Iterable[str]) -> Normalization | None:
    """Return the normalization that this edgener does with these aliases and rules; None if there are none.

    Raises ManifestError if a name is unknown.
    """
    normalization = Normalization(VERSION, tuple(aliases), table_sha256(), tuple(span_rules))
    return normalization if normalization.aliases or normalization.span_rules else None


def verify_names(where: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise ManifestError if one of the names is not a known one."""
    for name in names:
        if name not in known:
            raise ManifestError(f"{where} names {name!r}; known: {', '.join(known)}; update edgener")
