"""Builds as container images and Debian packages: what is in them, and the same bytes each time."""

from __future__ import annotations

import configparser
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from edgener.errors import OutputError, UsageError
from edgener.service import DRAIN_SECONDS
from edgener_edge.cli import main
from edgener_edge.debian import HTTP_UNITS, SCRIPTS, UNITS, write_deb
from edgener_edge.device_folder import ON_DEVICE
from edgener_edge.oci import write_oci
from edgener_edge.unpack import Artifact, unpack
from tests.edge.support import DEVICE, TIME, make_files
from tests.support import ROOT, largest_file

DROP_IN = ROOT / "examples/deploy/edgener-http-network.conf"
PROBE = ("edgener.serve.probe", "http://127.0.0.1:8765/ready")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_files(tmp_path_factory.mktemp("made"))[0]


@pytest.fixture(scope="module")
def http_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build that serves HTTP."""
    return make_files(tmp_path_factory.mktemp("made-http"), wheels={"httptools": "0.9.0"})[0]


@pytest.mark.parametrize("form", ["oci", "deb"])
def test_same_build_same_bytes(run: Path, tmp_path: Path, form: str) -> None:
    outputs = [tmp_path / name for name in ("first", "second")]
    for output in outputs:
        assert main(["pack", str(run), "--as", form, "--output", str(output)]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def pack(run: Path, form: str, output: Path) -> Path:
    assert main(["pack", str(run), "--as", form, "--output", str(output)]) == 0
    return output


def image_blobs(image: Path) -> dict[str, bytes]:
    """All blobs of an image layout by digest, each with the digest that it is named by."""
    with tarfile.open(image) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    assert json.loads(files.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    ((docker,), blobs) = json.loads(files.pop("manifest.json")), {"index": files.pop("index.json")}
    assert {docker["Config"], *docker["Layers"]} < set(files)
    assert docker["RepoTags"] == [f"edgener:{DEVICE.name}"]
    for name, content in files.items():
        digest = hashlib.sha256(content).hexdigest()
        assert name == f"blobs/sha256/{digest}"
        blobs[f"sha256:{digest}"] = content
    return blobs


def described(value: Any) -> Iterator[dict[str, Any]]:
    """Every descriptor in a JSON document of the image specification."""
    if isinstance(value, dict):
        if "digest" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from described(item)


def unpack_image(image: Path, root: Path) -> dict[str, Any]:
    """Check a layout as an engine does, without one, and unpack its layers into ``root``; its configuration."""
    blobs = image_blobs(image)
    used, documents = {"index"}, [blobs["index"]]
    while documents:
        for descriptor in described(json.loads(documents.pop())):
            content = blobs[descriptor["digest"]]
            assert len(content) == descriptor["size"]
            used.add(descriptor["digest"])
            if descriptor["mediaType"].endswith("+json"):
                documents.append(content)
    assert used == blobs.keys()
    (entry,) = json.loads(blobs["index"])["manifests"]
    manifest = json.loads(blobs[entry["digest"]])
    config: dict[str, Any] = json.loads(blobs[manifest["config"]["digest"]])
    assert manifest["mediaType"] == entry["mediaType"]
    assert {key: config[key] for key in entry["platform"]} == entry["platform"]
    assert config["rootfs"]["type"] == "layers"
    for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        content = gzip.decompress(blobs[layer["digest"]])
        assert diff_id == f"sha256:{hashlib.sha256(content).hexdigest()}"
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian 12's Python has none
            archive.extractall(root)
    return config


def layer_of(image: Path) -> bytes:
    """Return the only layer of an image, compressed as it is."""
    (layer,) = (content for content in image_blobs(image).values() if content.startswith(b"\x1f\x8b"))
    return layer


def run_image(config: dict[str, Any], root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start an unpacked image as an engine does: in its own root; where this user may not, by path."""
    command = [*config["config"]["Entrypoint"], *arguments]
    env = dict(variable.split("=", 1) for variable in config["config"]["Env"])
    enter = ["unshare", "--map-root-user"]
    if subprocess.run([*enter, "true"], capture_output=True, check=False).returncode == 0:
        command = [*enter, "--root", str(root), *command]
    else:
        command = [f"{root}{word}" if word.startswith("/") else word for word in command]
    return subprocess.run(command, env=env | {"PATH": os.defpath}, capture_output=True, text=True, check=False)


def test_an_image_is_whole_and_starts_in_its_own_root(run: Path, tmp_path: Path) -> None:
    config = unpack_image(pack(run, "oci", tmp_path / "image.tar"), tmp_path / "root")
    assert config["architecture"] == DEVICE.platform.debian
    assert f"EDGENER_THREADS={DEVICE.threads}" in config["config"]["Env"]
    assert (tmp_path / "root/opt/edgener/edgener").is_file()
    finished = run_image(config, tmp_path / "root", "王小明")
    assert (finished.stdout, finished.stderr) == ("-OO -S -P -m edgener 王小明\n", "")


def install(package: Path, root: Path) -> Callable[..., str]:
    """Let dpkg install a package under ``root``, as any user; dpkg for other commands about it."""
    for name in ("info", "updates"):
        (root / "var/lib/dpkg" / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()

    def dpkg(*arguments: str | Path) -> str:
        options = ["--force-not-root", "--force-script-chrootless", "--force-bad-path", f"--log={root}/log"]
        command = ["fakeroot"] if os.geteuid() and shutil.which("fakeroot") else []
        command += ["dpkg", f"--root={root}", *options, *map(str, arguments)]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    dpkg("--install", package)
    return dpkg


def test_a_debian_package_is_installed_upgraded_and_removed(run: Path, tmp_path: Path) -> None:
    package, root = pack(run, "deb", tmp_path / "edgener.deb"), tmp_path / "root"
    dpkg = install(package, root)
    assert "install ok installed" in dpkg("--status", "edgener")
    command = (root / "usr/bin/edgener").read_text(encoding="utf-8")
    assert command.endswith('exec /opt/edgener/edgener "$@"\n')
    shown = command.replace("exec /opt/edgener/edgener", 'echo "$EDGENER_MODELS"')
    for environment, models in (({}, "/var/lib/edgener/models"), ({"EDGENER_MODELS": "/own"}, "/own")):
        finished = subprocess.run(["sh", "-c", shown, "sh", "a b"], env=environment, capture_output=True, text=True)
        assert finished.stdout == f"{models} a b\n"
    answer = subprocess.run([root / "opt/edgener/edgener", "王小明"], capture_output=True, text=True, check=True)
    assert answer.stdout == "answer: 王小明\n"
    assert dpkg("--verify", "edgener") == ""
    dpkg("--install", package)
    installed = root / "var/lib/edgener/models/current"
    installed.mkdir(parents=True)
    dpkg("--remove", "edgener")
    left = {path.name for path in root.rglob("*") if path.is_file() and "var/lib/dpkg" not in str(path)}
    assert left <= {"log"}
    assert installed.exists()
    dpkg("--purge", "edgener")
    assert not (root / "var/lib/edgener").exists()
    assert (root / "var/lib").exists()


@pytest.mark.parametrize(
    ("version", "start"),
    [("0.2.0", "0.2.0+20200913."), ("1.0rc1", "1.0~rc1+20200913."), ("1.0.dev3", "1.0~dev3+20200913.")],
)
def test_apt_tells_builds_of_one_release_apart_and_takes_the_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, start: str
) -> None:
    versions = []
    for name, time in (("pi4", "1600000000"), ("pi5", "1600000000"), ("pi4", "1600090000")):
        run = make_files(tmp_path / f"{name}-{time}", device=name, edgener=version)[0]
        monkeypatch.setenv("SOURCE_DATE_EPOCH", time)
        package = pack(run, "deb", tmp_path / f"{name}-{time}.deb")
        command: list[str | Path] = ["dpkg-deb", "--field", package, "Version"]
        versions.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    assert versions[0].startswith(start)
    assert versions[0] != versions[1]
    for earlier, later in ((versions[0], versions[2]), (versions[1], versions[2])):
        subprocess.run(["dpkg", "--compare-versions", earlier, "lt", later], check=True)


@pytest.mark.parametrize("form", ["deb", "oci"])
def test_the_modes_in_a_package_do_not_depend_on_the_umask_of_who_packs(form: str, run: Path, tmp_path: Path) -> None:
    packages = []
    for mask in (0o022, 0o077):
        before = os.umask(mask)
        try:
            packages.append(pack(run, form, tmp_path / f"{mask}.{form}").read_bytes())
        finally:
            os.umask(before)
    assert packages[0] == packages[1]


def test_every_directory_of_an_image_is_in_its_layer_so_that_any_user_may_enter_it(run: Path, tmp_path: Path) -> None:
    """Docker makes a directory that a layer lacks for root alone: the compose file's user could start nothing."""
    layer = layer_of(pack(run, "oci", tmp_path / "image.tar"))
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as archive:
        members = archive.getmembers()
    directories = {member.name for member in members if member.isdir()}
    assert {str(above) for member in members for above in PurePosixPath(member.name).parents} - {"."} <= directories
    assert "opt" in directories
    assert all(member.mode & 0o055 == 0o055 for member in members if member.isdir())


def test_the_layer_of_an_image_has_the_bytes_of_any_python(run: Path, tmp_path: Path) -> None:
    layer = layer_of(pack(run, "oci", tmp_path / "image.tar"))
    assert layer[9] == 255  # the system, which gzip.compress names on some versions of Python


def test_the_package_names_what_it_is(run: Path, tmp_path: Path) -> None:
    package = pack(run, "deb", tmp_path / "edgener.deb")
    fields = subprocess.run(["dpkg-deb", "--field", package], check=True, capture_output=True, text=True).stdout
    assert f"Architecture: {DEVICE.platform.debian}\n" in fields
    assert "\nDepends:" not in fields
    for script in SCRIPTS:
        subprocess.run(["sh", "-n", ON_DEVICE / f"debian-{script}.sh"], check=True)


@pytest.mark.parametrize("units", [UNITS, HTTP_UNITS], ids=["lines", "http"])
def test_the_units_are_valid(http_run: Path, tmp_path: Path, units: tuple[str, str]) -> None:
    root = tmp_path / "root"
    install(pack(http_run, "deb", tmp_path / "edgener.deb"), root)
    paths = [root / "usr/lib/systemd/system" / name for name in units]
    service, sockets = (read_unit(path) for path in paths)
    program = service["Service"]["ExecStart"].split()[0]
    assert (root / program.removeprefix("/")).stat().st_mode & 0o111
    assert service["Service"]["Type"] == "notify"
    assert int(service["Service"]["TimeoutStopSec"]) > DRAIN_SECONDS
    assert service["Unit"]["Requires"] == service["Install"]["Also"] == paths[1].name
    assert sockets["Socket"]["ListenStream"] == ("/run/edgener.sock" if units == UNITS else "127.0.0.1:8765")
    drop_in = paths[0].with_name(f"{units[0]}.d") / "network.conf"
    if units == HTTP_UNITS:
        drop_in.parent.mkdir()
        shutil.copyfile(DROP_IN, drop_in)
    (root / "bin").mkdir()
    (root / "bin/sh").touch(0o755)  # every Debian has it
    if shutil.which("systemd-analyze"):
        for pattern in ("*.target", "*.slice", "*.mount"):  # what every unit depends on
            for unit in Path("/lib/systemd/system").glob(pattern):
                shutil.copyfile(unit, paths[0].parent / unit.name)
        command = ["systemd-analyze", "verify", f"--root={root}", "--man=no", *units]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (finished.returncode, finished.stderr) == (0, "")


def test_the_service_over_http_has_no_network_of_its_own_and_is_watched(http_run: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(pack(http_run, "deb", tmp_path / "edgener.deb"), root)
    lines, http = (read_unit(root / "usr/lib/systemd/system" / name)["Service"] for name in (UNITS[0], HTTP_UNITS[0]))
    assert http["PrivateNetwork"] == "yes"
    assert {name: value for name, value in http.items() if name != "ExecReload"} == dict(lines)
    assert http["ExecReload"] == '/bin/sh -c "kill -HUP $MAINPID"'  # procps, which has /bin/kill, may be missing
    assert int(http["WatchdogSec"]) > 1


def test_only_a_build_that_serves_http_has_units_and_a_health_check_for_it(
    run: Path, http_run: Path, tmp_path: Path
) -> None:
    for number, build in enumerate((run, http_run)):
        root = tmp_path / str(number)
        install(pack(build, "deb", tmp_path / "edgener.deb"), root)
        units = {path.name for path in (root / "usr/lib/systemd/system").iterdir()}
        assert units == {*UNITS, *(HTTP_UNITS if build == http_run else ())}
        config = unpack_image(pack(build, "oci", tmp_path / "image.tar"), tmp_path / f"image-{number}")["config"]
        assert ("Healthcheck" in config) == ("ExposedPorts" in config) == (build == http_run)


def test_the_health_check_of_an_image_is_a_command_of_the_image(http_run: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    config = unpack_image(pack(http_run, "oci", tmp_path / "image.tar"), root)["config"]
    kind, *command = config["Healthcheck"]["Test"]
    assert kind == "CMD"
    assert (root / command[0].removeprefix("/")).is_file()
    assert command[: -len(PROBE)] == config["Entrypoint"][:-1]
    assert tuple(command[-len(PROBE) :]) == PROBE
    assert list(config["ExposedPorts"]) == ["8765/tcp"]


def read_unit(path: Path) -> configparser.RawConfigParser:
    unit = configparser.RawConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(path, encoding="utf-8")
    return unit


def test_a_file_that_is_no_build(tmp_path: Path) -> None:
    assert main(["pack", __file__, "--as", "oci", "--output", str(tmp_path / "x")]) == 48


@pytest.mark.parametrize("form", ["oci", "deb"])
@pytest.mark.parametrize("given", ["abc", "-1", "1e9", "99999999999999", "253402300800"])
def test_a_time_that_is_none_is_named(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    form: str,
    given: str,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
    assert main(["pack", str(run), "--as", form, "--output", str(tmp_path / "x")]) == UsageError.exit_code
    assert f"SOURCE_DATE_EPOCH is '{given}'; give seconds since 1970" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_last_second_that_can_be_written_is_taken(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "253402300799")
    config = unpack_image(pack(run, "oci", tmp_path / "image.tar"), tmp_path / "root")
    assert config["created"] == "9999-12-31T23:59:59Z"


def test_a_directory_is_no_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (".", "..", str(tmp_path)):
        assert main(["pack", name, "--as", "deb"]) == 48
        assert f"{name}: is a directory, and no device build" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["oci", "deb"])
def test_an_output_that_cannot_be_written_is_named_before_any_work(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for given, named in ((".", "."), ("/", "/"), ("folder", "folder"), ("file/x", "file/x")):
        assert main(["pack", str(run), "--as", form, "--output", given]) == OutputError.exit_code
        told = capsys.readouterr().err
        assert told.startswith(f"edgener-edge: {named}: ")
        assert told.count("\n") == 1
    assert main(["pack", str(run), "--as", form, "--output", ""]) == UsageError.exit_code
    assert "--output: the path is empty" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "file"}
    assert not list((tmp_path / "folder").iterdir())


def test_the_directory_of_an_output_is_made(run: Path, tmp_path: Path) -> None:
    for form in ("oci", "deb"):
        folder = pack(run, form, tmp_path / form / "new/x").parent
        assert [path.name for path in folder.iterdir()] == ["x"]


@pytest.mark.parametrize("form", ["oci", "deb"])
def test_a_disk_that_is_full_is_told_in_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    output = tmp_path / "out"
    (tmp_path / ".out.draft").symlink_to("/dev/full")
    assert main(["pack", str(run), "--as", form, "--output", str(output)]) == OutputError.exit_code
    reason = "cannot be written: No space left on device; free space, or name another place"
    assert capsys.readouterr().err.splitlines()[-1] == f"edgener-edge: {output}: {reason}"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "write", [write_deb, lambda build, target, time: write_oci(build, target, "tag", time)], ids=["deb", "oci"]
)
def test_a_disk_that_fills_is_told_once(
    run: Path, tmp_path: Path, write: Callable[[Artifact, Path, int], None]
) -> None:
    (tmp_path / "unpacked").mkdir()
    artifact = unpack(run, tmp_path / "unpacked")
    told = r"out/x: cannot be written: File too large; free space"
    with largest_file(100_000), pytest.raises(OutputError, match=told):
        write(artifact, tmp_path / "out/x", TIME)
    assert not list((tmp_path / "out").iterdir())
