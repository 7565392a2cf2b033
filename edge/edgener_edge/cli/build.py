"""``edgener-edge build``, ``fetch`` and ``lock``: the file for a device, its downloads, and what pins them."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

from edgener.built_in import bundle_directory
from edgener.command_line import Command
from edgener.standard_streams import log, write
from edgener_edge.cli.downloads import GOES_ON, add_downloads, apt_root, cache_directory, open_cache


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", required=True, metavar="NAME", help="device, of those that 'devices' lists")


def _add_build(parser: argparse.ArgumentParser) -> None:
    from edgener_edge.build import DEVICE, OWN

    _add_device(parser)
    parser.add_argument(
        "--bundle", type=bundle_directory, metavar="DIR", help="directory of the model; default: the built-in one"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="file to write; default: edgener-NAME.run in this directory"
    )
    parser.add_argument(
        "--key", type=Path, metavar="PUBLIC", help="public key; the device installs only models signed with it"
    )
    parser.add_argument(
        "--interpreter",
        choices=(OWN, DEVICE),
        default=OWN,
        help="bring a Python and C library, or use those of the device; default: %(default)s",
    )
    parser.add_argument("--http", action="store_true", help="carry what 'edgener serve --http' needs besides")
    add_downloads(parser)


def _build(options: argparse.Namespace) -> None:
    from edgener.built_in import DEFAULT_BUNDLE
    from edgener.minisign import PublicKey
    from edgener_edge.build import Order, build
    from edgener_edge.devices import find_device
    from edgener_edge.lock import read_lock

    started = time.monotonic()
    device = find_device(options.device)
    lock = read_lock(options.lock)
    output: Path = options.output or Path(f"edgener-{device.name}.run")
    key = PublicKey.read(options.key) if options.key else None
    order = Order(device, options.bundle or DEFAULT_BUNDLE, key, options.interpreter, options.http)
    built = build(order, output, lock, open_cache(options, lock.release), log)
    for path in (built.run, built.tar_gz):
        write(f"{path}  {path.stat().st_size / 1e6:.1f} MB\n")
    log(f"{built.folder_bytes / 1e6:.0f} MB unpacked; took {time.monotonic() - started:.0f} s")


def _add_fetch(parser: argparse.ArgumentParser) -> None:
    _add_device(parser)
    add_downloads(parser)


def _fetch(options: argparse.Namespace) -> None:
    from edgener_edge.build import host_interpreter
    from edgener_edge.devices import find_device
    from edgener_edge.lock import read_lock
    from edgener_edge.qemu_user import Emulator

    device, lock = find_device(options.device), read_lock(options.lock)
    cache = open_cache(options, lock.release)
    packages = lock.packages_for(device.platform.machine)
    cache.debs(packages.python)
    cache.wheels(packages.wheels + packages.signing_wheels + packages.http_wheels, device.platform, lock.python)
    host_interpreter(lock, cache)
    if device.qemu_cpu:
        Emulator(lock.qemu_user, cache).qemu()
    log(f"everything is in {cache.directory}")


def _lock(options: argparse.Namespace) -> None:
    from edgener_edge.archive import check_output, draft_of
    from edgener_edge.update_lock import RELEASE, make_lock

    check_output(options.lock)
    apt = apt_root(options, RELEASE)
    apt.require_suites()
    lock = make_lock(apt, datetime.now(UTC).date().isoformat(), cache_directory(options), log)
    with draft_of(options.lock) as draft:
        draft.write_text(lock.to_json(), encoding="utf-8")
    write(f"{options.lock}\n")


BUILD = Command(
    name="build",
    summary="build the file that is copied to a device",
    description="Build the file that is copied to a device, which unpacks itself there and needs no network.",
    examples="""\
edgener-edge build --device pi4
edgener-edge build --device x86-64 --http
edgener-edge build --device pi5 --bundle ./my-bundle --output dist/ner.run""",
    add_arguments=_add_build,
    run=_build,
    when_interrupted=GOES_ON,
)
FETCH = Command(
    name="fetch",
    summary="download what build and verify need",
    description="Download what a build for a device and its check need, whatever the options, to do both without "
    "a network.",
    examples="edgener-edge fetch --device pi4",
    add_arguments=_add_fetch,
    run=_fetch,
    when_interrupted=GOES_ON,
)
LOCK = Command(
    name="lock",
    summary="pin the packages that are offered today",
    description="Write the lock file again, with the packages that apt and pip offer today.",
    examples="edgener-edge lock --lock my-lock.json",
    add_arguments=add_downloads,
    run=_lock,
    when_interrupted=GOES_ON,
)
