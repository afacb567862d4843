"""Truncation and padding of encoded batches, against the same done with lists."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry._core import bpe

Side = Literal["left", "right"]
SIDES = st.sampled_from(["left", "right"])


@pytest.fixture(scope="module")
def with_template() -> tf.Tokenizer:
    trained = tf.Tokenizer.train(["hello world"] * 5, vocab_size=270, special_tokens=["<s>", "</s>"])
    file = json.loads(trained.to_json())
    special = {name: {"id": name, "ids": [number], "tokens": [name]} for number, name in enumerate(["<s>", "</s>"])}
    ends = [{"SpecialToken": {"id": name, "type_id": 0}} for name in special]
    single = [ends[0], {"Sequence": {"id": "A", "type_id": 0}}, ends[1]]
    file["post_processor"] = {"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": special}
    return tf.Tokenizer(bpe.read_tokenizer_json(json.dumps(file).encode(), True))


@given(texts=st.lists(st.text("helo wrd", max_size=12), max_size=5), length=st.integers(2, 14), side=SIDES)
def test_truncation_is_that_of_tokenizers(
    with_template: tf.Tokenizer, texts: list[str], length: int, side: Side
) -> None:
    hf = pytest.importorskip("tokenizers").Tokenizer.from_str(with_template.to_json())
    hf.enable_truncation(length, direction=side)
    expected = [encoding.ids for encoding in hf.encode_batch(texts)]
    assert with_template.encode_batch(texts, max_length=length, truncation_side=side).tolist() == expected
    hf.enable_padding(direction=side, pad_id=7, length=length)
    matrix, lengths = with_template.encode_padded(texts, length, pad_id=7, side=side, truncation_side=side)
    assert matrix.shape == (len(texts), length)
    assert matrix.tolist() == [encoding.ids for encoding in hf.encode_batch(texts)]
    assert lengths.tolist() == [len(row) for row in expected]


@given(
    rows=st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=6), max_size=6),
    length=st.none() | st.integers(0, 8),
    side=SIDES,
    cut=SIDES,
    start=st.integers(0, 6),
)
def test_to_padded(rows: list[list[int]], length: int | None, side: Side, cut: Side, start: int) -> None:
    ragged = tf.Ragged.from_lists(rows)[start:]
    rows = rows[start:]
    width = max(map(len, rows), default=0) if length is None else length
    kept = [row[:width] if cut == "right" else row[max(len(row) - width, 0) :] for row in rows]
    fills = [[5] * (width - len(row)) for row in kept]
    expected = [row + fill if side == "right" else fill + row for row, fill in zip(kept, fills, strict=True)]
    padded = ragged.to_padded(length, 5, side=side, truncation_side=cut)
    assert padded.shape == (len(rows), width)
    assert padded.tolist() == expected


def test_what_cannot_be_is_said(with_template: tf.Tokenizer) -> None:
    rows = with_template.encode_batch(["hello"])
    with pytest.raises(tf.InputError, match="length"):
        rows.to_padded(-1)
    with pytest.raises(tf.InputError, match="pad_id"):
        rows.to_padded(3, -1)
    with pytest.raises(tf.InputError, match="padding_side"):
        rows.to_padded(3, side="up")  # type: ignore[arg-type]
    with pytest.raises(tf.InputError, match="memory"):
        rows.to_padded(1 << 62)
    with pytest.raises(tf.InputError, match="pad token"):
        with_template.encode_padded(["hello"])
    with pytest.raises(tf.InputError, match="max_length"):
        with_template.encode_batch(["hello"], max_length=-1)
