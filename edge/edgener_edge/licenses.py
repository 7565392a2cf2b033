"""Write THIRD_PARTY.txt: the licence texts of everything that a build carries, and where its sources are."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from edgener_edge.errors import BuildError
from edgener_edge.lock import Deb, Wheel

FILE = "THIRD_PARTY.txt"
COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])")
COMMON_PACKAGE = "base-files"
"""Debian's package with the texts of the common licences."""
OWN = "Apache-2.0"
"""edgener's own licence."""
RULE = "=" * 100
LICENSE_FILES = ("license", "copying", "notice", "thirdparty", "third_party", "copyright")
HEAD = """\
edgener and its model: the licences that the model's README.md names, and Apache-2.0 (below) for edgener itself.
This folder carries the programs and libraries listed here, unchanged but for files left out, under the licences
below. The source of a Debian package: 'apt-get source NAME=VERSION' on Debian; of a Python package: its page on PyPI.
The GNU C library, libgcc and libstdc++, where they are carried, are linked dynamically and may be replaced: they lie in
syslib/.

"""


def third_party(debs: Sequence[Deb], root: Path, wheels: Sequence[tuple[Wheel, Path]]) -> str:
    """The text of THIRD_PARTY.txt, from Debian packages unpacked in ``root`` and from wheels.

    A text that several packages share stands there once. Raises BuildError for a package without any.
    """
    texts: dict[str, list[str]] = {}
    for deb in debs:
        document = root / "usr/share/doc" / deb.name / "copyright"
        if not document.exists():
            raise BuildError(f"{deb.name} {deb.version}: carries no copyright file; it cannot be passed on")
        text = document.read_text(encoding="utf-8", errors="replace")
        texts.setdefault(text, []).append(f"Debian package {deb.name} {deb.version}")
    for wheel, path in wheels:
        found = _license_texts(path)
        if not found:
            raise BuildError(f"{wheel.file_name}: carries no licence text; it cannot be passed on")
        for text in found:
            texts.setdefault(text, []).append(f"Python package {wheel.name} {wheel.version}")
    for name in sorted(set(COMMON.findall("".join(texts))) | {OWN}):
        common = root / "usr/share/common-licenses" / name
        if common.exists():
            texts.setdefault(common.read_text(encoding="utf-8"), []).append(f"Licence {name}, named above")
    sections = [f"{RULE}\n{chr(10).join(names)}\n{RULE}\n{text.strip()}\n" for text, names in texts.items()]
    return HEAD + "\n".join(sections)


def _license_texts(wheel: Path) -> list[str]:
    """Licence files anywhere in a wheel, in the order of their names; metadata that names the licence if none."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in sorted(archive.namelist()) if _is_license(name)]
        names = names or [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return [archive.read(name).decode("utf-8", "replace") for name in names]


def _is_license(name: str) -> bool:
    file = name.rsplit("/", 1)[-1].lower()
    return file.startswith(LICENSE_FILES) and not file.endswith((".py", ".pyc", ".so"))
