"""A Debian guest with systemd, in which an operator installs, kills, hangs, upgrades and removes the package.

    edgener-edge build --device x86-64 --http --output small.run
    edgener-edge build --device x86-64 --http --bundle bundles/nano --output nano.run
    edgener-edge pack small.run --as deb
    edgener-edge pack nano.run --as deb
    sudo python -m tools.systemd_guest small.deb nano.deb

The guest is booted from Debian's own packages with the kernel of the lock file, by KVM where --cpu names no other way.
The first package is installed, the second one is the upgrade, and its model is installed beside the first. Requests are
asked without a pause while the model is changed, and while the service is reloaded, started anew and upgraded. Needs
root, debootstrap and 3 GB of disk. Exit code 1 unless all checks hold.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from edgener.standard_streams import log
from edgener.table import table
from edgener_edge.cli.downloads import add_downloads, cache_directory, open_cache
from edgener_edge.device_folder import MODEL
from edgener_edge.devices import X86_64
from edgener_edge.guest import Guest, listen, make_disk, marked_lines
from edgener_edge.lock import read_lock
from edgener_edge.qemu_user import HOST
from edgener_edge.run_program import run_program

HERE = Path(__file__).parent
PACKAGES = ("systemd", "systemd-sysv", "dbus", "curl", "iproute2", "netcat-openbsd")
"""Packages of the guest, besides those that Debian cannot be without."""
MIRROR = "http://deb.debian.org/debian"
TRIAL = "trial"
"""Directory of the guest's disk with the packages and the script."""
DISK_MB, MEMORY_MB = 2000, 1024
SECONDS = 600
"""Most seconds without a word from the guest."""
LATER = "+later"
"""Ending of the version of the upgrade; both packages have that of edgener."""


def main() -> int:
    """Boot the guest, print what it says, and return 1 if a check failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, help="Debian package of a build for x86-64 with --http")
    parser.add_argument("upgrade", type=Path, help="another one, with another model")
    add_downloads(parser)
    parser.add_argument("--mirror", default=MIRROR, help="archive of Debian; default: %(default)s")
    parser.add_argument("--cpu", default=HOST, help="processor of QEMU, such as max; default: this machine's, by KVM")
    parser.add_argument("--patience", type=int, default=20, help="most seconds for an answer; default: %(default)s")
    options = parser.parse_args()
    lock = read_lock(options.lock)
    guest = Guest(X86_64, lock, open_cache(options, lock.release))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        root = debian(cache_directory(options) / f"debian-{lock.release}", lock.release, options.mirror)
        content = scratch / "root"
        run_program(["cp", "-a", root, content], "is the disk full?")
        fill_root(content, options.package, options.upgrade, scratch)
        (content / TRIAL / "patience").write_text(str(options.patience), encoding="utf-8")
        make_disk(content, scratch / "disk.img", DISK_MB)
        shutil.rmtree(content)
        init = (HERE / "init.sh").read_text(encoding="utf-8")
        command = guest.command(options.cpu, MEMORY_MB, scratch / "disk.img", init, scratch)
        console = listen(command, "the guest", SECONDS, log)
    return report(console)


def debian(root: Path, release: str, mirror: str) -> Path:
    """Return the directory of a Debian with systemd, which is made by debootstrap at the first call."""
    if not root.exists():
        draft = root.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        packages = f"--include={','.join(PACKAGES)}"
        run_program(
            ["debootstrap", "--variant=minbase", packages, release, draft, mirror],
            "install debootstrap, and run this as root",
        )
        draft.replace(root)
    return root


def fill_root(root: Path, package: Path, upgrade: Path, scratch: Path) -> None:
    """Put the packages, a model and the script on the guest's disk; systemd starts the script after the boot."""
    trial = root / TRIAL
    trial.mkdir()
    shutil.copy(package, trial / "old.deb")
    later = scratch / "later"
    run_program(["dpkg-deb", "-R", upgrade, later], "give a Debian package")
    shutil.copytree(later / "opt/edgener" / MODEL, trial / "model")
    set_version(later, trial / "new.deb")
    shutil.copy(HERE / "trial.sh", trial)
    shutil.copy(HERE / "trial.service", root / "etc/systemd/system")
    wanted = root / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / "trial.service").symlink_to("/etc/systemd/system/trial.service")


def set_version(content: Path, target: Path) -> None:
    """Pack the content of a package with a later version."""
    control = content / "DEBIAN/control"
    lines = control.read_text(encoding="utf-8").splitlines()
    changed = [line + LATER if line.startswith("Version: ") else line for line in lines]
    control.write_text("\n".join(changed) + "\n", encoding="utf-8")
    run_program(["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", content, target], "run this on Debian")


def report(console: str) -> int:
    """Print the figures, and return 1 if a check failed."""
    words = [line.split(maxsplit=2) for line in marked_lines(console)]
    checks = {word[1]: word[2] for word in words if word[0] == "check"}
    figures = [(word[1], word[2]) for word in words if word[0] == "figure"]
    print(table([("figure", "value"), *figures]), end="")
    failed = sorted(name for name, outcome in checks.items() if outcome != "ok")
    print(f"{len(checks) - len(failed)} of {len(checks)} checks hold; not: {', '.join(failed) or 'none'}")
    return int(bool(failed))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
