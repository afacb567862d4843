"""Signatures equal to those of datasketch and datatrove: against values those libraries gave, and against the twin."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library

import tokenfoundry as tf
from tokenfoundry.reference import dedup as reference
from tokenfoundry.reference import minhash as twin

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/dedup/foreign_signatures.json").read_text("utf-8"))
ASSIGNED = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cn")))


@pytest.mark.parametrize("scheme", ["datatrove", "datatrove-32"])
def test_equal_to_what_datatrove_gave(scheme: str) -> None:
    cases = GOLDEN["cases"]
    words = {case["text"]: case["spacy_words"] for case in cases}
    signatures = tf.dedup.MinHash(112, 5, 1, scheme, words=words.__getitem__).signatures([*words])
    compared = 0
    for case, signature in zip(cases, signatures, strict=True):
        if case[scheme]:
            assert signature.tolist() == case[scheme]
            compared += 1
        else:
            assert (signature == np.iinfo(signature.dtype).max).all()
    assert compared > 15
    # Its words are spaCy's here too.
    for own in ({}, {"words": "english"}):
        assert (tf.dedup.MinHash(112, 5, 1, scheme, **own).signatures([*words]) == signatures).all()
    # Splitting at blanks differs from spaCy for few texts only.
    blanks = tf.dedup.MinHash(112, 5, 1, scheme, words="whitespace").signatures([*words])
    same = [case["simplified"].split() == case["spacy_words"] for case in cases]
    assert 20 < sum(same) < len(same)
    assert (blanks[same] == signatures[same]).all()


def test_english_words_are_those_spacy_made() -> None:
    """Every contraction, unit and mark, symbols at the ends of their ranges, and all of them mixed."""
    cases = json.loads((Path(__file__).parents[1] / "golden/dedup/english_words.json").read_text("utf-8"))["cases"]
    assert len(cases) > 1000
    words = {text: of.split(" ") for text, of in cases}
    for ngram in (1, 2):
        expected = tf.dedup.MinHash(32, ngram, 1, "datatrove", words=words.__getitem__).signatures([*words])
        found = tf.dedup.MinHash(32, ngram, 1, "datatrove").signatures([*words])
        wrong = np.flatnonzero((found != expected).any(axis=1))
        assert not len(wrong), [cases[index] for index in wrong[:5].tolist()]


def test_english_equals_datatrove_itself() -> None:
    pytest.importorskip("spacy", minversion="3.8")
    minhash = pytest.importorskip("datatrove.pipeline.dedup.minhash")
    step = minhash.MinhashDedupSignature("unused", config=minhash.MinhashConfig())
    texts = [text[:10_000] for text in SCRIPTS + standard_library(200_000) if step.get_shingles(text[:10_000]).size]
    theirs = [step.get_signature(step.get_shingles(text)) for text in texts]
    ours = tf.dedup.MinHash(112, scheme="datatrove").signatures(texts)
    assert ours.tolist() == [[slot for band in signature for slot in band] for signature in theirs]


def test_ways_to_words_are_checked() -> None:
    with pytest.raises(tf.InputError, match='"english", "whitespace" or a function'):
        tf.dedup.MinHash(scheme="datatrove", words="german")  # type: ignore[arg-type]
    with pytest.raises(tf.InputError, match="takes a function"):
        tf.dedup.MinHash(scheme="datasketch", words="english")


@pytest.mark.parametrize("scheme", ["datasketch", "datasketch-legacy"])
def test_equal_to_what_datasketch_gave(scheme: str) -> None:
    cases = GOLDEN["cases"]
    words = {case["text"]: case["words"] for case in cases}
    signatures = tf.dedup.MinHash(16, 2, 1, scheme, words=words.__getitem__).signatures([*words])
    assert signatures.tolist() == [case[scheme] for case in cases]


@pytest.mark.parametrize("scheme", ["datasketch", "datasketch-legacy"])
def test_equal_to_datasketch_itself(scheme: str) -> None:
    datasketch = pytest.importorskip("datasketch", minversion="2.0")
    texts = SCRIPTS + standard_library(100_000)
    signatures = tf.dedup.MinHash(64, 5, 7, scheme).signatures(texts)
    for text, signature in zip(texts, signatures, strict=True):
        theirs = datasketch.MinHash(
            num_perm=64, seed=7, scheme=scheme.replace("datasketch-", "").replace("datasketch", "affine32")
        )
        for token in twin.ngrams(reference.words(text), 5):
            theirs.update(token)
        assert signature.tolist() == theirs.hashvalues.tolist()


@given(ASSIGNED)
@settings(max_examples=200)
def test_simplification_equals_the_twin(text: str) -> None:
    words = twin.simplify(text).split(" ")
    expected = twin.signature([word for word in words if word], "datatrove", 8, 1, 1)
    assert tf.dedup.MinHash(8, 1, 1, "datatrove", words="whitespace").signatures([text])[0].tolist() == expected


@pytest.mark.parametrize("scheme", ["datasketch", "datasketch-legacy", "datatrove", "datatrove-32"])
def test_real_text_equals_the_twin(scheme: str) -> None:
    texts = SCRIPTS + [text[:20_000] for text in standard_library(150_000)]
    ways: dict[str, Any] = {"words": "whitespace"} if scheme.startswith("datatrove") else {}
    signatures = tf.dedup.MinHash(10, 3, 42, scheme, **ways).signatures(texts, threads=2)
    for text, signature in zip(texts, signatures, strict=True):
        words = reference.words(text) if scheme.startswith("datasketch") else twin.simplify(text).split()
        assert signature.tolist() == twin.signature(words, scheme, 10, 3, 42)


def test_golden_simplifications_equal_the_twin() -> None:
    for case in GOLDEN["cases"]:
        # Python 3.11 knows fewer marks than newer ones; the goldens were made with 3.11 too.
        assert twin.simplify(case["text"]) == regex.sub(" +", " ", case["simplified"])


def test_bits_keep_the_low_ones() -> None:
    minhash = tf.dedup.MinHash(128)
    whole = minhash.signatures(standard_library(100_000))
    for bits, dtype in ((8, np.uint8), (16, np.uint16)):
        low = minhash.signatures(standard_library(100_000), bits=bits)
        assert low.dtype == dtype
        assert (low == (whole & (2**bits - 1))).all()
        assert minhash.jaccard_estimate(low[:1], low[:1]) == 1
        assert (minhash.jaccard_estimate(low[0], low[1:]) < 0.2).all()
