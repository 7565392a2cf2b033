"""``edgener-edge``: a device and a bundle in, one file for the device out, and the proof that it runs there."""

from __future__ import annotations

from edgener.command_line import Program
from edgener_edge.cli.boot import BOOT
from edgener_edge.cli.build import BUILD, FETCH, LOCK
from edgener_edge.cli.devices import DEVICES_COMMAND
from edgener_edge.cli.pack import PACK
from edgener_edge.cli.verify import VERIFY

PROGRAM = Program(
    name="edgener-edge",
    description="Build the recognizer for small machines, and verify it under QEMU.",
    examples="""\
edgener-edge devices
edgener-edge build --device pi4                    edgener-pi4.run, with the built-in model
edgener-edge verify edgener-pi4.run                does it give the host's answers?
edgener-edge boot edgener-pi4.run --memory 256     does it fit into this memory?
edgener-edge pack edgener-pi4.run --as deb         or oci: a container image""",
    exit_codes="""0 success, 1 another error of the operating system, 2 wrong arguments, 3 a file that cannot be read, 4
output cannot be written, 6 no key, 10 to 23 a bundle that cannot be used (docs/bundle.md lists them), 41 an unknown
device, 42 and 43 a lock file that cannot be used or is out of date, 44 a download, 45 a missing program, 46 a build, 47
answers that differ, 48 a damaged file, 49 a Debian archive that apt is not told of, 130 Ctrl-C, 141 closed pipe, 143
SIGTERM""",
    commands=(DEVICES_COMMAND, BUILD, FETCH, VERIFY, BOOT, PACK, LOCK),
)
main = PROGRAM.main
