"""Send a service over HTTP what no client should send, and tell whether it lives and blames itself for nothing.

    edgener serve --http 127.0.0.1:8765 --queue-seconds 100 &
    python tools/fuzz_serve.py 127.0.0.1:8765 --requests 10000

The exit code is 1 where an answer had the status 500, or the service does not answer any more.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import socket
import sys
from collections import Counter
from contextlib import suppress

WORDS = ("王小明", "在", "北京大学", "工作。", "\ud800", "\x00", "👨‍👩‍👧", "İ", "a" * 300, " ", "\u2028", "[CLS]")
KEYS = ("inputs", "parameters", "options", "min_score", "ignore_labels", "stride", "aggregation_strategy", "x")
PATHS = ("/", "/v1/ner", "/v1/lines", "/v1/lines?format=conll", "/health", "/metrics", "/openapi.json", "/%00", "/é")
METHODS = ("GET", "POST", "POST", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "TRACE", "CONNECT", "PATCH", "get")
HEADERS = (
    b"X-Request-Timeout: 1e400", b"X-Request-Timeout: \xff", b"X-Request-Id: \x01", b"Content-Encoding: gzip",
    b"Transfer-Encoding: chunked", b"Content-Length: 5", b"Content-Length: -1", b"Expect: 100-continue",
    b"Connection: close", b"Connection: upgrade\r\nUpgrade: websocket", b"Origin: null", b"Host: a\r\nHost: b", b":",
    b"Content-Type: text/plain", b"Cookie: " + b"x" * 3000, b"X-Forwarded-For: \xe7\x8e\x8b",
)  # fmt: skip
SECONDS = 120.0
"""Time that an answer may take on a busy machine."""
CHUNKS = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def random_value(source: random.Random, depth: int = 0) -> object:
    """Return a value of JSON of any kind."""
    kind = source.randrange(9 if depth < 4 else 6)
    if kind < 2:
        return "".join(source.choices(WORDS, k=source.randrange(6)))
    if kind < 6:
        return source.choice([None, True, -1, 0, 0.5, 1e300, 10**30, "PER", "simple", ""])
    if kind == 6:
        return {source.choice(KEYS): random_value(source, depth + 1) for _ in range(source.randrange(4))}
    return [random_value(source, depth + 1) for _ in range(source.randrange(4))]


def random_body(source: random.Random) -> bytes:
    """Return a body that is JSON, nearly JSON, nested deeply, or anything else."""
    kind = source.randrange(8)
    if kind == 0:
        return source.randbytes(source.randrange(60))
    if kind == 1:
        return source.choice([b"[", b'{"inputs":', b'{"a":[']) * source.choice([3, 500, 5_000])
    value = random_value(source)
    if kind < 6:
        value = {"inputs": random_value(source), **(value if isinstance(value, dict) else {})}
    body = bytearray(json.dumps(value).encode())
    if kind == 7 and body:
        body[source.randrange(len(body))] = source.randrange(256)
    return bytes(body)


def random_request(source: random.Random) -> tuple[bytes, bool]:
    """Return a request, and whether it is one to which an answer must come."""
    body = random_body(source)
    media_type = b"text/plain" if source.randrange(4) == 0 else b"application/json"
    method, path = source.choice(METHODS), source.choice(PATHS)
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: localhost", b"Content-Type: " + media_type]
    lines.append(b"Content-Length: %d" % len(body))
    if source.randrange(3):
        is_proper = method not in ("CONNECT", "HEAD", "get") and path.isascii()
        return b"\r\n".join([*lines, b"", body]), is_proper
    lines.insert(source.randrange(1, len(lines) + 1), source.choice(HEADERS))
    request = bytearray(b"\r\n".join([*lines, b"", body]))
    if source.randrange(2):
        del request[source.randrange(len(request)) :]
    for _ in range(source.randrange(3)):
        if request:
            request[source.randrange(len(request))] = source.randrange(256)
    return bytes(request), False


def exchange(place: tuple[str, int], request: bytes, *, must_answer: bool) -> int:
    """Send a request and return the status of its answer; 0 where there is none."""
    with socket.create_connection(place, timeout=SECONDS if must_answer else 0.02) as connection:
        content = b""
        with suppress(OSError):
            connection.sendall(request)
            while not _is_whole(content) and (block := connection.recv(1 << 16)):
                content += block
    words = content.split(maxsplit=2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def fuzz(place: tuple[str, int], requests: int, seed: int = 1) -> Counter[int]:
    """Send so many requests and return how often each status was answered.

    Raises RuntimeError where a request that is proper HTTP has no answer.
    """
    source = random.Random(seed)
    statuses: Counter[int] = Counter()
    for number in range(requests):
        request, must_answer = random_request(source)
        status = exchange(place, request, must_answer=must_answer)
        if must_answer and not status:
            raise RuntimeError(f"request {number} of seed {seed} has no answer: {request[:200]!r}")
        statuses[status] += 1
    return statuses


def _is_whole(content: bytes) -> bool:
    head, separator, body = content.partition(b"\r\n\r\n")
    if not separator or head.startswith(b"HTTP/1.1 100"):
        return False
    length = LENGTH.search(head)
    if length:
        return len(body) >= int(length[1])
    return body.endswith(b"0\r\n\r\n") if CHUNKS.search(head) else True


def main() -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("--requests", type=int, default=10_000, metavar="N", help="default: 10000")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    options = parser.parse_args()
    host, _, port = options.address.rpartition(":")
    statuses = fuzz((host, int(port)), options.requests, options.seed)
    alive = exchange((host, int(port)), b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", must_answer=True)
    for status, count in sorted(statuses.items()):
        print(status or "closed, or an answer that was not waited for", count)
    return 0 if alive == 200 and not statuses[500] else 1


if __name__ == "__main__":
    sys.exit(main())
