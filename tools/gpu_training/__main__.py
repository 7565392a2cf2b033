"""Train deep, and with its probabilities base, small and nano, on one GPU.

Only the second command needs a GPU, an H100 for less than ten minutes; the last one packs what it made.

    python -m tools.gpu_training prepare rows --labelled export/recipes/labelled.jsonl.xz --text texts.txt.xz
    python -m tools.gpu_training train rows trained --seconds 545
    python -m tools.gpu_training finish trained runs/gpu
    edgener-export build export/recipes/small.toml --trained runs/gpu/small --bundle runtime/edgener/default
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer

from edgener.bundle import TOKENIZER, load_bundle
from edgener.tags import TagSet
from edgener.tokenizer import Encoder as TextEncoder
from edgener_export.cli.recipe import default_cache
from edgener_export.recipe import read_recipe
from tools.gpu_training import plan
from tools.gpu_training.encoder import load_encoder
from tools.gpu_training.inputs import write_classifier, write_corpora, write_labelled, write_texts, write_weights
from tools.gpu_training.training import Run

ROOT = Path(__file__).parents[2]
BUNDLES = {"small": ROOT / "runtime/edgener/default"} | {
    name: ROOT / "bundles" / name for name in ("deep", "base", "nano")
}


def main() -> None:
    """Run the step that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    prepare = steps.add_parser("prepare", help="write the rows and the first weights to a directory")
    prepare.add_argument("rows", type=Path)
    prepare.add_argument("--recipe", type=Path, default=ROOT / "export/recipes/base.toml")
    prepare.add_argument("--labelled", type=Path, nargs="+", required=True, help="as edgener-export label writes them")
    prepare.add_argument("--marked", type=Path, nargs="*", default=[], help="other sets that people labelled")
    prepare.add_argument("--text", type=Path, nargs="*", default=[], help="texts without labels, one a line")
    train = steps.add_parser("train", help="train all models")
    train.add_argument("rows", type=Path)
    train.add_argument("output", type=Path)
    train.add_argument("--seconds", type=float, default=545)
    train.add_argument("--device", default="cuda")
    finish = steps.add_parser("finish", help="write the models as edgener-export reads them")
    finish.add_argument("trained", type=Path)
    finish.add_argument("output", type=Path)
    options = parser.parse_args()
    bundle = load_bundle(BUNDLES[plan.TEACHER])
    tag_set = TagSet(bundle.manifest.scheme, tuple(bundle.manifest.tags))
    encoder = TextEncoder(bundle.path(TOKENIZER), bundle.manifest.aliases)
    if options.step == "prepare":
        recipe = read_recipe(options.recipe)
        write_corpora(recipe, encoder, tag_set, default_cache(), options.rows)
        write_labelled(plan.LABELLED, options.labelled, recipe, encoder, tag_set, options.rows)
        if options.marked:
            write_labelled(plan.MARKED, options.marked, recipe, encoder, tag_set, options.rows)
        if options.text:
            write_texts(options.text, recipe, encoder, options.rows)
        for name, directory in BUNDLES.items():
            write_weights(directory, options.rows / f"{name}.safetensors")
    elif options.step == "train":
        mask_id = Tokenizer.from_file(str(bundle.path(TOKENIZER))).token_to_id("[MASK]")
        run = Run(options.rows, tag_set, encoder.pad_id, mask_id, torch.device(options.device))
        run.train(options.seconds, options.output)
    else:
        for name, directory in BUNDLES.items():
            trained = load_encoder(options.trained / f"{name}.safetensors", torch.device("cpu"))
            write_classifier(trained, directory, options.output / name)


if __name__ == "__main__":
    main()
