"""`tf.pack.fim`: its twin, and that draws depend on documents alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry.pack.planning import hash_pair
from tokenfoundry.reference import packing as reference

DOCUMENTS = st.lists(st.lists(st.integers(10, 99), max_size=12), max_size=12)
MARKS = {"prefix_id": 1, "middle_id": 2, "suffix_id": 3}


@given(DOCUMENTS, st.floats(0, 1), st.floats(0, 1), st.integers(0, 1 << 64), st.integers(0, 3))
@settings(max_examples=200)
def test_equals_the_twin(documents: list[list[int]], rate: float, suffix_first: float, seed: int, epoch: int) -> None:
    ragged = tf.Ragged.from_lists(documents)
    made, changed = tf.pack.fim(ragged, **MARKS, rate=rate, suffix_first_rate=suffix_first, seed=seed, epoch=epoch)
    key = hash_pair(seed, epoch)
    expected = [
        reference.fill_in_the_middle(tokens, number, (1, 2, 3), rate, suffix_first, key)
        for number, tokens in enumerate(documents)
    ]
    assert made.tolist() == expected
    assert changed.tolist() == [new != old for new, old in zip(expected, documents, strict=True)]


def test_draws_depend_on_documents_not_on_their_order() -> None:
    source = np.random.default_rng(0)
    documents = [source.integers(10, 99, length).tolist() for length in source.integers(0, 40, 500)]
    ids = [bytes(source.integers(0, 256, 16, dtype=np.uint8)) for _ in documents]
    made, changed = tf.pack.fim(tf.Ragged.from_lists(documents), **MARKS, document_ids=ids, seed=5)
    order = source.permutation(500).tolist()
    again, _ = tf.pack.fim(
        tf.Ragged.from_lists([documents[index] for index in order]),
        **MARKS, document_ids=b"".join(ids[index] for index in order), seed=5,
    )  # fmt: skip
    assert again.tolist() == [made[index].tolist() for index in order]
    assert 0.4 < changed.mean() < 0.6
    for new, old in zip(made.tolist(), documents, strict=True):
        assert sorted(token for token in new if token > 3) == sorted(old)
    other, _ = tf.pack.fim(tf.Ragged.from_lists(documents), **MARKS, document_ids=ids, seed=5, epoch=1)
    assert other.tolist() != made.tolist()


def test_bad_arguments() -> None:
    ragged = tf.Ragged.from_lists([[1]])
    for options in (
        {"rate": 1.5},
        {"suffix_first_rate": -0.1},
        {"document_ids": b"short"},
        {"document_ids": np.array([1, 2])},
    ):
        with pytest.raises(tf.InputError):
            tf.pack.fim(ragged, **MARKS, **options)
    with pytest.raises(tf.InputError, match="token ids"):
        tf.pack.fim(ragged, prefix_id=-1, middle_id=2, suffix_id=3)
