"""One text by itself, as programs call a tokenizer for each of many short ones: what the call would otherwise spend on its
options is ten times what encoding takes.

What is found here is what the long way finds. Anything that is not among the options that are common is None, and goes
the long way.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tokenfoundry._core import bpe as _bpe
from tokenfoundry.compat.transformers.backend import Backend, Engine
from tokenfoundry.compat.transformers.encodings import Encodings, Options

Columns = dict[str, Any]
#: How a text is encoded when nothing is said about it.
USUAL = Options(True, "all", None, None)
_KNOWN = frozenset(
    {
        "add_special_tokens",
        "max_length",
        "padding",
        "return_attention_mask",
        "return_tensors",
        "return_token_type_ids",
        "truncation",
    }
)


def engine_of(tokenizer: Any, text: str) -> Engine | None:
    """What encodes a text, with nothing unusual set; None where something is, or the text is none to `tokenizers`."""
    backend = tokenizer._tokenizer
    if type(backend) is not Backend or backend.__dict__:
        return None
    engine = backend._engine
    if engine is None or backend._watched:
        engine = backend.engine()
    if engine is None or engine.around is None or engine._allowed != "all" or tokenizer.split_special_tokens:
        return None
    if not text.isascii() and _bpe.first_not_text([text]) is not None:
        return None
    return engine


def ids_of(tokenizer: Any, text: str, special: bool) -> tuple[Engine, list[int]] | None:
    """The engine and the ids of a text that is neither cut nor padded."""
    engine = engine_of(tokenizer, text)
    if engine is None:
        return None
    backend = tokenizer._tokenizer
    if backend._truncation is not None or backend._padding is not None:
        return None
    ids = engine._engine.encode(text, special, allowed_special="all")
    if len(ids) > tokenizer.model_max_length:
        tokenizer._eventual_warn_about_too_long_sequence(ids, None, True)
    return engine, ids


def columns_of(tokenizer: Any, text: str, options: dict[str, Any]) -> tuple[Columns, Encodings] | None:
    """The columns of a text that may be cut, and may become a tensor."""
    if not _KNOWN.issuperset(options):
        return None
    get = options.get
    special, length, tensors = get("add_special_tokens", True), get("max_length"), get("return_tensors")
    if type(special) is not bool or get("padding", False) is not False:
        return None
    if tensors is not None and tensors != "np" and (tensors != "pt" or not _has_torch()):
        return None
    cut = get("truncation")
    if cut is None or cut is False:
        if length is not None:
            return None
    elif (cut is not True and cut != "longest_first") or type(length) is not int or not 0 < length <= sys.maxsize:
        return None
    names = tokenizer.model_input_names
    types, with_mask = get("return_token_type_ids"), get("return_attention_mask")
    if ("token_type_ids" in names) if types is None else types:
        return None
    engine = engine_of(tokenizer, text)
    around = None if engine is None else engine.around
    if engine is None or around is None:
        return None
    settings = None
    limit: dict[str, Any] = {}
    if length is not None:
        side = tokenizer.truncation_side
        if side not in ("left", "right") or length <= (around.length if special else 0):
            return None
        settings = {"max_length": length, "stride": 0, "strategy": "longest_first", "direction": side}
        limit = {"max_length": length, "truncation_side": side}
    _set(tokenizer._tokenizer, settings)
    encoder = engine._engine
    found: Columns
    if tensors is None:
        ids: Any = encoder.encode(text, special, allowed_special="all", **limit)
        found = {"input_ids": ids}
    else:
        ids = encoder.encode_array(text, special, allowed_special="all", **limit).astype(np.int64)
        if not len(ids):
            return None  # Which the libraries have a type of their own for.
        found = {"input_ids": ids[None]}
    if length is None and len(ids) > tokenizer.model_max_length:
        tokenizer._eventual_warn_about_too_long_sequence(ids, None, True)
    if ("attention_mask" in names) if with_mask is None else with_mask:
        found["attention_mask"] = [1] * len(ids) if tensors is None else np.ones((1, len(ids)), np.int64)
    if tensors == "pt":
        import torch

        found = {name: torch.from_numpy(column) for name, column in found.items()}
    return found, Encodings(engine, [text], Options(special, "all", settings, None))


def _set(backend: Backend, truncation: dict[str, Any] | None) -> None:
    """As the call leaves it, where others can see it: cutting as it did, padding nothing."""
    if backend._truncation != truncation:
        if truncation is None:
            backend.no_truncation()
        else:
            backend.enable_truncation(**truncation)
    if backend._padding is not None:
        backend.no_padding()


def _has_torch() -> bool:
    if "torch" in sys.modules:
        return True
    try:
        import torch  # noqa: F401
    except ImportError:
        return False  # transformers says so in its own words.
    return True


def making(batch_encoding: type) -> Callable[[Columns, Encodings], Any]:
    """What makes a `BatchEncoding` of one text, without what its constructor looks for."""
    usual = {"data": {}, "_encodings": [], "_n_sequences": 1}
    if vars(batch_encoding({}, [], n_sequences=1)) != usual or batch_encoding.__dict__.get("__slots__"):
        return lambda found, encodings: batch_encoding(found, encodings, n_sequences=1)
    new: Any = batch_encoding.__new__

    def made(found: Columns, encodings: Encodings) -> Any:
        one: Any = new(batch_encoding)
        one.__dict__ = {"data": found, "_encodings": encodings, "_n_sequences": 1}
        return one

    return made
