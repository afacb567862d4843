"""Damaged files of every kind: an error that says what is wrong, or a tokenizer that works, and never anything else."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tokenizer_configurations import configuration, trained
from tests.vocabularies import vocabulary

import tokenfoundry as tf
from tokenfoundry._core import bpe

TEXTS = ["hello world the 12 é \n<s> ﬁ", "敏捷的 👩‍👩‍👧", b"\xff\xfea", "", " "]
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**32 - 1,
    2**32,
    2**64,
    1e300,
    "",
    "a",
    "▁",
    "[",
    "(?=",
    [],
    {},
    [["a"]],
    {"type": "Sequence"},
]


def _spm() -> bytes:
    return vocabulary("mistral_v1").read_bytes()


def _tekken() -> bytes:
    file = json.loads(vocabulary("tekken").read_bytes())
    file["config"]["default_vocab_size"] = file["config"]["default_num_special_tokens"] + 400
    return json.dumps({**file, "vocab": file["vocab"][:400]}).encode()


KINDS: dict[str, Callable[[], bytes]] = {
    "byte-level tokenizer.json": lambda: json.dumps(configuration(3)).encode(),
    "tokenizer.json with byte fallback": lambda: trained("fallback").encode(),
    "tekken.json": _tekken,
    "rank file": lambda: b"\n".join(vocabulary("r50k").read_bytes().split(b"\n")[:600]),
    "SentencePiece model": _spm,
}


def exercise(content: bytes) -> bool:
    """Whether it made a tokenizer; anything but a clear refusal is let through as an error."""
    kind = bpe.kind_of_file(content)
    try:
        tokenizer = tf.Tokenizer._from_content(content, Path("file"), "cl100k" if kind == "ranks" else None, None)
    except tf.VocabularyError as error:
        assert str(error)
        return False
    for text in TEXTS:
        ids = tokenizer.encode(text)
        assert tokenizer.count(text) == len(ids)
        if all(token < tokenizer.vocab_size for token in ids):
            stream = tokenizer.decode_stream()
            try:
                whole = tokenizer.decode(ids)
                assert "".join([*map(stream.push, ids), stream.finish()]) == whole or "\ufffd" in whole
            except tf.InputError as error:
                assert "no such token" in str(error)
    tokenizer.encode_with_offsets("hello é <s>")
    assert tokenizer.digest
    return True


def damaged(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice([1, 1, 1, 4])):
        at = draw.choice([draw.randrange(len(changed)), draw.randrange(min(400, len(changed)))])
        match draw.randrange(5):
            case 0:
                changed[at] ^= 1 << draw.randrange(8)
            case 1:
                changed[at] = draw.choice(b'0123456789"{}[],:')
            case 2:
                del changed[at : at + draw.randrange(1, 30)]
            case 3:
                changed[at:at] = draw.randbytes(draw.randrange(1, 9))
            case _:
                changed[at:at] = changed[at : at + draw.randrange(60)]
    return bytes(changed[: draw.randrange(1, len(changed))] if draw.random() < 0.1 else changed)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes(kind: str) -> None:
    content = KINDS[kind]()
    assert exercise(content)
    draw = random.Random(kind)
    worked = [exercise(damaged(content, draw)) for _ in range(30 if "Piece" in kind else 250)]
    assert not all(worked)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything in a file, a few of the vocabulary and the merges."""
    if not isinstance(value, (dict, list)):
        return []
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    if path in (("model", "vocab"), ("model", "merges")):
        return [(*path, key) for key in keys[:: len(keys) // 8 + 1]]
    return [place for key in keys for place in [(*path, key), *places(value[key], (*path, key))]]


def test_odd_values_in_a_tokenizer_json() -> None:
    draw = random.Random(7)
    worked = 0
    for seed in range(300):
        file = copy.deepcopy(configuration(seed))
        *parents, last = draw.choice(places(file))
        holder: Any = file
        for key in parents:
            holder = holder[key]
        if draw.random() < 0.2:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(draw.choice(ODD))
        worked += exercise(json.dumps(file).encode())
    assert 0 < worked < 300


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f["model"].update(type="WordPiece"), "WordPiece.*`tokenizers`"),
        (lambda f: f["model"].update(type="Unigram", vocab=[["a", 0.0]]), "Unigram.*`tokenizers`"),
        (lambda f: f["model"].update(dropout=0.1), "dropout.*null"),
        (lambda f: f["model"].update(continuing_subword_prefix="############"), "continuing_subword_prefix"),
        (lambda f: f["model"]["vocab"].update({"zzzz": 300}), r"\"zzzz\".*same id, 300|same id, 300"),
        (lambda f: f["model"]["merges"].append(["zz", "yy"]), "merge .*zz.*not in the vocabulary"),
        (lambda f: f["model"]["merges"].append(["a", "Ġzq"]), "merge .*Ġzq.*not in the vocabulary"),
        (lambda f: f["model"]["merges"].append(["q", "%"]), "merge .*no such token"),
        (lambda f: f["model"]["merges"].append("one two three"), "one two three.*two tokens"),
        (lambda f: f["model"]["vocab"].update({"zzzz": 2**31}), "far beyond"),
        (lambda f: f["model"].update(vocab={}, merges=[]), "no vocabulary"),
        (lambda f: f.update(normalizer={"type": "Precompiled"}), "precompiled_charsmap"),
        (lambda f: f.update(pre_tokenizer={"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}), "compile"),
        (lambda f: f["added_tokens"].append({"id": 300, "content": "<new>"}), "<new>.*collide.*300"),
        (lambda f: f.update(post_processor={"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[X]"}}]}), r"\[X\]"),
        (lambda f: f.pop("model"), "model"),
    ],
)  # fmt: skip
def test_messages_name_the_entry(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    file = json.loads(trained("bytes"))
    change(file)
    with pytest.raises(tf.VocabularyError, match=message):
        tf.Tokenizer(bpe.read_tokenizer_json(json.dumps(file).encode(), True))
