"""``edgener keygen`` and ``edgener sign``: keys, and signatures that devices check before they install a model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edgener.built_in import bundle_directory
from edgener.command_line import Command, add_json
from edgener.standard_streams import write


def _add_keygen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=Path, metavar="NAME", help="path of the two files, without .key and .pub")
    add_json(parser)


def _keygen(options: argparse.Namespace) -> None:
    from edgener.signing import TRUSTED_KEY, make_keys

    secret, public = make_keys(options.name)
    if options.json:
        write(json.dumps({"secret": str(secret), "public": str(public)}, ensure_ascii=False) + "\n")
    else:
        write(f"{secret}  signs; keep it secret\n{public}  goes to the devices, as {TRUSTED_KEY}\n")


def _add_sign(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=bundle_directory, metavar="BUNDLE", help="directory of the model")
    parser.add_argument(
        "--key", type=Path, required=True, metavar="SECRET", help="secret key, NAME.key of 'edgener keygen'"
    )
    add_json(parser)


def _sign(options: argparse.Namespace) -> None:
    from edgener.minisign import SecretKey
    from edgener.signing import sign_bundle

    path = sign_bundle(options.bundle, SecretKey.read(options.key))
    write(json.dumps({"signature": str(path)}, ensure_ascii=False) + "\n" if options.json else f"{path}\n")


KEYGEN = Command(
    name="keygen",
    summary="make a pair of keys to sign models with",
    description="Make a pair of keys: NAME.key signs models and is secret, NAME.pub goes to devices.",
    examples="edgener keygen ~/keys/models",
    add_arguments=_add_keygen,
    run=_keygen,
)
SIGN = Command(
    name="sign",
    summary="sign a model, so that devices know who made it",
    description="Sign a model; 'minisign -Vm BUNDLE/manifest.json -p NAME.pub' can check the signature as well.",
    examples="edgener sign ./my-bundle --key ~/keys/models.key",
    add_arguments=_add_sign,
    run=_sign,
)
