"""The log of a service on standard error: lines for people or JSON for programs, and never a client's text."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime
from pathlib import Path

from edgener.errors import EdgenerError
from edgener.serve.models import Model
from edgener.standard_streams import log, say


class Log:
    """A log of what happens to a service and, if wanted, of each request."""

    def __init__(self, output_format: str = "text", *, requests: bool = False) -> None:
        """Take ``text`` or ``json``, and whether each request gets a line."""
        self._is_json, self._logs_requests = output_format == "json", requests

    def event(self, event: str, message: str, **fields: object) -> None:
        """Note something that happened, by a word for programs and a message for people."""
        if self._is_json:
            self._write(event, {"message": message, **fields})
        else:
            say(message)

    def model_changed(self, model: Model) -> None:
        """Note the model that answers from now on."""
        self.event("model", f"answers with {model}", name=model.name, digest=model.digest)

    def model_refused(self, error: Exception, present: Model) -> None:
        """Note why another model was not taken, and which one stays."""
        self.event("model_refused", f"{reason_of(error)}; {present} goes on answering")

    def request(self, **fields: object) -> None:
        """Note a request that has ended, in plain values by name."""
        if not self._logs_requests:
            return
        if self._is_json:
            self._write("request", fields)
        else:
            log(" ".join(f"{name}={value}" for name, value in fields.items()))

    def failure(self, error: BaseException, request_id: str = "") -> None:
        """Note an error of the service itself: its kind and place, not its message, which may hold a client's text."""
        self.event("error", f"internal error {kind_and_place(error)}", request_id=request_id)

    def _write(self, event: str, fields: dict[str, object]) -> None:
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        log(json.dumps({"time": time, "event": event, **fields}))


def reason_of(error: Exception) -> str:
    """Return the message of an error that edgener or the system explains, or else what kind it is and where it came."""
    is_explained = isinstance(error, (EdgenerError, OSError))
    return str(error) if is_explained else f"internal error {kind_and_place(error)}"


def kind_and_place(error: BaseException) -> str:
    """Return the class of an error and the calls that led to it, innermost first, without any value."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None and len(parts) < 4:
        frames = reversed(traceback.extract_tb(current.__traceback__)[-8:])
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
        parts.append(f"{type(current).__name__} at {places}" if places else type(current).__name__)
        current = current.__cause__ or current.__context__
    return "; from ".join(parts)
