"""Vocabularies of characters (Gemma, Llama 2, Mistral) against tokenizers and sentencepiece: what is cut, grouped, windowed and
remembered must not be seen in the tokens."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library
from tests.vocabularies import vocabulary

import tokenfoundry as tf

FRAGMENTS = [
    *["\n", "\n\n\n", "\t", "  ", " ", "▁", "▁▁", "<table>", "</td>", "<unused3>", "<bos>", "<s>", "</s>", "[INST]", "<0x41>"],
    *["<0x", ">", " </", "> </", "a", "é", "中国", "，", "🙂", "\u200b", "\u0301", "\0", "\xa0", "0", "123", "Hello", " the"],
    *["ab" * 30, "a" * 100, " " * 70, "\n" * 40, "中" * 50, "-=-", "ก็", "𓀀", "ﷺ", "…", "é" * 70, "qzxj" * 20, "x. Y", "_"],
]  # fmt: skip
LENGTHS = (2, 15, 16, 31, 32, 64, 65, 128, 129, 193, 1000, 2049)


def texts() -> list[str]:
    chosen = random.Random(5)
    mixed = ["".join(chosen.choices(FRAGMENTS, k=chosen.randint(1, 25))) for _ in range(500)]
    anything = ["".join(map(chr, chosen.choices([*range(0xD800), *range(0xE000, 0x110000)], k=30))) for _ in range(100)]
    runs = [
        unit * (n // len(unit)) for unit in ("a", " ", "\n", "\t", "中", "é", "=", "ab", "🙂", "x y") for n in LENGTHS
    ]
    words = ["".join(chosen.choices(letters, k=n)) for letters in ("ab", "etaoinshr", "的一是不了") for n in LENGTHS]
    return [*SCRIPTS, *standard_library(60_000), *mixed, *anything, *runs, *words, "w " * 1024 + "end"]


@pytest.mark.parametrize("name", ["gemma3", "gemma", "llama2", "mistral_v1", "mistral_v3"])
def test_every_text_twice_and_counted(name: str) -> None:
    path = vocabulary(name)
    all_texts = texts()
    if path.suffix == ".json":
        original = tokenizers.Tokenizer.from_file(str(path))
        expected = [one.ids for one in original.encode_batch_fast(all_texts, add_special_tokens=False)]
    else:
        sentencepiece = pytest.importorskip("sentencepiece")
        expected = sentencepiece.SentencePieceProcessor(model_file=str(path)).encode(all_texts)
    ours = tf.Tokenizer.from_file(path)
    # What the first time taught, the second finds; what the second kept, the third.
    for text, ids in zip(all_texts, expected, strict=True):
        assert ours.encode(text, add_special_tokens=False) == ids, text[:80]
    assert ours.encode_batch(all_texts, 1, add_special_tokens=False).tolist() == expected
    for text, ids in zip(all_texts, expected, strict=True):
        assert ours.count(text, add_special_tokens=False) == len(ids), text[:80]
    assert ours.encode_batch(all_texts, 2, add_special_tokens=False).tolist() == expected


@pytest.mark.parametrize("name", ["gemma3", "llama2"])
def test_offsets_are_those_of_tokenizers(name: str) -> None:
    path = vocabulary(name)
    original = tokenizers.Tokenizer.from_file(str(path))
    ours = tf.Tokenizer.from_file(path)
    for text in texts()[::7]:
        expected = original.encode(text, add_special_tokens=False)
        ids, spans = ours.encode_with_offsets(text, add_special_tokens=False)
        assert list(ids) == expected.ids, text[:80]
        # A character of several byte tokens is told by its characters there, by its bytes here.
        bytes_before = np.cumsum([0, *(len(character.encode()) for character in text)])
        for (start, end), (first, last), token in zip(spans, expected.offsets, expected.tokens, strict=True):
            outer = (bytes_before[first], bytes_before[last])
            exact = not token.startswith("<0x")
            assert (start, end) == outer if exact else outer[0] <= start <= end <= outer[1], (text[:80], token)


@pytest.mark.parametrize("name", ["gemma3", "llama2"])
def test_specials_as_text(name: str) -> None:
    """Tokens that are not allowed are spelled; the same bytes mean one thing here and another there."""
    path = vocabulary(name)
    ours = tf.Tokenizer.from_file(path)
    control = {"gemma3": "<bos>", "llama2": "<s>"}[name]
    for _ in range(3):
        found = ours.encode(f"a{control}b", add_special_tokens=False, allowed_special="all")
        spelled = ours.encode(f"a{control}b", add_special_tokens=False, allowed_special=set())
        assert len(found) < len(spelled)
        assert ours.decode(spelled) == f"a{control}b"


@pytest.mark.parametrize("name", ["mistral_v1", "mistral_v3"])
def test_decoding_equals_sentencepiece(name: str) -> None:
    """Texts that begin with spaces or ▁, and runs of byte tokens that are no UTF-8, or only in part."""
    sentencepiece = pytest.importorskip("sentencepiece")
    path = vocabulary(name)
    original = sentencepiece.SentencePieceProcessor(model_file=str(path))
    ours = tf.Tokenizer.from_file(path)
    chosen = random.Random(4)
    parts = ["▁", " ", "a", "the", "é", "日", "👍", "\n", "</s>", "<0x41>", "\u0301"]
    first_byte = original.piece_to_id("<0x00>")
    usual = [*range(first_byte, first_byte + 256), *map(original.piece_to_id, ("▁", "▁▁", "▁the", "a"))]
    for _ in range(2000):
        text = chosen.choice(("▁", " ", "", "▁ ", " ▁")) + "".join(chosen.choices(parts, k=chosen.randrange(8)))
        ids = original.encode(text)
        assert ours.encode(text, add_special_tokens=False, allowed_special="none") == ids
        assert ours.decode(ids, skip_special_tokens=True) == original.decode(ids)
        # No byte first, of which a space is kept there, and no control piece between bytes, which parts them there.
        ids = [chosen.randrange(1000, len(ours))]
        ids += [chosen.choice((chosen.randrange(1000, len(ours)), chosen.choice(usual))) for _ in range(8)]
        assert ours.decode(ids, skip_special_tokens=True) == original.decode(ids)
        stream = ours.decode_stream()
        assert "".join([*map(stream.push, ids), stream.finish()]) == ours.decode(ids)


def test_user_defined_pieces_equal_sentencepiece() -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    path = vocabulary("mistral_v3")
    ours = tf.Tokenizer.from_file(path)
    original = sentencepiece.SentencePieceProcessor(model_file=str(path))
    pieces = ["[REFERENCE_DOC_19]", "[REFERENCE_DOC_1]", "[REFERENCE", "a", "the", " ", "  ", "\n", "中", "▁"]
    chosen = random.Random(3)
    for _ in range(1000):
        text = "".join(chosen.choices(pieces, k=chosen.randint(1, 8)))
        assert ours.encode(text, add_special_tokens=False) == original.encode(text), text


def test_runs_cost_in_proportion() -> None:
    """Ten megabytes of what is one unit: a quadratic way would take hours."""
    path = vocabulary("llama2")
    ours = tf.Tokenizer.from_file(path)
    chosen = random.Random(9)
    for text in ("a" * 10**7, " " * 10**7, "ab" * (5 * 10**6), "".join(chosen.choices("etaoinshrdlu", k=10**6))):
        ids = ours.encode_array(text, add_special_tokens=False)
        assert ours.decode(ids) == text


def with_bytes(model: dict[str, Any]) -> dict[str, Any]:
    for byte in range(256):
        model["vocab"].setdefault(f"<0x{byte:02X}>", len(model["vocab"]))
    return model


def written(directory: Path, model: dict[str, Any], **parts: Any) -> Path:
    path = directory / "tokenizer.json"
    nothing = dict.fromkeys(("normalizer", "pre_tokenizer", "post_processor", "decoder"))
    file = {"version": "1.0", "added_tokens": [], **nothing, **parts, "model": model}
    path.write_text(json.dumps(file, ensure_ascii=False), encoding="utf-8")
    return path


def bpe(vocab: dict[str, int], merges: list[list[str]]) -> dict[str, Any]:
    return with_bytes({"type": "BPE", "fuse_unk": True, "byte_fallback": True, "vocab": vocab, "merges": merges})


SPACES = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
PREPEND = {"type": "Prepend", "prepend": "▁"}
FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "gemma": {"normalizer": SPACES},
    "llama": {"normalizer": {"type": "Sequence", "normalizers": [PREPEND, SPACES]}},
    "nfkc": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, SPACES]}},
    **{
        f"metaspace {scheme} {split}": {
            "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}
        }
        for scheme in ("always", "first", "never")
        for split in (True, False)
    },
}


def random_model(chosen: random.Random) -> dict[str, Any]:
    """Merges in no order at all, across spaces and scripts, over few characters: everything touches everything."""
    known = ["a", "b", "▁", "é", "中", "\n", "1"][: chosen.randint(3, 7)]
    tokens = list(known)
    merges: list[list[str]] = []
    while len(merges) < 60:
        left, right = chosen.choice(tokens), chosen.choice(tokens)
        if len(left + right) <= 24 and [left, right] not in merges:
            merges.append([left, right])
            if left + right not in tokens:
                tokens.append(left + right)
    chosen.shuffle(merges)
    return bpe({token: number for number, token in enumerate(tokens)}, merges)


@pytest.mark.parametrize("form", FORMS)
def test_random_merges_in_every_form(form: str, tmp_path: Path) -> None:
    chosen = random.Random(form)
    pieces = ["a", "b", " ", "▁", "é", "中", "\n", "1", "c", "🙂", "<x>", "aa", "  ", "ab", "a b", "\ufb01"]
    for number in range(12):
        added = [
            {
                "id": 5000,
                "content": "<x>",
                "special": False,
                "normalized": False,
                **dict.fromkeys(("lstrip", "rstrip"), False),
            },
            {
                "id": 5001,
                "content": "\n1",
                "special": number % 2 == 0,
                "normalized": number % 3 == 0,
                "lstrip": number % 5 == 0,
            },
        ]
        flags = {"single_word": False, "lstrip": False, "rstrip": False}
        model = random_model(chosen)
        for token in added:
            token["id"] = len(model["vocab"])
            model["vocab"][token["content"]] = token["id"]
        path = written(tmp_path, model, added_tokens=[flags | token for token in added], **FORMS[form])
        original = tokenizers.Tokenizer.from_file(str(path))
        ours = tf.Tokenizer.from_file(path)
        for _ in range(150):
            some = chosen.choices(pieces, k=chosen.randint(1, 4))
            text = "".join(chosen.choices(some, k=chosen.choice((1, 5, 30, 200))))
            expected = original.encode(text, add_special_tokens=False).ids
            for _ in range(2):
                assert ours.encode(text, add_special_tokens=False) == expected, (number, text)


_TRAINED: list[tuple[tf.Tokenizer, tokenizers.Tokenizer]] = []


def trained(directory: Path) -> tuple[tf.Tokenizer, tokenizers.Tokenizer]:
    """Trained with nothing cut, so that tokens lie across words and lines."""
    if not _TRAINED:
        learner = tokenizers.Tokenizer(tokenizers.models.BPE())
        learner.normalizer = tokenizers.normalizers.Replace(" ", "▁")
        lines = [line for text in [*SCRIPTS, *standard_library(60_000)] for line in text.splitlines(keepends=True)]
        learner.train_from_iterator(lines, tokenizers.trainers.BpeTrainer(vocab_size=1500, show_progress=False))
        model = json.loads(learner.to_str())["model"]
        path = written(directory, bpe(model["vocab"], model["merges"]), normalizer=SPACES)
        _TRAINED.append((tf.Tokenizer.from_file(path), tokenizers.Tokenizer.from_file(str(path))))
    return _TRAINED[0]


@given(parts=st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=20)), max_size=12))
@settings(max_examples=150)
def test_trained_across_words(parts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    text = "".join(parts)
    ours, original = trained(tmp_path_factory.mktemp("trained") if not _TRAINED else Path())
    expected = original.encode(text, add_special_tokens=False).ids
    assert ours.encode(text, add_special_tokens=False) == expected
    assert ours.count(text, add_special_tokens=False) == len(expected)
