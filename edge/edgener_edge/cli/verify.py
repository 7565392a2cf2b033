"""``edgener-edge verify``: the answers of a build on the device's processor, against the host's."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from edgener.command_line import Command, add_json
from edgener.dataclass_json import to_plain
from edgener.standard_streams import write
from edgener.table import table
from edgener_edge.cli.downloads import GOES_ON, add_downloads, open_cache


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help=".run or .tar.gz of 'edgener-edge build'")
    parser.add_argument(
        "--cpu",
        action="append",
        metavar="MODEL",
        help="processor that QEMU imitates; host is this machine's own; may be repeated; default: that of the device, "
        "cortex-a72 and cortex-a76; for x86-64 host",
    )
    parser.add_argument(
        "--texts", type=Path, metavar="FILE", help="lines to recognize; default: 219 sentences that edgener brings"
    )
    parser.add_argument("--exact", action="store_true", help="fail if a single bit of the logits differs")
    add_json(parser)
    add_downloads(parser)


def _verify(options: argparse.Namespace) -> None:
    from edgener_edge.errors import VerifyError
    from edgener_edge.lock import read_lock
    from edgener_edge.qemu_user import HOST, Emulator, verify_cpu
    from edgener_edge.unpack import unpack
    from edgener_edge.verify import SENTENCES, check_version, default_cpus, read_sentences, verify

    for cpu in options.cpu or ():
        verify_cpu(cpu)
    lock = read_lock(options.lock)
    emulator = Emulator(lock.qemu_user, open_cache(options, lock.release))
    texts = read_sentences(options.texts or SENTENCES)
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        (scratch / "build").mkdir()
        artifact = unpack(options.file, scratch / "build")
        check_version(artifact, options.file)
        cpus = options.cpu or default_cpus(artifact)
        report = verify(artifact, cpus, texts, emulator, scratch)
    if options.json:
        write(json.dumps(to_plain(report), ensure_ascii=False, indent=1) + "\n")
    else:
        record = artifact.record
        write(f"{options.file}: {record.device}, model {record.model}, {len(texts)} texts\n")
        write(f"compared with {report.reference}\n")
        if any(cpu != HOST for cpu in cpus):
            write(f"under {emulator.version()}\n")
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
        write(table(rows))
    for one in report.agreements:
        if not one.is_good:
            shown = f", the first one {one.first_difference!r:.80}" if one.first_difference else ""
            raise VerifyError(f"{options.file}: on {one.cpu}, entities differ from the host's{shown}")
        if options.exact and not one.is_exact:
            raise VerifyError(f"{options.file}: on {one.cpu}, logits differ by up to {one.largest_difference:.2g}")


VERIFY = Command(
    name="verify",
    summary="compare a build's answers under QEMU with the host's",
    description="Run a build under QEMU, and compare golden cases, entities and logits with this machine's answers.",
    examples="""\
edgener-edge verify edgener-pi4.run
edgener-edge verify edgener-pi4.run --cpu cortex-a72 --texts my-lines.txt --json""",
    add_arguments=_add_arguments,
    run=_verify,
    when_interrupted=GOES_ON,
)
