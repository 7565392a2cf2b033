"""Give a bundle other aliases and span rules, and record its golden cases anew; the model stays as it is.

    python tools/normalize_bundle.py bundles/nano --golden export/recipes/golden.txt

Measure the bundle afterwards with `edgener-export evaluate`: its manifest keeps the scores that it had.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgener import Recognizer
from edgener.aliases import ALIASES
from edgener.bundle import FP16_GRAPH, GOLDEN, MANIFEST, SIGNATURE, describe_file, load_bundle
from edgener.golden import record_cases, write_cases
from edgener.normalization import Normalization, normalization_of
from edgener.span_rules import SPAN_RULES


def main() -> None:
    """Change the bundle that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="the directory of the bundle, which is changed in place")
    parser.add_argument("--golden", type=Path, required=True, help="a file with the texts of the golden cases")
    parser.add_argument("--aliases", nargs="*", choices=ALIASES, default=ALIASES, help="default: all")
    parser.add_argument("--span-rules", nargs="*", choices=tuple(SPAN_RULES), default=tuple(SPAN_RULES))
    options = parser.parse_args()
    texts = options.golden.read_text(encoding="utf-8").splitlines()
    normalize(options.bundle, normalization_of(options.aliases, options.span_rules), texts)


def normalize(bundle: Path, normalization: Normalization | None, golden_texts: Sequence[str]) -> None:
    """Replace the normalization and the golden cases of a bundle, whose signature does not hold any more.

    Raises BundleError if the bundle is damaged, and ValueError if it has a graph for GPUs.
    """
    manifest = replace(load_bundle(bundle).manifest, normalization=normalization)
    if FP16_GRAPH in manifest.files:
        raise ValueError(f"{bundle}: has a graph for GPUs, whose golden cases only edgener-export can record")
    with tempfile.TemporaryDirectory() as directory:
        draft = Path(shutil.copytree(bundle, Path(directory) / bundle.name))
        (draft / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        write_cases(record_cases(Recognizer.load(draft), golden_texts), draft / GOLDEN)
        files = {**manifest.files, GOLDEN: describe_file(draft / GOLDEN)}
        (draft / MANIFEST).write_text(replace(manifest, files=files).to_json(), encoding="utf-8")
        Recognizer.load(draft)
        (bundle / SIGNATURE).unlink(missing_ok=True)
        for name in (GOLDEN, MANIFEST):
            shutil.copyfile(draft / name, bundle / name)


if __name__ == "__main__":
    main()
