"""A container engine runs the image as an operator would, with examples/deploy/compose.yaml.

    edgener-edge build --device x86-64 --http
    edgener-edge pack edgener-x86-64.run --as oci
    sudo python -m tools.container_trial edgener-x86-64.oci.tar

Needs podman and podman-compose (Debian: podman podman-compose netavark aardvark-dns), and port 8765. The image holds
the built-in model, whose answers here are expected of it. The container is removed at the end, the image stays. Exit
code 1 unless all checks hold.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from edgener.client import Client, ServiceError
from edgener.entity import Entity
from edgener.recognizer import Recognizer
from edgener.table import table
from edgener_edge.errors import ToolError
from edgener_edge.run_program import run_program

COMPOSE = Path(__file__).resolve().parent.parent / "examples/deploy/compose.yaml"
IMAGE, ADDRESS = "edgener:x86-64", "http://127.0.0.1:8765"
"""The image and the address that the compose file names."""
USER = 65534
"""The user of the container, who must be able to read the tokens."""
TEXT = "王小明在北京大学工作，他的朋友李思远在成都。"
SECONDS = 30.0
"""Most seconds until the service is ready."""
REMEDY = "see its message; --help says what is needed"
Shown = list[tuple[int, int, str, str]]
"""Start, end, type and score of entities, as the service writes them."""


def main() -> int:
    """Load the image, start it twice, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, help="image of a build for x86-64 with --http")
    options = parser.parse_args()
    expected = Recognizer.load()(TEXT)
    try:
        podman("load", "--input", str(options.image))
        with tempfile.TemporaryDirectory() as name:
            return report([("one text", is_answered_once(expected)), *trials(Path(name), shown(expected))])
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1


def is_answered_once(expected: Sequence[Entity]) -> bool:
    """Return whether the image finds in one text what the library finds."""
    line = podman("run", "--rm", IMAGE, TEXT)
    return all(f'"text": "{entity.text}", "score": {entity.score:.4f}' in line for entity in expected)


def trials(project: Path, expected: Shown) -> list[tuple[str, bool | str]]:
    """Return the checks and the figures of a service that compose starts in ``project``."""
    token = secrets.token_hex(24)
    shutil.copy(COMPOSE, project)
    tokens = project / "tokens"
    tokens.write_text(f"trial {token}\n", encoding="utf-8")
    os.chown(tokens, USER, USER)
    tokens.chmod(0o400)
    with started(project), Client(ADDRESS, token=token) as ask, Client(ADDRESS) as stranger:
        began = time.monotonic()
        found = answer_of(ask)
        ready = time.monotonic() - began
        label = f"label=com.docker.compose.project={project.name}"
        container = podman("ps", "--filter", label, "--format", "{{.Names}}").strip()
        checks: list[tuple[str, bool | str]] = [
            ("an answer over HTTP", found == expected),
            ("no answer without a token", status_of(stranger) == 401),
            ("seconds until the first answer", f"{ready:.1f}"),
            ("memory of the container", podman("stats", "--no-stream", "--format", "{{.MemUsage}}", container).strip()),
        ]
        os.kill(int(podman("inspect", "--format", "{{.State.Pid}}", container)), signal.SIGKILL)
        checks.append(("an answer after kill -9", answer_of(ask) == expected))
        podman("stop", container)
        code = podman("inspect", "--format", "{{.State.ExitCode}}", container).strip()
        checks.append(("exit code 0 when it is stopped", code == "0"))
    return checks


@contextmanager
def started(project: Path) -> Iterator[None]:
    """Let compose start the service, and remove it at the end."""
    compose = ["podman-compose", "--file", COMPOSE.name]
    run_program([*compose, "up", "--detach"], REMEDY, cwd=project)
    try:
        yield
    finally:
        run_program([*compose, "down"], REMEDY, cwd=project)


def answer_of(ask: Client) -> Shown:
    """Return the entities of TEXT as soon as they are answered; none after SECONDS."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with suppress(ServiceError):
            return shown(ask(TEXT))
        time.sleep(0.1)
    return []


def shown(entities: Sequence[Entity]) -> Shown:
    """Return entities with their scores as the service writes them."""
    return [(entity.start, entity.end, entity.label, f"{entity.score:.4f}") for entity in entities]


def status_of(client: Client) -> int | None:
    """Return the status of an error in place of an answer; None for an answer."""
    try:
        client(TEXT)
    except ServiceError as error:
        return error.status
    return None


def podman(*words: str) -> str:
    """Return what podman prints."""
    return run_program(["podman", *words], REMEDY)


def report(outcomes: list[tuple[str, bool | str]]) -> int:
    """Print checks and figures, and return 1 if a check failed."""
    words = {True: "ok", False: "FAILED"}
    rows = [(name, words[outcome] if isinstance(outcome, bool) else outcome) for name, outcome in outcomes]
    print(table([("check or figure", "outcome"), *rows]), end="")
    return int(any(outcome is False for _, outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
