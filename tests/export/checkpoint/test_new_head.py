"""A head for other tags keeps the rows of the types that both know, and begins new ones without a word."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForTokenClassification, BertConfig, BertForTokenClassification

from edgener.built_in import DEFAULT_BUNDLE
from edgener.tags import SCHEMES, Span, TagSet
from edgener.tokenizer import Encoder
from edgener_export.checkpoint.classifier import load_classifier, tags_of
from edgener_export.checkpoint.new_head import PRIOR, HeadChange, change_tags
from edgener_export.corpus.schemes import FILE_SCHEMES, spans_to_tags
from edgener_export.errors import CheckpointError
from tests.support import ROOT

WIDTH = 16
ROWS = 2 * torch.arange(8)[None]
LABELS = st.lists(st.sampled_from(("PER", "LOC", "ORG", "DRUG", "B-X")), min_size=1, max_size=4, unique=True)
OUR_BUNDLES = pytest.mark.parametrize("bundle", [DEFAULT_BUNDLE, ROOT / "bundles/nano"], ids=lambda path: path.name)


def model_of(tags: tuple[str, ...]) -> Any:
    """A random classifier whose rows are all different."""
    config: Any = BertConfig(
        vocab_size=20,
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label=dict(enumerate(tags)),
        label2id={tag: number for number, tag in enumerate(tags)},
    )  # type: ignore[no-untyped-call]
    torch.manual_seed(0)
    model: Any = BertForTokenClassification(config).eval()  # type: ignore[no-untyped-call]
    torch.nn.init.normal_(model.classifier.weight)
    torch.nn.init.normal_(model.classifier.bias)
    return model


def logits_of(model: Any, ids: torch.Tensor = ROWS) -> dict[str, torch.Tensor]:
    """The logits of each tag by its name."""
    with torch.inference_mode():
        logits = model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
    assert logits.shape[1] == len(tags_of(model))
    return dict(zip(tags_of(model), logits.T, strict=True))


@pytest.mark.parametrize("scheme", SCHEMES)
@given(old=LABELS, new=LABELS)
def test_known_rows_are_copied_and_new_ones_say_nothing(scheme: str, old: list[str], new: list[str]) -> None:
    before, after = TagSet.of(scheme, old), TagSet.of(scheme, new)
    model = model_of(before.tags)
    old_weights, old_biases = model.classifier.weight.detach(), model.classifier.bias.tolist()
    change = change_tags(model, after, "x")
    assert tags_of(model) == list(after.tags)
    weights, biases = model.classifier.weight.detach(), model.classifier.bias.tolist()
    for place, tag in enumerate(after.tags):
        if tag in before.tags:
            assert torch.equal(weights[place], old_weights[before.tags.index(tag)])
            assert biases[place] == old_biases[before.tags.index(tag)]
        else:
            assert not weights[place].any()
            assert biases[place] == pytest.approx(old_biases[0] + math.log(PRIOR), abs=1e-6)
    if change:
        assert set(change.kept) == set(old) & set(new)
        assert set(change.new) == set(new) - set(old)
        assert set(change.dropped) == set(old) - set(new)
    else:
        assert old == new


def test_the_logits_of_known_tags_stay_the_same() -> None:
    before, after = TagSet.of("BIOES", ("LOC", "PER")), TagSet.of("BIOES", ("DRUG", "PER"))
    model = model_of(before.tags)
    expected = logits_of(model)
    assert change_tags(model, after, "x") == HeadChange(("PER",), ("DRUG",), ("LOC",))
    found = logits_of(model)
    for tag in ("O", "B-PER", "I-PER", "E-PER", "S-PER"):
        torch.testing.assert_close(found[tag], expected[tag], rtol=0, atol=1e-6)
    assert len({value for tag in after.tags if "DRUG" in tag for value in found[tag].tolist()}) == 1


@OUR_BUNDLES
def test_our_bundles_find_the_same_people_when_they_are_asked_for_a_new_type(bundle: Path) -> None:
    """The built-in one and nano have embeddings of pairs and a pruned vocabulary."""
    model: Any = load_classifier(bundle)
    encoder = Encoder(bundle / "tokenizer.json")
    (encoding,) = encoder(["王小明在北京大学工作。"])
    ids = torch.from_numpy(np.concatenate([[encoder.start_id], encoding.ids, [encoder.end_id]]))[None]
    expected = logits_of(model, ids)
    change_tags(model, TagSet.of("BIOES", ("DRUG", "ORG", "PER")), bundle)
    found = logits_of(model, ids)
    for tag in set(found) & set(expected):
        torch.testing.assert_close(found[tag], expected[tag], rtol=0, atol=1e-4)
    tags = list(found)
    best = [tags[index] for index in torch.stack(list(found.values())).argmax(dim=0)[1:-1]]
    assert best == spans_to_tags(11, [Span(0, 3, "PER"), Span(4, 8, "ORG")], "bioes")


def test_bio_splits_the_probability_of_a_tag_evenly_over_its_places() -> None:
    model = model_of(TagSet.of("BIO", ("PER",)).tags)
    before = logits_of(model)
    change_tags(model, TagSet.of("BIOES", ("PER",)), "x")
    after = logits_of(model)
    torch.testing.assert_close(after["B-PER"], after["S-PER"])
    torch.testing.assert_close(after["I-PER"], after["E-PER"])
    for old, parts in (("B-PER", ("B-PER", "S-PER")), ("I-PER", ("I-PER", "E-PER")), ("O", ("O",))):
        torch.testing.assert_close(torch.stack([after[part] for part in parts]).logsumexp(dim=0), before[old])


def test_bioes_becomes_bio_by_the_tangent_below_the_sum_of_the_probabilities() -> None:
    model = model_of(TagSet.of("BIOES", ("PER",)).tags)
    before = logits_of(model)
    change_tags(model, TagSet.of("BIO", ("PER",)), "x")
    after = logits_of(model)
    for new, parts in (("B-PER", ("B-PER", "S-PER")), ("I-PER", ("I-PER", "E-PER"))):
        merged = torch.stack([before[part] for part in parts])
        torch.testing.assert_close(after[new], merged.mean(dim=0) + math.log(2))
        assert (after[new] <= merged.logsumexp(dim=0) + 1e-6).all()


def test_a_change_of_the_scheme_and_back_gives_the_rows_again() -> None:
    tags = TagSet.of("BIO", ("LOC", "PER"))
    model = model_of(tags.tags)
    before = logits_of(model)
    for tag_set in (TagSet.of("BIOES", ("LOC", "PER")), tags):
        change = change_tags(model, tag_set, "x")
        assert change == HeadChange(("LOC", "PER"), (), ())
    for tag, logits in logits_of(model).items():
        torch.testing.assert_close(logits, before[tag])


@pytest.mark.parametrize(("scheme", "letters"), [("bmes", "BMES"), ("bilou", "BILU")])
def test_other_letters_for_the_same_places_are_the_same_tags(scheme: str, letters: str) -> None:
    assert FILE_SCHEMES[scheme].prefixes == set(letters)
    old = ("O", *(f"{letter}-PER" for letter in letters))
    model = model_of(old)
    expected = list(logits_of(model).values())
    change_tags(model, TagSet.of("BIOES", ("PER",)), "x")
    for found, wanted in zip(logits_of(model).values(), expected, strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("old", [("LABEL_0", "LABEL_1"), ("NR", "NS", "O"), ("O", "X-PER", "B-PER")])
def test_tags_of_no_scheme_are_forgotten_and_the_remedy_is_told(old: tuple[str, ...]) -> None:
    model = model_of(old)
    outside = logits_of(model).get("O")
    change = change_tags(model, TagSet.of("BIO", ("PER",)), "x")
    assert change is not None
    assert (change.kept, change.new) == ((), ("PER",))
    if outside is None:
        assert model.classifier.bias.tolist() == pytest.approx([0, math.log(PRIOR), math.log(PRIOR)])
    else:
        torch.testing.assert_close(logits_of(model)["O"], outside)


def test_a_model_that_knows_none_of_the_types_says_how_to_rename_them() -> None:
    told = str(change_tags(model_of(TagSet.of("BIO", ("PER",)).tags), TagSet.of("BIO", ("NAME",)), "x"))
    assert told == (
        "the model learns NAME, forgets PER; if it knows a type of the data by another name, "
        "rename that type with data.types, in edgener-export train with --rename"
    )
    told = str(change_tags(model_of(TagSet.of("BIO", ("LOC", "PER")).tags), TagSet.of("BIO", ("DRUG", "PER")), "x"))
    assert told == "the model keeps what it knows of PER, learns DRUG, forgets LOC"


def test_a_changed_model_is_saved_and_loaded_with_its_tags(tmp_path: Path) -> None:
    model = model_of(TagSet.of("BIO", ("LOC", "PER")).tags)
    tags = TagSet.of("BIOES", ("DRUG", "LOC"))
    change_tags(model, tags, "x")
    model.save_pretrained(tmp_path)
    loaded = load_classifier(tmp_path)
    assert tags_of(loaded) == list(tags.tags)
    for tag, logits in logits_of(model).items():
        torch.testing.assert_close(logits_of(loaded)[tag], logits)


def test_a_head_that_is_more_than_one_layer_is_refused_with_the_remedy() -> None:
    factory: Any = AutoModelForTokenClassification
    model = factory.from_config(AutoConfig.for_model("bert", vocab_size=9, hidden_size=12, num_hidden_layers=1))
    model.classifier = torch.nn.Sequential(torch.nn.Linear(12, 12), torch.nn.Linear(12, 2))
    with pytest.raises(CheckpointError, match=r"^here: its classification head .* 2 tags.*; save its encoder alone"):
        change_tags(model, TagSet.of("BIO", ("PER",)), "here")
