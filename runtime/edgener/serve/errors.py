"""Errors that a request to a service ends with, apart from those of the text itself.

RequestError
├── RefusedError       nothing was done for the request, which may be asked again
│   ├── Overloaded     it would have to wait too long, or fill the queue
│   └── Draining       the service ends
├── Expired            its deadline passed before it was answered
└── Internal           an error of the service itself
"""

from __future__ import annotations

from typing import Literal

Reason = Literal["overloaded", "client"]
"""Who is too much for the service: all clients together, or the one that asks."""


class RequestError(Exception):
    """The base of all errors that a request ends with."""


class RefusedError(RequestError):
    """The request was not taken, and nothing was done for it."""


class Overloaded(RefusedError):  # noqa: N818
    """The request would begin too late, or would fill the queue."""

    def __init__(self, retry_after: float, reason: Reason) -> None:
        """Take the seconds after which such a request is likely to be taken, and who is too much."""
        super().__init__(f"the service is overloaded; ask again in {retry_after:.1f} seconds")
        self.retry_after, self.reason = retry_after, reason


class Draining(RefusedError):  # noqa: N818
    """The service ends and takes no more requests."""

    def __init__(self) -> None:
        super().__init__("the service ends and takes no more requests; ask another one, or again after its restart")


class Expired(RequestError):  # noqa: N818
    """The deadline of the request passed before it was answered."""

    def __init__(self, seconds: float) -> None:
        """Take the time that the request was given, in seconds."""
        super().__init__(
            f"not answered within the {seconds:.3g} seconds that the request allows; allow more, or less text"
        )


class Internal(RequestError):  # noqa: N818
    """An error of the service itself; ``__cause__`` is what was raised."""

    def __init__(self) -> None:
        super().__init__("an error of the service itself; its log says more")
