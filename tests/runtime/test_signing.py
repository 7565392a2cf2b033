"""Signed bundles: what minisign made is read here, and nothing that was changed after signing gets onto a device."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgener.bundle import GOLDEN, GRAPH, MANIFEST, SIGNATURE
from edgener.errors import (
    BundleError,
    BundleMissingError,
    ChecksumError,
    ForgedError,
    KeyFileError,
    OutputError,
    UnsignedError,
    WrongKeyError,
)
from edgener.installed import CURRENT, check_golden, current_model, install, rollback
from edgener.minisign import PublicKey, SecretKey
from edgener.signing import TRUSTED_KEY, make_keys, sign_bundle, trusted_key, verify_bundle
from tests.support import DATA, TINY_BUNDLE, change_manifest, disk_full, largest_file, run_main, run_python

MINISIGN = DATA / "minisign"
TEXT = MINISIGN / "text"
WITHOUT_THE_EXTRA = """
import sys
class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "cryptography":
            raise ModuleNotFoundError(f"No module named {name!r}: refused by the test", name=name)
sys.meta_path.insert(0, Refuse)
from edgener.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def key() -> SecretKey:
    return SecretKey.generate()


@pytest.fixture
def signed(bundle: Path, key: SecretKey) -> Path:
    """A copy of the tiny bundle, signed."""
    sign_bundle(bundle, key)
    return bundle


def test_what_minisign_signed_is_accepted() -> None:
    PublicKey.read(MINISIGN / "test.pub").verify(TEXT.read_bytes(), TEXT, MINISIGN / "text.minisig")


def test_a_legacy_signature_of_minisign_is_accepted_and_checked() -> None:
    """minisign -l signs the file itself, not its digest."""
    key, signature = PublicKey.read(MINISIGN / "test.pub"), MINISIGN / "text.legacy.minisig"
    key.verify(TEXT.read_bytes(), TEXT, signature)
    with pytest.raises(ForgedError, match="text: was changed"):
        key.verify(TEXT.read_bytes() + b"!", TEXT, signature)


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content + b"\n",
        lambda content: content + b"\r\n\r\n",
        lambda content: content + b"a later line\n",
        lambda content: content.removesuffix(b"\n"),
    ],
    ids=["CRLF", "empty last line", "empty last lines of CRLF", "a later line", "no last newline"],
)
def test_files_are_read_with_the_line_ends_that_minisign_accepts(
    tmp_path: Path, rewrite: Callable[[bytes], bytes]
) -> None:
    for name in ("test.pub", "test.key", "text.minisig"):
        (tmp_path / name).write_bytes(rewrite((MINISIGN / name).read_bytes()))
    public = PublicKey.read(tmp_path / "test.pub")
    assert public == PublicKey.read(MINISIGN / "test.pub")
    assert SecretKey.read(tmp_path / "test.key") == SecretKey.read(MINISIGN / "test.key")
    public.verify(TEXT.read_bytes(), TEXT, tmp_path / "text.minisig")


def test_blanks_at_the_end_of_a_trusted_comment_are_signed_too(tmp_path: Path, key: SecretKey) -> None:
    signature = tmp_path / "text.minisig"
    signature.write_text(key.sign(TEXT.read_bytes(), "a comment \t "), encoding="utf-8")
    key.public().verify(TEXT.read_bytes(), TEXT, signature)


def test_a_trusted_comment_that_is_not_utf8_is_checked_as_bytes(tmp_path: Path) -> None:
    secret = SecretKey.read(MINISIGN / "test.key")
    made = secret.sign(TEXT.read_bytes(), "王小明").encode()
    gbk = made.replace("王小明".encode(), "王小明".encode("gbk"))
    signature = tmp_path / "text.minisig"
    signature.write_bytes(gbk)
    with pytest.raises(ForgedError, match="its trusted comment was changed"):
        secret.public().verify(TEXT.read_bytes(), TEXT, signature)
    head, seal = (base64.b64decode(gbk.splitlines()[number]) for number in (1, 3))
    sealed = base64.b64encode(secret._key().sign(head[10:] + "王小明".encode("gbk")))
    signature.write_bytes(gbk.replace(base64.b64encode(seal), sealed))
    secret.public().verify(TEXT.read_bytes(), TEXT, signature)


def test_the_same_signature_as_by_minisign() -> None:
    """ed25519 is deterministic: nothing but the untrusted comment may differ."""
    untrusted, *lines = (MINISIGN / "text.minisig").read_text().splitlines()
    comment = lines[1].removeprefix("trusted comment: ")
    made = SecretKey.read(MINISIGN / "test.key").sign(TEXT.read_bytes(), comment)
    assert made.splitlines()[1:] == lines
    assert untrusted.startswith("untrusted comment: ")


def test_keys_of_minisign_are_read_and_written() -> None:
    secret, public = SecretKey.read(MINISIGN / "test.key"), PublicKey.read(MINISIGN / "test.pub")
    assert secret.public() == public
    assert public.to_text() == (MINISIGN / "test.pub").read_text()
    assert secret.to_text().splitlines()[1] == (MINISIGN / "test.key").read_text().splitlines()[1]


def test_a_secret_is_not_printed(key: SecretKey) -> None:
    assert repr(key.seed) not in repr(key)


def test_keys_that_cannot_be_used(tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("binary", bytes(range(256))), ("long", b"x" * 10_000)):
        path = tmp_path / name
        path.write_bytes(content)
        for read in (PublicKey.read, SecretKey.read):
            with pytest.raises(KeyFileError, match=f"{name}: is no (public|secret) key"):
                read(path)
    with pytest.raises(KeyFileError, match="is no public key"):
        PublicKey.read(MINISIGN / "test.key")
    with pytest.raises(KeyFileError, match="is no secret key"):
        SecretKey.read(MINISIGN / "test.pub")
    with pytest.raises(KeyFileError, match=r"none\.pub: cannot be read"):
        PublicKey.read(tmp_path / "none.pub")


@pytest.mark.parametrize("place", [0, 1, 4, 5])
def test_a_secret_key_of_another_algorithm_or_checksum_is_refused(tmp_path: Path, key: SecretKey, place: int) -> None:
    comment, encoded = key.to_text().splitlines()
    content = bytearray(base64.b64decode(encoded))
    content[place] ^= 1
    (tmp_path / "k.key").write_text(f"{comment}\n{base64.b64encode(content).decode()}\n")
    with pytest.raises(KeyFileError, match="is no secret key"):
        SecretKey.read(tmp_path / "k.key")


@pytest.mark.parametrize("place", [0, 1])
def test_a_public_key_of_another_algorithm_is_refused(tmp_path: Path, key: SecretKey, place: int) -> None:
    comment, encoded = key.public().to_text().splitlines()
    content = bytearray(base64.b64decode(encoded))
    content[place] ^= 1
    (tmp_path / "k.pub").write_text(f"{comment}\n{base64.b64encode(content).decode()}\n")
    with pytest.raises(KeyFileError, match="is no public key"):
        PublicKey.read(tmp_path / "k.pub")


def test_a_public_key_is_readable_for_all_and_writable_for_its_owner(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        secret, public = make_keys(tmp_path / "k")
    finally:
        os.umask(before)
    assert (secret.stat().st_mode & 0o777, public.stat().st_mode & 0o777) == (0o600, 0o644)


def test_a_key_with_a_password_is_for_minisign_itself(tmp_path: Path) -> None:
    comment, encoded = (MINISIGN / "test.key").read_text().splitlines()
    content = bytearray(base64.b64decode(encoded))
    content[2:4] = b"Sc"
    (tmp_path / "test.key").write_text(f"{comment}\n{base64.b64encode(content).decode()}\n")
    with pytest.raises(KeyFileError, match="protected by a password; sign with 'minisign -S"):
        SecretKey.read(tmp_path / "test.key")


def test_keygen_writes_a_secret_file_and_no_old_one_again(tmp_path: Path) -> None:
    secret, public = make_keys(tmp_path / "release")
    assert (secret.name, public.name) == ("release.key", "release.pub")
    assert secret.stat().st_mode & 0o777 == 0o600
    assert SecretKey.read(secret).public() == PublicKey.read(public)
    before = secret.read_text(), public.read_text()
    with pytest.raises(OutputError, match="exists already"):
        make_keys(tmp_path / "release")
    assert before == (secret.read_text(), public.read_text())


@pytest.mark.parametrize("size", [0, 10])
def test_keys_and_signatures_that_find_no_room_leave_nothing_behind(
    tmp_path: Path, bundle: Path, key: SecretKey, size: int
) -> None:
    before = sorted(bundle.iterdir())
    with largest_file(size):
        with pytest.raises(OutputError, match=r"r\.key: cannot be written: File too large"):
            make_keys(tmp_path / "r")
        with pytest.raises(OutputError, match="cannot be written: File too large"):
            sign_bundle(bundle, key)
    assert sorted(bundle.iterdir()) == before
    assert list(tmp_path.iterdir()) == [bundle]


def test_a_secret_key_without_its_public_one_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "r.pub").symlink_to("nowhere")
    with pytest.raises(OutputError, match=r"r\.pub: cannot be written: File exists"):
        make_keys(tmp_path / "r")
    assert [path.name for path in tmp_path.iterdir()] == ["r.pub"]


def test_a_signed_bundle_is_accepted_and_its_signature_goes_along(tmp_path: Path, signed: Path, key: SecretKey) -> None:
    target = install(signed, tmp_path / "models", key.public())
    verify_bundle(target, key.public())


def test_signing_again_replaces_the_signature(signed: Path) -> None:
    other = SecretKey.generate()
    sign_bundle(signed, other)
    verify_bundle(signed, other.public())
    assert sorted(path.name for path in signed.iterdir()) == sorted(
        [SIGNATURE, *(path.name for path in TINY_BUNDLE.iterdir())]
    )


def test_a_folder_in_the_place_of_the_signature_is_told_and_nothing_is_left(bundle: Path, key: SecretKey) -> None:
    (bundle / SIGNATURE).mkdir()
    files = sorted(path.name for path in bundle.iterdir())
    with pytest.raises(OutputError, match=f"{SIGNATURE}: cannot be written: Is a directory"):
        sign_bundle(bundle, key)
    assert sorted(path.name for path in bundle.iterdir()) == files


def test_a_damaged_bundle_is_not_signed(bundle: Path, key: SecretKey) -> None:
    (bundle / GRAPH).write_bytes(b"")
    with pytest.raises(ChecksumError):
        sign_bundle(bundle, key)
    assert not (bundle / SIGNATURE).exists()


def flip(name: str, position: int) -> Callable[[Path], None]:
    """Damage: one bit of one file."""

    def damage(bundle: Path) -> None:
        content = bytearray((bundle / name).read_bytes())
        content[position] ^= 1
        (bundle / name).write_bytes(content)

    return damage


def line_of_signature(number: int, text: str) -> Callable[[Path], None]:
    """Damage: one line of the signature."""

    def damage(bundle: Path) -> None:
        lines = (bundle / SIGNATURE).read_text().splitlines()
        lines[number] = text
        (bundle / SIGNATURE).write_text("\n".join(lines) + "\n")

    return damage


def flip_in_signature(bundle: Path) -> None:
    """Damage: one bit of the Ed25519 signature, which stays well-formed base64."""
    content = bytearray(base64.b64decode((bundle / SIGNATURE).read_text().splitlines()[1]))
    content[40] ^= 1
    line_of_signature(1, base64.b64encode(content).decode())(bundle)


def sign_by_another(bundle: Path) -> None:
    """Damage: somebody else's signature."""
    sign_bundle(bundle, SecretKey.generate())


def sign_by_another_of_the_same_id(bundle: Path) -> None:
    """Damage: somebody else's signature, with the id of the trusted key copied into it."""
    trusted = base64.b64decode((bundle / SIGNATURE).read_text().splitlines()[1])
    sign_by_another(bundle)
    forged = base64.b64decode((bundle / SIGNATURE).read_text().splitlines()[1])
    line_of_signature(1, base64.b64encode(trusted[:10] + forged[10:]).decode())(bundle)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda bundle: (bundle / SIGNATURE).unlink(), UnsignedError, "manifest.json.minisig: not found, but only"),
        (lambda bundle: (bundle / MANIFEST).unlink(), BundleMissingError, "manifest.json: not found"),
        (sign_by_another, WrongKeyError, "was made with the key"),
        (sign_by_another_of_the_same_id, ForgedError, "manifest.json: was changed"),
        (lambda bundle: change_manifest(bundle, name="better"), ForgedError, "manifest.json: was changed"),
        (lambda bundle: (bundle / MANIFEST).write_text("{"), ForgedError, "manifest.json: was changed"),
        (flip(GRAPH, 1000), ChecksumError, "model.onnx: is not the file that was packed"),
        (flip(GOLDEN, 10), ChecksumError, "golden.json: is not the file that was packed"),
        (flip_in_signature, ForgedError, "manifest.json: was changed"),
        (flip(SIGNATURE, -3), ForgedError, "manifest.json.minisig: is no signature"),
        (line_of_signature(1, ""), ForgedError, "manifest.json.minisig: is no signature"),
        (line_of_signature(2, "trusted comment: timestamp:9"), ForgedError, "its trusted comment was changed"),
        (line_of_signature(2, "timestamp:9"), ForgedError, "manifest.json.minisig: is no signature"),
        (lambda bundle: (bundle / SIGNATURE).write_bytes(b""), ForgedError, "manifest.json.minisig: is no signature"),
    ],
)
def test_what_was_changed_is_refused_by_name_and_the_present_model_stays(
    tmp_path: Path,
    signed: Path,
    key: SecretKey,
    damage: Callable[[Path], None],
    error: type[BundleError],
    message: str,
) -> None:
    directory = tmp_path / "models"
    first = install(signed, directory, key.public())
    bundle = shutil.copytree(signed, tmp_path / "second")
    damage(bundle)
    with pytest.raises(error, match=message):
        install(bundle, directory, key.public())
    assert current_model(directory) == first
    assert not [path for path in directory.iterdir() if path.name.startswith(".draft")]


def test_an_older_signature_of_a_changed_bundle_is_refused(tmp_path: Path, signed: Path, key: SecretKey) -> None:
    first = tmp_path / "first"
    shutil.copytree(signed, first)
    change_manifest(signed, name="second")
    sign_bundle(signed, key)
    shutil.copyfile(first / SIGNATURE, signed / SIGNATURE)
    with pytest.raises(ForgedError):
        install(signed, tmp_path / "models", key.public())


def test_a_device_with_a_key_takes_no_unsigned_model(
    tmp_path: Path, signed: Path, key: SecretKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / TRUSTED_KEY).write_text(key.public().to_text())
    monkeypatch.setenv("EDGENER_MODELS", str(models))
    refused = run_main("install", str(TINY_BUNDLE))
    assert refused.code == UnsignedError.exit_code
    assert run_main("install", str(signed)).code == 0
    assert (models / CURRENT).is_symlink()
    assert trusted_key(models) == key.public()


def test_no_other_key_stands_over_that_of_the_device(
    tmp_path: Path, signed: Path, key: SecretKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setenv("EDGENER_MODELS", str(models))
    (models / TRUSTED_KEY).write_text(key.public().to_text())
    (tmp_path / "same.pub").write_text(key.public().to_text())
    _, other = make_keys(tmp_path / "other")
    evil = shutil.copytree(signed, tmp_path / "evil")
    sign_bundle(evil, SecretKey.read(tmp_path / "other.key"))
    refused = run_main("install", str(evil), "--key", str(other))
    assert refused.code == WrongKeyError.exit_code
    names = PublicKey.read(other).name, key.public().name
    assert refused.errors.startswith(
        f"edgener: {other}: holds the key {names[0]}, but this device trusts {names[1]} alone; "
    )
    assert not (models / CURRENT).exists()
    assert run_main("install", str(signed), "--key", str(tmp_path / "same.pub")).code == 0


def test_the_key_of_a_device_build_counts(tmp_path: Path, key: SecretKey, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / TRUSTED_KEY).write_text(key.public().to_text())
    monkeypatch.setenv("EDGENER_BUILD", str(tmp_path))
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path / "models"))
    assert run_main("install", str(TINY_BUNDLE)).code == UnsignedError.exit_code


@pytest.mark.parametrize("damage", [Path.touch, lambda path: path.symlink_to("nowhere")], ids=["empty", "link"])
def test_a_key_that_cannot_be_read_opens_no_door(
    tmp_path: Path, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(tmp_path / TRUSTED_KEY)
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path))
    assert run_main("install", str(TINY_BUNDLE)).code == KeyFileError.exit_code


def test_no_way_back_to_a_model_that_the_key_did_not_sign(tmp_path: Path, signed: Path, key: SecretKey) -> None:
    directory = tmp_path / "models"
    change_manifest(signed, name="second")
    sign_bundle(signed, key)
    install(TINY_BUNDLE, directory)
    second = install(signed, directory, key.public())
    with pytest.raises(UnsignedError):
        rollback(directory, key.public())
    assert current_model(directory) == second
    assert rollback(directory) != second


def test_the_signed_copy_of_a_model_takes_the_place_of_the_unsigned_one(
    tmp_path: Path, signed: Path, key: SecretKey
) -> None:
    directory = tmp_path / "models"
    install(TINY_BUNDLE, directory)
    install(signed, directory, key.public())
    verify_bundle(current_model(directory), key.public())


def test_the_model_stays_while_its_signed_copy_finds_no_room(
    tmp_path: Path, signed: Path, key: SecretKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "models"
    first = install(TINY_BUNDLE, directory)
    monkeypatch.setattr(shutil, "copyfile", disk_full)
    with pytest.raises(OutputError):
        install(signed, directory, key.public())
    assert current_model(directory) == first
    check_golden(first)


def test_the_command_line_signs_and_installs(tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path / "models"))
    name = tmp_path / "mine"
    made = json.loads(run_main("keygen", str(name), "--json").output)
    assert made == {"secret": f"{name}.key", "public": f"{name}.pub"}
    finished = run_main("sign", str(bundle), "--key", f"{name}.key")
    assert finished.output.decode() == f"{bundle / SIGNATURE}\n"
    assert run_main("install", str(bundle), "--key", f"{name}.pub").code == 0
    assert run_main("install", str(bundle), "--key", str(MINISIGN / "test.pub")).code == WrongKeyError.exit_code
    assert run_main("install", str(bundle), "--key", str(tmp_path / "none")).code == KeyFileError.exit_code


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, signed: Path) -> None:
    for arguments in (
        ["keygen", str(tmp_path / "new")],
        ["sign", str(signed), "--key", str(MINISIGN / "test.key")],
    ):
        finished = run_python(WITHOUT_THE_EXTRA, *arguments)
        assert finished.code == 7
        assert finished.errors.startswith("edgener: signatures need cryptography, which is not there: pip install")
    assert not list(tmp_path.glob("new*"))


def test_a_model_is_not_taken_for_want_of_the_extra(tmp_path: Path, bundle: Path) -> None:
    sign_bundle(bundle, SecretKey.read(MINISIGN / "test.key"))
    env = {"EDGENER_MODELS": str(tmp_path / "models")}
    arguments = ["install", str(bundle), "--key", str(MINISIGN / "test.pub")]
    assert run_python(WITHOUT_THE_EXTRA, *arguments, env=env).code == 7
    assert run_python(WITHOUT_THE_EXTRA, "install", str(bundle), env=env).code == 0
