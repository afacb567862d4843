"""`tf.pack.lay_out`: columns, masks, alignment, arrays of the caller, boundaries for attention."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=20), max_size=12),
    st.integers(1, 12),
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from([np.uint32, np.int32, np.int64]),
    st.sampled_from([np.int32, np.int64]),
)
@settings(max_examples=150)
def test_columns_a_token_at_a_time(
    documents: list[list[tuple[int, bool]]], capacity: int, align: int, masked: bool, dtype: type, label_dtype: type
) -> None:
    ragged = tf.Ragged.from_lists([[token for token, _ in document] for document in documents])
    learned = np.array([keep for document in documents for _, keep in document], bool)
    align = min(align, capacity)
    columns = ("tokens", "position_ids", "labels", "document_ids", "loss_mask")
    packed = tf.pack.pack(
        ragged, capacity, align=align, columns=columns, loss_mask=learned if masked else None, pad_id=77, dtype=dtype,
        label_dtype=label_dtype,
    )  # fmt: skip
    plan = packed.plan
    expected = {
        "tokens": np.full((plan.rows, capacity), 77),
        "position_ids": np.zeros((plan.rows, capacity), int),
        "labels": np.full((plan.rows, capacity), -100),
        "document_ids": np.full((plan.rows, capacity), -1),
        "loss_mask": np.zeros((plan.rows, capacity), int),
    }
    for row in range(plan.rows):
        at = 0
        first, end = plan.row_offsets[row : row + 2]
        for number, piece in enumerate(range(first, end)):
            base = ragged.offsets[plan.document[piece]] + plan.start[piece]
            for position in range(plan.length[piece]):
                expected["tokens"][row, at + position] = ragged.values[base + position]
                expected["position_ids"][row, at + position] = position
                expected["document_ids"][row, at + position] = number
                follows = base + position + 1
                if position + 1 < plan.length[piece] and (not masked or learned[follows]):
                    expected["labels"][row, at + position] = ragged.values[follows]
                    expected["loss_mask"][row, at + position] = 1
            assert packed.cu_seqlens_padded[row][number] == at
            at += -(-int(plan.length[piece]) // align) * align
        assert packed.cu_seqlens_padded[row][-1] == capacity
        assert np.diff(packed.cu_seqlens[row]).tolist() == plan.length[first:end].tolist()
    for name, array in expected.items():
        assert (getattr(packed, name) == array).all(), name
    assert (packed.tokens.dtype, packed.labels.dtype) == (dtype, label_dtype)
    bounds, longest = packed.flat_cu_seqlens()
    assert bounds[-1] == plan.rows * capacity
    assert longest == np.diff(bounds).max(initial=0)
    flat = packed.document_ids.reshape(-1)
    for begin, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        assert len(set(flat[begin:stop].tolist())) == 1, "a stretch is one document, or padding"


def test_only_what_is_asked_for_is_made() -> None:
    ragged = tf.Ragged.from_lists([[1, 2, 3], [4]])
    packed = tf.pack.pack(ragged, 4, columns=["tokens"])
    assert list(packed.columns) == ["tokens"]
    with pytest.raises(AttributeError):
        _ = packed.labels
    assert packed.cu_seqlens[0].tolist() == [0, 3, 4]
    assert packed.cu_seqlens[-1].base is not None
    assert [row.tolist() for row in packed.cu_seqlens[0:1]] == [[0, 3, 4]]
    with pytest.raises(IndexError):
        packed.cu_seqlens[1]


def test_arrays_of_the_caller_are_filled() -> None:
    ragged = tf.Ragged.from_lists([[1, 2, 3], [4]])
    out = {"tokens": np.empty((1, 4), np.int64), "labels": np.empty((1, 4), np.int32)}
    packed = tf.pack.pack(ragged, 4, columns=(), out=out)
    assert packed.tokens is out["tokens"]
    assert (out["tokens"].tolist(), out["labels"].tolist()) == ([[1, 2, 3, 4]], [[2, 3, -100, -100]])
    for wrong in (
        {"tokens": np.empty((2, 4), np.int64)},
        {"tokens": np.empty((1, 4), np.float32)},
        {"labels": np.empty((1, 4), np.uint32)},
        {"document_ids": np.empty((1, 4), np.int64)},
        {"tokens": np.empty((1, 8), np.int64)[:, ::2]},
        {"token": np.empty((1, 4), np.int64)},
    ):
        with pytest.raises((tf.InputError, TypeError)):
            tf.pack.pack(ragged, 4, columns=(), out=wrong)


def test_a_slice_of_a_ragged_array_is_packed() -> None:
    ragged = tf.Ragged.from_lists([[9, 9], [1, 2, 3], [4]])[1:]
    mask = np.array([0, 0, 1, 0, 1, 1])
    packed = tf.pack.pack(ragged, 4, loss_mask=mask, columns=("tokens", "labels"))
    assert packed.tokens.tolist() == [[1, 2, 3, 4]]
    assert packed.labels.tolist() == [[-100, 3, -100, -100]]
    with pytest.raises(tf.InputError, match="loss_mask"):
        tf.pack.pack(ragged, 4, loss_mask=mask[:-1])
