"""`tf.pack.lay_out`: columns, masks, alignment, arrays of the caller, boundaries for attention."""

import numpy as np
import pyarrow as pa
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


@pytest.mark.parametrize(("align", "threads"), [(1, 1), (8, 1), (1, 2), (3, 2)])
def test_columns_larger_than_the_caches_are_those_of_their_rows(align: int, threads: int) -> None:
    source = np.random.default_rng(align)
    lengths = np.concatenate([source.integers(0, 90, 9000), source.integers(200, 3000, 150)])
    ragged = tf.Ragged(
        source.integers(0, 1 << 31, lengths.sum()).astype(np.uint32), np.concatenate([[0], np.cumsum(lengths)])
    )
    mask = source.integers(0, 3, len(ragged.values)).astype(np.uint8)
    columns = ("tokens", "labels", "position_ids", "document_ids", "loss_mask")
    plan = tf.pack.plan(lengths, 509, align=align)
    # Begun anywhere in a line.
    out = {
        name: np.empty(plan.rows * 509 + 3, kind)[shift : shift + plan.rows * 509].reshape(-1, 509)
        for shift, (name, kind) in enumerate({"tokens": np.int32, "labels": np.int64, "position_ids": np.int32}.items())
    }
    large = tf.pack.lay_out(ragged, plan, columns=columns, out=out, loss_mask=mask, pad_id=5, threads=threads)
    assert sum(array.nbytes for array in large.columns.values()) > 8 << 20
    arrays = plan.to_arrays()
    for first in range(0, plan.rows, 400):
        last = min(first + 400, plan.rows)
        begin, end = plan.row_offsets[first], plan.row_offsets[last]
        some = {name: arrays[name][begin:end] for name in ("document", "start", "length")}
        part = tf.pack.Plan.from_arrays({**arrays, **some, "row_offsets": plan.row_offsets[first : last + 1] - begin})
        small = tf.pack.lay_out(
            ragged, part, columns=columns, loss_mask=mask, pad_id=5, dtype=np.int32, label_dtype=np.int64
        )
        for name in columns:
            assert np.array_equal(small.columns[name], large.columns[name][first:last]), name


def test_tokens_and_masks_come_as_they_are() -> None:
    lists, learned = [[1, 2, 3], [], [4, 5]], [[1, 0, 1], [], [1, 1]]
    expected = tf.pack.pack(tf.Ragged.from_lists(lists), 4, loss_mask=np.array([1, 0, 1, 1, 1]))
    given = pa.array(lists, pa.list_(pa.uint16()))
    for tokens in (lists, given, pa.chunked_array([given[:1], given[1:]]), [np.array(row, np.int64) for row in lists]):
        for mask in (learned, pa.array(learned), tf.Ragged.from_lists(learned), [True, False, 1, 1, 1]):
            found = tf.pack.pack(tokens, 4, loss_mask=mask)
            assert (found.tokens == expected.tokens).all() and (found.labels == expected.labels).all()
    sliced = tf.Ragged.from_lists([[9, 9], *lists])[1:]
    assert (tf.pack.pack(sliced, 4, loss_mask=learned).labels == expected.labels).all()
    assert tf.pack.pack(pa.array([[7, 8]] * 2, pa.list_(pa.int64(), 2)), 2).tokens.tolist() == [[7, 8], [7, 8]]
    assert tf.pack.pack([], 4).tokens.shape == (0, 4)
    for wrong in (
        [[-1]],
        [["a"]],
        "text",
        5,
        [1, 2],
        pa.array([[1], None]),
        pa.array([[None]]),
        pa.array([[-1]]),
        [None],
    ):
        with pytest.raises(tf.InputError, match="rows of token ids"):
            tf.pack.pack(wrong, 4)
    for wrong_mask in ([[1, 0], [], [1, 1]], [1], np.ones((5, 1))):
        with pytest.raises(tf.InputError):
            tf.pack.pack(lists, 4, loss_mask=wrong_mask)


def test_arrays_that_do_not_fit_are_named() -> None:
    tokens = [[1, 2, 3], [4]]
    shared = np.zeros((2, 4), np.int64)
    for out, named in (
        ({"tokens": [1]}, "tokens"),
        ({"tokens": shared, "labels": shared}, "share memory"),
        ({"tokens": shared[:, ::2]}, "C-contiguous"),
    ):
        with pytest.raises(tf.InputError, match=named):
            tf.pack.pack(tokens, 4, rows_multiple=2, out=out)  # type: ignore[arg-type]
