"""Detached ed25519 signatures in the format of minisign, which can check what is signed here, and the other way round.

The format: https://jedisct1.github.io/minisign/. The only file that imports cryptography, and only when it computes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.errors import ForgedError, KeyFileError, MissingExtraError, WrongKeyError, how_to_install

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_ALGORITHM, SIGNATURE_ALGORITHM, LEGACY_ALGORITHM = b"Ed", b"ED", b"Ed"
"""Keys are ed25519. Signatures are ed25519 over the BLAKE2b-512 digest of a file; legacy ones, over the file itself."""
KEY_LINES, SIGNATURE_LINES = 2, 4
NO_PASSWORD, CHECKSUM_ALGORITHM = b"\0\0", b"B2"
ID_SIZE, KEY_SIZE, SIGNATURE_SIZE = 8, 32, 64
PASSWORD_PARAMETERS = 32 + 8 + 8
"""Bytes of salt, operations and memory; zero without a password, as is the checksum at the end."""
SECRET_SIZE = 2 + 2 + 2 + PASSWORD_PARAMETERS + ID_SIZE + 2 * KEY_SIZE + 32
LONGEST_FILE = 4096
"""Most bytes that are read of a key or a signature file."""
UNTRUSTED, TRUSTED = "untrusted comment: ", "trusted comment: "
MISSING = (
    f"signatures need cryptography, which is not there: {how_to_install('sign')}, or build for the device with "
    "'edgener-edge build --key PUBLIC'"
)


@dataclass(frozen=True)
class PublicKey:
    """A public key: a device that has it trusts the bundles that its owner signed."""

    id: bytes
    """Random bytes that tell keys apart."""
    key: bytes
    """The point of the curve, as ed25519 encodes it."""

    @property
    def name(self) -> str:
        """Return the id as minisign prints it."""
        return f"{int.from_bytes(self.id, 'little'):016X}"

    @classmethod
    def read(cls, path: Path) -> PublicKey:
        """Return the key in a file; raise KeyFileError where there is none."""
        lines = _read(path, KEY_LINES)
        content = _decoded(lines[1]) if lines else b""
        if len(content) != 2 + ID_SIZE + KEY_SIZE or content[:2] != KEY_ALGORITHM:
            raise KeyFileError(f"{path}: is no public key; 'edgener keygen' and minisign make them (.pub)")
        return cls(content[2 : 2 + ID_SIZE], content[2 + ID_SIZE :])

    def to_text(self) -> str:
        """Return the content of a file for the key."""
        encoded = base64.b64encode(KEY_ALGORITHM + self.id + self.key).decode()
        return f"{UNTRUSTED}minisign public key {self.name}\n{encoded}\n"

    def verify(self, content: bytes, file: Path, signature: Path) -> None:
        """Check that the owner of the key signed ``content``, read from ``file``, in the file ``signature``.

        Raises KeyFileError where that file is no signature, WrongKeyError, or ForgedError.
        """
        lines = _read(signature, SIGNATURE_LINES)
        head, seal = (_decoded(lines[1]), _decoded(lines[3])) if lines else (b"", b"")
        algorithm, signer, signed = head[:2], head[2 : 2 + ID_SIZE], head[2 + ID_SIZE :]
        is_known = algorithm in (SIGNATURE_ALGORITHM, LEGACY_ALGORITHM)
        is_signature = is_known and len(signed) == len(seal) == SIGNATURE_SIZE
        if not is_signature or not lines[2].startswith(TRUSTED):
            raise ForgedError(f"{signature}: is no signature, or a damaged one; copy it again, or sign again")
        if signer != self.id:
            raise WrongKeyError(
                f"{signature}: was made with the key {PublicKey(signer, b'').name}, but {self.name} is trusted; "
                "get the bundle, or the public key, from its maker again"
            )
        message = content if algorithm == LEGACY_ALGORITHM else hashlib.blake2b(content).digest()
        if not self._made(signed, message):
            raise ForgedError(f"{file}: was changed after it was signed, or somebody else signed it; do not use it")
        if not self._made(seal, signed + lines[2].removeprefix(TRUSTED).encode("utf-8", "surrogateescape")):
            raise ForgedError(f"{signature}: its trusted comment was changed after it was signed; do not use it")

    def _made(self, signature: bytes, message: bytes) -> bool:
        try:
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError as error:
            raise MissingExtraError(MISSING) from error
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except (InvalidSignature, ValueError):  # ValueError: bytes that are no point of the curve
            return False
        return True


@dataclass(frozen=True)
class SecretKey:
    """A secret key without a password, which signs bundles."""

    id: bytes
    """The id of the public key."""
    seed: bytes = field(repr=False)
    """The seed of ed25519, which alone is secret."""

    @classmethod
    def generate(cls) -> SecretKey:
        """Return a new random key."""
        return cls(os.urandom(ID_SIZE), os.urandom(KEY_SIZE))

    @classmethod
    def read(cls, path: Path) -> SecretKey:
        """Return the key in a file; raise KeyFileError where there is none, or a password protects it."""
        lines = _read(path, KEY_LINES)
        content = _decoded(lines[1]) if lines else b""
        if len(content) != SECRET_SIZE or content[:2] != KEY_ALGORITHM or content[4:6] != CHECKSUM_ALGORITHM:
            raise KeyFileError(f"{path}: is no secret key; 'edgener keygen' and 'minisign -G -W' make them")
        if content[2:4] != NO_PASSWORD:
            raise KeyFileError(
                f"{path}: is protected by a password; sign with 'minisign -S -s {path} -m BUNDLE/manifest.json' itself"
            )
        start = 6 + PASSWORD_PARAMETERS
        return cls(content[start : start + ID_SIZE], content[start + ID_SIZE : start + ID_SIZE + KEY_SIZE])

    def public(self) -> PublicKey:
        """Return the public key that belongs to this one."""
        return PublicKey(self.id, self._key().public_key().public_bytes_raw())

    def to_text(self) -> str:
        """Return the content of a file for the key, without a password."""
        head = KEY_ALGORITHM + NO_PASSWORD + CHECKSUM_ALGORITHM + bytes(PASSWORD_PARAMETERS)
        content = (head + self.id + self.seed + self.public().key).ljust(SECRET_SIZE, b"\0")
        return f"{UNTRUSTED}minisign secret key without a password\n{base64.b64encode(content).decode()}\n"

    def sign(self, content: bytes, comment: str) -> str:
        """Return the content of a signature file for ``content``; ``comment``, one line, is signed as well."""
        key = self._key()
        signed = key.sign(hashlib.blake2b(content).digest())
        seal = key.sign(signed + comment.encode())
        return (
            f"{UNTRUSTED}signature of edgener\n{base64.b64encode(SIGNATURE_ALGORITHM + self.id + signed).decode()}\n"
            f"{TRUSTED}{comment}\n{base64.b64encode(seal).decode()}\n"
        )

    def _key(self) -> Ed25519PrivateKey:
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        except ImportError as error:
            raise MissingExtraError(MISSING) from error
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def _read(path: Path, count: int) -> list[str]:
    """Return the first ``count`` lines of a file, ended by LF or CRLF; no lines where it has fewer.

    As in minisign, lines after them are ignored. Raises KeyFileError where the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE)
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from error
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    return [line.rstrip("\r") for line in lines[:count]] if len(lines) >= count else []


def _decoded(line: str) -> bytes:
    """Decode base64; returns no bytes where ``line`` is not base64."""
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return b""
