"""Ask a service whether it answers, as a container's health check does: python -m edgener.serve.probe URL.

Ends with 0 if the URL is answered with 200, else with 1 and the reason on standard error.
"""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

SECONDS = 4.0
"""Seconds within which the answer must come."""


def trouble_of(url: str) -> str:
    """Return why a service is not well; the empty string if ``url`` is answered with 200."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"{url}: {error}"
    if parts.scheme != "http" or not parts.hostname:
        return f"{url}: is not http://HOST:PORT/PATH"
    connection = HTTPConnection(parts.hostname, port, timeout=SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"{url}: {str(error) or type(error).__name__}"
    finally:
        connection.close()
    return "" if status == 200 else f"{url}: answers with {status}"


if __name__ == "__main__":
    sys.exit(trouble_of(*sys.argv[1:2] or ["http://127.0.0.1:8765/ready"]) or 0)
