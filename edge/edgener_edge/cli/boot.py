"""``edgener-edge boot``: a build in a whole machine under QEMU, with the memory that the device has."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.command_line import Command, add_json
from edgener.dataclass_json import to_plain
from edgener.errors import UsageError
from edgener.standard_streams import log, write
from edgener.table import table
from edgener_edge.cli.downloads import GOES_ON, add_downloads, open_cache

if TYPE_CHECKING:
    from edgener_edge.qemu_system import GuestReport


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help=".run of 'edgener-edge build'; one for x86-64 is run by KVM"
    )
    parser.add_argument(
        "--cpu", metavar="MODEL", help="processor; default: the device's, or this machine's own for x86-64"
    )
    parser.add_argument(
        "--memory",
        type=int,
        action="append",
        metavar="MB",
        help="memory of the machine; may be repeated; default: the device's, and 256",
    )
    lines = parser.add_mutually_exclusive_group()
    lines.add_argument("--stream", type=Path, metavar="TEXT", help="file whose lines the machine shall recognize")
    lines.add_argument(
        "--stream-kb",
        type=int,
        default=20,
        metavar="KB",
        help="instead of a file, so many kilobytes of sentences that edgener brings; default: %(default)s",
    )
    parser.add_argument(
        "--timeout", type=int, default=900, metavar="S", help="most seconds without progress; default: %(default)s"
    )
    add_json(parser)
    add_downloads(parser)


def _boot(options: argparse.Namespace) -> None:
    from edgener_edge.devices import find_device
    from edgener_edge.errors import VerifyError
    from edgener_edge.lock import read_lock
    from edgener_edge.qemu_system import Machine
    from edgener_edge.qemu_user import HOST
    from edgener_edge.unpack import unpack
    from edgener_edge.verify import read_sentences, repeated_lines

    for name, numbers in (("memory", options.memory or ()), ("timeout", (options.timeout,))):
        for number in numbers:
            if number < 1:
                raise UsageError(f"--{name} is {number}; it must be at least 1")
    lock = read_lock(options.lock)
    reports = []
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        (scratch / "build").mkdir()
        artifact = unpack(options.file, scratch / "build")
        device = find_device(artifact.record.device)
        machine = Machine(artifact, options.file, lock, open_cache(options, lock.release), log)
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
                write(_boot_table(report, lines.stat().st_size))
    if options.json:
        write(json.dumps([to_plain(report) for report in reports], ensure_ascii=False, indent=1) + "\n")
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


BOOT = Command(
    name="boot",
    summary="run a build in a machine with the device's memory",
    description="Boot a whole machine under QEMU with a real kernel, and run a build in the memory that it has.",
    examples="""\
edgener-edge boot edgener-pi4.run --memory 256
edgener-edge boot edgener-pi4.run --memory 256 --stream news.txt""",
    add_arguments=_add_arguments,
    run=_boot,
    when_interrupted=GOES_ON,
)
