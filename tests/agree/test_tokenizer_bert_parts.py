"""`BertNormalizer`, `UnicodeScripts` and dropped characters as `tokenizers` has them, on every code point."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from tests.corpus import SCRIPTS
from tests.tokenizer_configurations import TEXTS, trained

import tokenfoundry as tf
from tokenfoundry._core import bpe
from tokenfoundry.compat.tokenizers import Tokenizer

hf = pytest.importorskip("tokenizers")

CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
FLAGS = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")


def both(kind: str, **parts: Any) -> tuple[tf.Tokenizer, Any, Tokenizer]:
    file = json.loads(trained(kind)) | parts
    if kind == "bytes":
        last = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
        chain = [part for part in (parts.get("pre_tokenizer"), last) if part]
        file["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": chain}
    content = json.dumps(file)
    ours = tf.Tokenizer(bpe.read_tokenizer_json(content.encode(), True))
    return ours, hf.Tokenizer.from_str(content), Tokenizer.from_str(content)


def differences(kind: str, texts: list[str], **parts: Any) -> list[str]:
    ours, theirs, compat = both(kind, **parts)
    found = []
    for text in texts:
        expected, full = theirs.encode(text), compat.encode(text)
        if ours.encode(text) != expected.ids or ours.count(text) != len(expected.ids):
            found.append(f"{text!r}: {expected.ids} is not {ours.encode(text)}")
        elif (full.tokens, full.offsets, full.word_ids) != (expected.tokens, expected.offsets, expected.word_ids):
            found.append(f"{text!r}: {expected.offsets} is not {full.offsets}")
    return found


@pytest.mark.parametrize(
    "flags", list(itertools.product((True, False), (True, False), (True, False, None), (True, False)))
)
def test_bert_normalizer(flags: tuple[bool | None, ...]) -> None:
    normalizer = {"type": "BertNormalizer", **dict(zip(FLAGS, flags, strict=True))}
    assert differences("bytes", [*TEXTS, *SCRIPTS[:32]], normalizer=normalizer) == []


@pytest.mark.parametrize(
    "normalizer",
    [
        {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        None,
    ],
)
def test_every_code_point(normalizer: Any) -> None:
    pre_tokenizer = None if normalizer else {"type": "UnicodeScripts"}
    ours, theirs, _ = both("bytes", normalizer=normalizer, pre_tokenizer=pre_tokenizer)
    blocks = ["".join(f"a{one}" for one in CHARACTERS[at : at + 64]) for at in range(0, len(CHARACTERS), 64)]
    blocks += ["中".join(CHARACTERS[at : at + 64]) for at in range(0, len(CHARACTERS), 64)]
    expected = [one.ids for one in theirs.encode_batch_fast(blocks)]
    wrong = [f"{ord(block[1]):X}" for block, ids in zip(blocks, expected, strict=True) if ours.encode(block) != ids]
    assert wrong == []


@pytest.mark.parametrize("kind", ["bytes", "unknown"])
def test_unicode_scripts(kind: str) -> None:
    assert differences(kind, [*TEXTS, *SCRIPTS[:32]], pre_tokenizer={"type": "UnicodeScripts"}) == []


def test_offsets_after_a_dropped_character() -> None:
    """A vocabulary without an unknown token drops what it cannot spell; what follows moves up into its place."""
    file = json.loads(trained("unknown"))
    file["model"]["unk_token"] = None
    texts = ["a\ua7daa", "the \ua7dathe quick", "\ua7da", "中\U0010ffff文a", *TEXTS]
    assert differences("unknown", texts, model=file["model"], pre_tokenizer={"type": "FixedLength", "length": 4}) == []


def test_added_tokens_are_shown_as_found() -> None:
    """In the normalized text, with the white space that a token takes along."""
    added = [
        {"id": 600, "content": " the", "single_word": False, "lstrip": False, "rstrip": True, "normalized": True, "special": False},
        {"id": 601, "content": "Ab", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False, "special": True},
    ]  # fmt: skip
    normalizer = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    assert differences("unknown", [*TEXTS, "x the  Ab the"], normalizer=normalizer, added_tokens=added) == []


def test_a_replacement_has_the_place_of_the_last_character() -> None:
    normalizer = {"type": "Replace", "pattern": {"Regex": r"\p{L}+"}, "content": "0"}
    assert differences("bytes", TEXTS, normalizer=normalizer) == []


@pytest.mark.parametrize("kind", ["bytes", "unknown"])
def test_byte_level_after_fuse(kind: str) -> None:
    """One character that is no byte leaves all of a fused text as it is spelled."""
    decoder = {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "ByteLevel"}]}
    decoder["decoders"][1] |= {"add_prefix_space": True, "trim_offsets": True, "use_regex": True}  # type: ignore[index]
    ours, theirs, _ = both(kind, decoder=decoder)
    for text in TEXTS:
        ids = theirs.encode(text).ids
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False), text


def test_metaspace_of_an_ascii_character() -> None:
    """What stands for a space is also in the text."""
    pre_tokenizer = {"type": "Metaspace", "replacement": "_", "prepend_scheme": "never", "split": True}
    normalizer = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    texts = ["_st", "im_start x_st", "a _ b__c", *TEXTS]
    for before in (normalizer, None):
        assert differences("fallback", texts, normalizer=before, pre_tokenizer=pre_tokenizer) == []


@pytest.mark.parametrize("last", ["RobertaProcessing", "TemplateProcessing"])
@pytest.mark.parametrize("first", ["RobertaProcessing", "BertProcessing"])
def test_post_processors_after_one_another(first: str, last: str) -> None:
    older = {"sep": ["the", 700], "cls": ["Ab", 701]}
    roberta = {"type": "RobertaProcessing", **older, "trim_offsets": True, "add_prefix_space": True}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    template = {
        "type": "TemplateProcessing",
        "single": [text, {"SpecialToken": {"id": "Ab", "type_id": 1}}],
        "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"Ab": {"id": "Ab", "ids": [701], "tokens": ["Ab"]}},
    }
    steps = {
        "RobertaProcessing": roberta,
        "BertProcessing": {"type": "BertProcessing", **older},
        "TemplateProcessing": template,
    }
    processor = {"type": "Sequence", "processors": [steps[first], steps[last]]}
    added = [
        {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for content, number in (("the", 700), ("Ab", 701))
    ]  # fmt: skip
    _, theirs, compat = both("bytes", post_processor=processor, added_tokens=added)
    for one, other in itertools.pairwise(TEXTS):
        for special in (True, False):
            for arguments in ((one,), (one, other)):
                expected = theirs.encode(*arguments, add_special_tokens=special)
                found = compat.encode(*arguments, add_special_tokens=special)
                for column in (
                    "ids",
                    "tokens",
                    "offsets",
                    "type_ids",
                    "special_tokens_mask",
                    "sequence_ids",
                    "word_ids",
                ):
                    assert getattr(found, column) == getattr(expected, column), (column, arguments, special)
