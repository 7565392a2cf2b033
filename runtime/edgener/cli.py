"""``edgener``, the command line of the recognizer: text in, entities out, and commands about models and devices."""

from __future__ import annotations

from edgener.command_line import Program
from edgener.device_cli import BENCH, DOCTOR, ENV, INSTALL, ROLLBACK
from edgener.map_cli import MAP
from edgener.model_cli import CHECK, INSPECT
from edgener.recognize_cli import RECOGNIZE
from edgener.serve_cli import SERVE
from edgener.signing_cli import KEYGEN, SIGN

PROGRAM = Program(
    name="edgener",
    description=RECOGNIZE.description,
    examples=RECOGNIZE.examples,
    exit_codes="""0 success, 1 another error of the operating system, 2 wrong arguments, 3 unreadable input, 4 output
cannot be written, 5 a machine that edgener cannot run on, 6 no key, 7 a package that is not installed, 8 no such GPU,
9 an output folder with results of another job, 10 to 23 a bundle that cannot be used (docs/bundle.md lists them),
24 parts of a corpus that could not be annotated, 130 Ctrl-C, 141 closed pipe, 143 SIGTERM""",
    commands=(MAP, INSPECT, CHECK, ENV, DOCTOR, BENCH, SERVE, INSTALL, ROLLBACK, SIGN, KEYGEN),
    default=RECOGNIZE,
)
main = PROGRAM.main
