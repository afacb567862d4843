"""The structure of public tokenizers (pre-tokenizer chains, patterns, normalizers, added tokens and their flags, templates) around
small vocabularies: equal to `tokenizers` and `tiktoken`."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tests.corpus import SCRIPTS
from tests.tokenizer_configurations import SENTENCEPIECE_DECODER, SENTENCEPIECE_NORMALIZER, TEXTS, trained

import tokenfoundry as tf
from tokenfoundry._core import bpe
from tokenfoundry.compat.tokenizers import Tokenizer

hf = pytest.importorskip("tokenizers")
tiktoken = pytest.importorskip("tiktoken")

CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
KIMI = "|".join((
    r"[\p{Han}]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    *(r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"),
))  # fmt: skip
DEEPSEEK = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
SPLITTING = {**BYTES, "use_regex": True}
SPACES = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
DECODER = {"type": "Sequence", "decoders": SENTENCEPIECE_DECODER["decoders"][:3]}  # type: ignore[index]


def split(regex: str, behavior: str = "Isolated", invert: bool = False) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert}


def chain(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "pretokenizers": list(parts)}


def metaspace(scheme: str, splits: bool = False) -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": splits}


# kind of vocabulary, normalizer, pre-tokenizer, added tokens (content, special, lstrip, rstrip, normalized), tokens before, decoder
STRUCTURES: dict[str, tuple[Any, ...]] = {
    "GLM-4.5": ("bytes", None, chain(split(CL100K), BYTES), [("[gMASK]", 1, 0, 0, 0), ("<sop>", 1, 0, 0, 0), ("<think>", 0, 0, 0, 0), ("/nothink", 0, 0, 0, 0)], ["[gMASK]", "<sop>"], None),
    "Phi-4": ("bytes", None, chain(split(CL100K, "Removed", True), BYTES), [("<|dummy_0|>", 1, 1, 1, 0), ("<|im_start|>", 1, 1, 1, 0), ("<|endoftext|>", 1, 1, 1, 0)], [], None),
    "Nemotron": ("bytes", None, chain(split(TEKKEN), BYTES), [("<s>", 1, 0, 0, 0), ("[INST]", 1, 0, 0, 0)], ["<s>"], None),
    "StarCoder2": ("bytes", None, chain({"type": "Digits", "individual_digits": True}, SPLITTING), [("<|endoftext|>", 1, 0, 0, 0), ("<fim_prefix>", 1, 0, 0, 0)], [], None),
    "Falcon": ("bytes", None, chain({"type": "Punctuation", "behavior": "Contiguous"}, SPLITTING, {"type": "Digits", "individual_digits": False}, split("[0-9][0-9][0-9]")), [(">>TITLE<<", 1, 0, 0, 0), ("<|endoftext|>", 1, 0, 0, 0)], [], None),
    "BLOOM": ("bytes", None, chain(split(r" ?[^(\s|[.,!?…。，、।۔،])]+"), BYTES), [("<s>", 1, 0, 0, 0), ("</s>", 1, 0, 0, 0)], [], None),
    "SmolLM": ("bytes", None, chain({"type": "Digits", "individual_digits": True}, SPLITTING), [("<|endoftext|>", 1, 0, 0, 0), ("<repo_name>", 1, 0, 0, 0)], [], None),
    "Qwen 2.5": ("bytes", {"type": "NFC"}, chain(split(QWEN2), BYTES), [("<|endoftext|>", 1, 0, 0, 0), ("<tool_call>", 0, 0, 0, 0)], [], None),
    "Qwen 3.5": ("bytes", {"type": "NFC"}, chain(split(QWEN35), BYTES), [("<|im_end|>", 1, 0, 0, 0), ("<think>", 0, 0, 0, 0)], [], None),
    "Llama 4": ("bytes", None, chain(split(O200K), BYTES), [("<|begin_of_text|>", 1, 0, 0, 0), ("<|header_start|>", 1, 0, 0, 0)], ["<|begin_of_text|>"], None),
    "GPT-2": ("bytes", None, SPLITTING, [("<|endoftext|>", 1, 0, 0, 1)], [], None),
    "Llama 3": ("bytes", None, chain(split(CL100K), BYTES), [("<|begin_of_text|>", 1, 0, 0, 0), ("<|eot_id|>", 1, 0, 0, 0)], ["<|begin_of_text|>"], None),
    "DeepSeek V3": ("bytes", {"type": "Sequence", "normalizers": []}, chain(split(r"\p{N}{1,3}"), split("[一-龥\u3040-ゟ゠-ヿ]+"), split(DEEPSEEK), BYTES), [("<｜begin▁of▁sentence｜>", 1, 0, 0, 0), ("<｜User｜>", 0, 0, 0, 0), ("<｜fim▁hole｜>", 0, 0, 0, 1)], ["<｜begin▁of▁sentence｜>"], None),
    "gpt-oss": ("bytes", None, chain(split(O200K), BYTES), [("<|start|>", 1, 0, 0, 0), ("<|message|>", 1, 0, 0, 0), ("<|return|>", 1, 0, 0, 0)], [], None),
    "OLMo": ("bytes", {"type": "NFC"}, SPLITTING, [("<|padding|>", 1, 0, 0, 0), ("  ", 0, 0, 0, 1), ("|||IP_ADDRESS|||", 0, 0, 0, 1)], [], None),
    "Gemma 1": ("fallback", SPACES, None, [("<bos>", 1, 0, 0, 0), ("<2mass>", 0, 0, 0, 0), ("\n\n", 0, 0, 0, 0), ("▁▁", 0, 0, 0, 0)], ["<bos>"], DECODER),
    "Gemma 3": ("fallback", SPACES, {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}, [("<bos>", 1, 0, 0, 0), ("<start_of_turn>", 1, 0, 0, 0), ("\t\t", 0, 0, 0, 0)], ["<bos>"], DECODER),
    "TinyLlama": ("fallback", SENTENCEPIECE_NORMALIZER, None, [("<s>", 1, 0, 0, 0), ("</s>", 1, 0, 0, 0)], ["<s>"], SENTENCEPIECE_DECODER),
    "Phi-3": ("fallback", SENTENCEPIECE_NORMALIZER, None, [("<s>", 1, 0, 0, 0), ("</s>", 0, 0, 1, 0), ("<|user|>", 1, 0, 1, 0), ("<|end|>", 1, 0, 1, 0)], [], SENTENCEPIECE_DECODER),
    "Mistral v3": ("fallback", None, metaspace("first"), [("<s>", 1, 0, 0, 0), ("[INST]", 1, 0, 0, 0), ("[TOOL_CALLS]", 1, 0, 0, 0)], ["<s>"], SENTENCEPIECE_DECODER),
    "Mistral v1": ("fallback", None, metaspace("always"), [("<s>", 1, 0, 0, 0)], ["<s>"], SENTENCEPIECE_DECODER),
}  # fmt: skip


def file_of(name: str) -> dict[str, Any]:
    kind, normalizer, pre_tokenizer, added, before, decoder = STRUCTURES[name]
    file: dict[str, Any] = json.loads(trained(kind))
    vocabulary = file["model"]["vocab"]
    free = max(vocabulary.values()) + 1
    file["added_tokens"] = []
    for content, special, left, right, normalized in added:
        number = vocabulary.get(content, free)
        free += number == free
        flags = {"single_word": False, "lstrip": bool(left), "rstrip": bool(right), "normalized": bool(normalized)}
        file["added_tokens"].append({"id": number, "content": content, **flags, "special": bool(special)})
    file["added_tokens"].sort(key=lambda token: token["id"])
    ids = {token["content"]: token["id"] for token in file["added_tokens"]}
    file["normalizer"], file["pre_tokenizer"] = normalizer, pre_tokenizer
    file["decoder"] = decoder or {**SPLITTING, "add_prefix_space": True}
    if before:
        pieces = [{"SpecialToken": {"id": token, "type_id": 0}} for token in before]
        text = {"Sequence": {"id": "A", "type_id": 0}}
        other = {"Sequence": {"id": "B", "type_id": 1}}
        special = {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in before}
        file["post_processor"] = {
            "type": "TemplateProcessing",
            "single": [*pieces, text],
            "pair": [*pieces, text, other],
            "special_tokens": special,
        }
    if name == "Llama 3":
        file["post_processor"] = {"type": "Sequence", "processors": [BYTES, file["post_processor"]]}
        file["model"]["ignore_merges"] = True
    if name == "GPT-2":
        file["post_processor"] = {**SPLITTING, "trim_offsets": False}
    if kind == "fallback":
        file["model"] |= {"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}
    return file


def texts_for(added: list[str], seed: int) -> list[str]:
    draw = random.Random(seed)
    pool = list("abTheKſ'sLL 12３\n\r\t\u00a0\u3000é\u0301İ中文々🙂\u200d.,!?…|<>_▁/ͅ\u0378") + added
    return [
        *TEXTS,
        *SCRIPTS,
        *("".join(draw.choice(pool) for _ in range(draw.randint(0, 30))) for _ in range(150)),
        *(f"a {token} b{token}{token[:-1]} \n{token}" for token in added),
        *(unit * 300 for unit in ("a", " ", "\n", "中", "12", " \n", "'s")),
    ]


@pytest.mark.parametrize("name", STRUCTURES)
def test_tokenizer_json(name: str) -> None:
    file = file_of(name)
    content = json.dumps(file)
    theirs, compat = hf.Tokenizer.from_str(content), Tokenizer.from_str(content)
    ours = tf.Tokenizer(bpe.read_tokenizer_json(content.encode(), True))
    saved = hf.Tokenizer.from_str(ours.to_json())
    for text in texts_for([token["content"] for token in file["added_tokens"]], 5):
        for special in (True, False):
            expected = theirs.encode(text, add_special_tokens=special)
            assert ours.encode(text, add_special_tokens=special) == expected.ids, text
            assert saved.encode(text, add_special_tokens=special).ids == expected.ids, text
            found = compat.encode(text, add_special_tokens=special)
            for column in ("offsets", "tokens", "word_ids", "special_tokens_mask"):
                assert getattr(found, column) == getattr(expected, column), (column, text)
        for skip in (True, False):
            decoded = theirs.decode(expected.ids, skip_special_tokens=skip)
            assert ours.decode(expected.ids, skip_special_tokens=skip) == decoded, text
        stream = ours.decode_stream()
        assert "".join([*map(stream.push, expected.ids), stream.finish()]) == ours.decode(expected.ids), text


@pytest.mark.parametrize(
    ("name", "regex"),
    [("kimi", KIMI), ("o200k", O200K), ("llama4", O200K), ("qwen3.5", QWEN35), ("qwen2", QWEN2), ("cl100k", None), ("llama3", CL100K), ("tekken", TEKKEN), ("r50k", None)],
)  # fmt: skip
def test_rank_files(name: str, regex: str | None) -> None:
    """With the pattern as it is published, and by its name."""
    expression = regex or bpe.named_pattern(name)
    assert expression is not None
    learned = tf.Tokenizer.train(SCRIPTS * 3, vocab_size=900, pattern=name, special_tokens=[])
    ranks = {learned.token_bytes(number): number for number in range(len(learned))}
    special = {"<|endoftext|>": 1000, "[BOS]": 1001, "<|im_end|>": 1002, "<|return|>": 1003, "<|call|>": 1012}
    theirs = tiktoken.Encoding(name, pat_str=expression, mergeable_ranks=ranks, special_tokens=special)
    tokenizers = [
        tf.Tokenizer.from_tiktoken(ranks, pattern=pattern, special_tokens=special) for pattern in (name, expression)
    ]
    for text in texts_for(list(special), 6):
        for ours in tokenizers:
            assert ours.encode(text) == theirs.encode_ordinary(text), text
            assert ours.encode(text, allowed_special="all") == theirs.encode(text, allowed_special="all"), text
            assert ours.decode(ours.encode(text)) == theirs.decode(theirs.encode_ordinary(text)), text
