"""What n-grams may be made of, and choosing who stays."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry.dedup import near_duplicates
from tokenfoundry.reference import dedup as reference
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


def test_a_tokenizer_makes_the_units() -> None:
    tokenizer = tf.Tokenizer.from_tiktoken({bytes([byte]): byte for byte in range(256)}, pattern=r"[\s\S]+")
    base = [f"word{index}" for index in range(60)]
    texts = [" ".join(base), " ".join(base) + "!", " ".join(reversed(base)), "<|endoftext|>"]
    by_tokenizer = near_duplicates(texts, unit=tokenizer, ngram=8)
    by_bytes = near_duplicates(texts, unit="bytes", ngram=8)
    assert by_tokenizer.keep.tolist() == by_bytes.keep.tolist() == [True, False, True, True]
    assert by_tokenizer.jaccard[1] == by_bytes.jaccard[1]
    pairs = tf.Tokenizer.from_tiktoken(
        {**{bytes([byte]): byte for byte in range(256)}, b"zz": 256, b"zzzz": 257}, pattern=r"[\s\S]+"
    )
    longer = [" ".join(base) + " zzz", " ".join(base) + " zzzz"]
    assert [len(pairs.encode(text)) for text in longer] == [len(longer[0]) - 1, len(longer[1]) - 3]
    longest = near_duplicates(longer, unit=pairs, keep="longest")
    assert longest.keep.tolist() == [False, True], "the longest text stays, not the one of more tokens"
    signatures = tf.dedup.MinHash(16, ngram=8, unit=tokenizer).signatures(texts)
    assert (signatures == tf.dedup.MinHash(16, ngram=8, unit="tokens").signatures(tokenizer.encode_batch(texts))).all()


WORDS = st.lists(st.sampled_from(["a", "A", "b", "É", "é", ",", " ", "...", "字", "\n"]), max_size=8).map("".join)


@given(st.lists(WORDS, max_size=8))
@settings(max_examples=300)
def test_normalized_texts_are_identical_when_their_words_are(texts: list[str]) -> None:
    firsts: dict[object, int] = {}
    expected = []
    for index, text in enumerate(texts):
        first = firsts.setdefault(tuple(reference.words(text)) or text, index)
        expected.append(-1 if first == index else first)
    result = tf.dedup.exact(texts, normalized=True)
    assert result.duplicate_of.tolist() == expected
    assert set(tf.dedup.exact(texts).pairs[["left", "right"]].tolist()) <= {
        (left, right) for left, right, _ in result.pairs.tolist()
    } | {(left, right) for left in range(len(texts)) for right in range(len(texts)) if texts[left] == texts[right]}


def test_buckets_are_the_documents_that_share_a_band() -> None:
    source = np.random.default_rng(1)
    signatures = source.integers(0, 3, (60, 12), dtype=np.uint32)
    signatures[7] = signatures[9] = 2**32 - 1
    expected = set()
    for band in range(4):
        groups: dict[bytes, list[int]] = {}
        for index, row in enumerate(signatures[:, band * 3 : band * 3 + 3]):
            groups.setdefault(row.tobytes(), []).append(index)
        expected |= {(band, *group) for group in groups.values() if len(group) > 1 and group != [7, 9]}
    for dtype in (np.uint8, np.uint16, np.uint32, np.uint64):
        made = signatures.astype(dtype)
        if dtype == np.uint64:
            made[7] = made[9] = 2**64 - 1
        found = tf.dedup.buckets(made, bands=(4, 3), threads=2).tolist()
        assert sorted(found) == sorted(list(group[1:]) for group in expected), dtype
    assert len(tf.dedup.buckets(np.zeros((0, 12), np.uint32), bands=(4, 3))) == 0
    for wrong in (signatures.astype(float), signatures[0]):
        with pytest.raises(tf.InputError, match="two-dimensional, of unsigned"):
            tf.dedup.buckets(wrong)
    with pytest.raises(tf.InputError, match="20 slots"):
        tf.dedup.buckets(signatures, bands=(5, 4))


def test_signatures_of_hashes_are_those_of_the_texts() -> None:
    texts = ["one two three four five six", "", "a b c d e f g a b c d e f g"]
    sets = [sorted(reference.shingles(text)) for text in texts]
    hashes = np.array([value for one in sets for value in [*one[::-1], *one]], np.uint64)
    offsets = np.cumsum([0, *(2 * len(one) for one in sets)])
    minhash = tf.dedup.MinHash(40)
    assert (minhash.signatures_of_hashes(hashes, offsets, threads=2) == minhash.signatures(texts)).all()
    assert (minhash.signatures_of_hashes(hashes, offsets, bits=8) == minhash.signatures(texts, bits=8)).all()
    with pytest.raises(tf.InputError, match="point outside"):
        minhash.signatures_of_hashes(hashes, offsets + 1)
    with pytest.raises(tf.InputError, match="hashes n-grams itself"):
        tf.dedup.MinHash(scheme="datasketch").signatures_of_hashes(hashes, offsets)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_low_bits_estimate_without_bias(bits: int) -> None:
    texts, similarities = planted_near_duplicates(400, seed=3)[0], []
    minhash = tf.dedup.MinHash(128)
    whole = minhash.signatures(texts)
    low = minhash.signatures(texts, bits=bits)
    assert low.nbytes == len(texts) * 128 * bits // 8
    slots = whole & (2**bits - 1)
    if bits < 8:
        found = [sum(int(slot) << bits * place for place, slot in enumerate(slots[0, at : at + 8 // bits]))
                 for at in range(0, 128, 8 // bits)]  # fmt: skip
        assert low[0].tolist() == found
    else:
        assert (low == slots).all()
    for at in range(0, len(texts) - 1):
        by_all = minhash.jaccard_estimate(whole[at], whole[at + 1])
        similarities.append(minhash.jaccard_estimate(low[at], low[at + 1], bits=bits) - by_all)
    # Of strangers the estimate is cut at 0, so it may be above by what chance alone does.
    assert abs(np.mean(similarities)) < 0.5 * np.sqrt(2.0**-bits / 128) + 0.003
    same = minhash.jaccard_estimate(low, low, bits=bits)
    assert (same == 1).all()


def test_low_bits_are_checked() -> None:
    minhash = tf.dedup.MinHash(12)
    low = minhash.signatures(["one two three four five six"], bits=2)
    for call, message in (
        (lambda: minhash.signatures(["a"], bits=3), "bits is 3"),
        (lambda: minhash.signatures(["a"], bits=1), "multiple of 8"),
        (lambda: minhash.jaccard_estimate(low, low, bits=16), "8 bits a slot"),
        (lambda: minhash.jaccard_estimate(low.astype(np.uint16), low.astype(np.uint16), bits=2), "are uint8"),
    ):
        with pytest.raises(tf.InputError, match=message):
            call()


TIERS = """
import hashlib, json, sys
import tokenfoundry as tf
from tokenfoundry.testing import planted_corpus
from tests.corpus import SCRIPTS, standard_library
texts = planted_corpus(60, words=700, seed=1).texts + SCRIPTS + standard_library(400_000)
made = hashlib.sha256()
for scheme in ("tokenfoundry", "datasketch", "datasketch-legacy", "datatrove", "datatrove-32"):
    for num_perm, ngram in ((128, 5), (37, 3)):
        made.update(tf.dedup.MinHash(num_perm, ngram, scheme=scheme).signatures(texts).tobytes())
made.update(tf.dedup.near_duplicates(texts).duplicate_of.tobytes())
print(made.hexdigest())
"""


def test_every_tier_gives_the_same() -> None:
    root = Path(__file__).parents[3]
    answers = {
        tier: subprocess.run(
            [sys.executable, "-c", TIERS],
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
            env={**os.environ, "TOKENFOUNDRY_TIER": tier},
        ).stdout
        for tier in ("scalar", "avx2", "avx512")
    }
    assert len(set(answers.values())) == 1, answers


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
