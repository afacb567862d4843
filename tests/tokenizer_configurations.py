"""Random tokenizer.json files: every part and flag that `tokenizers` knows, around small vocabularies trained on many scripts.

The vocabularies are byte-level, of characters with byte fallback, or of characters with an unknown token.
"""

from __future__ import annotations

import functools
import json
import random
from collections import Counter
from typing import Any

from tests.corpus import SCRIPTS

Part = dict[str, Any]

SPLITS = [
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+",
    *(r"\p{N}{1,3}", r"\s+", "[一-龥぀-ゟ゠-ヿ]+", r"\w+|[^\w\s]+", "[a-z]+", "x*", r" ?\p{L}+", "\n", r"(\r?\n)+"),
    *(r"(?=\p{Lu})", r"\b", "^a|b$", r"\d{3}", "[[:punct:]]", r"[^\s\w]+", r"\W", r"[[:alpha:]_]+|\s+", r"\h+", r"\B"),
]
ADDED = [
    *("<|endoftext|>", "<s>", "</s>", "[X]", "the", " the", "a", "  ", "Ab", "\n", "é", "▁x", "<|", "İ", "x y"),
    *("K", "ﬁ", "123", "fox ", "Q"),
]
TEXTS = [
    *SCRIPTS,
    *(
        "the quick <|endoftext|> Ab the",
        "  the",
        "the",
        " the x y",
        "[X][X] [X]",
        " \n <s>x</s> ",
        "Kelvin K k",
        "ﬁne ½ x²",
    ),
    *(
        "İi e\u0301 é e\u0301\u0301",
        "a\u0301b",
        "▁▁x ▁",
        "the,the.the!",
        "12345 1 22",
        "\t\r\n  x",
        "abc\u200bdef\u3000g",
    ),
    *(
        "aaa",
        " ",
        " a ",
        "foxfox fox  the",
        "ab12,，。!?x",
        "\u1100\u1161\u11a8 한국",
        "the\u00a0the",
        "Q̃ q̃",
        "ß ẞ ŉ ǰ",
    ),
    *("\x00\x01 \x7f\x85", "don't 'S", "\u0345ᾳ ᾼ"),
]
BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
SENTENCEPIECE_NORMALIZER = {
    "type": "Sequence",
    "normalizers": [
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    ],
}
SENTENCEPIECE_DECODER = {
    "type": "Sequence",
    "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    ],
}


@functools.cache
def trained(kind: str) -> str:
    """A small vocabulary of the kind ``bytes``, ``fallback`` or ``unknown``, as a tokenizer.json."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    texts = [text for text in SCRIPTS if text] * 3
    if kind == "bytes":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=alphabet, show_progress=False)
    else:
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
        special = ["<unk>", "<s>", "</s>"]
        if kind == "fallback":
            special += [f"<0x{byte:02X}>" for byte in range(256)]
        size = 900 if kind == "fallback" else 600
        texts = [text[:200].lower() + text[:60] for text in texts]
        # Which characters a limit keeps of those that are equally frequent is chance in `tokenizers`, so it is said here.
        counts = Counter(" ".join(texts).replace(" ", "▁"))
        alphabet = sorted(counts, key=lambda character: (-counts[character], character))[:220]
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=special,
            limit_alphabet=220,
            initial_alphabet=alphabet,
            show_progress=False,
        )
    tokenizer.train_from_iterator(texts, trainer)
    return str(tokenizer.to_str())


class Draw:
    """One random file, a function of its seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def flip(self, chance: float = 0.5) -> bool:
        return self.random.random() < chance

    def one(self, *options: Any) -> Any:
        return self.random.choice(options)

    def several(self, make: Any, most: int, *arguments: Any) -> list[Part]:
        made = [make(*arguments) for _ in range(self.random.randint(0, most))]
        return [part for part in made if part]

    def normalizer(self, depth: int = 0) -> Part | None:
        plain = ["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt"]
        kind = self.one(*plain, "Strip", "Prepend", "Literal", "Regex", "Sequence", "Like Llama", None, None)
        if kind in plain:
            return {"type": kind}
        if kind == "Strip":
            return {"type": kind, "strip_left": self.flip(), "strip_right": self.flip()}
        if kind == "Prepend":
            return {"type": kind, "prepend": self.one("▁", " ", "x")}
        if kind == "Literal":
            pattern = {"String": self.one(" ", "a", "▁", "  ", "é", "\n")}
            return {"type": "Replace", "pattern": pattern, "content": self.one("▁", "", "xy", " ", "é")}
        if kind == "Regex":
            pattern = {"Regex": self.one(" {2,}", r"\s+", "[0-9]", "(?i)the", r"^\s|\s$", r"\p{L}+")}
            return {"type": "Replace", "pattern": pattern, "content": self.one(" ", "▁", "0", "")}
        if kind == "Like Llama":
            return SENTENCEPIECE_NORMALIZER
        if kind == "Sequence" and depth < 2:
            return {"type": kind, "normalizers": self.several(self.normalizer, 3, depth + 1)}
        return None

    def pre_tokenizer(self, kind_of_model: str, depth: int = 0) -> Part | None:
        simple = ["WhitespaceSplit", "Whitespace", "BertPreTokenizer"]
        kind = self.one(
            *simple, "ByteLevel", "Split", "Literal", "Digits", "Punctuation", "Metaspace", "CharDelimiterSplit",
            "FixedLength", "Sequence", "Sequence", None,
        )  # fmt: skip
        if kind in simple:
            return {"type": kind}
        if kind == "ByteLevel" and kind_of_model == "bytes":
            return {"type": kind, "add_prefix_space": self.flip(0.3), "trim_offsets": True, "use_regex": self.flip()}
        if kind == "Split":
            pattern = {"Regex": self.one(*SPLITS)}
            return {"type": kind, "pattern": pattern, "behavior": self.one(*BEHAVIORS), "invert": self.flip(0.3)}
        if kind == "Literal":
            pattern = {"String": self.one(" ", "a", "▁", "\n", "the", "  ")}
            return {"type": "Split", "pattern": pattern, "behavior": self.one(*BEHAVIORS), "invert": self.flip(0.3)}
        if kind == "Digits":
            return {"type": kind, "individual_digits": self.flip()}
        if kind == "Punctuation":
            return {"type": kind, "behavior": self.one(*BEHAVIORS)}
        if kind == "Metaspace":
            scheme = self.one("always", "never", "first")
            return {"type": kind, "replacement": self.one("▁", "_"), "prepend_scheme": scheme, "split": self.flip()}
        if kind == "CharDelimiterSplit":
            return {"type": kind, "delimiter": self.one(" ", "a", "-")}
        if kind == "FixedLength":
            return {"type": kind, "length": self.random.randint(1, 7)}
        if kind == "Sequence" and depth < 2:
            return {"type": kind, "pretokenizers": self.several(self.pre_tokenizer, 3, kind_of_model, depth + 1)}
        return None

    def decoder(self, kind_of_model: str, depth: int = 0) -> Part | None:
        byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
        if depth == 0 and self.flip(0.3):
            return byte_level if kind_of_model == "bytes" else SENTENCEPIECE_DECODER
        kind = self.one(
            "ByteLevel", "ByteFallback", "Fuse", "Strip", "Literal", "Regex", "Metaspace", "WordPiece", "BPEDecoder",
            "CTC", "Sequence", "Sequence", None,
        )  # fmt: skip
        if kind == "ByteLevel":
            return byte_level
        if kind in ("ByteFallback", "Fuse"):
            return {"type": kind}
        if kind == "Strip":
            start, stop = self.random.randint(0, 2), self.one(0, 0, 0, 1)
            return {"type": kind, "content": self.one(" ", "▁", "a"), "start": start, "stop": stop}
        if kind == "Literal":
            pattern = {"String": self.one("▁", "a", "Ġ")}
            return {"type": "Replace", "pattern": pattern, "content": self.one(" ", "", "b")}
        if kind == "Regex":
            pattern = {"Regex": self.one("[aeiou]", "▁+", "^.")}
            return {"type": "Replace", "pattern": pattern, "content": self.one(" ", "", "b")}
        if kind == "Metaspace":
            scheme = self.one("always", "never", "first")
            return {"type": kind, "replacement": "▁", "prepend_scheme": scheme, "split": True}
        if kind == "WordPiece":
            return {"type": kind, "prefix": self.one("##", "a"), "cleanup": self.flip()}
        if kind == "BPEDecoder":
            return {"type": kind, "suffix": self.one("</w>", "e")}
        if kind == "CTC":
            pad, delimiter = self.one("<pad>", "e"), self.one("|", "a")
            return {"type": kind, "pad_token": pad, "word_delimiter_token": delimiter, "cleanup": self.flip()}
        if kind == "Sequence" and depth < 2:
            return {"type": kind, "decoders": self.several(self.decoder, 4, kind_of_model, depth + 1)}
        return None

    def post_processor(self, added: list[Part], depth: int = 0) -> Part | None:
        kinds = ["TemplateProcessing", "TemplateProcessing", "ByteLevel", "RobertaProcessing", "BertProcessing"]
        kind = self.one(None, *kinds, "Sequence")
        if kind is None or not added:
            return None
        first, last = self.random.choice(added), self.random.choice(added)
        ends = {"sep": [first["content"], first["id"]], "cls": [last["content"], last["id"]]}
        if kind == "ByteLevel":
            return {"type": kind, "add_prefix_space": True, "trim_offsets": self.flip(), "use_regex": True}
        if kind == "RobertaProcessing":
            return {"type": kind, **ends, "trim_offsets": self.flip(), "add_prefix_space": self.flip()}
        if kind == "BertProcessing":
            return {"type": kind, **ends}
        if kind == "TemplateProcessing":
            text = {"Sequence": {"id": "A", "type_id": 0}}
            before = [{"SpecialToken": {"id": first["content"], "type_id": 0}}] * self.random.randint(0, 2)
            after = [{"SpecialToken": {"id": last["content"], "type_id": 0}}] * self.random.randint(0, 2)
            single = [*before, text, *after]
            special = {
                token["content"]: {"id": token["content"], "ids": [token["id"]], "tokens": [token["content"]]}
                for token in (first, last)
            }
            pair = [*single, {"Sequence": {"id": "B", "type_id": 0}}]
            return {"type": kind, "single": single, "pair": pair, "special_tokens": special}
        if depth:
            return None
        return {"type": "Sequence", "processors": self.several(self.post_processor, 3, added, 1)}

    def added_tokens(self, vocabulary: dict[str, int]) -> list[Part]:
        free = max(vocabulary.values()) + 1
        added = []
        for content in self.random.sample(ADDED, self.random.randint(0, 5)):
            token_id = vocabulary.get(content, free)
            free += token_id == free
            flags = {name: self.flip(0.3) for name in ("single_word", "lstrip", "rstrip")}
            added.append(
                {"id": token_id, "content": content, **flags, "normalized": self.flip(0.4), "special": self.flip()}
            )
        return sorted(added, key=lambda token: token["id"])


def configuration(seed: int) -> Part:
    """A tokenizer.json as Python objects."""
    draw = Draw(seed)
    kind = draw.one("bytes", "bytes", "fallback", "unknown")
    file: Part = json.loads(trained(kind))
    file["normalizer"] = draw.normalizer()
    file["pre_tokenizer"] = draw.pre_tokenizer(kind)
    if kind == "bytes":
        last = {"type": "ByteLevel", "add_prefix_space": draw.flip(0.2), "trim_offsets": True, "use_regex": draw.flip()}
        if "ByteLevel" not in json.dumps(file["pre_tokenizer"]):
            chain = [part for part in (file["pre_tokenizer"], last) if part]
            file["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": chain}
    else:
        if draw.flip():
            file["normalizer"] = SENTENCEPIECE_NORMALIZER
        file["model"]["byte_fallback"] = kind == "fallback"
        file["model"]["fuse_unk"] = draw.flip()
        if draw.flip(0.3):
            file["model"]["unk_token"] = None
    file["model"]["ignore_merges"] = draw.flip(0.3)
    file["added_tokens"] = draw.added_tokens(file["model"]["vocab"])
    normalizer = json.dumps(file["normalizer"])
    if "Strip" in normalizer or '"content": ""' in normalizer:
        # A token of which a normalizer leaves nothing is found everywhere there.
        for token in file["added_tokens"]:
            token["normalized"] = False
    file["post_processor"] = draw.post_processor(file["added_tokens"])
    file["decoder"] = draw.decoder(kind)
    return file


@functools.cache
def charsmaps() -> tuple[str, ...]:
    """Normalization tables of SentencePiece, in base64."""
    import base64
    import io

    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    made = []
    for rule in ("nmt_nfkc", "nfkc_cf"):
        written = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["ab ab ab"]),
            model_writer=written,
            model_type="bpe",
            vocab_size=7,
            hard_vocab_limit=False,
            normalization_rule_name=rule,
            minloglevel=4,
        )
        message = sentencepiece_model_pb2.ModelProto()
        message.ParseFromString(written.getvalue())
        made.append(base64.b64encode(message.normalizer_spec.precompiled_charsmap).decode())
    return tuple(made)


class WideDraw(Draw):
    """With the parts that are seldom seen."""

    def normalizer(self, depth: int = 0) -> Part | None:
        kind = self.one("Precompiled", "BertNormalizer", "ByteLevel", "Nothing", *["Others"] * 8)
        if kind == "Precompiled":
            return {"type": kind, "precompiled_charsmap": self.one(*charsmaps())}
        if kind == "BertNormalizer":
            flags = {name: self.flip() for name in ("clean_text", "handle_chinese_chars", "lowercase")}
            return {"type": kind, **flags, "strip_accents": self.one(True, False, None)}
        if kind == "ByteLevel" and depth:
            return {"type": kind}
        if kind == "Nothing":
            return {"type": "Sequence", "normalizers": []}
        return super().normalizer(depth)

    def pre_tokenizer(self, kind_of_model: str, depth: int = 0) -> Part | None:
        if self.flip(0.1):
            return {"type": "UnicodeScripts"}
        return super().pre_tokenizer(kind_of_model, depth)


def wide_configuration(seed: int) -> Part:
    """:func:`configuration` with rarer parts, models with prefixes and suffixes, and templates after templates."""
    draw = WideDraw(seed)
    file = configuration(seed)
    kind = "bytes" if "ByteLevel" in json.dumps(file["pre_tokenizer"]) else "characters"
    for token in file["added_tokens"]:
        # A token of which a normalizer leaves nothing is found everywhere there.
        token["normalized"] = False
    if draw.flip(0.7):
        file["normalizer"] = draw.normalizer()
    if draw.flip(0.4):
        file["pre_tokenizer"] = draw.pre_tokenizer(kind)
        if kind == "bytes" and "ByteLevel" not in json.dumps([file["pre_tokenizer"], file["normalizer"]]):
            last = {
                "type": "ByteLevel",
                "add_prefix_space": draw.flip(0.2),
                "trim_offsets": True,
                "use_regex": draw.flip(),
            }
            chain = [part for part in (file["pre_tokenizer"], last) if part]
            file["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": chain}
    if draw.flip(0.2):
        # Others have the ids that the marked tokens get.
        file["added_tokens"] = [token for token in file["added_tokens"] if token["content"] in file["model"]["vocab"]]
        file["post_processor"] = None
        mark_words(file, draw)
    return file


def mark_words(file: Part, draw: Draw) -> None:
    """Mark the symbols of a model at the start, in the middle and at the end of words, each once and in all its merges."""
    prefix, suffix = draw.one(("##", ""), ("", "</w>"), ("##", "</w>"), ("", "e"))
    model = file["model"]
    vocabulary = model["vocab"]
    free = max([*vocabulary.values(), *(token["id"] for token in file["added_tokens"])]) + 1
    merges = []
    for left, right in [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]:
        starts, ends = draw.flip(0.7), draw.flip(0.5)
        pair = (left if starts else prefix + left), prefix + right + (suffix if ends else "")
        merges.append(list(pair))
        for token in (*pair, pair[0] + pair[1][len(prefix) :]):
            if token not in vocabulary:
                vocabulary[token] = free
                free += 1
    for character in [token for token in vocabulary if len(token) == 1]:
        for token in (prefix + character, character + suffix, prefix + character + suffix):
            if token not in vocabulary and draw.flip(0.9):
                vocabulary[token] = free
                free += 1
    model |= {"continuing_subword_prefix": prefix or None, "end_of_word_suffix": suffix or None, "merges": merges}
