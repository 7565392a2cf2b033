"""Make tests/data/tiny-bundle: a real model of two hundred kilobytes, by the exporter's own path.

It learns sentences that are put together here from invented names, so that it finds such names nearly always, takes
less than two minutes on one core, and needs no download. The tests of the runtime use the committed result, which is
kept as an early exporter wrote it, since such bundles are in use; those of the exporter build from the inputs anew.

    python tools/make_tiny_bundle.py
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase, digits

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel, BertTokenizerFast

from edgener.aliases import ONE_TO_ONE
from edgener_export.checkpoint.vocabulary import SPECIAL
from edgener_export.cli.main import main as edgener_export

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
RECIPE = DATA / "tiny" / "recipe.toml"
GOLDEN = DATA / "tiny" / "golden.txt"
TEST = DATA / "tiny" / "test.jsonl"
BUNDLE = DATA / "tiny-bundle"
PARTS = {"train": 1200, "dev": 60, "test": 120}
"""Sentences of each part."""
MAX_TOKENS = 64
PRUNED = ("hello", "##ing", "##京", "１")
"""Entries that the exporter's vocabulary pruning has to drop."""

SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英小红志文建国"
PLACE_FIRST = "青白龙金云清永新东南西北安长丰石"
PLACE_SECOND = "山江水海州阳城川溪泉平宁"
PLACE_KINDS = ("市", "县", "省", "镇", "")
ORGANIZATION_KINDS = ("大学", "银行", "医院", "公司", "日报社", "研究院", "博物馆")
TEMPLATES = (
    "{PER}在{ORG}工作。",
    "昨天，{PER}从{LOC}来到{LOC}。",
    "{PER}、{PER}和{PER}都住在{LOC}。",
    "记者{PER}从{ORG}获悉，新路下月通车。",
    "{ORG}今天在{LOC}成立！",
    "“你认识{PER}吗？”她问。",
    "{LOC}位于{LOC}以东30公里。",
    "{ORG}的{PER}说：“我们会努力。”",
    "2026年5月，{PER}和AI小组到过{LOC}。",
    "{PER}{PER}两人去了{LOC}{LOC}。",
    "据{ORG}报道，{LOC}下了大雨",
    "这本书讲的是怎样做豆腐。",
    "今天天气很好，我们去看电影吧！",
    "😀{PER}😀到了{LOC}",
    "(BBC){ORG}的老师{PER}，教数学。",
    "他问：谁是{PER}？没有人回答……",
)
"""``{PER}`` and the like stand for names; everything else is outside of them."""

Row = dict[str, object]


def write_inputs(directory: Path) -> list[str]:
    """Recipe, golden texts, sentences and an untrained checkpoint; the ``edgener-export`` arguments that use them."""
    directory.mkdir(parents=True, exist_ok=True)
    sentences = _sentences(random.Random(1))
    vocabulary = {character for template in TEMPLATES for character in template}
    vocabulary |= set(SURNAMES + GIVEN + PLACE_FIRST + PLACE_SECOND).union(*PLACE_KINDS, *ORGANIZATION_KINDS)
    for part, count in PARTS.items():
        rows = (json.dumps(row, ensure_ascii=False) for row in itertools.islice(sentences, count))
        (directory / f"{part}.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    plain = {character.translate(ONE_TO_ONE).lower() for character in vocabulary - set("{}")}
    write_checkpoint(directory / "checkpoint", plain)
    shutil.copyfile(GOLDEN, directory / GOLDEN.name)
    shutil.copyfile(RECIPE, directory / RECIPE.name)
    return build_command(directory)


def build_command(directory: Path) -> list[str]:
    """Return the arguments of ``edgener-export`` that build a bundle from the inputs in ``directory``."""
    return ["build", str(directory / RECIPE.name), "--set", f"model.checkpoint={directory / 'checkpoint'}"]


def write_checkpoint(directory: Path, characters: set[str]) -> None:
    """A random BERT encoder whose vocabulary holds ``characters`` and the pieces of Latin words and numbers."""
    ascii_pieces = [*ascii_lowercase, *digits]
    entries = dict.fromkeys(
        [
            *SPECIAL,
            *ascii_pieces,
            *(f"##{piece}" for piece in ascii_pieces),
            *sorted(characters),
            *PRUNED,
        ]
    )
    tokenizer = Tokenizer(models.WordPiece({entry: row for row, entry in enumerate(entries)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(list(SPECIAL))
    BertTokenizerFast(tokenizer_object=tokenizer).save_pretrained(directory)  # type: ignore[no-untyped-call]
    torch.manual_seed(0)
    config = BertConfig(  # type: ignore[no-untyped-call]
        vocab_size=len(entries),
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=1024,  # as in a large model, some weights are large enough to lie outside of the graph's file
        max_position_embeddings=MAX_TOKENS,
    )
    model = BertModel(config, add_pooling_layer=False)  # type: ignore[no-untyped-call]
    model.save_pretrained(directory)


def _sentences(choice: random.Random) -> Iterator[Row]:
    while True:
        *clauses, last = choice.choices(TEMPLATES, k=choice.choice((1, 1, 2, 4)))
        yield _sentence("，".join([*(clause.rstrip("。！…") for clause in clauses), last]), choice)


def _sentence(template: str, choice: random.Random) -> Row:
    """A row of JSON lines: the template with invented names, and where they are."""
    text = ""
    entities = []
    for piece in template.replace("{", "\0{").replace("}", "}\0").split("\0"):
        start = len(text)
        label = piece.strip("{}")
        text += _name(label, choice) if piece.startswith("{") else piece
        if piece.startswith("{"):
            entities.append({"start": start, "end": len(text), "label": label})
    return {"text": text, "entities": entities}


def _name(label: str, choice: random.Random) -> str:
    if label == "PER":
        return choice.choice(SURNAMES) + "".join(choice.choices(GIVEN, k=choice.choice((1, 2, 2))))
    place = choice.choice(PLACE_FIRST) + choice.choice(PLACE_SECOND)
    return place + choice.choice(PLACE_KINDS if label == "LOC" else ORGANIZATION_KINDS)


def main() -> int:
    """Write the committed bundle and its test sentences anew; the exporter's exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="default: %(default)s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        build = write_inputs(directory)
        code = edgener_export([*build, "--run", str(directory / "run"), "--bundle", str(options.bundle)])
        if code == 0 and options.bundle == BUNDLE:
            shutil.copyfile(directory / "test.jsonl", TEST)
    return code


if __name__ == "__main__":
    sys.exit(main())
