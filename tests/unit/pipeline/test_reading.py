"""Reading ahead: everything in order, no further ahead than the budget, errors at their place."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.unit.pipeline.runs import prose

import tokenfoundry as tf
from tokenfoundry.pipeline.line import Line
from tokenfoundry.pipeline.reading import ReadAhead, read_unit
from tokenfoundry.pipeline.recipe import load_recipe


def units_of(folder: Path, files: int) -> list[Any]:
    inputs = []
    for number in range(files):
        rows = [json.dumps({"text": prose(100 * number + row)}) for row in range(30)]
        (folder / f"{number}.jsonl").write_text("\n".join(rows))
        inputs.append({"path": f"{number}.jsonl", "source": f"s{number}"})
    plain = {
        "name": "r", "output": "out", "input": inputs,
        "stages": [{"tokenize": {"tokenizer": {"train": {"vocab_size": 300}}}}, {"pack": {}}, {"shard": {}}],
    }  # fmt: skip
    return Line(load_recipe(plain, base=folder)).units


def test_the_same_batches_as_without(tmp_path: Path) -> None:
    units = units_of(tmp_path, 3)
    with ReadAhead(units, 1 << 20, 2000) as ahead:
        for unit in units:
            found = [(batch.uris, batch.records) for batch in ahead.batches(unit)]
            assert found == [(batch.uris, batch.records) for batch in read_unit(unit, 2000)]
            assert len(found) > 5


def test_the_reader_waits_for_the_stages(tmp_path: Path) -> None:
    units = units_of(tmp_path, 3)
    with ReadAhead(units, 4000, 1000) as ahead:
        time.sleep(0.3)
        assert ahead._queue.qsize() <= 6
        assert ahead._waiting_bytes < 4000 + 2 * 1000
        assert sum(len(batch.records) for unit in units for batch in ahead.batches(unit)) == 90


def test_an_error_comes_with_its_unit_and_closing_early_is_quick(tmp_path: Path) -> None:
    units = units_of(tmp_path, 3)
    (tmp_path / "1.jsonl").unlink()
    with ReadAhead(units, 1 << 20) as ahead:
        assert sum(len(batch.records) for batch in ahead.batches(units[0])) == 30
        with pytest.raises(tf.InputError, match=r"1\.jsonl: is gone"):
            list(ahead.batches(units[1]))
    began = time.monotonic()
    with ReadAhead(units[:1], 10, 1000):
        pass
    assert time.monotonic() - began < 5
