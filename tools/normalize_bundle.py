"""Give a bundle other aliases and span rules, and record its golden cases anew; the model stays as it is.

    python tools/normalize_bundle.py bundles/nano --golden export/recipes/golden.txt

Measure the bundle afterwards with `edgener-export evaluate`: its manifest keeps the scores that it had.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgener.aliases import ALIASES
from edgener.normalization import Normalization, normalization_of
from edgener.span_rules.registry import SPAN_RULES
from edgener_export.pipeline.amend import amend_bundle
from edgener_export.pipeline.inputs import read_golden_texts


def main() -> None:
    """Change the bundle that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="the directory of the bundle, which is changed in place")
    parser.add_argument("--golden", type=Path, required=True, help="a file with the texts of the golden cases")
    parser.add_argument("--aliases", nargs="*", choices=ALIASES, default=ALIASES, help="default: all")
    parser.add_argument("--span-rules", nargs="*", choices=tuple(SPAN_RULES), default=tuple(SPAN_RULES))
    options = parser.parse_args()
    texts = read_golden_texts(options.golden)
    normalize(options.bundle, normalization_of(options.aliases, options.span_rules), texts)


def normalize(bundle: Path, normalization: Normalization | None, golden_texts: Sequence[str]) -> None:
    """Replace the normalization and the golden cases of a bundle, whose signature does not hold any more.

    Raises BundleError if the bundle is damaged, and UsageError if it has a graph for GPUs.
    """
    amend_bundle(bundle, bundle, lambda manifest: replace(manifest, normalization=normalization), None, golden_texts)


if __name__ == "__main__":
    main()
