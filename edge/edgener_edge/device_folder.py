"""Fill the relocatable folder of one device with interpreter, C library, wheels, runtime, model and nothing else."""

from __future__ import annotations

import fnmatch
import re
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import edgener
from edgener.built_in import BUILT_IN
from edgener.bundle import FP16_FILES, MANIFEST, Bundle, describe_file
from edgener.doctor import CHECKSUMS
from edgener.errors import MachineError
from edgener.minisign import PublicKey
from edgener.signing import TRUSTED_KEY
from edgener_edge.devices import Platform
from edgener_edge.errors import BuildError
from edgener_edge.lock import Wheel
from edgener_edge.run_program import run_program

ON_DEVICE = Path(__file__).parent / "on_device"
SITE = "site"
"""Directory of a folder that holds the Python packages."""
RUNTIME = f"{SITE}/edgener"
"""Directory of a folder that holds the runtime."""
MODEL = f"{RUNTIME}/{BUILT_IN}"
"""Directory of a folder that holds its model."""
MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_")
LIBRARIES = (
    "libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0", "libutil.so.1", "libresolv.so.2",
    "libz.so.1", "libexpat.so.1", "libffi.so.8", "libbz2.so.1.0", "liblzma.so.5", "libcrypto.so.3",
    "libstdc++.so.6", "libgcc_s.so.1",
)  # fmt: skip
"""The libraries that the interpreter and the wheels are linked with, besides the loader."""
PRUNED_STDLIB = (
    "test", "*/test", "*/tests", "idlelib", "lib2to3", "distutils", "ensurepip", "tkinter", "turtledemo", "turtle.py",
    "pydoc_data", "dbm", "sqlite3", "curses", "config-*", "venv", "antigravity.py", "this.py", "_aix_support.py",
    "lib-dynload/_curses*", "lib-dynload/_dbm*", "lib-dynload/_gdbm*", "lib-dynload/_sqlite3*",
    "lib-dynload/_test*", "lib-dynload/_crypt.*", "lib-dynload/_uuid*", "lib-dynload/nis*", "lib-dynload/ossaudiodev*",
    "lib-dynload/readline*", "lib-dynload/_xxtestfuzz*", "lib-dynload/xx*", "lib-dynload/audioop*",
    "lib-dynload/_codecs_jp*", "lib-dynload/_codecs_kr*", "lib-dynload/_codecs_iso2022*", "*.pyi", "__pycache__",
    "sitecustomize.py", "EXTERNALLY-MANAGED", "_sysconfigdata_*d_linux*",
)  # fmt: skip
SSL = ("lib-dynload/_ssl*",)
SSL_LIBRARIES = ("libssl.so.3",)
"""The module ssl, and the library that it is linked with."""
PRUNED_WHEELS = (
    "onnxruntime/capi/libonnxruntime.so*", "onnxruntime/transformers", "onnxruntime/tools", "onnxruntime/quantization",
    "onnxruntime/datasets", "onnxruntime/backend", "numpy/f2py", "numpy/_core/include", "numpy/_core/lib",
    "numpy/*/tests", "numpy/*/*/tests", "numpy/tests", "numpy/_pyinstaller", "numpy/distutils", "*.pyi", "*.a", "*.h",
    "*.pxd", "*.dist-info/RECORD", "*.dist-info/WHEEL", "*.dist-info/top_level.txt", "*.dist-info/entry_points.txt",
    "*.dist-info/INSTALLER",
)  # fmt: skip
PYTHON_SETTINGS = (
    "PYTHONHOME", "PYTHONSAFEPATH", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONWARNINGS", "PYTHONTRACEMALLOC",
    "PYTHONHASHSEED", "PYTHONMALLOC", "PYTHONMALLOCSTATS", "PYTHONPLATLIBDIR", "PYTHONINTMAXSTRDIGITS",
    "PYTHONVERBOSE", "PYTHONDEBUG", "PYTHONDEVMODE", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONFAULTHANDLER",
    "PYTHONASYNCIODEBUG", "PYTHONDUMPREFS", "PYTHONPROFILEIMPORTTIME", "PYTHONCASEOK", "PYTHONEXECUTABLE",
    "PYTHONPYCACHEPREFIX", "PYTHONOPTIMIZE", "PYTHONBREAKPOINT", "PYTHONCOERCECLOCALE", "PYTHONPERFSUPPORT",
)  # fmt: skip
"""Variables of Python's that a caller may have set, and that a build starts without."""


def unpack_debs(debs: Iterable[Path], root: Path) -> None:
    """Unpack Debian packages into ``root``, without installing them."""
    for deb in debs:
        run_program(["dpkg-deb", "-x", deb, root], "run this on Debian or install dpkg")


def add_interpreter(folder: Path, root: Path, platform: Platform, python: str, *, with_ssl: bool = False) -> None:
    """Put ``bin``, ``lib`` and ``syslib`` into ``folder`` from the Debian packages unpacked in ``root``.

    ``with_ssl`` keeps the module ssl, which the libraries for HTTP import whether they use it or not.
    """
    (folder / "bin").mkdir()
    shutil.copyfile(root / f"usr/bin/python{python}", folder / f"bin/python{python}")
    pruned = PRUNED_STDLIB if with_ssl else PRUNED_STDLIB + SSL
    copy_folder(root / f"usr/lib/python{python}", folder / f"lib/python{python}", pruned)
    (folder / "syslib").mkdir()
    for name in (platform.loader, *LIBRARIES, *(SSL_LIBRARIES if with_ssl else ())):
        shutil.copyfile(_library(root, platform, name), folder / "syslib" / name)


def add_wheels(folder: Path, wheels: Iterable[Path]) -> None:
    """Unpack wheels into ``folder/site``, without what the recognizer never imports."""
    site = folder / SITE
    site.mkdir(exist_ok=True)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if not name.endswith("/") and not is_pruned(name, PRUNED_WHEELS):
                    archive.extract(name, site)


def add_runtime(folder: Path, model: Bundle, *, with_fp16: bool) -> None:
    """Put the runtime and, as its default, the model into ``folder``, with the model's graph for GPUs or without."""
    source = Path(edgener.__file__).parent
    copy_folder(source, folder / RUNTIME, (BUILT_IN, "__pycache__", "*.pyc"))
    target = folder / MODEL
    target.mkdir()
    files = {name: file for name, file in model.manifest.files.items() if with_fp16 or name not in FP16_FILES}
    for name in files:
        shutil.copyfile(model.path(name), target / name)
    (target / MANIFEST).write_text(replace(model.manifest, files=files).to_json(), encoding="utf-8")


def add_trusted_key(folder: Path, key: PublicKey) -> None:
    """Let the device install only models that ``key`` signed."""
    (folder / TRUSTED_KEY).write_text(key.to_text(), encoding="utf-8")


def add_launcher(folder: Path, platform: Platform, python: str, threads: int) -> None:
    """Write the script that starts the folder's own interpreter."""
    text = fill((ON_DEVICE / "launcher.sh").read_text(encoding="utf-8"), {
        "THREADS": str(threads), "LOADER": platform.loader, "PYTHON": python,
        "PYTHON_SETTINGS": " ".join(PYTHON_SETTINGS),
        "MACHINE_ERROR": str(MachineError.exit_code),
    })  # fmt: skip
    (folder / "edgener").write_text(text, encoding="utf-8")


def add_device_launcher(folder: Path, platform: Platform, python: str, glibc: str, threads: int) -> None:
    """Write the script that starts the device's own interpreter, and the program that checks whether it fits."""
    text = fill((ON_DEVICE / "launcher-device.sh").read_text(encoding="utf-8"), {
        "THREADS": str(threads), "PYTHON": python, "GLIBC": glibc, "MACHINE": platform.machine,
        "PYTHON_SETTINGS": " ".join(PYTHON_SETTINGS),
        "MACHINE_ERROR": str(MachineError.exit_code),
    })  # fmt: skip
    (folder / "edgener").write_text(text, encoding="utf-8")
    shutil.copyfile(ON_DEVICE / "check_interpreter.py", folder / "check_interpreter.py")


def needed_glibc(wheels: Iterable[Wheel]) -> str:
    """The oldest glibc that all of ``wheels`` run on, by the tags in their names (PEP 600)."""
    newest = (2, 17)
    for wheel in wheels:
        tags = [(int(major), int(minor)) for major, minor in MANYLINUX.findall(wheel.file_name)]
        newest = max(newest, min(tags, default=newest))
    return f"{newest[0]}.{newest[1]}"


def compile_sources(folder: Path, host: Path, host_platform: Platform, python: str) -> None:
    """Byte-compile all Python files of ``folder`` with the pinned interpreter in the folder ``host``.

    Docstrings and assertions are left out, which saves over a megabyte of memory: the interpreter is started with -OO.
    The bytecode names files relative to the folder and carries no time, so it is the same wherever it is made.
    """
    command = interpreter_command(host, host_platform, python)
    options: list[str | Path] = [
        "-S",
        "-m",
        "compileall",
        "-q",
        "-o",
        "2",
        "--invalidation-mode",
        "unchecked-hash",
        "-s",
        folder,
        "-p",
        "/edgener",
    ]
    env = {"PYTHONHOME": str(host), "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}

    def compile_part(part: str) -> None:
        run_program([*command, *options, folder / part], "the pinned interpreter must run on this machine", env=env)

    with ThreadPoolExecutor() as pool:
        list(pool.map(compile_part, [part for part in ("lib", SITE) if (folder / part).exists()]))


def interpreter_command(folder: Path, platform: Platform, python: str) -> list[str]:
    """The command that starts the interpreter of a folder without its launcher."""
    syslib = folder / "syslib"
    return [str(syslib / platform.loader), "--library-path", str(syslib), str(folder / f"bin/python{python}")]


def set_modes(folder: Path) -> None:
    """Give all files the same permissions wherever they were built: programs 755, data 644."""
    programs = {folder / "edgener", *folder.glob("bin/*"), *folder.glob("syslib/ld-*")}
    for path in sorted(folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path in programs else 0o644)
    folder.chmod(0o755)


def write_checksums(folder: Path) -> None:
    """List the SHA-256 of every file of ``folder`` as sha256sum does: the device checks itself with it."""
    lines = [f"{describe_file(path).sha256}  {path.relative_to(folder).as_posix()}\n" for path in _files(folder)]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    (folder / CHECKSUMS).chmod(0o644)


def copy_folder(source: Path, target: Path, pruned: Sequence[str] = ()) -> None:
    """Copy the folder ``source`` without what matches a pattern, by its path in it.

    The first file that cannot be copied ends it with its error; shutil.copytree would try all others, too.
    """
    target.mkdir(parents=True)
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if is_pruned(name, pruned):
            continue
        if path.is_dir():
            (target / name).mkdir()
        else:
            shutil.copy2(path, target / name)


def is_pruned(name: str, patterns: Sequence[str]) -> bool:
    """True if the file ``name``, or a directory that it lies in, matches a pattern.

    A pattern without a slash stands for a name at any depth, one with a slash for a path from the top.
    """
    parts = name.split("/")
    heads = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    for pattern in patterns:
        candidates = heads if "/" in pattern else parts
        if any(fnmatch.fnmatchcase(candidate, pattern) for candidate in candidates):
            return True
    return False


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replace each ``@NAME@`` of a script by its value."""
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def _library(root: Path, platform: Platform, name: str) -> Path:
    for directory in (f"lib/{platform.triplet}", f"usr/lib/{platform.triplet}", "lib", "lib64", "usr/lib"):
        path = root / directory / name
        if path.exists():
            return path.resolve()
    raise BuildError(f"{name}: in none of the packages of the lock file; 'edgener-edge lock' writes it anew")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
