"""`tf.dedup` against the exact all-pairs join, its laws, and corpora made to hurt."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library

import tokenfoundry as tf
from tokenfoundry._core import dedup as core
from tokenfoundry.reference import dedup as reference
from tokenfoundry.testing import planted_near_duplicates

# Characters that every Unicode version since Python's own agrees on.
ASSIGNED = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cn")))


@given(ASSIGNED)
@settings(max_examples=300)
def test_shingles_equal_the_twin(text: str) -> None:
    for ngram in (1, 2, 5):
        assert core.shingle_set(text.encode(), ngram, "words") == sorted(reference.shingles(text, ngram))


def test_shingles_and_signatures_equal_the_twin_on_real_text() -> None:
    texts = SCRIPTS + standard_library(300_000)
    signatures = tf.dedup.MinHash(num_perm=37, ngram=3, seed=7).signatures(texts, threads=2)
    assert signatures.shape == (len(texts), 37)
    for text in texts:
        assert core.shingle_set(text.encode(), 3, "words") == sorted(reference.shingles(text, 3))
    for index in range(0, len(texts), 7):
        assert signatures[index].tolist() == reference.signature(texts[index], 37, 3, 7)


def check_laws(texts: list[str], result: tf.dedup.Result, threshold: float) -> None:
    removed = np.flatnonzero(~result.keep)
    assert result.stats["removed"] == len(removed)
    assert (result.duplicate_of[result.keep] == -1).all()
    assert np.isnan(result.jaccard[result.keep]).all()
    for index in removed:
        kept = result.duplicate_of[index]
        assert result.keep[kept], "a removed document names one that stays"
        assert result.cluster[index] == result.cluster[kept]
        if texts[index] == texts[kept]:
            similarity = 1.0
        else:
            similarity = reference.jaccard(reference.shingles(texts[index]), reference.shingles(texts[kept]))
        assert similarity >= threshold
        assert result.jaccard[index] == pytest.approx(similarity, abs=1e-6)
    for left, right, _ in result.pairs.tolist():
        assert left < right
        assert result.cluster[left] == result.cluster[right] <= left


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
def test_removals_equal_the_all_pairs_join(threshold: float) -> None:
    texts, _ = planted_near_duplicates(250, seed=int(threshold * 10))
    result = tf.dedup.near_duplicates(texts, threshold=threshold)
    check_laws(texts, result, threshold)
    assert result.duplicate_of.tolist() == reference.near_duplicates(texts, threshold)
    assert 20 < result.stats["removed"] < len(texts) - 100
    assert result.stats["skipped"] == 0


EDITED = st.lists(
    st.tuples(
        st.integers(0, 2), st.lists(st.tuples(st.integers(0, 39), st.sampled_from(["drop", "x", "y"])), max_size=4)
    ),
    max_size=14,
)


@given(EDITED, st.sampled_from([0.5, 0.8, 0.95]), st.sampled_from(["first", "last", "longest"]))
@settings(max_examples=150)
def test_laws(edits: list[tuple[int, list[tuple[int, str]]]], threshold: float, keep: str) -> None:
    """Kept and removed are all; a removed text names a kept one that is near enough; no two kept ones that met are."""
    texts = []
    for base, changes in edits:
        words = [f"w{base}_{place}" for place in range(40)]
        for place, change in changes:
            words[place] = "" if change == "drop" else change
        texts.append(" ".join(words))
    result = tf.dedup.near_duplicates(texts, threshold=threshold, keep=keep, bands=(20, 6))  # type: ignore[arg-type]
    assert len(result.keep) == len(texts)
    check_laws(texts, result, threshold)
    sets = [reference.shingles(text) for text in texts]
    for bucket in tf.dedup.buckets(tf.dedup.MinHash(120).signatures(texts)).tolist():
        kept = [index for index in bucket if result.keep[index]]
        for place, index in enumerate(kept):
            for other in kept[:place]:
                assert reference.jaccard(sets[index], sets[other]) < threshold


def test_real_text_with_real_copies() -> None:
    originals = standard_library(400_000)
    copies = [text.replace("self", "this_one", 2) for text in originals[::2]] + originals[::3]
    texts = originals + copies + SCRIPTS + ["", "", "two words", "two words", "Two words"]
    result = tf.dedup.near_duplicates(texts)
    check_laws(texts, result, 0.8)
    assert result.duplicate_of.tolist() == reference.near_duplicates(texts)


@given(st.lists(st.text(alphabet="ab ,", max_size=40), max_size=12), st.sampled_from([1, 2, 5]))
@settings(max_examples=200)
def test_odd_texts_equal_the_join(texts: list[str], ngram: int) -> None:
    # Tiny sets collide in a band whenever they are similar at all, so recall is complete at 1.0.
    result = tf.dedup.near_duplicates(texts, threshold=1.0, ngram=ngram)
    assert result.duplicate_of.tolist() == reference.near_duplicates(texts, 1.0, ngram)


def test_results_do_not_depend_on_threads_or_container() -> None:
    texts, _ = planted_near_duplicates(100, seed=3)
    first = tf.dedup.near_duplicates(texts, threads=1)
    for again in (tf.dedup.near_duplicates(texts, threads=3), tf.dedup.near_duplicates(pa.array(texts))):
        assert (again.duplicate_of == first.duplicate_of).all()
        assert (again.pairs == first.pairs).all()
        assert again.stats == first.stats


def test_the_preferred_document_stays() -> None:
    base = " ".join(f"word{index}" for index in range(100))
    texts = [base, base + " tail", base + " longer tail", "unrelated text of some words here"]
    assert tf.dedup.near_duplicates(texts).keep.tolist() == [True, False, False, True]
    assert tf.dedup.near_duplicates(texts, keep="longest").keep.tolist() == [False, False, True, True]
    assert tf.dedup.near_duplicates(texts, keep=[0.1, 0.9, 0.5, 0.0]).keep.tolist() == [False, True, False, True]
    same = ["x", "x", "x"]
    assert tf.dedup.exact(same, keep=np.array([1, 3, 3])).keep.tolist() == [False, True, False]


def test_chains_do_not_drag_each_other_along() -> None:
    words = [f"w{index}" for index in range(130)]
    texts = [" ".join(words[start : start + 100]) for start in range(0, 30, 6)]
    result = tf.dedup.near_duplicates(texts)
    check_laws(texts, result, 0.8)
    assert result.keep.tolist() == [True, False, True, False, True]
    assert result.cluster.tolist() == [0, 0, 2, 2, 4]


def test_exact() -> None:
    texts = [b"a", b"b", b"a", b"\xff", b"\xff", b"", b""]
    result = tf.dedup.exact(texts)
    assert result.keep.tolist() == [True, True, False, True, False, True, False]
    assert result.duplicate_of.tolist() == [-1, -1, 0, -1, 3, -1, 5]
    assert result.stats["identical"] == 3
    assert tf.dedup.exact([]).keep.tolist() == []


def test_adversarial_corpora_stay_linear_and_bounded() -> None:
    same = tf.dedup.near_duplicates(pa.array(["one and the same document, many words long"] * 300_000))
    assert same.keep.sum() == 1
    assert tf.dedup.near_duplicates([""] * 100_000).keep.sum() == 1
    huge = " ".join(f"word{index}" for index in range(5000)) * 1000
    assert tf.dedup.near_duplicates([huge, huge + " x", "y"]).keep.tolist() == [True, False, True]
    shared = [f"one shingle shared by all x{index}" for index in range(60_000)]
    result = tf.dedup.near_duplicates(shared, ngram=5)
    assert result.keep.all()
    assert result.stats["verified"] < 128 * 20 * len(shared)
    assert result.stats["skipped"] > 0, "the bound was reached and is told"


def test_estimates_are_close_to_the_truth() -> None:
    texts, _ = planted_near_duplicates(150, words=400, rates=(0.01, 0.03), seed=5)
    result = tf.dedup.near_duplicates(texts, verify=False)
    pairs = [pair for pair in result.pairs.tolist() if texts[pair[0]] != texts[pair[1]]]
    errors = [
        reference.jaccard(reference.shingles(texts[left]), reference.shingles(texts[right])) - estimate
        for left, right, estimate in pairs
    ]
    assert len(errors) > 30
    assert abs(float(np.mean(errors))) < 0.03


def test_bad_arguments() -> None:
    with pytest.raises(tf.InputError, match="threshold"):
        tf.dedup.near_duplicates(["a"], threshold=1.5)
    with pytest.raises(tf.InputError, match="keep"):
        tf.dedup.near_duplicates(["a"], keep="best")  # type: ignore[arg-type]
    with pytest.raises(tf.InputError, match="one number for each"):
        tf.dedup.exact(["a", "b"], keep=[1])
    with pytest.raises(tf.InputError, match="scheme"):
        tf.dedup.MinHash(scheme="other")
    with pytest.raises(tf.InputError, match=r"texts\[1\] is not UTF-8"):
        tf.dedup.near_duplicates([b"a", b"\xff"])
    assert "20 bands of 6 rows" in tf.dedup.explain_bands(0.8)
