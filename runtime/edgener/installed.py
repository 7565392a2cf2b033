"""Models installed on a device, side by side: checked before they are used, switched in one step, kept to go back.

The directory holds one folder a model and two links, ``current`` and ``previous``. A link is only ever replaced by
renaming, and only after everything that it points to is on the disk: whenever the power fails, ``current`` points to a
whole model that gave its golden answers, or does not exist yet and the built-in model answers. The new ``previous`` is
there as a draft before ``current`` changes; who finds the two apart renames it, so that no way back is lost.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import GOLDEN, MANIFEST, SIGNATURE, Bundle, load_bundle, read_manifest
from edgener.errors import BundleError, BundleMissingError, BundleUnreadableError, GoldenError, OutputError
from edgener.user_directories import data_home

if TYPE_CHECKING:
    from edgener.minisign import PublicKey

CURRENT, PREVIOUS, LOCK = "current", "previous", ".lock"
DRAFT = ".draft-"
DIGEST = 12
"""Characters of the manifest's digest in a folder's name: two models of one name may lie side by side."""


def models_directory() -> Path:
    """Return the directory of installed models: EDGENER_MODELS, else edgener/models in the user's data directory."""
    given = os.environ.get("EDGENER_MODELS")
    if given:
        return Path(given)
    return data_home() / "edgener/models"


def current_model(directory: Path | None = None) -> Path:
    """Return the directory of the installed model, or of the built-in one where none is installed.

    Raises BundleUnreadableError where this user may not look into the directory that EDGENER_MODELS names.
    """
    link = (directory or models_directory()) / CURRENT
    try:
        return link.parent / link.readlink()
    except PermissionError as error:
        if not os.environ.get("EDGENER_MODELS"):
            return DEFAULT_BUNDLE
        raise BundleUnreadableError(f"{link}: cannot be read: {error.strerror}; let all users look there") from error
    except (FileNotFoundError, NotADirectoryError):
        return DEFAULT_BUNDLE
    except OSError as error:
        raise BundleUnreadableError(_no_link(link, error)) from error


def install(source: Path, directory: Path, key: PublicKey | None = None) -> Path:
    """Copy the bundle ``source`` into ``directory``, check its golden cases there, and make it the current model.

    The model that was current is kept as the previous one; older ones are deleted. Returns the new folder. Raises a
    BundleError where the bundle is bad, or not signed with ``key`` if there is one, OutputError where it cannot be
    written; the current model then stays.
    """
    bundle = _verified(source, key)
    with _locked(directory):
        target = directory / _folder_name(bundle)
        _check_answers(_whole(target, key) or _copy(bundle, target, key))
        old = _target(directory, CURRENT)
        if old != target.name:
            _switch(directory, old, target.name)
        _delete_models(directory, _models(directory))
    return target


def rollback(directory: Path, key: PublicKey | None = None) -> Path:
    """Exchange the current and the previous model, and return the folder of the one that is current now.

    Where no model is current, the previous one becomes it. Raises BundleMissingError where there is none, and a
    BundleError where it is no longer whole, or not signed with ``key`` if there is one.
    """
    with _locked(directory):
        old, new = _target(directory, CURRENT), _target(directory, PREVIOUS)
        if not new or old == new:
            remedy = f"; remove {directory / CURRENT} to use the built-in one again" if old else ""
            raise BundleMissingError(f"{directory}: holds no older model to go back to{remedy}")
        _check_answers(_verified(directory / new, key))
        _switch(directory, old, new)
    return directory / new


def check_golden(path: Path) -> None:
    """Verify a model, and compare its answers with those that it was packed with.

    Raises GoldenError or another BundleError.
    """
    _check_answers(load_bundle(path))


def _folder_name(bundle: Bundle) -> str:
    """Return a folder name that differs for the same files under another signature.

    A model in use is therefore not replaced by its signed copy.
    """
    name = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in bundle.manifest.name)
    digest = hashlib.sha256(bundle.manifest.to_json().encode())
    if _signatures(bundle):
        digest.update(bundle.path(SIGNATURE).read_bytes())
    return f"{name.lstrip('.')}-{digest.hexdigest()[:DIGEST]}"


def _signatures(bundle: Bundle) -> tuple[str, ...]:
    """Return the file name of the bundle's signature, if it has one."""
    return (SIGNATURE,) if bundle.path(SIGNATURE).is_file() else ()


def _check_answers(bundle: Bundle) -> None:
    from edgener.golden import first_difference, read_cases
    from edgener.recognizer import open_recognizer

    case = first_difference(open_recognizer(bundle), read_cases(bundle.path(GOLDEN)))
    if case:
        raise GoldenError(
            f"{bundle.directory}: gives another answer to {case.text!r:.60} than it was packed with; not used"
        )


def _verified(path: Path, key: PublicKey | None) -> Bundle:
    """Return the bundle in ``path``, its signature checked first: files that nobody vouches for are not parsed."""
    if key:
        from edgener.signing import verify_bundle

        verify_bundle(path, key)
    return load_bundle(path)


def _copy(bundle: Bundle, target: Path, key: PublicKey | None) -> Bundle:
    """Copy a bundle and return the copy in ``target``.

    Files come first, then the folder, then its name, each on the disk before the next.
    """
    directory = target.parent
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=directory))
    for name in (*bundle.manifest.files, MANIFEST, *_signatures(bundle)):
        shutil.copyfile(bundle.path(name), draft / name)
        (draft / name).chmod(0o644)
        _sync(draft / name)
    draft.chmod(0o755)
    _verified(draft, key)
    _sync(draft)
    if target.exists():  # damaged: see _whole
        target.replace(Path(tempfile.mkdtemp(prefix=DRAFT, dir=directory)))
    draft.replace(target)
    _sync(directory)
    return Bundle(target, bundle.manifest)


def _whole(path: Path, key: PublicKey | None) -> Bundle | None:
    try:
        return _verified(path, key)
    except BundleError:
        return None


def _target(directory: Path, link: str) -> str:
    try:
        return str((directory / link).readlink())
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise OutputError(_no_link(directory / link, error)) from error


def _no_link(path: Path, error: OSError) -> str:
    return f"{path}: is no link that can be read: {error.strerror}; remove it, and install the model again"


def _switch(directory: Path, old: str, new: str) -> None:
    """Let ``current`` point to ``new``, and then ``previous`` to ``old``, if there is one."""
    if old:
        _draft(directory, PREVIOUS, old)
    _draft(directory, CURRENT, new)
    _publish(directory, CURRENT)
    if old:
        _publish(directory, PREVIOUS)


def _finish_switch(directory: Path) -> None:
    """Do the rest of a switch that was cut short after ``current`` had changed."""
    old = _target(directory, f"{DRAFT}{PREVIOUS}")
    if old and old != _target(directory, CURRENT):
        _publish(directory, PREVIOUS)


def _draft(directory: Path, link: str, target: str) -> None:
    """Make a link, under the name of its draft, that is on the disk when this returns."""
    draft = directory / f"{DRAFT}{link}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    _sync(directory)


def _publish(directory: Path, link: str) -> None:
    """Replace a link by its draft in one step that is on the disk when this returns."""
    (directory / f"{DRAFT}{link}").replace(directory / link)
    _sync(directory)


def _delete_drafts(directory: Path) -> None:
    """Delete drafts of installations that were killed, or that failed."""
    for path in directory.iterdir():
        if path.name.startswith(DRAFT):
            _delete(path)


def _models(directory: Path) -> set[Path]:
    """Return the models in the directory that have the names which they get when they are installed."""
    return {path for path in directory.iterdir() if _is_copy_of_ours(path)}


def _delete_models(directory: Path, models: Iterable[Path]) -> None:
    """Delete those of the models that no link points to."""
    kept = {_target(directory, CURRENT), _target(directory, PREVIOUS)}
    for path in models:
        if path.name not in kept:
            _delete(path)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_copy_of_ours(path: Path) -> bool:
    """Return True for a folder that has the name which its model gets when it is installed."""
    try:
        return path.name == _folder_name(Bundle(path, read_manifest(path / MANIFEST)))
    except BundleError:
        return False


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Let one installation work at a time; the drafts of a killed one are deleted, and it leaves no lock.

    What one that fails has put there is deleted, and no model that was there before: somebody may have removed the link
    to it, and want it back. Whatever the umask of root is, a service without rights may read what is made here.
    """
    try:
        missing = [path for path in (directory, *directory.parents) if not path.exists()]
        directory.mkdir(parents=True, exist_ok=True)
        for path in missing if os.geteuid() == 0 else ():
            path.chmod(0o755)
        with (directory / LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _finish_switch(directory)
            _delete_drafts(directory)
            before = _models(directory)
            try:
                yield
            finally:
                _finish_switch(directory)
                _delete_drafts(directory)
                _delete_models(directory, _models(directory) - before)
    except OSError as error:
        place = error.filename2 or error.filename or directory  # filename2 is where a copy goes
        raise OutputError(f"{place}: cannot be written: {error.strerror}") from error
