"""``edgener-export text`` with repositories that the tests make."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from edgener.bundle import load_bundle
from edgener_export.cli.main import main
from edgener_export.errors import CorpusError, DownloadError, RecipeError
from edgener_export.texts.collect import digest_of
from edgener_export.texts.readers import read_json, read_markdown, read_xml
from edgener_export.texts.sentences import LONGEST, sentences_of
from edgener_export.texts.sources import read_sources
from tests.export.commands import with_settings
from tests.support import TINY_BUNDLE

SHIPPED = Path(__file__).parents[3] / "export" / "recipes" / "text" / "today.toml"
TITLES = ["华为发布新手机", "北京今天下雪", "武汉大学樱花开了"]


def git(directory: Path, *words: str) -> str:
    """Run git, and return what it says."""
    identity = ["-c", "user.name=edgener", "-c", "user.email=edgener@example.com"]
    done = subprocess.run(["git", *identity, "-C", str(directory), *words], capture_output=True, check=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with titles in JSON, a page, and a file that no pattern matches."""
    directory = tmp_path / "clones" / "someone" / "titles"
    (directory / "raw" / "2026").mkdir(parents=True)
    titles = [{"title": title, "url": "https://example.com/1"} for title in [*TITLES, TITLES[0]]]
    (directory / "raw" / "2026" / "a.json").write_text(json.dumps(titles), encoding="utf-8")
    (directory / "page.md").write_text(
        "---\ntitle: x\n---\n# 标题\n\n任正非在深圳说，[华为](https://a.b)很好。\n", "utf-8"
    )
    (directory / "other.bin").write_bytes(b"\xff" * 10)
    git(directory, "init", "--quiet")
    git(directory, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(directory, "config", "uploadpack.allowFilter", "true")
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "--message", "titles")
    return directory


def source_list(directory: Path, repository: Path, address: str, **changes: str) -> Path:
    """Write a list of two sources of one repository."""
    commit = git(repository, "rev-parse", "HEAD")
    shared = f'repository = "{address}"\ncommit = "{commit}"\nlicense = "MIT"\n'
    titles = {"name": "titles", "kind": "titles", "reader": "json", "sha256": digest_of(TITLES), **changes}
    keys = "".join(f'{key} = "{value}"\n' for key, value in titles.items())
    path = directory / "text.toml"
    path.write_text(
        f'[[source]]\n{keys}{shared}paths = ["raw/*.json"]\nfields = ["title"]\n'
        f'[[source]]\nname = "page"\nkind = "modern"\nreader = "markdown"\n{shared}paths = ["*.md"]\n',
        encoding="utf-8",
    )
    return path


def rows_of(path: Path) -> list[tuple[str, str, str]]:
    """Return text, kind and source of each line."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["text"], row["kind"], row["source"]) for row in rows]


ROWS = [*((title, "titles", "titles") for title in TITLES), ("任正非在深圳说，华为很好。", "modern", "page")]


def test_texts_come_out_of_clones_that_are_there(tmp_path: Path, repository: Path) -> None:
    sources, output = source_list(tmp_path, repository, "someone/titles"), tmp_path / "out.jsonl"
    command = ["text", str(sources), str(output), "--cache", str(tmp_path / "cache")]
    assert main([*command, "--clones", str(tmp_path / "clones")]) == 0
    assert rows_of(output) == ROWS
    assert main([*command, "--clones", str(tmp_path / "clones"), "--only", "page"]) == 0
    assert rows_of(output) == ROWS[3:]


def test_what_is_read_is_cloned_and_nothing_else_and_a_second_run_needs_no_repository(
    tmp_path: Path, repository: Path
) -> None:
    sources, output = source_list(tmp_path, repository, f"file://{repository}"), tmp_path / "out.jsonl"
    command = ["text", str(sources), str(output), "--cache", str(tmp_path / "cache")]
    assert main(command) == 0
    assert rows_of(output) == ROWS
    objects = git(tmp_path / "cache/clones/titles", "cat-file", "--batch-all-objects", "--batch-check")
    assert objects.count("blob") == 1
    repository.rename(repository.with_name("away"))
    output.unlink()
    assert main(command) == 0
    assert rows_of(output) == ROWS


def test_a_repository_that_cannot_be_reached_is_named_with_the_way_around(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = source_list(tmp_path, repository, f"file://{tmp_path}/nothing")
    command = ["text", str(sources), str(tmp_path / "out.jsonl"), "--cache", str(tmp_path / "cache")]
    assert main(command) == DownloadError.exit_code
    assert "--clones" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()
    assert main([*command, "--clones", str(tmp_path)]) == DownloadError.exit_code
    assert "is no clone with the commit" in capsys.readouterr().err


def test_other_texts_than_the_pinned_ones_are_refused(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = source_list(tmp_path, repository, "someone/titles", sha256="0" * 64)
    command = ["text", str(sources), str(tmp_path / "out.jsonl"), "--cache", str(tmp_path / "cache")]
    assert main([*command, "--clones", str(tmp_path / "clones")]) == CorpusError.exit_code
    assert digest_of(TITLES) in capsys.readouterr().err


def test_an_unknown_reader_or_source_is_named(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = source_list(tmp_path, repository, "someone/titles", reader="jsno")
    assert main(["text", str(sources), str(tmp_path / "out.jsonl")]) == RecipeError.exit_code
    assert "titles: reader 'jsno' is unknown; known: lines, markdown, json, xml" in capsys.readouterr().err
    sources = source_list(tmp_path, repository, "someone/titles")
    assert main(["text", str(sources), str(tmp_path / "out.jsonl"), "--only", "x"]) == RecipeError.exit_code
    assert "has no source 'x'" in capsys.readouterr().err


def test_readers_take_the_prose_alone() -> None:
    assert list(read_json('{"a": {"b": "甲", "c": "乙"}, "c": ["丙"]}', ["a.b", "c"])) == ["甲", "乙", "丙"]
    assert list(read_json('{"a": "甲"}\n{"a": "乙"}\n', ["a"])) == ["甲", "乙"]
    assert list(read_xml('<x xmlns="n"><p>甲<b>乙</b></p><q>丙</q></x>', ["p"])) == ["甲乙"]
    page = "```\ncode\n```\n- **王小明** ![x](y)\n| a | b |\n"
    assert [line.strip() for line in read_markdown(page, []) if line.strip()] == ["王小明"]


def test_sentences_are_clean_short_and_chinese() -> None:
    text = "@小王 请看 https://a.b/c 这里！电话 13800138000 打不通。" + "很长" * 100 + "。English only here."
    found = list(sentences_of(text))
    assert found == ["@用户 请看 这里！电话 打不通。"]
    assert all(len(sentence) <= LONGEST for sentence in found)


def test_our_own_list_pins_every_text() -> None:
    sources = read_sources(SHIPPED)
    assert all(len(source.sha256) == 64 and source.license for source in sources)


def test_texts_of_a_repository_are_labelled_and_distilled_with_templates_and_teachers_of_their_own(
    tmp_path: Path, repository: Path, build_tiny: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sources, texts, labelled = (
        source_list(tmp_path, repository, "someone/titles"),
        *(tmp_path / name for name in ("texts.jsonl.xz", "labelled.jsonl.xz")),
    )
    cache = ["--cache", str(tmp_path / "cache")]
    assert main(["text", str(sources), str(texts), "--clones", str(tmp_path / "clones"), *cache]) == 0
    assert main(["label", str(texts), str(labelled), "--model", str(TINY_BUNDLE)]) == 0
    settings = {
        "data.limit": 200,
        "data.more": f'["{labelled}"]',
        "rewrite.templates": SHIPPED.parents[1] / "templates.txt",
        "rewrite.template_sentences": 100,
        "rewrite.lists": 20,
        "rewrite.without_punctuation": 0.1,
        "finetune.epochs": 1,
        "distil.teacher": TINY_BUNDLE,
        "distil.more_teachers": f'["{TINY_BUNDLE}"]',
        "distil.epochs": 1,
        "distil.swap_probability": 0.3,
        "distil.swap_variants": 1,
        "distil.swap_names": SHIPPED.parents[1] / "latin_names.tsv",
        "distil.precision": "fp32",
        "gate.f1": 0,
        "gate.loss": 100,
    }
    run = tmp_path / "run"
    assert main([*build_tiny, *with_settings(settings), "--run", str(run)]) == 0
    assert "200 labelled sentences and 1" in capsys.readouterr().err
    assert (run / "distil/more-teacher/1/logits.npy").exists()
    assert load_bundle(run / "bundle").manifest.tags
