"""Write sbom.json, which lists the parts of a build as CycloneDX. The only file that imports cyclonedx."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import edgener
from edgener.bundle import Manifest
from edgener.errors import how_to_install
from edgener_edge.errors import ToolError
from edgener_edge.lock import Deb, Wheel

try:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL
except ImportError as error:
    raise ToolError(f"a build needs cyclonedx-python-lib: {how_to_install('edge')}") from error

FILE = "sbom.json"
NAMESPACE = uuid.UUID("6f1c7a51-6a2e-5a0e-9b53-0f3d3b1f9f10")
"""Namespace of the serial numbers, which follow from the content."""


def software_bill(
    name: str, debs: Sequence[Deb], wheels: Sequence[Wheel], model: Manifest, release: str, time: int
) -> str:
    """CycloneDX 1.6 JSON: packages with their checksums, the runtime and the model. The same parts: the same text."""
    components = [_deb(deb, release) for deb in debs] + [_wheel(wheel) for wheel in wheels] + [_model(model)]
    identity = "\n".join(sorted(f"{item.name} {item.version} {item.hashes}" for item in components))
    root = Component(name=name, version=edgener.__version__, type=ComponentType.APPLICATION, bom_ref=name)
    bom = Bom(components=components, serial_number=uuid.uuid5(NAMESPACE, f"{name}\n{identity}"))
    bom.metadata.timestamp = datetime.fromtimestamp(time, UTC)
    bom.metadata.component = root
    bom.register_dependency(root, components)
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _deb(deb: Deb, release: str) -> Component:
    url = PackageURL("deb", "debian", deb.name, deb.version, {"arch": deb.architecture, "distro": release})
    return _component(deb.name, deb.version, ComponentType.LIBRARY, deb.sha256, url)


def _wheel(wheel: Wheel) -> Component:
    url = PackageURL("pypi", None, wheel.name, wheel.version, {"file_name": wheel.file_name})
    return _component(wheel.name, wheel.version, ComponentType.LIBRARY, wheel.sha256, url)


def _model(model: Manifest) -> Component:
    graph = model.files["model.onnx"]
    return _component(model.name, model.created_by, ComponentType.MACHINE_LEARNING_MODEL, graph.sha256, None)


def _component(name: str, version: str, kind: ComponentType, sha256: str, url: PackageURL | None) -> Component:
    hashes: Iterable[HashType] = [HashType(alg=HashAlgorithm.SHA_256, content=sha256)]
    return Component(
        name=name, version=version, type=kind, hashes=hashes, purl=url, bom_ref=str(url) if url else f"model:{name}"
    )
