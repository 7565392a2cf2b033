"""The model of a service: found, checked against its golden cases, and changed while the service runs."""

from __future__ import annotations

import ctypes
import gc
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgener.bundle import load_bundle
from edgener.errors import EdgenerError, GoldenError
from edgener.golden import first_difference, read_cases
from edgener.installed import current_model
from edgener.providers import CPU
from edgener.recognizer import Recognizer, open_recognizer
from edgener.rules import Rules

DIGEST = 12
"""Characters of a model's digest that are shown."""


@dataclass(frozen=True)
class Model:
    """A loaded model that gave its golden answers on this machine."""

    path: Path
    """Directory of its bundle."""
    recognizer: Recognizer
    digest: str
    """First characters of the SHA-256 of its manifest, by which two models of one name differ."""

    @property
    def name(self) -> str:
        """Return the name that the manifest gives it."""
        return self.recognizer.manifest.name

    def __str__(self) -> str:
        return f"{self.name} {self.digest}"


@dataclass(frozen=True)
class ModelSource:
    """The place that a service takes its model from, at its start and whenever it is told to look again."""

    given: Path | None
    """Directory of a bundle; None for the installed model, else the built-in one."""
    threads: int = 1
    """Threads that compute one run."""
    provider: str = CPU
    """Execution provider."""
    rules: Rules | None = None
    """Rules of the operator, whose files are read with the model."""

    def path(self) -> Path:
        """Return the directory of the model that is to be used now."""
        return self.given or current_model()

    def has_another_than(self, *known: Path | None) -> bool:
        """Return True if a model was installed by now that is none of the ``known`` ones."""
        if self.given:
            return False
        with suppress(EdgenerError):
            return self.path() not in known
        return False

    def load(self) -> Model:
        """Load the model and check its golden cases.

        Raises BundleError where it cannot be used, UsageError or InputError where the rules do not fit it.
        """
        path = self.path()
        bundle = load_bundle(path, self.provider)
        recognizer = open_recognizer(bundle, threads=self.threads, provider=self.provider)
        case = first_difference(recognizer, read_cases(bundle.golden(self.provider)))
        if case:
            raise GoldenError(f"{path}: gives another answer to {case.text!r:.60} than it was packed with")
        digest = hashlib.sha256(bundle.manifest.to_json().encode()).hexdigest()[:DIGEST]
        return Model(path, recognizer.with_rules(self.rules) if self.rules else recognizer, digest)


def return_memory() -> None:
    """Give the memory of a model that is no longer used back to the operating system."""
    gc.collect()
    with suppress(OSError, AttributeError):  # a C library without malloc_trim keeps the memory for later
        ctypes.CDLL(None).malloc_trim(0)
