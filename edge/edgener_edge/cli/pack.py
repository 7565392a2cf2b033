"""``edgener-edge pack``: a build as a container image or a Debian package."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from edgener.command_line import Command
from edgener.standard_streams import log, write


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help=".run or .tar.gz of 'edgener-edge build'")
    parser.add_argument("--as", required=True, choices=("oci", "deb"), dest="form", help="container image or package")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="file to write; default: FILE with the ending .oci.tar or .deb"
    )


def _pack(options: argparse.Namespace) -> None:
    from edgener_edge.archive import check_output
    from edgener_edge.build import build_time
    from edgener_edge.debian import write_deb
    from edgener_edge.oci import write_oci
    from edgener_edge.unpack import unpack

    stem = options.file.name.removesuffix(".run").removesuffix(".tar.gz")
    ending = {"oci": ".oci.tar", "deb": ".deb"}[options.form]
    output: Path = options.output or options.file.parent / (stem + ending)
    options.file.stat()  # one that is missing is told first
    check_output(output)
    with tempfile.TemporaryDirectory() as directory:
        log(f"unpacking {options.file}, and checking every byte")
        artifact = unpack(options.file, Path(directory))
        log("compressing; on one core it takes a minute or two")
        time_of_build = build_time(artifact.record.lock_date)
        if options.form == "oci":
            write_oci(artifact, output, f"edgener:{artifact.record.device}", time_of_build)
        else:
            write_deb(artifact, output, time_of_build)
    write(f"{output}  {output.stat().st_size / 1e6:.1f} MB\n")


PACK = Command(
    name="pack",
    summary="turn a build into a container image or a Debian package",
    description="Put a build into an OCI image (for docker load, podman) or into a Debian package.",
    examples="edgener-edge pack edgener-pi4.run --as deb\nedgener-edge pack edgener-pi4.run --as oci --output ner.tar",
    add_arguments=_add_arguments,
    run=_pack,
)
