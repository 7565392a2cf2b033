"""JSON on standard output, as the commands print it with ``--json``."""

from __future__ import annotations

import json
from typing import Any

from edgener.lone_surrogates import JSON_ESCAPES
from edgener.standard_streams import write


def write_json(value: Any) -> None:
    """Write a value to standard output as indented JSON, in which half a surrogate pair is escaped."""
    write(json.dumps(value, ensure_ascii=False, indent=1).translate(JSON_ESCAPES) + "\n")
