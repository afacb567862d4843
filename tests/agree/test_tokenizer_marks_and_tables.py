"""Models with prefixes and suffixes, normalization tables, templates after templates: equal to `tokenizers`, `sentencepiece` and the
readable twins."""

from __future__ import annotations

import base64
import functools
import io
import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from tests.corpus import SCRIPTS
from tests.tokenizer_configurations import TEXTS

import tokenfoundry as tf
from tokenfoundry._core import bpe
from tokenfoundry.compat.tokenizers import Tokenizer
from tokenfoundry.reference import bert, charsmap, marked_bpe

hf = pytest.importorskip("tokenizers")
sentencepiece = pytest.importorskip("sentencepiece")

POOL = "aà é\u0301bTheKſk  \n\t\u00a0\u3000▁_1２½,.!中文\u1100\u1161\u11a8\ufb01ﷺ™㌀🙂\u200d\u2028\x00\x1c\u0378각ｶﾞ<|s>"


def odd_texts(seed: int, count: int = 120) -> Iterator[str]:
    draw = random.Random(seed)
    return ("".join(draw.choice(POOL) for _ in range(draw.randint(0, 25))) for _ in range(count))


ALL = [*TEXTS, *SCRIPTS, *odd_texts(1)]


def read(file: dict[str, Any]) -> tuple[tf.Tokenizer, Any, Tokenizer]:
    content = json.dumps(file)
    ours = tf.Tokenizer(bpe.read_tokenizer_json(content.encode(), True))
    return ours, hf.Tokenizer.from_str(content), Tokenizer.from_str(content)


def differences(file: dict[str, Any], texts: list[str], has_offsets: bool = True) -> list[str]:
    ours, theirs, compat = read(file)
    again = tf.Tokenizer(bpe.read_tokenizer_json(ours.to_json().encode(), True))
    assert again.digest == ours.digest
    found = []
    for text in texts:
        expected, full = theirs.encode(text), compat.encode(text)
        if not expected.ids == ours.encode(text) == again.encode(text) or ours.count(text) != len(expected.ids):
            found.append(f"{text!r}: {expected.tokens} is not {full.tokens}")
        # Marks spelled by bytes, which no known model has, are longer than their text.
        names = ("tokens", "word_ids", "type_ids", "sequence_ids", "special_tokens_mask")
        found += [
            f"{text!r}: {name} {getattr(expected, name)} is not {getattr(full, name)}"
            for name in (*names, *(["offsets"] if has_offsets else []))
            if getattr(full, name) != getattr(expected, name)
        ]
        if ours.decode(expected.ids) != theirs.decode(expected.ids, skip_special_tokens=False):
            found.append(f"{text!r}: decodes to {ours.decode(expected.ids)!r}")
    return found


# ---------------------------------------------------------------------------------- prefixes and suffixes


@functools.cache
def marked(prefix: str, suffix: str, kind: str, has_bytes: bool, unknown: bool) -> str:
    tokenizer = hf.Tokenizer(hf.models.BPE(unk_token="<unk>" if unknown else None))
    special = ["<unk>"] * unknown + [f"<0x{byte:02X}>" for byte in range(256)] * has_bytes
    alphabet: list[str] = []
    if kind == "bytes":
        tokenizer.pre_tokenizer = hf.pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = hf.pre_tokenizers.ByteLevel.alphabet()
    else:
        tokenizer.pre_tokenizer = hf.pre_tokenizers.BertPreTokenizer()
    marks = {
        name: mark for name, mark in (("continuing_subword_prefix", prefix), ("end_of_word_suffix", suffix)) if mark
    }
    trainer = hf.trainers.BpeTrainer(
        vocab_size=1300, special_tokens=special, initial_alphabet=alphabet, show_progress=False, **marks
    )
    tokenizer.train_from_iterator([text[:300] for text in SCRIPTS[:20]] * 3, trainer)
    return str(tokenizer.to_str())


@pytest.mark.parametrize("kind", ["bytes", "characters"])
@pytest.mark.parametrize(("prefix", "suffix"), [("##", ""), ("", "</w>"), ("##", "</w>")])
def test_marked_models(prefix: str, suffix: str, kind: str) -> None:
    for has_bytes, unknown, fuses, whole in itertools.product((False, True), repeat=4):
        file = json.loads(marked(prefix, suffix, kind, has_bytes, unknown))
        file["model"] |= {"byte_fallback": has_bytes, "fuse_unk": fuses, "ignore_merges": whole}
        if kind == "characters":
            file["decoder"] = {"type": "BPEDecoder", "suffix": suffix or "e"}
        assert differences(file, [*TEXTS, *odd_texts(2, 40)], not has_bytes) == [], (has_bytes, unknown, fuses, whole)


@pytest.mark.parametrize(("prefix", "suffix"), [("##", ""), ("", "</w>"), ("##", "</w>")])
@pytest.mark.parametrize("unknown", [None, "<unk>"])
def test_the_twin_of_marked_models(prefix: str, suffix: str, unknown: str | None) -> None:
    file = json.loads(marked(prefix, suffix, "characters", False, unknown is not None))
    ours, _, _ = read(file)
    model = file["model"]
    merges = [(left, right) for left, right in model["merges"]]
    for word in " ".join(TEXTS).split():
        if word.isalnum():
            expected = marked_bpe.encode_piece(
                word, model["vocab"], merges, prefix=prefix, suffix=suffix, unknown=unknown
            )
            assert ours.encode(word) == [model["vocab"][token] for token in expected], word


def test_a_long_word_of_a_marked_model_takes_no_longer_than_it_has_to() -> None:
    ours, theirs, _ = read(json.loads(marked("", "</w>", "characters", False, False)))
    for word in ("a" * 50_000, "abcde" * 10_000):
        assert ours.encode(word) == theirs.encode(word).ids


@pytest.mark.parametrize(
    ("merge", "message"),
    [
        (["a", "b"], "second part.*continuing_subword_prefix|no such token"),
        (["zzz", "##a"], "zzz.*not in the vocabulary"),
    ],
)
def test_wrong_merges_of_a_marked_model(merge: list[str], message: str) -> None:
    file = json.loads(marked("##", "", "characters", False, False))
    file["model"]["merges"].append(merge)
    with pytest.raises(tf.VocabularyError, match=message):
        read(file)


# ---------------------------------------------------------------------------------- normalization tables

RULES = ["nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf"]


@functools.cache
def model_file(rule: str, **options: Any) -> bytes:
    """A small SentencePiece model of type BPE."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for text in SCRIPTS if text for line in text.splitlines()] * 3),
        model_writer=written,
        model_type="bpe",
        vocab_size=1500,
        character_coverage=0.99,
        normalization_rule_name=rule,
        minloglevel=4,
        **options,
    )
    return written.getvalue()


def table_of(model: bytes) -> bytes:
    from sentencepiece import sentencepiece_model_pb2

    message = sentencepiece_model_pb2.ModelProto()
    message.ParseFromString(model)
    return bytes(message.normalizer_spec.precompiled_charsmap)


@pytest.mark.parametrize("rule", [*RULES, "identity"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"remove_extra_whitespaces": False, "byte_fallback": True},
        {"add_dummy_prefix": False, "user_defined_symbols": "ﬁ,<mask>"},
        {"remove_extra_whitespaces": False, "add_dummy_prefix": False},
    ],
    ids=["as it is", "all spaces", "symbols", "plain"],
)
def test_models_with_a_table_equal_sentencepiece(rule: str, options: dict[str, Any]) -> None:
    content = model_file(rule, **options)
    theirs = sentencepiece.SentencePieceProcessor(model_proto=content)
    ours = tf.Tokenizer(bpe.read_sentencepiece(content))
    again = tf.Tokenizer(bpe.read_tokenizer_json(ours.to_json().encode(), False))
    assert again.digest == ours.digest
    texts = [
        text.replace("\x00", "") for text in [*ALL, "<mask>x<mask>", "ﬁ  x  ﬁ", "   ", "▁a▁ ", "▁▁", "\u00a0", "\x01"]
    ]
    for text in texts:
        expected = theirs.encode(text)
        assert ours.encode(text, add_special_tokens=False) == expected, text
        assert again.encode(text, add_special_tokens=False) == expected, text
        # A "▁" of the text's own at its start is gone when SentencePiece decodes it.
        assert text.startswith("▁") or ours.decode(expected) == theirs.decode(expected), text
    hf.Tokenizer.from_str(ours.to_json())


@pytest.mark.parametrize("rule", RULES)
def test_precompiled_equals_tokenizers(rule: str) -> None:
    """The table as `tokenizers` reads it, alone and among other normalizers."""
    table = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(table_of(model_file(rule))).decode()}
    space = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    for steps in ([table], [table, space], [{"type": "Strip", "strip_left": True, "strip_right": False}, table, space]):
        file = json.loads(marked("", "", "characters", False, True))
        file["model"]["fuse_unk"] = True
        file["normalizer"] = {"type": "Sequence", "normalizers": steps}
        file["pre_tokenizer"] = None
        assert differences(file, ALL) == []


@pytest.mark.parametrize("rule", ["nmt_nfkc", "nfkc_cf"])
def test_the_twins_of_tables(rule: str) -> None:
    table = charsmap.read(table_of(model_file(rule)))
    assert table["ﬁ".encode()] == "fi"
    coded = base64.b64encode(table_of(model_file(rule))).decode()
    one = {"type": "Precompiled", "precompiled_charsmap": coded}
    rules = {"precompiled_charsmap": coded, "prefix": True, "remove_extra": True, "escape": True, "kept": ["ﬁ", "  x"]}
    own = {"type": "Sequence", "normalizers": [], "sentencepiece": rules}
    for text in ALL:
        assert normalized(one, text) == charsmap.precompiled(table, text), text
        expected = charsmap.sentencepiece(table, text.replace("\x00", ""), kept=("ﬁ", "  x"))
        assert normalized(own, text.replace("\x00", "")) == expected, text


def normalized(normalizer: dict[str, Any], text: str) -> str:
    """What comes out of a normalizer: a vocabulary of bytes spells it."""
    letters = hf.pre_tokenizers.ByteLevel.alphabet()
    file = {
        "added_tokens": [],
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "vocab": {letter: number for number, letter in enumerate(letters)}, "merges": []},
    }
    tokenizer = tf.Tokenizer(bpe.read_tokenizer_json(json.dumps(file).encode(), True))
    return tokenizer.decode(tokenizer.encode(text))


@pytest.mark.parametrize(
    "flags", list(itertools.product((True, False), (True, False), (True, False, None), (True, False))), ids=str
)
def test_the_twin_of_berts_normalizer(flags: tuple[bool | None, ...]) -> None:
    names = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    options: dict[str, Any] = dict(zip(names, flags, strict=True))
    for text in SCRIPTS:
        assert normalized({"type": "BertNormalizer", **options}, text) == bert.normalize(text, **options), text


def test_the_twin_of_scripts() -> None:
    from tokenizers.pre_tokenizers import UnicodeScripts

    for text in SCRIPTS:
        expected = [piece for piece, _ in UnicodeScripts().pre_tokenize_str(text)]
        assert bert.split_by_scripts(text) == expected, text


@pytest.mark.parametrize("change", range(60))
def test_damaged_tables(change: int) -> None:
    """A walk that leaves the table ends there."""
    draw = random.Random(change)
    table = bytearray(table_of(model_file("nmt_nfkc")))
    for _ in range(draw.choice([1, 20, 2000])):
        table[draw.randrange(len(table))] = draw.randrange(256)
    kept = bytes(table[: draw.choice([len(table), len(table), 0, 3, 4, 5, draw.randrange(len(table))])])
    normalizer = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(kept).decode()}
    rules = {"precompiled_charsmap": normalizer["precompiled_charsmap"]}
    for one in (normalizer, {"type": "Sequence", "normalizers": [], "sentencepiece": rules}):
        try:
            for text in SCRIPTS[:5]:
                normalized(one, text)
        except tf.VocabularyError as error:
            assert "precompiled_charsmap" in str(error)


# ---------------------------------------------------------------------------------- templates


def template(single: str, pair: str) -> dict[str, Any]:
    def pieces(letters: str) -> list[dict[str, Any]]:
        return [
            {"Sequence": {"id": letter, "type_id": number % 2}}
            if letter in "AB"
            else {"SpecialToken": {"id": letter, "type_id": number % 2}}
            for number, letter in enumerate(letters)
        ]

    special = {letter: {"id": letter, "ids": [ord(letter)], "tokens": [letter]} for letter in "xyz"}
    return {"type": "TemplateProcessing", "single": pieces(single), "pair": pieces(pair), "special_tokens": special}


@pytest.mark.parametrize(
    "templates",
    [
        [("xA", "xAB"), ("yA", "AzB")],
        [("Ax", "AB"), ("A", "BAz")],
        [("A", "AB"), ("xAy", "xAyBz")],
        [("xA", "AB"), ("A", "AB"), ("zA", "zAB")],
    ],
)
def test_a_template_after_another(templates: list[tuple[str, str]]) -> None:
    file = json.loads(marked("", "", "bytes", False, False))
    file["post_processor"] = {"type": "Sequence", "processors": [template(*one) for one in templates]}
    try:
        ours, theirs, compat = read(file)
    except tf.VocabularyError as error:
        assert "two at most" in str(error)
        return
    for special in (True, False):
        expected = theirs.encode("the fox", add_special_tokens=special)
        assert ours.encode("the fox", add_special_tokens=special) == expected.ids
        found = compat.encode("the fox", add_special_tokens=special)
        assert (found.ids, found.tokens, found.type_ids) == (expected.ids, expected.tokens, expected.type_ids)


# ---------------------------------------------------------------------------------- the length of one text


def test_one_text_is_cut_as_a_batch_is() -> None:
    file = json.loads(marked("", "", "bytes", False, False))
    file["post_processor"] = template("xyAz", "AB")
    ours, _, _ = read(file)
    for text, length, side, special in itertools.product(
        ["", "a", "the quick brown fox", SCRIPTS[3] * 50], (0, 1, 2, 3, 4, 7, 10_000), ("left", "right"), (True, False)
    ):
        options: dict[str, Any] = {"max_length": length, "truncation_side": side, "add_special_tokens": special}
        expected = ours.encode_batch([text], **options)[0].tolist()
        assert ours.encode(text, **options) == expected == ours.encode_array(text, **options).tolist()
        assert ours.encode_batch_lists([text], **options) == [expected]
    with pytest.raises(tf.InputError, match="max_length"):
        ours.encode("a", max_length=-1)
    with pytest.raises(tf.InputError, match="truncation_side"):
        ours.encode("a", max_length=1, truncation_side="top")  # type: ignore[arg-type]
