"""Signed bundles: manifest.json holds the digest of every other file, so that its signature stands for all of them."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

from edgener.bundle import MANIFEST, SIGNATURE, load_bundle, read_manifest_bytes
from edgener.errors import OutputError, UnsignedError, WrongKeyError
from edgener.minisign import PublicKey, SecretKey

TRUSTED_KEY = "trusted.pub"
"""File name of the trusted public key, in the models' directory or the folder of a device build.

Only models signed with this key are installed.
"""


def make_keys(stem: Path) -> tuple[Path, Path]:
    """Write a new pair of keys: ``stem``.key, readable for its owner only, and ``stem``.pub; never over others."""
    secret = SecretKey.generate()
    files = {Path(f"{stem}.key"): (secret.to_text(), 0o600), Path(f"{stem}.pub"): (secret.public().to_text(), 0o644)}
    for path in files:
        if path.exists():
            raise OutputError(f"{path}: exists already; name other files, or delete it")
    with ExitStack() as undo:
        for path, (text, mode) in files.items():
            _write(path, text, mode)
            undo.callback(path.unlink, missing_ok=True)
        undo.pop_all()
    secret_path, public_path = files
    return secret_path, public_path


def sign_bundle(directory: Path, key: SecretKey) -> Path:
    """Check that the bundle in ``directory`` is whole, sign it, and return the signature's path."""
    load_bundle(directory)
    comment = f"timestamp:{int(time.time())}\tfile:{MANIFEST}\thashed"
    signature = key.sign(read_manifest_bytes(directory / MANIFEST), comment)
    target, draft = directory / SIGNATURE, directory / f".{SIGNATURE}.draft"
    draft.unlink(missing_ok=True)
    try:
        _write(draft, signature, 0o644)
        draft.replace(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return target


def verify_bundle(directory: Path, key: PublicKey) -> None:
    """Check who signed manifest.json; its other files are for load_bundle to check.

    Raises UnsignedError, WrongKeyError, ForgedError, or another BundleError where there is no bundle.
    """
    content = read_manifest_bytes(directory / MANIFEST)
    signature = directory / SIGNATURE
    if not signature.exists():
        raise UnsignedError(
            f"{signature}: not found, but only models signed with the key {key.name} are taken here; sign it with "
            "'edgener sign', or ask its maker to"
        )
    key.verify(content, directory / MANIFEST, signature)


def trusted_key(models: Path) -> PublicKey | None:
    """Return the key that this device trusts, or None where it takes any model.

    Raises KeyFileError where the key cannot be read.
    """
    build = os.environ.get("EDGENER_BUILD")
    for directory in (models, *([Path(build)] if build else [])):
        if os.path.lexists(directory / TRUSTED_KEY):
            return PublicKey.read(directory / TRUSTED_KEY)
    return None


def key_of_installation(models: Path, given: Path | None) -> PublicKey | None:
    """Return the key that must have signed a model: the device's, else that in the file ``given``, if there is one.

    Raises WrongKeyError where the device trusts another key than the given one, KeyFileError where one cannot be read.
    """
    trusted, key = trusted_key(models), PublicKey.read(given) if given else None
    if trusted and key and key != trusted:
        raise WrongKeyError(
            f"{given}: holds the key {key.name}, but this device trusts {trusted.name} alone; leave --key out, and "
            "install a model that is signed with the trusted key"
        )
    return trusted or key


def _write(path: Path, text: str, mode: int) -> None:
    """Write a new file; one that cannot be written to its end is deleted."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
