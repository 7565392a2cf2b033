"""``edgener env``, ``doctor``, ``bench``, ``install`` and ``rollback``, for those who keep a device running."""

from __future__ import annotations

import argparse
import json
import math
import os
from pathlib import Path

from edgener.built_in import bundle_directory
from edgener.command_line import Command, add_json
from edgener.dataclass_json import to_plain
from edgener.errors import MachineError, UsageError
from edgener.options import add_model, add_threads, load_recognizer_class, model_of, threads_of
from edgener.standard_streams import write
from edgener.table import table


def _env(options: argparse.Namespace) -> None:
    from edgener.environment import INT8_FEATURES, read_environment

    environment = read_environment()
    if options.json:
        _write_json(environment)
        return
    features = [f"{name} ({INT8_FEATURES[name]})" for name in environment.cpu_features]
    rows = [
        ("edgener", environment.edgener),
        ("python", environment.python),
        *environment.libraries.items(),
        ("system", environment.system),
        ("machine", f"{environment.machine} {environment.processor}"),
        ("features", "; ".join(features) or "none of those that speed up int8"),
        ("cores", f"{environment.cores}: the most that --threads can use"),
        ("memory", f"{environment.memory_available_mb} of {environment.memory_total_mb} MB available"),
        ("model", environment.default_bundle),
    ]
    write(table(rows))


def _doctor(options: argparse.Namespace) -> None:
    from edgener.doctor import BAD, GOOD, examine

    build = os.environ.get("EDGENER_BUILD")
    findings = examine(build=Path(build) if build else None)
    bad = [finding for finding in findings if finding.state == BAD]
    if options.json:
        _write_json(findings)
    else:
        rows = [(one.check, "" if one.state == GOOD else one.state, one.seen, one.remedy) for one in findings]
        write(table(rows))
    if bad:
        raise MachineError(f"{bad[0].check}: {bad[0].seen}; {bad[0].remedy}")
    load_recognizer_class()
    from edgener.installed import check_golden, current_model

    model = current_model()
    check_golden(model)
    if not options.json:
        write(f"{model}: the model gives its golden answers\n")


def _add_bench(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_threads(parser)
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="seconds to measure for; default: 10")
    add_json(parser)


def _bench(options: argparse.Namespace) -> None:
    if not 0 < options.seconds < math.inf:
        raise UsageError(f"--seconds is {options.seconds}; it must be a number above 0")
    threads = threads_of(options.threads)
    load_recognizer_class()
    from edgener.bench import measure

    found = measure(model_of(options.model), threads, options.seconds)
    if options.json:
        _write_json(found)
        return
    rows = [
        ("model", found.model),
        ("threads", str(found.threads)),
        ("start to first answer", f"{found.start_to_answer_s:.2f} s, {found.load_s:.2f} s of it to load the model"),
        *(
            (f"{one.code_points} characters", f"p50 {one.p50_ms:.1f}  p95 {one.p95_ms:.1f}  p99 {one.p99_ms:.1f} ms")
            for one in found.latencies
        ),
        ("in batches", f"{found.characters_per_second:.0f} characters a second"),
        ("peak memory", f"{found.peak_rss_one_text_mb:.0f} MB for one text, {found.peak_rss_mb:.0f} MB at the end"),
    ]
    write(table(rows))


def _add_install(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=bundle_directory, metavar="BUNDLE", help="directory of the new model")
    parser.add_argument(
        "--key",
        type=Path,
        metavar="PUBLIC",
        help="public key that must have signed the model; default: the device's trusted key, which no other replaces",
    )
    add_json(parser)


def _install(options: argparse.Namespace) -> None:
    load_recognizer_class()
    from edgener.installed import install, models_directory
    from edgener.signing import key_of_installation

    models = models_directory()
    _write_path(install(options.bundle, models, key_of_installation(models, options.key)), options.json)


def _rollback(options: argparse.Namespace) -> None:
    load_recognizer_class()
    from edgener.installed import models_directory, rollback
    from edgener.signing import trusted_key

    models = models_directory()
    _write_path(rollback(models, trusted_key(models)), options.json)


def _write_path(path: Path, as_json: bool) -> None:
    write(json.dumps({"model": str(path)}, ensure_ascii=False) + "\n" if as_json else f"{path}\n")


def _write_json(record: object) -> None:
    write(json.dumps(to_plain(record), ensure_ascii=False, indent=1) + "\n")


ENV = Command(
    name="env",
    summary="print versions, processor, memory and the model in use",
    description="Print what this machine offers to the recognizer, and which model it uses.",
    examples="edgener env\nedgener env --json",
    add_arguments=add_json,
    run=_env,
)
DOCTOR = Command(
    name="doctor",
    summary="find what is wrong with this machine, the build and the model",
    description="Find what is wrong with this machine, the build and the model, and what to do about it.",
    examples="edgener doctor\nedgener doctor --json",
    add_arguments=add_json,
    run=_doctor,
)
BENCH = Command(
    name="bench",
    summary="measure latency, throughput and memory on this machine",
    description="Measure latency, throughput, memory and the time to start on this machine.",
    examples="edgener bench\nedgener bench --threads 4 --seconds 30 --json",
    add_arguments=_add_bench,
    run=_bench,
)
INSTALL = Command(
    name="install",
    summary="use another model from now on",
    description="Check a model, and use it from now on in place of the present one, which is kept for rollback.",
    examples="edgener install ./my-bundle\nedgener install ./my-bundle --key maker.pub",
    add_arguments=_add_install,
    run=_install,
)
ROLLBACK = Command(
    name="rollback",
    summary="use the model before the last installation again",
    description="Use the model again that the last installation replaced.",
    examples="edgener rollback",
    add_arguments=add_json,
    run=_rollback,
)
