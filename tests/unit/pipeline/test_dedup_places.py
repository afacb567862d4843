"""Sketches without shingle sets: sets are made anew from texts that are read, and the answer is that of all in memory."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry.pipeline.batch import Batch
from tokenfoundry.pipeline.recipe import DedupStage
from tokenfoundry.pipeline.stages import dedup as dedup_stage
from tokenfoundry.pipeline.store import Store
from tokenfoundry.pipeline.unit_result import Sink, UnitResult, Written

WORDS = st.lists(st.sampled_from(["der", "é", "of", "a", "ferret", "日本"]), max_size=30).map(" ".join)
OPTIONS = DedupStage(threshold=0.6, ngram=2)


def unit_of(store: Store, key: str, batches: list[list[str]], compressed: bool) -> UnitResult:
    """A result of the text stages with these texts."""
    with ExitStack() as stack:
        sink = Sink(store, key, compressed, stack)
        for texts in batches:
            count = len(texts)
            columns = {
                "id": pa.array([bytes(16)] * count, pa.binary(16)), "record": pa.array(range(count), pa.int64()),
                "external_id": pa.nulls(count, pa.string()), "licence": pa.nulls(count, pa.string()),
                "content_hash": pa.array([bytes(16)] * count, pa.binary(16)),
            }  # fmt: skip
            sink.write(Written.of(Batch.of_columns(columns, pa.array(texts, pa.large_string()), "u", "s", None)))
        sink.finish([], {}, "s")
    return UnitResult.of(store, key)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    units=st.lists(st.lists(st.lists(WORDS, max_size=6), max_size=3), min_size=1, max_size=3), compressed=st.booleans()
)
def test_the_answer_is_that_of_all_in_memory(
    tmp_path_factory: pytest.TempPathFactory, units: list[list[list[str]]], compressed: bool
) -> None:
    folder = tmp_path_factory.mktemp("places")
    store = Store(folder / "store")
    laid = []
    hashes = [np.empty((0, 2), np.uint64)]
    for number, batches in enumerate(units):
        unit = unit_of(store, f"{number:032x}", batches, compressed)
        sketch = folder / f"sketch-{number}"
        sketch.mkdir()
        dedup_stage.sketch(sketch, unit.text_batches(), OPTIONS, 1)
        hashes.append(np.load(sketch / "hashes.npy"))
        laid.append((sketch, unit, None))
    texts = [text for batches in units for batch in batches for text in batch]
    bands = folder / "bands"
    bands.mkdir()
    dedup_stage.lay_out(bands, laid)
    for band in range(dedup_stage.plan_on_disk(bands, OPTIONS, 1).bands):
        dedup_stage.merge_band(bands, band, OPTIONS)
    lengths = np.array([len(text.encode()) for text in texts], np.int64)
    found = dedup_stage.decide(
        bands if texts else None, np.concatenate(hashes), lengths, np.ones(len(texts), np.bool_), OPTIONS
    )
    expected = tf.dedup.near_duplicates(texts, threshold=0.6, ngram=2)
    assert found.keep.tolist() == np.asarray(expected.keep).tolist()


def test_a_text_that_is_not_where_it_was_is_an_error(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    text = "one two three four five six seven eight nine ten"
    unit = unit_of(store, "0" * 32, [[text, text + " eleven"]], False)
    (tmp_path / "sketch").mkdir()
    dedup_stage.sketch(tmp_path / "sketch", unit.text_batches(), OPTIONS, 1)
    bands = tmp_path / "bands"
    bands.mkdir()
    dedup_stage.lay_out(bands, [(tmp_path / "sketch", unit, None)])
    for band in range(dedup_stage.plan_on_disk(bands, OPTIONS, 1).bands):
        dedup_stage.merge_band(bands, band, OPTIONS)
    table = np.fromfile(bands / "part-00000" / "documents", np.uint64).reshape(-1, 4)
    table[1, 0] = 1 << 62
    table.tofile(bands / "part-00000" / "documents")
    hashes = np.load(tmp_path / "sketch" / "hashes.npy")
    with pytest.raises(tf.TokenFoundryError, match="document 1 lies past the end of the file"):
        dedup_stage.decide(bands, hashes, np.array([1, 1]), np.ones(2, np.bool_), OPTIONS)
