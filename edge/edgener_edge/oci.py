"""Pack a build as an OCI image layout in one .tar: one layer, no base, no shell; docker load and podman read it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

from edgener_edge.archive import draft_of, gzipped, write_tar
from edgener_edge.devices import find_device
from edgener_edge.unpack import Artifact

PLACE = "opt/edgener"
DOCKER_MANIFEST = "manifest.json"
"""The file by which Docker's older image store, that of Debian 12, finds the same blobs."""
PORT = 8765
"""Port on which containers serve HTTP."""
ARCHITECTURES = {"aarch64": {"architecture": "arm64", "variant": "v8"}, "x86_64": {"architecture": "amd64"}}
MEDIA = "application/vnd.oci.image"


def write_oci(artifact: Artifact, target: Path, tag: str, time: int) -> None:
    """Write the image of an unpacked build to ``target``; the same build and ``time`` (Unix) give the same bytes."""
    with draft_of(target) as draft:
        write_tar(artifact.folder, PLACE, draft, time)
        _write_layout(draft, _layout(artifact, draft.read_bytes(), tag, time), time)


def _layout(artifact: Artifact, content: bytes, tag: str, time: int) -> dict[str, bytes]:
    """The files of the layout by name; ``content`` is the tar of the image's only layer."""
    layer = gzipped(content)
    config = _json(_config(artifact, hashlib.sha256(content).hexdigest(), time))
    platform = {"os": "linux", **ARCHITECTURES[artifact.record.machine]}
    manifest = _json({
        "schemaVersion": 2,
        "mediaType": f"{MEDIA}.manifest.v1+json",
        "config": _descriptor(f"{MEDIA}.config.v1+json", config),
        "layers": [_descriptor(f"{MEDIA}.layer.v1.tar+gzip", layer)],
    })  # fmt: skip
    entry = _descriptor(f"{MEDIA}.manifest.v1+json", manifest)
    entry |= {"platform": platform, "annotations": {"org.opencontainers.image.ref.name": tag}}
    index = _json({"schemaVersion": 2, "mediaType": f"{MEDIA}.index.v1+json", "manifests": [entry]})
    blobs = {f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}": blob for blob in (layer, config, manifest)}
    layer_name, config_name, _ = blobs
    docker = _json([{"Config": config_name, "RepoTags": [tag], "Layers": [layer_name]}])
    return blobs | {"index.json": index, "oci-layout": _json({"imageLayoutVersion": "1.0.0"}), DOCKER_MANIFEST: docker}


def _write_layout(target: Path, files: dict[str, bytes], time: int) -> None:
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, blob in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(blob), time, 0o644
            archive.addfile(member, io.BytesIO(blob))


def _http(python: list[str]) -> dict[str, object]:
    """Return what the configuration of an image that serves HTTP says besides; Docker heeds the check of its health."""
    second = 1_000_000_000
    return {
        "ExposedPorts": {f"{PORT}/tcp": {}},
        "Healthcheck": {
            "Test": ["CMD", *python, "edgener.serve.probe", f"http://127.0.0.1:{PORT}/ready"],
            "Interval": 30 * second,
            "Timeout": 5 * second,
            "StartPeriod": 10 * second,
            "Retries": 3,
        },
    }


def _config(artifact: Artifact, layer: str, time: int) -> dict[str, object]:
    """The image's configuration: it is started by the loader itself, as there is no shell for the launcher."""
    top = f"/{PLACE}"
    loader = [f"{top}/syslib/{artifact.platform.loader}", "--library-path", f"{top}/syslib"]
    python = [*loader, f"{top}/bin/python{artifact.python}", "-OO", "-S", "-P", "-m"]
    return {
        "created": datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z"),
        "os": "linux",
        **ARCHITECTURES[artifact.record.machine],
        "config": {
            "Entrypoint": [*python, "edgener"],
            "Env": [
                f"PYTHONHOME={top}", f"PYTHONPATH={top}/site", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUTF8=1",
                "OPENBLAS_NUM_THREADS=1", f"EDGENER_BUILD={top}",
                f"EDGENER_THREADS={find_device(artifact.record.device).threads}",
            ],
            **(_http(python) if artifact.record.serves_http else {}),
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
    }  # fmt: skip


def _descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}", "size": len(blob)}


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
