"""``edgener-edge``: a device and a bundle in, one file for the device out, and the proof that it runs there."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from edgener.bundle import DEFAULT_BUNDLE
from edgener.dataclass_json import to_plain
from edgener.errors import EdgenerError
from edgener.table import table
from edgener_edge.lock import LOCK_FILE

if TYPE_CHECKING:
    from edgener_edge.apt import AptRoot
    from edgener_edge.cache import Cache
    from edgener_edge.qemu_system import GuestReport

INTERRUPTED = 130
EXAMPLES = """\
examples:
  edgener-edge devices
  edgener-edge build --device pi4                        edgener-pi4.run, with the built-in model
  edgener-edge build --device pi5 --bundle ./my-bundle --output dist/ner.run
  edgener-edge verify edgener-pi4.run                    the host's answers under QEMU?
  edgener-edge boot edgener-pi4.run --memory 256         does it fit into this memory?
  edgener-edge boot edgener-pi4.run --memory 256 --stream news.txt    and a long file with it?
  edgener-edge pack edgener-pi4.run --as deb             or oci: a container image

exit codes: 0 fine, 2 wrong arguments, 6 no key, 10 to 23 a bundle that cannot be used, 41 an unknown device, 42 and 43
a lock file that cannot be used or is out of date, 44 a download, 45 a missing program, 46 a build, 47 answers that
differ, 48 a damaged file, 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv``; the exit code."""
    parser = argparse.ArgumentParser(
        prog="edgener-edge",
        description="Build the recognizer for small machines, and verify it under QEMU.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_devices, _add_build, _add_fetch, _add_verify, _add_boot, _add_pack, _add_lock):
        add(commands)
    options = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], None] = options.command
    try:
        with sigterm_interrupts():
            run(options)
    except KeyboardInterrupt:
        print("edgener-edge: interrupted; the same command goes on with what was downloaded", file=sys.stderr)
        return INTERRUPTED
    except EdgenerError as error:
        print(f"edgener-edge: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"edgener-edge: {error.filename or ''}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Turn SIGTERM into KeyboardInterrupt while the block runs, so that no guest or emulator outlives the command."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _add_devices(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("devices", help="what builds can be made for", description="Print the known devices.")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(command=_devices)


def _devices(options: argparse.Namespace) -> None:
    from edgener_edge.devices import DEVICES

    if options.json:
        print(json.dumps([to_plain(device) for device in DEVICES], ensure_ascii=False, indent=1))
        return
    rows = [("device", "what", "core", "int8 dot product", "cores", "memory", "threads", "system", "note")]
    rows.extend(
        (
            device.name, device.title, device.core, "yes" if device.dot_product else "no", str(device.cores),
            f"{device.memory_mb} MB", str(device.threads), device.system, device.note,
        )
        for device in DEVICES
    )  # fmt: skip
    print(table(rows), end="")


def _add_build(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from edgener_edge.build import DEVICE, OWN

    parser = commands.add_parser(
        "build", help="the file for a device", description="Build the file that is copied to a device."
    )
    parser.add_argument("--device", required=True, metavar="NAME", help="'edgener-edge devices' lists them")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="the model; default: the built-in one")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: edgener-NAME.run, here")
    parser.add_argument("--key", type=Path, metavar="PUBLIC", help="install only models signed with it on the device")
    parser.add_argument(
        "--interpreter", choices=(OWN, DEVICE), default=OWN, help="whose Python and C library; default: %(default)s"
    )
    _add_common(parser)
    parser.set_defaults(command=_build)


def _build(options: argparse.Namespace) -> None:
    from edgener.minisign import PublicKey
    from edgener_edge.build import Order, build
    from edgener_edge.devices import find_device
    from edgener_edge.lock import read_lock

    started = time.monotonic()
    device = find_device(options.device)
    lock = read_lock(options.lock)
    output: Path = options.output or Path(f"edgener-{device.name}.run")
    key = PublicKey.read(options.key) if options.key else None
    order = Order(device, options.bundle, key, options.interpreter)
    built = build(order, output, lock, _cache(options, lock.release), log)
    for path in (built.run, built.tar_gz):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    log(f"{built.folder_bytes / 1e6:.0f} MB unpacked; took {time.monotonic() - started:.0f} s")


def _add_fetch(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "fetch", help="downloads only", description="Fetch what building for a device and verifying the build need."
    )
    parser.add_argument("--device", required=True, metavar="NAME", help="'edgener-edge devices' lists them")
    _add_common(parser)
    parser.set_defaults(command=_fetch)


def _fetch(options: argparse.Namespace) -> None:
    from edgener_edge.build import Order, host_interpreter, resolve
    from edgener_edge.devices import find_device
    from edgener_edge.lock import read_lock
    from edgener_edge.qemu_user import Emulator

    device, lock = find_device(options.device), read_lock(options.lock)
    cache = _cache(options, lock.release)
    parts = resolve(Order(device, DEFAULT_BUNDLE), lock)
    cache.debs(parts.debs)
    cache.wheels(parts.wheels, device.platform, lock.python)
    host_interpreter(lock, cache)
    if device.qemu_cpu:
        Emulator(lock.qemu_user, cache).qemu()
    log(f"everything is in {options.cache}")


def _add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "verify",
        help="the host's answers on the device's processor?",
        description="Run a build under QEMU: golden cases, entities and logits against this machine's own answers.",
    )
    parser.add_argument("file", type=Path, help=".run or .tar.gz of 'edgener-edge build'")
    parser.add_argument("--cpu", action="append", metavar="MODEL", help="default: cortex-a72 and cortex-a76")
    parser.add_argument("--texts", type=Path, metavar="FILE", help="lines to recognize; default: 219 of our own")
    parser.add_argument("--exact", action="store_true", help="fail where logits differ in a bit")
    parser.add_argument("--json", action="store_true", help="for programs")
    _add_common(parser)
    parser.set_defaults(command=_verify)


def _verify(options: argparse.Namespace) -> None:
    from edgener_edge.errors import VerifyError
    from edgener_edge.lock import read_lock
    from edgener_edge.qemu_user import HOST, Emulator
    from edgener_edge.unpack import unpack
    from edgener_edge.verify import SENTENCES, default_cpus, read_sentences, verify

    lock = read_lock(options.lock)
    emulator = Emulator(lock.qemu_user, _cache(options, lock.release))
    texts = read_sentences(options.texts or SENTENCES)
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        (scratch / "build").mkdir()
        artifact = unpack(options.file, scratch / "build")
        cpus = options.cpu or default_cpus(artifact)
        report = verify(artifact, cpus, texts, emulator, scratch)
    if options.json:
        print(json.dumps(to_plain(report), ensure_ascii=False, indent=1))
    else:
        record = artifact.record
        print(f"{options.file}: {record.device}, model {record.model}, {len(texts)} texts")
        print(f"compared with {report.reference}")
        if any(cpu != HOST for cpu in cpus):
            print(f"under {emulator.version()}")
        rows = [
            (
                "processor",
                "golden cases",
                "entities",
                "undecided",
                "logits, bit for bit",
                "score and logit differ by",
                "time",
            )
        ]
        rows.extend(
            (
                one.cpu, f"{one.golden_entities} of {one.golden_cases}", f"{one.same_entities} of {one.texts}",
                str(one.undecided), f"{one.same_logits} of {one.texts}",
                f"{one.largest_score_difference:.2g}, {one.largest_difference:.2g}", f"{one.seconds:.0f} s",
            )
            for one in report.agreements
        )  # fmt: skip
        print(table(rows), end="")
    for one in report.agreements:
        if not one.is_good:
            shown = f", the first one {one.first_difference!r:.80}" if one.first_difference else ""
            raise VerifyError(f"{options.file}: on {one.cpu}, entities differ from the host's{shown}")
        if options.exact and not one.is_exact:
            raise VerifyError(f"{options.file}: on {one.cpu}, logits differ by up to {one.largest_difference:.2g}")


def _add_boot(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "boot",
        help="does it fit into the device's memory?",
        description="Boot a whole machine under QEMU with a real kernel, and run a build in the memory that it has.",
    )
    parser.add_argument("file", type=Path, help=".run of 'edgener-edge build'; one for x86-64 is run by KVM")
    parser.add_argument("--cpu", metavar="MODEL", help="default: the device's; this machine's own for x86-64")
    parser.add_argument(
        "--memory", type=int, action="append", metavar="MB", help="of the machine; default: the device's, and 256"
    )
    lines = parser.add_mutually_exclusive_group()
    lines.add_argument("--stream", type=Path, metavar="TEXT", help="a file whose lines the guest shall recognize")
    lines.add_argument(
        "--stream-kb", type=int, default=20, metavar="KB", help="or so much of our own sentences; default: %(default)s"
    )
    parser.add_argument(
        "--timeout", type=int, default=900, metavar="S", help="longest time without progress; default: %(default)s"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    _add_common(parser)
    parser.set_defaults(command=_boot)


def _boot(options: argparse.Namespace) -> None:
    from edgener_edge.devices import find_device
    from edgener_edge.errors import VerifyError
    from edgener_edge.lock import read_lock
    from edgener_edge.qemu_system import Machine
    from edgener_edge.qemu_user import HOST
    from edgener_edge.unpack import unpack
    from edgener_edge.verify import read_sentences, repeated_lines

    lock = read_lock(options.lock)
    reports = []
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        (scratch / "build").mkdir()
        artifact = unpack(options.file, scratch / "build")
        device = find_device(artifact.record.device)
        machine = Machine(artifact, options.file, lock, _cache(options, lock.release), log)
        lines = options.stream or scratch / "lines.txt"
        if not options.stream:
            lines.write_text(repeated_lines(read_sentences(), options.stream_kb * 1000), encoding="utf-8")
        reference = scratch / "answers.jsonl"
        machine.host_answers(lines, reference)
        for memory in options.memory or [device.memory_mb, 256]:
            cpu = options.cpu or device.qemu_cpu or HOST
            report = machine.boot(cpu, memory, lines, reference, options.timeout)
            reports.append(report)
            if not options.json:
                print(_boot_table(report, lines.stat().st_size), end="", flush=True)
    if options.json:
        print(json.dumps([to_plain(report) for report in reports], ensure_ascii=False, indent=1))
    for report in reports:
        if not report.is_good:
            differs = report.stream is not None and not report.stream.is_good
            what = "other entities than the host's" if differs else "does not run"
            raise VerifyError(f"{options.file}: {what} on {report.cpu} with {report.memory_mb} MB")


def _boot_table(report: GuestReport, stream_bytes: int) -> str:
    rows = [("command", "outcome", "lines", "peak RSS", "time")]
    rows.extend(
        (
            one.name, "answered" if one.exit_code == 0 else f"exit code {one.exit_code}", str(one.lines),
            f"{one.peak_rss_mb:.0f} MB" if one.peak_rss_mb else "", f"{one.seconds:.0f} s",
        )
        for one in report.results
    )  # fmt: skip
    told = [f"{report.cpu}, {report.memory_mb} MB ({report.usable_mb:.0f} usable), Linux {report.kernel}"]
    told += [table(rows).rstrip("\n"), *(f"  {said}" for said in report.said)]
    if report.least_available_mb:
        least = f"never less than {report.least_available_mb:.0f} MB of memory available"
        told.append(f"  stream: {stream_bytes / 1e6:.2f} MB, {least}")
    if report.stream:
        one = report.stream
        entities = f"the host's entities in {one.same_entities} of {one.lines} lines, {one.undecided} undecided"
        scores = "bit for bit" if one.is_identical else f"but for scores, by up to {one.largest_score_difference:.2g}"
        told.append(f"  stream: {entities}; {one.entities} entities; the same answers {scores}")
        told.append(f"  stream: SHA-256 of the answers {report.stream_sha256}")
    return "\n".join(told) + "\n"


def _add_pack(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "pack",
        help="a build in another form",
        description="Put a build into an OCI image (for docker load, podman) or into a Debian package.",
    )
    parser.add_argument("file", type=Path, help=".run or .tar.gz of 'edgener-edge build'")
    parser.add_argument("--as", required=True, choices=("oci", "deb"), dest="form", help="what to write")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: the file's name with .oci.tar or .deb")
    parser.set_defaults(command=_pack)


def _pack(options: argparse.Namespace) -> None:
    from edgener_edge.build import build_time
    from edgener_edge.debian import write_deb
    from edgener_edge.oci import write_oci
    from edgener_edge.unpack import unpack

    stem = options.file.name.removesuffix(".run").removesuffix(".tar.gz")
    ending = {"oci": ".oci.tar", "deb": ".deb"}[options.form]
    output: Path = options.output or options.file.with_name(stem + ending)
    with tempfile.TemporaryDirectory() as directory:
        artifact = unpack(options.file, Path(directory))
        time_of_build = build_time(artifact.record.lock_date)
        if options.form == "oci":
            write_oci(artifact, output, f"edgener:{artifact.record.device}", time_of_build)
        else:
            write_deb(artifact, output, time_of_build)
    print(f"{output}  {output.stat().st_size / 1e6:.1f} MB")


def _add_lock(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "lock", help="pin today's packages", description="Write the lock file anew, from what apt and pip offer today."
    )
    _add_common(parser)
    parser.set_defaults(command=_lock)


def _lock(options: argparse.Namespace) -> None:
    from edgener_edge.update_lock import RELEASE, make_lock

    options.cache.mkdir(parents=True, exist_ok=True)
    lock = make_lock(_apt(options, RELEASE), datetime.now(UTC).date().isoformat(), options.cache, log)
    options.lock.parent.mkdir(parents=True, exist_ok=True)
    draft = options.lock.with_name(f".{options.lock.name}.draft")
    draft.write_text(lock.to_json(), encoding="utf-8")
    draft.replace(options.lock)
    print(options.lock)


def _add_common(parser: argparse.ArgumentParser) -> None:
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgener" / "edge"
    parser.add_argument("--cache", type=Path, default=default, metavar="DIR", help="downloads; default: %(default)s")
    parser.add_argument("--lock", type=Path, default=LOCK_FILE, metavar="FILE", help="default: the one that is shipped")
    parser.add_argument("--apt-sources", type=Path, metavar="FILE", help="Debian's archive; default: this machine's")


def _cache(options: argparse.Namespace, release: str) -> Cache:
    from edgener_edge.cache import Cache

    options.cache.mkdir(parents=True, exist_ok=True)
    return Cache(options.cache, _apt(options, release), log)


def _apt(options: argparse.Namespace, release: str) -> AptRoot:
    from edgener_edge.apt import AptRoot

    return AptRoot(options.cache / "apt", release, options.apt_sources)


def log(message: str) -> None:
    """A line for people, apart from the results."""
    print(message, file=sys.stderr, flush=True)
