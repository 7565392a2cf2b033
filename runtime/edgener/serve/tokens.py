"""Tokens by which clients show who they are, read from a file so that no list of processes shows them."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.errors import EdgenerError, InputError

if TYPE_CHECKING:
    from edgener.serve.log import Log

SHORTEST = 16
"""Characters that a token has at least; ``openssl rand -hex 24`` makes one of 48."""
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
_TOKEN = re.compile(rf"[!-~]{{{SHORTEST},}}")


class Tokens:
    """The clients of a service by their tokens; only digests of the tokens are kept."""

    def __init__(self, tokens: dict[str, str]) -> None:
        """Take the token of each client by its name."""
        self._digests = [(name, _digest(token)) for name, token in tokens.items()]

    @classmethod
    def read(cls, path: Path) -> Tokens:
        """Return the tokens of a file with lines such as ``NAME TOKEN``; lines that begin with # are comments.

        Raises InputError where the file cannot be read, or a line is something else.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}; let the service's user read it") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: is not UTF-8; write lines of NAME and TOKEN") from error
        tokens: dict[str, str] = {}
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            name, _, token = line.strip().partition(" ")
            token = token.strip()
            if not _NAME.fullmatch(name) or not _TOKEN.fullmatch(token):
                raise InputError(
                    f"{path}:{number}: is no name of letters, a blank and a token of at least {SHORTEST} characters; "
                    f"openssl rand -hex 24 makes one"
                )
            if name in tokens or token in tokens.values():
                raise InputError(f"{path}:{number}: has a name or a token that is there already; use each once")
            tokens[name] = token
        if not tokens:
            raise InputError(f"{path}: holds no token; write a line with a name, a blank and a token")
        return cls(tokens)

    def client_of(self, authorization: str) -> str | None:
        """Return the name of the client that sent this Authorization header, or None where no token fits.

        All tokens are compared, each in constant time, so that the time tells nothing.
        """
        scheme, _, token = authorization.partition(" ")
        given = _digest(token.strip())
        found = None
        for name, digest in self._digests:
            if hmac.compare_digest(digest, given):
                found = name
        return found if scheme.lower() == "bearer" else None


def read_again(path: Path | None, log: Log, *, is_told: bool) -> Tokens | None:
    """Return the tokens of a file that may have changed, or None where there is no file or a fault, which is logged.

    Whether the log tells of a file without fault is up to ``is_told``.
    """
    if path is None:
        return None
    try:
        tokens = Tokens.read(path)
    except EdgenerError as error:
        log.event("tokens_refused", f"{error}; the tokens of before are still valid")
        return None
    if is_told:
        log.event("tokens", f"{path}: the tokens are read again")
    return tokens


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
