"""tf.Ragged against plain lists."""

import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokenfoundry as tf

rows_of_ids = st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=6), max_size=8)


@given(rows_of_ids)
def test_is_the_list_of_lists(rows: list[list[int]]) -> None:
    ragged = tf.Ragged.from_lists(rows)
    assert len(ragged) == len(rows)
    assert ragged.tolist() == rows
    assert [row.tolist() for row in ragged] == rows
    assert ragged.to_arrow().to_pylist() == rows
    assert pa.array(ragged).to_pylist() == rows
    assert pickle.loads(pickle.dumps(ragged)) == ragged


@given(rows_of_ids, st.slices(8))
def test_slices_are_list_slices(rows: list[list[int]], some: slice) -> None:
    assert tf.Ragged.from_lists(rows)[some].tolist() == rows[some]


@given(rows_of_ids, st.integers(0, 7), st.integers(0, 5))
def test_to_padded(rows: list[list[int]], length: int, pad_id: int) -> None:
    padded = tf.Ragged.from_lists(rows).to_padded(length, pad_id)
    assert padded.shape == (len(rows), length)
    assert padded.tolist() == [row[:length] + [pad_id] * (length - len(row)) for row in rows]


@given(rows_of_ids.filter(bool), st.data())
def test_take_copies_rows_in_any_order(rows: list[list[int]], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1)))
    assert tf.Ragged.from_lists(rows).take(chosen).tolist() == [rows[index] for index in chosen]


def test_a_row_is_a_view() -> None:
    ragged = tf.Ragged.from_lists([[1, 2], [3]])
    assert np.shares_memory(ragged[0], ragged.values)
    assert np.shares_memory(ragged[1:].values, ragged.values)
    with pytest.raises(IndexError, match="row 2 of a ragged array with 2 rows"):
        ragged[2]


@pytest.mark.parametrize("offsets", [[0, 3], [1, 0], [-1, 1], []])
def test_offsets_that_lie_are_refused(offsets: list[int]) -> None:
    with pytest.raises(tf.InputError, match="offsets"):
        tf.Ragged(np.array([1, 2], np.uint32), np.array(offsets, np.int64))
