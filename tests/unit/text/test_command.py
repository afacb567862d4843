"""`tokenfoundry quality` and `tokenfoundry sample`, as a person calls them."""

import json
from pathlib import Path

import pytest
from tests.unit.pipeline.runs import prose
from tests.unit.text.test_stages import END, write_lines
from typer.testing import CliRunner

import tokenfoundry as tf
from tokenfoundry.cli import app
from tokenfoundry.pipeline.recipe import load_recipe
from tokenfoundry.text.sampling import sample


def call(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.output


def test_a_model_is_trained_and_asked(tmp_path: Path) -> None:
    write_lines(tmp_path / "good.jsonl", [prose(seed) for seed in range(20)])
    write_lines(tmp_path / "new.jsonl", [prose(30), "qzx vwk jjq " * 40])
    code, said = call("quality", "train", tmp_path / "good.jsonl", "--output", tmp_path / "q.tfq", "--order", 4)
    assert code == 0 and "20 documents" in said
    first = (tmp_path / "q.tfq").read_bytes()
    call("quality", "train", tmp_path / "good.jsonl", "--output", tmp_path / "q.tfq", "--order", 4)
    assert (tmp_path / "q.tfq").read_bytes() == first
    code, said = call("quality", "score", tmp_path / "q.tfq", tmp_path / "new.jsonl")
    scores = [float(line.split("\t")[0]) for line in said.splitlines()[1:]]
    assert code == 0 and scores[0] < 3 < scores[1]
    code, said = call("quality", "train", tmp_path / "none*.jsonl")
    assert code == 1 and "matches no file" in said
    (tmp_path / "broken.tfq").write_bytes(first[:-5])
    code, said = call("quality", "score", tmp_path / "broken.tfq", tmp_path / "new.jsonl")
    assert code == 1 and "checksum is wrong" in " ".join(said.split())


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    texts = [prose(seed) for seed in range(12)] + [f"short text {number}" for number in range(9)]
    write_lines(tmp_path / "a.jsonl", texts)
    recipe = {"name": "test", "output": "out", "input": [{"path": "a.jsonl"}], "stages": [{"filter": {}}, *END]}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    tf.run(load_recipe(recipe, base=tmp_path))
    return tmp_path / "out"


def test_samples_are_what_the_condition_says(finished: Path) -> None:
    found = sample(finished, "verdict = 'gopher.too_few_words'", count=5)
    assert len(found) == 5
    assert all(one.text is not None and one.text.startswith("short text") for one in found)
    assert [one.row["value"] for one in found] == [3.0] * 5
    assert [one.row["id"] for one in sample(finished, "verdict = 'gopher.too_few_words'", count=5)] == [
        one.row["id"] for one in found
    ]
    kept = sample(finished, "verdict is null", count=100)
    assert len(kept) == 12 and {one.text for one in kept} == {prose(seed) for seed in range(12)}
    assert len(sample(finished, count=100)) == 21
    assert sample(finished, "verdict is null and bytes_in < 3") == []
    with pytest.raises(tf.InputError, match="there is no column 'verdit'; did you mean 'verdict'"):
        sample(finished, "verdit is null")


def test_samples_stand_side_by_side(finished: Path) -> None:
    code, said = call("sample", finished, "--where", "verdict == 'gopher.too_few_words'", "--count", 2)
    assert code == 0
    assert any(line.count("gopher.too_few_words (value 3)") == 2 for line in said.splitlines()), said
    (finished.parent / "a.jsonl").unlink()
    code, said = call("sample", finished, "--where", "verdict = 'gopher.too_few_words'", "--count", 1)
    assert code == 0 and "its input is not here" in " ".join(said.split())
    assert call("sample", finished, "--where", "verdict = ")[0] == 1
