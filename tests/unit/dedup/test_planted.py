"""Planted near-duplicates of every kind: the generator says what it made, and the answer is the exact join's."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry.reference import dedup as reference
from tokenfoundry.testing import EDITS, Planted, edited_copy, jaccard_of_words, planted_corpus


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("ngram", [3, 5])
def test_edits_have_the_similarity_asked_for(edit: str, ngram: int) -> None:
    words = [f"w{index}" for index in range(1500)]
    for asked in (0.5, 0.8, 0.95):
        copy = edited_copy(words, edit, asked, random.Random(1), ngram)
        assert copy != words
        made = jaccard_of_words(words, [word.lower() for word in copy], ngram)
        assert made == pytest.approx(1.0 if edit == "case" else asked, abs=0.012)


def by_edit(planted: Planted) -> dict[str, list[int]]:
    return {edit: [index for index, one in enumerate(planted.edit) if one == edit] for edit in EDITS}


def test_the_corpus_says_what_it_holds() -> None:
    planted = planted_corpus(60, seed=4)
    assert planted == planted_corpus(60, seed=4)
    sets = [reference.shingles(text) for text in planted.texts]
    origins = {original: index for index, original in enumerate(planted.original) if planted.edit[index] == "original"}
    assert len(origins) == 60
    for index, similarity in enumerate(planted.jaccard):
        original = origins[planted.original[index]]
        assert reference.jaccard(sets[index], sets[original]) == pytest.approx(similarity)
    assert all(by_edit(planted).values()), "every kind of edit is there"


@pytest.mark.parametrize("threshold", [0.6, 0.8])
def test_removals_equal_the_all_pairs_join_for_every_edit(threshold: float) -> None:
    planted = planted_corpus(130, copies=3, words=120, seed=2)
    # Asked for that much recall, the bands miss none of some hundred pairs.
    result = tf.dedup.near_duplicates(planted.texts, threshold=threshold, recall=0.99999)
    assert result.duplicate_of.tolist() == reference.near_duplicates(planted.texts, threshold)
    removed = ~result.keep
    assert (result.jaccard[removed] >= threshold).all()
    for edit, members in by_edit(planted).items():
        assert removed[members].any(), f"some with {edit} are found"


SETS = st.lists(st.frozensets(st.integers(0, 9), max_size=8), max_size=12)


@given(SETS, st.sampled_from([0.01, 0.2, 1 / 3, 0.5, 0.6, 0.75, 0.8, 0.875, 0.9, 1.0]))
@settings(max_examples=300)
def test_the_join_by_prefixes_misses_nothing(sets: list[frozenset[int]], threshold: float) -> None:
    pairs = [(left, right) for right in range(len(sets)) for left in range(right) if sets[left] and sets[right]]
    similar = [(left, right, reference.jaccard(sets[left], sets[right])) for left, right in pairs]
    expected = [pair for pair in similar if pair[2] >= threshold]
    assert sorted(reference.similar_pairs(sets, threshold)) == sorted(expected)


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_deciding_from_the_join_is_comparing_all(threshold: float) -> None:
    planted = planted_corpus(60, copies=3, words=60, seed=8)
    texts = [*planted.texts, "too short", "too short", "", "also short", *planted.texts[:9]]
    sets = [frozenset(reference.shingles(text)) for text in texts]
    contents = [shingles or text for shingles, text in zip(sets, texts, strict=True)]
    pairs = reference.similar_pairs(sets, threshold)
    assert reference.decide(contents, pairs) == reference.near_duplicates(texts, threshold)
    order = np.argsort([-len(text) for text in texts], kind="stable").tolist()
    in_order = reference.near_duplicates([texts[document] for document in order], threshold)
    expected = {order[at]: other if other < 0 else order[other] for at, other in enumerate(in_order)}
    assert reference.decide(contents, pairs, order) == [expected[document] for document in range(len(texts))]


@pytest.mark.parametrize("threshold", [0.6, 0.8])
def test_thousands_of_documents_equal_the_join(threshold: float) -> None:
    planted = planted_corpus(1200, copies=3, words=100, seed=9)
    sets = [frozenset(reference.shingles(text)) for text in planted.texts]
    result = tf.dedup.near_duplicates(planted.texts, threshold=threshold, recall=0.9999999)
    contents = [shingles or text for shingles, text in zip(sets, planted.texts, strict=True)]
    assert result.duplicate_of.tolist() == reference.decide(contents, reference.similar_pairs(sets, threshold))


def pairs_of(result: tf.dedup.Result) -> set[tuple[int, int]]:
    return set(zip(result.pairs["left"].tolist(), result.pairs["right"].tolist(), strict=True))


def test_two_seeds_agree() -> None:
    planted = planted_corpus(3000, copies=3, words=80, seed=5)
    first, second = (pairs_of(tf.dedup.near_duplicates(planted.texts, seed=seed)) for seed in (1, 2))
    assert len(first) > 1500
    assert 2 * len(first & second) / (len(first) + len(second)) >= 0.998


def test_recall_follows_the_curve() -> None:
    """Pairs by similarity: those that share a band are as many as the S-curve says."""
    planted = planted_corpus(3000, copies=1, words=200, edits=("replace",), seed=6)
    signatures = tf.dedup.MinHash(120).signatures(planted.texts)
    met = {tuple(row) for bucket in tf.dedup.buckets(signatures).tolist() for row in [sorted(bucket)] if len(row) == 2}
    origins = {original: index for index, original in enumerate(planted.original) if planted.edit[index] == "original"}
    expected = found = variance = 0.0
    for index, original in enumerate(planted.original):
        if planted.edit[index] == "replace":
            chance = 1 - (1 - planted.jaccard[index] ** 6) ** 20
            expected += chance
            variance += chance * (1 - chance)
            found += tuple(sorted((index, origins[original]))) in met
    assert abs(found - expected) < 5 * np.sqrt(variance)
    assert expected < 0.95 * planted.edit.count("replace"), "the curve is seen where it is not flat"


def test_estimates_err_less_than_independent_permutations() -> None:
    """Unbiased, and slots drawn without replacement: at 150 shingles about 0.78 of the error of k independent slots."""
    planted = planted_corpus(1500, copies=1, words=150, edits=("replace",), jaccards=(0.5, 0.7), seed=7)
    origins = {original: index for index, original in enumerate(planted.original) if planted.edit[index] == "original"}
    copies = [index for index, edit in enumerate(planted.edit) if edit == "replace"]
    truth = np.array([planted.jaccard[index] for index in copies])
    errors = []
    for seed in (1, 2, 3):
        signatures = tf.dedup.MinHash(128, seed=seed).signatures(planted.texts)
        left = signatures[copies]
        right = signatures[[origins[planted.original[index]] for index in copies]]
        errors.append((tf.dedup.MinHash.jaccard_estimate(left, right) - truth) / np.sqrt(truth * (1 - truth) / 128))
    scaled = np.concatenate(errors)
    assert abs(scaled.mean()) < 0.1
    assert 0.7 < np.sqrt(np.mean(scaled**2)) < 0.9
