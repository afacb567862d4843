"""Recipes: what is wrong is said once, with its place and what is allowed there, before any work."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.pipeline.runs import recipe, write_corpus

import tokenfoundry as tf
from tokenfoundry.pipeline.recipe import load_recipe, new_recipe_text, recipe_schema


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipes")
    write_corpus(path)
    return path


def broken(folder: Path, change: Any) -> str:
    """The error's message after ``change`` was made to a sound recipe."""
    plain = recipe(folder)
    change(plain)
    with pytest.raises(tf.RecipeError) as caught:
        load_recipe(plain, base=folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def stage(name: str, **options: Any) -> dict[str, Any]:
    return {name: options}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda r: r.update(outptu="x"), "outptu: unknown key; did you mean 'output'?"),
        (lambda r: r.pop("name"), "name: is missing"),
        (lambda r: r.update(seed="x"), "seed: must be a valid integer (it is 'x')"),
        (lambda r: r.update(on_error="ignore"), "on_error: must be 'reject' or 'stop' (it is 'ignore')"),
        (lambda r: r["input"][1].update(fromat="jsonl"), "input[1].fromat: unknown key; did you mean 'format'?"),
        (lambda r: r["input"][0].update(format="csv"), "input[0].format: must be 'auto', 'jsonl', 'parquet', 'text', 'html' or 'warc'"),
        (lambda r: r["input"][0].update(encoding="klingon"), "input[0].encoding: 'klingon' is no encoding"),
        (lambda r: r["input"][0].update(path="nothing/*.jsonl"), "input[0].path: 'nothing/*.jsonl' matches no file"),
        (lambda r: r["input"].append(dict(r["input"][0])), "twice"),
        (lambda r: r.update(input=[]), "input:"),
        (lambda r: r.pop("stages"), "stages:"),
        (lambda r: r.update(stages="clean"), "stages: must be a list"),
        (lambda r: r["stages"].insert(0, stage("claen")), "stages[0]: 'claen' is no stage; did you mean 'clean'?"),
        (lambda r: r["stages"].insert(0, {"clean": {}, "label": {}}), "stages[0]: must be one"),
        (lambda r: r["stages"].insert(5, stage("dedup")), "stages[5]: a second dedup"),
        (lambda r: r["stages"].insert(8, r["stages"].pop(3)), "stages[7]: redact cannot come after tokenize"),
        (lambda r: r["stages"][2]["filter"].update(preset=["c4", "gofer"]), "stages[2].filter.preset: 'gofer' is no preset; did you mean 'gopher'?"),
        (lambda r: r["stages"][2]["filter"].update(preset=["c4", "c4"]), "stages[2].filter.preset: names a preset twice"),
        (lambda r: r["stages"][2]["filter"].update(preset=[]), "stages[2].filter.preset: names no preset"),
        (lambda r: r["stages"][2]["filter"].update(preset=5), "stages[2].filter.preset: must be a valid"),
        (lambda r: r["stages"].pop(), "stages: has no shard"),
        (lambda r: r["stages"][2]["filter"].update(preset="gofer"), "stages[2].filter.preset: 'gofer' is no preset; did you mean 'gopher'?"),
        (lambda r: r["stages"][2]["filter"].update(sources=["wbe"]), "stages[2].filter.sources: 'wbe' is no input's source; did you mean 'web'?"),
        (lambda r: r["stages"][3]["redact"].update(kinds=["emial"]), "stages[3].redact.kinds: 'emial' is no kind; did you mean 'email'?"),
        (lambda r: r["stages"][4]["dedup"].update(threshold=2), "stages[4].dedup.threshold: must be less than or equal to 1"),
        (lambda r: r["stages"][5]["tokenize"].update(tokenizer="none.json"), "stages[5].tokenize.tokenizer: 'none.json' is no file"),
        (lambda r: r["stages"][5]["tokenize"].update(end_of_text="<eot>"), "stages[5].tokenize.end_of_text: '<eot>' is not among"),
        (lambda r: r["stages"][5]["tokenize"]["tokenizer"]["train"].update(vocabsize=3), "unknown key; did you mean 'vocab_size'?"),
        (lambda r: r["stages"][5]["tokenize"]["tokenizer"]["train"].update(vocab_size=3), "vocab_size: must be greater than or equal to 257"),
        (lambda r: r["stages"][6]["pack"].update(strategy="worst"), "stages[6].pack.strategy: must be 'best_fit'"),
    ],
)  # fmt: skip
def test_one_clear_message(folder: Path, change: Any, expected: str) -> None:
    assert expected in broken(folder, change)


def test_a_file_that_is_no_recipe(tmp_path: Path) -> None:
    for content, expected in [("a: [", "is not YAML"), ("- 1", "must be a mapping"), ("", "must be a mapping")]:
        (tmp_path / "r.yaml").write_text(content)
        with pytest.raises(tf.RecipeError, match=expected):
            load_recipe(tmp_path / "r.yaml")
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(tf.RecipeError, match="UTF-8"):
        load_recipe(tmp_path / "r.yaml")
    with pytest.raises(tf.RecipeError, match="no such file"):
        load_recipe(tmp_path / "none.yaml")


def test_the_new_recipe_is_sound(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.jsonl.gz").write_bytes(b"")
    (tmp_path / "r.yaml").write_text(new_recipe_text())
    loaded = load_recipe(tmp_path / "r.yaml")
    assert [name for name, _ in loaded.stage_list()] == [
        "clean",
        "label",
        "filter",
        "redact",
        "dedup",
        "tokenize",
        "pack",
        "shard",
    ]
    assert load_recipe(loaded.to_dict(), base=tmp_path).digest == loaded.digest


def test_the_digest_ignores_what_does_not_change_the_result(folder: Path) -> None:
    base = load_recipe(recipe(folder), base=folder).digest
    assert load_recipe(recipe(folder, "elsewhere", threads=1), base=folder).digest == base
    assert load_recipe(recipe(folder, seed=1), base=folder).digest != base


def test_the_schema_allows_what_we_allow(folder: Path) -> None:
    schema = recipe_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert set(yaml.safe_load(new_recipe_text())) <= set(schema["properties"])
    names = [next(iter(choice["properties"])) for choice in schema["properties"]["stages"]["items"]["anyOf"]]
    assert names == [
        "extract",
        "clean",
        "label",
        "filter",
        "redact",
        "decontaminate",
        "dedup",
        "tokenize",
        "pack",
        "shard",
    ]
    assert schema["additionalProperties"] is False
