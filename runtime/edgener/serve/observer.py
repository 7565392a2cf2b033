"""The observer of an engine, which is told of its work in plain numbers."""

from __future__ import annotations

from collections.abc import Mapping


class Observer:
    """A listener to an engine that ignores everything; subclasses count what they want.

    Its methods are called by the engine's threads, sometimes by several at once, and must return quickly.
    """

    def began(self, queue_seconds: float) -> None:
        """Note that a request left the queue, since its first window is computed now."""

    def ran(self, seconds: float, rows: int, tokens: int, padding: int) -> None:
        """Note a run of the model: its time, windows, tokens without padding, and tokens of padding."""

    def answered(self, labels: Mapping[str, int]) -> None:
        """Note that requests were answered, with the number of their entities of each label."""

    def expired(self) -> None:
        """Note that a request was not answered before its deadline."""

    def cancelled(self) -> None:
        """Note that a request was cancelled before it was answered."""

    def failed(self, error: BaseException) -> None:
        """Note that requests failed with an error of the service itself."""

    def retired(self, model: str) -> None:
        """Note that a model that was replaced has answered its last request, so that its memory is free."""
