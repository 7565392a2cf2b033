"""Builds as container images and Debian packages: what is in them, and the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from edgener_edge.cli import main
from tests.edge.support import DEVICE, make_files


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_files(tmp_path_factory.mktemp("made"))[0]


@pytest.mark.parametrize("form", ["oci", "deb"])
def test_same_build_same_bytes(run: Path, tmp_path: Path, form: str) -> None:
    outputs = [tmp_path / name for name in ("first", "second")]
    for output in outputs:
        assert main(["pack", str(run), "--as", form, "--output", str(output)]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_image_layout_is_whole(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "image.tar"
    assert main(["pack", str(run), "--as", "oci", "--output", str(output)]) == 0
    with tarfile.open(output) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    for name, content in files.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"

    def blob(descriptor: dict[str, object]) -> bytes:
        content = files["blobs/" + str(descriptor["digest"]).replace(":", "/")]
        assert len(content) == descriptor["size"]
        return content

    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(blob(entry))
    config = json.loads(blob(manifest["config"]))
    layer = gzip.decompress(blob(manifest["layers"][0]))
    assert config["architecture"] == entry["platform"]["architecture"] == DEVICE.platform.debian
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        assert "opt/edgener/edgener" in archive.getnames()


def test_debian_package_is_whole(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "edgener.deb"
    assert main(["pack", str(run), "--as", "deb", "--output", str(output)]) == 0
    fields = subprocess.run(["dpkg-deb", "--field", output], check=True, capture_output=True, text=True).stdout
    assert f"Architecture: {DEVICE.platform.debian}\n" in fields
    subprocess.run(["dpkg-deb", "-x", output, tmp_path / "root"], check=True)
    assert (tmp_path / "root/opt/edgener/files.sha256").is_file()
    assert str((tmp_path / "root/usr/bin/edgener").readlink()) == "/opt/edgener/edgener"


def test_a_file_that_is_no_build(tmp_path: Path) -> None:
    assert main(["pack", __file__, "--as", "oci", "--output", str(tmp_path / "x")]) == 48
