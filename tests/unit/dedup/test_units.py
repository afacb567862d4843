"""What n-grams may be made of, and choosing who stays."""

import numpy as np
import pytest

import tokenfoundry as tf
from tokenfoundry.dedup import near_duplicates
from tokenfoundry.testing import planted_near_duplicates


def test_units_see_different_things() -> None:
    base = [f"word{index}" for index in range(60)]
    upper = " ".join(base).upper()
    plain = " ".join(base)
    assert near_duplicates([plain, upper]).keep.tolist() == [True, False]
    assert near_duplicates([plain, upper], unit="whitespace").keep.tolist() == [True, True]
    one_letter = plain.replace("word7 ", "word7, ")
    assert near_duplicates([plain, one_letter], unit="characters", threshold=0.9).keep.tolist() == [True, False]
    assert near_duplicates([plain, one_letter], unit="whitespace", threshold=0.9).keep.tolist() == [True, True]
    assert near_duplicates(
        [b"\xff" * 9 + bytes(range(99)), b"\xff" * 8 + bytes(range(99))], unit="bytes"
    ).keep.tolist() == [
        True,
        False,
    ]


def test_tokens_come_as_a_ragged_array() -> None:
    values = np.arange(300, dtype=np.uint32)
    values = np.concatenate([values, values, values[:150]])
    ragged = tf.Ragged(values, np.array([0, 300, 600, 750], dtype=np.int64))
    result = near_duplicates(ragged, unit="tokens", threshold=0.4)
    assert result.duplicate_of.tolist() == [-1, 0, 0]
    assert result.jaccard[2] == pytest.approx(146 / 296)
    assert tf.dedup.exact(ragged).keep.tolist() == [True, False, True]


def test_order_and_last() -> None:
    texts = ["same", "same", "other", "same"]
    assert tf.dedup.exact(texts, keep="last").keep.tolist() == [False, False, True, True]
    assert tf.dedup.exact(texts, order=[1, 0, 2, 3]).duplicate_of.tolist() == [1, -1, -1, 1]
    assert tf.dedup.exact(texts, keep=np.array([True, False, False, False])).keep.tolist() == [True, False, True, False]
    assert tf.dedup.exact(texts, keep=np.array([0, 9, 0, 3], np.uint8)).keep.tolist() == [False, True, True, False]
    for wrong in ([0, 1], [0, 1, 2, 2], [0, 1, 2, 9]):
        with pytest.raises(tf.InputError, match="order"):
            tf.dedup.exact(texts, order=wrong)


def test_explanations() -> None:
    curve = tf.dedup.explain(0.8)
    assert "20 bands of 6 rows, 120 permutations" in curve
    assert any("0.80" in line and "99.7" in line and "threshold" in line for line in curve.splitlines())
    assert "7 bands of 9 rows" in tf.dedup.explain(0.8, bands=(7, 9))
    with pytest.raises(tf.InputError, match="recall"):
        tf.dedup.explain(0.8, recall=1.0)
    with pytest.raises(tf.InputError, match="bands"):
        near_duplicates(["a"], bands=(1000, 1))
    with pytest.raises(tf.InputError, match="unit"):
        near_duplicates(["a"], unit="verses")  # type: ignore[arg-type]


def test_reasons_and_summary() -> None:
    base = " ".join(f"word{index}" for index in range(100))
    texts = [base, base, base + " tail", "something else entirely, with six words", "x"]
    result = near_duplicates(texts)
    assert result.reasons() == [None, "dedup.duplicate_of:0", "dedup.near_duplicate_of:0", None, None]
    assert result.reasons(ids=list("abcde"))[2] == "dedup.near_duplicate_of:a"
    assert result.cluster_sizes() == {1: 2, 3: 1}
    summary = result.summary(texts)
    assert "5 documents, 2 removed (40.00%), 1 of them identical" in summary
    assert "word0 word1" in summary and "2 to 3   1" in summary
    assert "0 documents" in near_duplicates([]).summary([])


def test_two_seeds_decide_alike() -> None:
    texts, _ = planted_near_duplicates(400, seed=11)
    first = near_duplicates(texts, seed=1)
    for seed in (2, 3):
        assert (near_duplicates(texts, seed=seed).keep == first.keep).mean() > 0.999
