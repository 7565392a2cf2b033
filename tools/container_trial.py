"""A container engine runs the image as an operator would, with examples/deploy/compose.yaml.

    edgener-edge build --device x86-64 --http
    edgener-edge pack edgener-x86-64.run --as oci
    sudo python -m tools.container_trial edgener-x86-64.oci.tar --engine docker

Needs Docker (Debian: docker.io docker-compose) or Podman (podman podman-compose netavark aardvark-dns), and port 8765.
The image holds the built-in model, whose answers here are expected of it. The container is removed at the end, the
image stays. Exit code 1 unless all checks hold.
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
HEALTH_SECONDS = 45.0
"""Most seconds until Docker has asked for the service's health, which it does every 30."""
ENGINES = ("docker", "podman")
REMEDY = "see its message; --help says what is needed"
Shown = list[tuple[int, int, str, str]]
"""Start, end, type and score of entities, as the service writes them."""


def main() -> int:
    """Load the image, start it twice, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, help="image of a build for x86-64 with --http")
    parser.add_argument("--engine", choices=ENGINES, default="podman", help="default: %(default)s")
    options = parser.parse_args()
    expected = Recognizer.load()(TEXT)
    engine = Engine(options.engine)
    try:
        engine("load", "--input", str(options.image))
        with tempfile.TemporaryDirectory() as name:
            answered = ("one text", is_answered_once(engine, expected))
            return report([answered, *trials(engine, Path(name), shown(expected))])
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1


class Engine:
    """Docker or Podman, whose commands have the same options."""

    def __init__(self, name: str) -> None:
        """Take the name of the engine's program."""
        self.name = name

    def __call__(self, *words: str) -> str:
        """Return what the engine prints."""
        return run_program([self.name, *words], REMEDY)

    @contextmanager
    def started(self, project: Path) -> Iterator[None]:
        """Let compose start the service, and remove it at the end."""
        compose = [f"{self.name}-compose", "--file", COMPOSE.name]
        run_program([*compose, "up", "--detach"], REMEDY, cwd=project)
        try:
            yield
        finally:
            run_program([*compose, "down"], REMEDY, cwd=project)

    def health_of(self, container: str) -> str:
        """Return what the engine says of the container's health, as soon as it has asked for it."""
        until = time.monotonic() + HEALTH_SECONDS
        while True:
            health = self("inspect", "--format", "{{.State.Health.Status}}", container).strip()
            if health != "starting" or time.monotonic() > until:
                return health
            time.sleep(0.5)


def is_answered_once(engine: Engine, expected: Sequence[Entity]) -> bool:
    """Return whether the image finds in one text what the library finds."""
    line = engine("run", "--rm", IMAGE, TEXT)
    return all(f'"text": "{entity.text}", "score": {entity.score:.4f}' in line for entity in expected)


def trials(engine: Engine, project: Path, expected: Shown) -> list[tuple[str, bool | str]]:
    """Return the checks and the figures of a service that compose starts in ``project``."""
    token = secrets.token_hex(24)
    shutil.copy(COMPOSE, project)
    tokens = project / "tokens"
    tokens.write_text(f"trial {token}\n", encoding="utf-8")
    os.chown(tokens, USER, USER)
    tokens.chmod(0o400)
    with engine.started(project), Client(ADDRESS, token=token) as ask, Client(ADDRESS) as stranger:
        began = time.monotonic()
        found = answer_of(ask)
        ready = time.monotonic() - began
        label = f"label=com.docker.compose.project={project.name}"
        container = engine("ps", "--filter", label, "--format", "{{.Names}}").strip()
        checks: list[tuple[str, bool | str]] = [
            ("an answer over HTTP", found == expected),
            ("no answer without a token", status_of(stranger) == 401),
            ("seconds until the first answer", f"{ready:.1f}"),
            ("memory of the container", engine("stats", "--no-stream", "--format", "{{.MemUsage}}", container).strip()),
        ]
        if engine.name == "docker":
            checks.append(("its health, as Docker asks for it", engine.health_of(container) == "healthy"))
        os.kill(int(engine("inspect", "--format", "{{.State.Pid}}", container)), signal.SIGKILL)
        checks.append(("an answer after kill -9", answer_of(ask) == expected))
        engine("stop", container)
        code = engine("inspect", "--format", "{{.State.ExitCode}}", container).strip()
        checks.append(("exit code 0 when it is stopped", code == "0"))
    return checks


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


def report(outcomes: list[tuple[str, bool | str]]) -> int:
    """Print checks and figures, and return 1 if a check failed."""
    words = {True: "ok", False: "FAILED"}
    rows = [(name, words[outcome] if isinstance(outcome, bool) else outcome) for name, outcome in outcomes]
    print(table([("check or figure", "outcome"), *rows]), end="")
    return int(any(outcome is False for _, outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
