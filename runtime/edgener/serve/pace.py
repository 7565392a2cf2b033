"""The pace of the workers: how long a token takes them, learnt while they work.

The time of a run alone would not do, since workers slow each other down; nor would the time between two answers, since
it may be spent waiting for requests.
"""

from __future__ import annotations

REMEMBERED_TOKENS = 8192
"""Tokens after which what was learnt counts for about a third."""
FIRST_TOKENS = 512
"""Weight in tokens of the estimate that the workers begin with."""


class Pace:
    """The seconds that a token takes, when all workers work."""

    def __init__(self, workers: int, worker_seconds_per_token: float, now: float) -> None:
        """Begin with an estimate of the time that one worker spends on a token."""
        self.busy = 0
        self._workers = workers
        self._seconds = worker_seconds_per_token * FIRST_TOKENS
        self._tokens = float(FIRST_TOKENS)
        self._noted_at = now

    @property
    def seconds_per_token(self) -> float:
        """Return the time after which the workers together have done one more token."""
        return self._seconds / (self._tokens * self._workers)

    def expect(self, worker_seconds_per_token: float) -> None:
        """Forget what was learnt, since another model is at work from now on."""
        self._seconds = worker_seconds_per_token * FIRST_TOKENS
        self._tokens = float(FIRST_TOKENS)

    def begin(self, now: float) -> None:
        """Note that a worker begins to work."""
        self._note(now)
        self.busy += 1

    def end(self, now: float) -> None:
        """Note that a worker has nothing to do."""
        self._note(now)
        self.busy -= 1

    def done(self, tokens: int, now: float) -> None:
        """Note that a worker has done some tokens."""
        self._note(now)
        share = REMEMBERED_TOKENS / (REMEMBERED_TOKENS + tokens)
        self._seconds *= share
        self._tokens = (self._tokens + tokens) * share

    def _note(self, now: float) -> None:
        self._seconds += self.busy * (now - self._noted_at)
        self._noted_at = now
