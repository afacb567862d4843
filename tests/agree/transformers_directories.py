"""Directories that `AutoTokenizer` loads, out of the vocabularies of `tests.vocabularies`, and calls to compare."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tests.corpus import SCRIPTS, documents
from tests.vocabularies import SOURCES, vocabulary

import tokenfoundry as tf

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
PADDING = {"gemma3": "<pad>", "tekken": "<pad>", "deepseek": "<｜▁pad▁｜>"}
TEXTS = [
    *SCRIPTS,
    "x <|endoftext|> y",
    "",
    "  a  ",
    "<|im_start|>user\nhi<|im_end|>\n",
    "cafe\u0301 e\u0301\u0301 \u1100\u1161\u11a8 \u0958",
    "<s> </s>\u2581x\u2581",
    *documents()[:3],
]
COLUMNS = ("ids", "tokens", "type_ids", "offsets", "attention_mask", "special_tokens_mask", "word_ids", "sequence_ids")
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}<|im_end|>{% endgeneration %}"
    "{% else %}{{ message['content'] }}<|im_end|>{% endif %}\n{% endfor %}"
    "{% if tools %}{{ tools | tojson }}{% endif %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def directory(name: str, root: Path) -> Path:
    """A directory with the tokenizer.json of a vocabulary."""
    path = root / name
    if path.is_dir():
        return path
    file, pattern = vocabulary(name), SOURCES[name].pattern
    path.mkdir(parents=True)
    if pattern is not None:
        # Two of the rank files have holes: the next free id is not their number of lines.
        first = max(int(line.split()[1]) for line in file.read_bytes().splitlines() if line) + 1
        special = {token: first + index for index, token in enumerate(SPECIAL)}
        tf.Tokenizer.from_file(file, pattern=pattern, special_tokens=special).save(path / "tokenizer.json")
    elif name in ("deepseek", "gemma3"):
        shutil.copy(file, path / "tokenizer.json")
    else:
        tf.Tokenizer.from_file(file).save(path / "tokenizer.json")
    configuration = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 4000,
        "pad_token": SPECIAL[0] if pattern is not None else PADDING.get(name, "</s>"),
        "chat_template": CHAT,
    }
    (path / "tokenizer_config.json").write_text(json.dumps(configuration))
    return path


def shown(value: Any) -> Any:
    """What can be compared: the columns of a `BatchEncoding`, types of tensors included, and those of its encodings."""
    if hasattr(value, "data") and isinstance(value.data, dict):
        return {name: shown(column) for name, column in value.items()}
    if isinstance(value, np.ndarray) or type(value).__module__ == "torch":
        return str(value.dtype), tuple(value.shape), shown(value.tolist())
    if isinstance(value, Mapping):
        return {name: shown(column) for name, column in value.items()}
    return [shown(one) for one in value] if isinstance(value, (list, tuple)) else value


def deeply(encoding: Any) -> Any:
    return shown(encoding), [[getattr(e, name) for name in COLUMNS] for e in encoding.encodings]


def outcome(call: Callable[[Any], Any], tokenizer: Any) -> Any:
    try:
        return call(tokenizer)
    except Exception as error:
        return type(error).__name__, str(error)


#: Each is called with their tokenizer and ours.
CALLS: dict[str, Callable[[Any], Any]] = {
    "one text": lambda t: [deeply(t(text)) for text in TEXTS],
    "batch": lambda t: deeply(t(TEXTS)),
    "batch as a tuple": lambda t: shown(t(tuple(TEXTS))),
    "no special tokens": lambda t: deeply(t(TEXTS, add_special_tokens=False)),
    "padding": lambda t: deeply(t(TEXTS, padding=True)),
    "padding at the left": lambda t: deeply(t(TEXTS, padding=True, padding_side="left", pad_to_multiple_of=8)),
    "truncation": lambda t: deeply(t(TEXTS, truncation=True, max_length=7)),
    "truncation to almost nothing": lambda t: [shown(t(TEXTS, truncation=True, max_length=n)) for n in (1, 2, 3)],
    "only the first": lambda t: shown(t(TEXTS, truncation="only_first", max_length=5)),
    "only the second": lambda t: shown(t(TEXTS, truncation="only_second", max_length=5)),
    "all columns": lambda t: shown(
        t(
            TEXTS,
            truncation=True,
            max_length=16,
            padding="max_length",
            return_special_tokens_mask=True,
            return_token_type_ids=True,
            return_length=True,
            return_offsets_mapping=True,
        )
    ),
    "all columns as arrays": lambda t: deeply(
        t(
            TEXTS,
            truncation=True,
            max_length=16,
            padding="max_length",
            return_tensors="np",
            return_special_tokens_mask=True,
            return_token_type_ids=True,
            return_length=True,
        )
    ),
    "all columns of one": lambda t: shown(
        t(TEXTS[1], return_special_tokens_mask=True, return_token_type_ids=True, return_length=True)
    ),
    "padded arrays": lambda t: shown(t(TEXTS, padding=True, return_tensors="np")),
    "padded arrays at the left": lambda t: shown(
        t(
            TEXTS,
            padding=True,
            return_tensors="np",
            padding_side="left",
            return_special_tokens_mask=True,
            return_token_type_ids=True,
        )
    ),
    "arrays of equal length": lambda t: shown(t(["a b", "a b"], return_tensors="np")),
    "arrays of unequal length": lambda t: shown(t(["a b", "a b c d e"], return_tensors="np")),
    "array of nothing": lambda t: shown(t("", return_tensors="np", add_special_tokens=False)),
    "longer than max_length": lambda t: shown(t(TEXTS, padding="max_length", max_length=4, truncation=False)),
    "without a mask": lambda t: shown(t(TEXTS, return_attention_mask=False)),
    "overflow": lambda t: shown(
        t(TEXTS, truncation=True, max_length=9, stride=3, return_overflowing_tokens=True, return_offsets_mapping=True)
    ),
    "overflow of one": lambda t: shown(t(TEXTS[0], truncation=True, max_length=9, return_overflowing_tokens=True)),
    "a stride that is too long": lambda t: shown(t(TEXTS, truncation=True, max_length=4, stride=9)),
    "pairs": lambda t: deeply(
        t(TEXTS, TEXTS[::-1], truncation=True, max_length=20, padding=True, return_token_type_ids=True)
    ),
    "a pair": lambda t: deeply(t(TEXTS[0], TEXTS[1])),
    "tuples": lambda t: shown(t([("a", "b"), ("c", "d e")])),
    "words": lambda t: deeply(t([text.split() for text in TEXTS], is_split_into_words=True)),
    "targets": lambda t: shown(t(TEXTS[0], text_target=TEXTS[1])),
    "targets alone": lambda t: shown(t(text_target=TEXTS[1])),
    "encode": lambda t: [t.encode(text) for text in TEXTS],
    "encode with options": lambda t: [t.encode(text, add_special_tokens=False, max_length=5) for text in TEXTS],
    "tokenize": lambda t: [t.tokenize(text) for text in TEXTS],
    "special tokens as text": lambda t: [t(text, split_special_tokens=True)["input_ids"] for text in TEXTS],
    "and found again": lambda t: [t(text)["input_ids"] for text in TEXTS],
    "decode": lambda t: [t.decode(t.encode(text), skip_special_tokens=skip) for text in TEXTS for skip in (False, True)],
    "decode tuples and arrays": lambda t: [t.decode(kind(t.encode(TEXTS[0]))) for kind in (tuple, np.array)],
    "decode one id": lambda t: [t.decode(number) for number in (5, 300)],
    "decode nothing": lambda t: t.decode([]),
    "decode what is no token": lambda t: t.decode([300, 10_000_000, 301]),
    "decode what is no id": lambda t: t.decode([-1]),
    "batch_decode": lambda t: t.batch_decode(t(TEXTS)["input_ids"]),
    "batch_decode arrays": lambda t: t.batch_decode(
        t(TEXTS, padding=True, return_tensors="np")["input_ids"], skip_special_tokens=True
    ),
    "batch_decode cleaning up": lambda t: t.batch_decode([t.encode("a , b . c")], clean_up_tokenization_spaces=True),
    "batch_decode of nothing": lambda t: t.batch_decode([]),
    "pad": lambda t: shown(t.pad([t("a"), t("a b c")], return_tensors="np")),
    "places": lambda t: [
        (e.char_to_token(3), e.token_to_chars(1), e.word_ids(), e.tokens(), e.word_to_tokens(0), e.token_to_word(1))
        for e in [t("Hello there, world")]
    ],
    "wrong types": lambda t: [outcome(lambda u, x=x: shown(u(x)), t) for x in (3, None, [1], [None], ["a", 2], "\ud800")],
    "nothing": lambda t: [outcome(lambda u: shown(u([])), t), shown(t([""]))],
    "about it": lambda t: (
        len(t), t.vocab_size, t.all_special_tokens, repr(t), t.convert_ids_to_tokens([5, 6, 7]), t.is_fast,
        t.convert_tokens_to_ids(["a", "nonesuch"]), t.num_special_tokens_to_add(), t.num_special_tokens_to_add(True),
        t.get_vocab(), t.get_added_vocab(), type(t).__name__, t.pad_token_id, t.special_tokens_map,
    ),
}  # fmt: skip
