"""Commands for those who keep a device running: doctor, bench, install, rollback, keygen, sign, serve."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from edgener.dataclass_json import to_plain
from edgener.errors import MachineError, UsageError
from edgener.providers import CPU, PROVIDERS
from edgener.table import table

Print = Callable[[str], None]
DeviceCommand = Callable[[Sequence[str], Print], None]


def doctor(arguments: Sequence[str], show: Print) -> None:
    """``edgener doctor``: raises MachineError where something keeps the recognizer from running."""
    from edgener.doctor import BAD, GOOD, examine
    from edgener.installed import check_golden, current_model

    parser = _parser("doctor", "Say what is wrong with this machine, the build and the model, and what to do about it.")
    options = parser.parse_args(arguments)
    build = os.environ.get("EDGENER_BUILD")
    findings = examine(build=Path(build) if build else None)
    bad = [finding for finding in findings if finding.state == BAD]
    if options.json:
        show(json.dumps(to_plain(findings), ensure_ascii=False, indent=1) + "\n")
    else:
        rows = [(one.check, "" if one.state == GOOD else one.state, one.seen, one.remedy) for one in findings]
        show(table(rows))
    if bad:
        raise MachineError(f"{bad[0].check}: {bad[0].seen}; {bad[0].remedy}")
    check_golden(current_model())
    if not options.json:
        show("the model gives its golden answers\n")


def bench(arguments: Sequence[str], show: Print) -> None:
    """``edgener bench``."""
    from edgener.bench import measure
    from edgener.installed import current_model

    parser = _parser("bench", "Measure latency, throughput, memory and start on this machine.")
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="default: the installed or the built-in one")
    parser.add_argument("--threads", type=int, default=default_threads(), metavar="N", help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="to measure for; default: 10")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        raise UsageError(f"--seconds is {options.seconds}; it must be more than 0")
    found = measure(options.model or current_model(), options.threads, options.seconds)
    if options.json:
        show(json.dumps(to_plain(found), ensure_ascii=False, indent=1) + "\n")
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
    show(table(rows))


def install(arguments: Sequence[str], show: Print) -> None:
    """``edgener install``."""
    from edgener.installed import install as install_model
    from edgener.installed import models_directory
    from edgener.minisign import PublicKey
    from edgener.signing import TRUSTED_KEY, trusted_key

    parser = _parser("install", "Check a model, and use it from now on in place of the present one, which is kept.")
    parser.add_argument("bundle", type=Path, help="directory of the new model")
    parser.add_argument(
        "--key", type=Path, metavar="PUBLIC", help=f"take it only if this key signed it; default: {TRUSTED_KEY}, if any"
    )
    options = parser.parse_args(arguments)
    models = models_directory()
    key = PublicKey.read(options.key) if options.key else trusted_key(models)
    _show_path(install_model(options.bundle, models, key), options.json, show)


def rollback(arguments: Sequence[str], show: Print) -> None:
    """``edgener rollback``."""
    from edgener.installed import models_directory
    from edgener.installed import rollback as roll_back
    from edgener.signing import trusted_key

    options = _parser("rollback", "Use the model again that the last installation replaced.").parse_args(arguments)
    models = models_directory()
    _show_path(roll_back(models, trusted_key(models)), options.json, show)


def keygen(arguments: Sequence[str], show: Print) -> None:
    """``edgener keygen``."""
    from edgener.signing import TRUSTED_KEY, make_keys

    parser = _parser("keygen", "Make a pair of keys: NAME.key signs bundles and is secret, NAME.pub goes to devices.")
    parser.add_argument("name", type=Path, metavar="NAME", help="of the two files, without an ending")
    options = parser.parse_args(arguments)
    secret, public = make_keys(options.name)
    if options.json:
        show(json.dumps({"secret": str(secret), "public": str(public)}, ensure_ascii=False) + "\n")
    else:
        show(f"{secret}  signs; keep it secret\n{public}  goes to the devices, as {TRUSTED_KEY}\n")


def sign(arguments: Sequence[str], show: Print) -> None:
    """``edgener sign``."""
    from edgener.minisign import SecretKey
    from edgener.signing import sign_bundle

    parser = _parser("sign", "Sign a bundle; 'minisign -Vm manifest.json -p NAME.pub' can check the signature as well.")
    parser.add_argument("bundle", type=Path, help="directory of the model")
    parser.add_argument("--key", type=Path, required=True, metavar="SECRET", help="NAME.key of 'edgener keygen'")
    options = parser.parse_args(arguments)
    path = sign_bundle(options.bundle, SecretKey.read(options.key))
    show(json.dumps({"signature": str(path)}, ensure_ascii=False) + "\n" if options.json else f"{path}\n")


def serve(arguments: Sequence[str], _show: Print) -> None:
    """``edgener serve``."""
    from edgener.answers import check_min_score
    from edgener.installed import current_model
    from edgener.recognizer import Recognizer
    from edgener.service import Service, listening
    from edgener.systemd import inherited_listener

    parser = argparse.ArgumentParser(
        prog="edgener serve",
        description="Answer each line that clients send to a Unix socket with one line of JSON; SIGTERM ends it.",
        epilog="example:\n  edgener serve --socket /tmp/x &\n  echo 王小明在北京大学工作。 | nc -UN /tmp/x",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--socket", type=Path, metavar="PATH", help="where to listen, unless systemd passes a socket")
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="default: the installed or the built-in one")
    parser.add_argument("--threads", type=int, metavar="N", help="cores to compute on; default: EDGENER_THREADS or 1")
    parser.add_argument("--min-score", type=float, default=0.0, metavar="P", help="leave out less certain entities")
    parser.add_argument("--provider", choices=tuple(PROVIDERS), default=CPU, help="what computes; default: %(default)s")
    options = parser.parse_args(arguments)
    check_min_score(options.min_score)
    threads = default_threads() if options.threads is None else options.threads
    inherited = inherited_listener()
    if bool(inherited) == bool(options.socket):
        raise UsageError("give either --socket or, through systemd, a socket unit")
    model = options.model or current_model()
    recognizer = Recognizer.load(model, threads=threads, serial=True, provider=options.provider)
    with inherited or listening(options.socket) as listener:
        Service(recognizer, listener, options.min_score).run()


COMMANDS: dict[str, DeviceCommand] = {
    "doctor": doctor,
    "bench": bench,
    "install": install,
    "rollback": rollback,
    "keygen": keygen,
    "sign": sign,
    "serve": serve,
}


def default_threads() -> int:
    """EDGENER_THREADS, which device builds set to what suits the device; else 1."""
    given = os.environ.get("EDGENER_THREADS", "1")
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(f"EDGENER_THREADS is {given!r}; it must be a number of at least 1")
    return int(given)


def _show_path(path: Path, as_json: bool, show: Print) -> None:
    show(json.dumps({"model": str(path)}, ensure_ascii=False) + "\n" if as_json else f"{path}\n")


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"edgener {command}", description=description, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser
