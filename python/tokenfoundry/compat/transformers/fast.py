"""What ``transformers``' fast tokenizers do, over `Backend`: the same answers without an `Encoding` for each text.

The methods here take the common calls (texts without pairs, no offsets, no overflow) and leave all others to the class
they are mixed into, which then asks the `Backend`. `convert` mixes in only those that the class has not overridden.
"""

import functools
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tokenfoundry._core import bpe as _bpe
from tokenfoundry.compat.transformers.alone import USUAL, Columns, columns_of, ids_of, making
from tokenfoundry.compat.transformers.around import Around
from tokenfoundry.compat.transformers.backend import Backend, Engine
from tokenfoundry.compat.transformers.encodings import Encodings, Options

#: What the libraries have for these options where a caller (of a method with an underscore) does not say.
PADDING: Any = "do_not_pad"
TRUNCATION: Any = "do_not_truncate"


class Wanted:
    """What a call asks for, in words that do not depend on the version of ``transformers``."""

    __slots__ = (
        "add_special_tokens",
        "attention_mask",
        "length",
        "max_length",
        "multiple",
        "pad_left",
        "padding",
        "special_tokens_mask",
        "tensors",
        "token_type_ids",
        "truncation",
        "verbose",
    )

    def __init__(self, tokenizer: Any, options: dict[str, Any]) -> None:
        names = tokenizer.model_input_names
        self.add_special_tokens = bool(options.get("add_special_tokens", True))
        mask, types = options.get("return_attention_mask"), options.get("return_token_type_ids")
        self.attention_mask = "attention_mask" in names if mask is None else bool(mask)
        self.token_type_ids = "token_type_ids" in names if types is None else bool(types)
        self.special_tokens_mask = bool(options.get("return_special_tokens_mask"))
        self.length = bool(options.get("return_length"))
        self.max_length: int | None = options.get("max_length")
        self.multiple: int | None = options.get("pad_to_multiple_of")
        self.padding = _word(options.get("padding_strategy"), "do_not_pad")
        self.truncation = _word(options.get("truncation_strategy"), "do_not_truncate")
        self.pad_left = (options.get("padding_side") or tokenizer.padding_side) == "left"
        self.verbose = bool(options.get("verbose", True))
        tensors = options.get("return_tensors")
        self.tensors: str | None = None if tensors is None else _word(tensors, "")


def _word(value: Any, default: str) -> str:
    return default if value is None else str(getattr(value, "value", value))


def columns(tokenizer: Any, engine: Engine, texts: list[str], wanted: Wanted) -> Columns | None:
    """The columns of a batch; None where the long way must be gone (or raises as it should)."""
    around = engine.around
    if around is None or wanted.tensors not in (None, "np", "pt") or _bpe.first_not_text(texts) is not None:
        return None
    extra = around.length if wanted.add_special_tokens else 0
    limit = -1
    if wanted.truncation != "do_not_truncate":
        if wanted.truncation == "only_second" or wanted.max_length is None or wanted.max_length - extra < 1:
            return None
        limit = wanted.max_length - extra
    if wanted.tensors is None:
        return _lists(tokenizer, engine, texts, wanted, limit)
    return _matrices(tokenizer, engine, texts, wanted, limit)


def _length(wanted: Wanted, longest: int) -> int:
    """What rows are padded to, 0 for not at all."""
    if wanted.padding == "do_not_pad":
        return 0
    length = longest if wanted.padding == "longest" or wanted.max_length is None else wanted.max_length
    if wanted.multiple and length % wanted.multiple:
        length += wanted.multiple - length % wanted.multiple
    return length


def _lists(tokenizer: Any, engine: Engine, texts: list[str], wanted: Wanted, limit: int) -> Columns | None:
    around = engine.around
    if around is None:
        return None
    special = wanted.add_special_tokens
    if not wanted.token_type_ids and not wanted.special_tokens_mask:
        return _plain_lists(tokenizer, engine, texts, wanted, limit)
    if limit < 0 and len(texts) == 1:
        rows = [engine.engine.encode(texts[0], special, allowed_special=engine._allowed)]
    elif limit < 0:
        rows = engine.engine.encode_batch_lists(texts, add_special_tokens=special, allowed_special=engine._allowed)
    else:
        rows = engine.engine.encode_batch_lists(texts, add_special_tokens=False, allowed_special=engine._allowed)
        if tokenizer.truncation_side == "left":
            rows = [row[-limit:] if len(row) > limit else row for row in rows]
        else:
            rows = [row[:limit] if len(row) > limit else row for row in rows]
        if special and around.length:
            before, after = list(around.before), list(around.after)
            rows = [before + row + after for row in rows]
    lengths = [len(row) for row in rows]
    found: Columns = {"input_ids": rows}
    to = _length(wanted, max(lengths))
    _warn_about_length(tokenizer, wanted, [max(to, n) for n in lengths])
    if wanted.token_type_ids:
        before, after = (list(around.before_types), list(around.after_types)) if special else ([], [])
        inside = len(before) + len(after)
        found["token_type_ids"] = [before + [around.text_type] * (n - inside) + after for n in lengths]
    if wanted.attention_mask:
        found["attention_mask"] = [[1] * n for n in lengths]
    if wanted.special_tokens_mask:
        first, last = (len(around.before), len(around.after)) if special else (0, 0)
        found["special_tokens_mask"] = [[1] * first + [0] * (n - first - last) + [1] * last for n in lengths]
    if to > min(lengths):
        filling = {
            "input_ids": tokenizer.pad_token_id,
            "token_type_ids": tokenizer.pad_token_type_id,
            "attention_mask": 0,
            "special_tokens_mask": 1,
        }
        for name, column in found.items():
            pad = [filling[name]]
            if wanted.pad_left:
                found[name] = [pad * (to - n) + row if n < to else row for n, row in zip(lengths, column, strict=True)]
            else:
                found[name] = [row + pad * (to - n) if n < to else row for n, row in zip(lengths, column, strict=True)]
    if wanted.length:
        found["length"] = [len(row) for row in found["input_ids"]]
    return found


class _Shape(NamedTuple):
    """What is done to each row."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    #: How many ids of a text are kept, those at its end with `cut_left`; None for all.
    limit: int | None
    cut_left: bool
    pads: bool
    #: What rows are padded to, None for the longest; and what that must be a multiple of.
    length: int | None
    multiple: int | None
    pad_id: int
    pad_left: bool


def _shape(tokenizer: Any, around: Around, wanted: Wanted, limit: int) -> _Shape:
    pads = wanted.padding != "do_not_pad"
    return _Shape(
        before=around.before if wanted.add_special_tokens else (),
        after=around.after if wanted.add_special_tokens else (),
        limit=None if limit < 0 else limit,
        cut_left=tokenizer.truncation_side == "left",
        pads=pads,
        length=None if wanted.padding == "longest" else wanted.max_length,
        multiple=wanted.multiple,
        pad_id=tokenizer.pad_token_id if pads else 0,
        pad_left=wanted.pad_left,
    )


def _plain_lists(tokenizer: Any, engine: Engine, texts: list[str], wanted: Wanted, limit: int) -> Columns | None:
    around = engine.around
    if around is None:
        return None
    shape = _shape(tokenizer, around, wanted, limit)
    long = sys.maxsize if wanted.max_length is not None else int(min(tokenizer.model_max_length, sys.maxsize))
    rows, masks, lengths = _bpe.encode_columns(
        engine.engine, texts, engine._allowed, shape, wanted.attention_mask, long
    )
    if wanted.max_length is None and shape.pads and rows:
        _warn_about_length(tokenizer, wanted, [len(rows[0])])  # As long as all others.
    elif lengths is not None:
        _warn_about_length(tokenizer, wanted, lengths)
    found: Columns = {"input_ids": rows}
    if masks is not None:
        found["attention_mask"] = masks
    if wanted.length:
        found["length"] = [len(row) for row in rows]
    return found


def _matrices(tokenizer: Any, engine: Engine, texts: list[str], wanted: Wanted, limit: int) -> Columns | None:
    around = engine.around
    if around is None:
        return None
    shape = _shape(tokenizer, around, wanted, limit)
    made = _bpe.encode_matrices(engine.engine, texts, engine._allowed, shape)
    if made is None:
        return None  # Rows of different lengths are no tensor.
    ids, mask, lengths = made
    width = ids.shape[1]
    before, after = shape.before, shape.after
    _warn_about_length(tokenizer, wanted, [width])
    found: Columns = {"input_ids": ids}
    if wanted.token_type_ids or wanted.special_tokens_mask:
        text = mask.astype(bool)
        starts = (width - lengths) if wanted.pad_left else np.zeros_like(lengths)
        places = np.arange(width) - starts[:, None]
        is_before = text & (places < len(before))
        is_after = text & (places >= (lengths - len(after))[:, None])
    if wanted.token_type_ids:
        types = np.full_like(ids, tokenizer.pad_token_type_id)
        types[text] = around.text_type
        for index, kind in enumerate(around.before_types if before else ()):
            types[is_before & (places == index)] = kind
        for index, kind in enumerate(around.after_types if after else ()):
            types[is_after & (places == (lengths - len(after) + index)[:, None])] = kind
        found["token_type_ids"] = types
    if wanted.attention_mask:
        found["attention_mask"] = mask
    if wanted.special_tokens_mask:
        found["special_tokens_mask"] = (is_before | is_after | ~text).astype(np.int64)
    if wanted.length:
        found["length"] = np.full(len(texts), width, np.int64)
    if wanted.tensors == "pt":
        return _as_torch(found)
    return found


def _as_torch(found: dict[str, npt.NDArray[np.int64]]) -> Columns | None:
    try:
        import torch
    except ImportError:
        return None  # transformers says so in its own words.
    return {name: torch.from_numpy(column) for name, column in found.items()}


def _warn_about_length(tokenizer: Any, wanted: Wanted, lengths: Sequence[int]) -> None:
    if wanted.max_length is None and max(lengths) > tokenizer.model_max_length:
        for length in lengths:
            tokenizer._eventual_warn_about_too_long_sequence(range(length), None, wanted.verbose)


_LEFT_TO_THE_CLASS = (
    "is_split_into_words",
    "return_offsets_mapping",
    "return_overflowing_tokens",
    "sanitize_control_tokens",
    "stride",
    "text_pair",
)


def _found(tokenizer: Any, texts: list[str], options: dict[str, Any]) -> tuple[Columns, Encodings] | None:
    """Columns and encodings of a call; None where the class it is mixed into must see to it."""
    backend = tokenizer._tokenizer
    if (
        not texts
        or not isinstance(texts[0], str)  # Its error comes before those of options.
        or not isinstance(backend, Backend)
        or backend.__dict__
        or any(options.get(name) for name in _LEFT_TO_THE_CLASS)
    ):
        return None
    usual = type(options.get("add_special_tokens", True)) is bool and type(options.get("stride", 0)) is int
    if not usual or not all(
        options.get(name) is None or (type(options[name]) is int and 0 <= options[name] <= sys.maxsize)
        for name in ("max_length", "pad_to_multiple_of")
    ):
        return None  # What is unusual is refused, or not, where the original sees to it.
    wanted = Wanted(tokenizer, options)
    tokenizer.set_truncation_and_padding(
        padding_strategy=options["padding_strategy"],
        truncation_strategy=options["truncation_strategy"],
        max_length=wanted.max_length,
        stride=0,
        pad_to_multiple_of=wanted.multiple,
        padding_side=options.get("padding_side"),
    )
    split_special = options.get("split_special_tokens")
    if split_special is None:
        split_special = tokenizer.split_special_tokens
    if backend.encode_special_tokens != split_special:
        backend.encode_special_tokens = split_special
    engine = backend.engine()
    found = None if engine is None else columns(tokenizer, engine, texts, wanted)
    if engine is None or found is None:
        return None
    again = Options(wanted.add_special_tokens, engine._allowed, backend.truncation, backend.padding)
    return found, Encodings(engine, texts, again)


#: Options that change nothing of what `plain_one` gives.
_SIMPLE = frozenset({"split_special_tokens", "verbose", "padding_side"})


def fast_class(base: type, batch_encoding: type) -> type:
    """The class to mix in, of ``transformers``' base of fast tokenizers (which goes by two names, with different
    methods in 4 and 5)."""
    class_five = not hasattr(base, "_batch_encode_plus")
    encoded = making(batch_encoding)
    #: By class, whether nothing that it overrides lies between a call and `_encode_plus`.
    direct: dict[type, bool] = {}

    def is_direct(kind: type) -> bool:
        own = (
            "_encode_plus",
            "_get_padding_truncation_strategies",
            "_switch_to_input_mode",
            "set_truncation_and_padding",
        )
        found = direct[kind] = all(getattr(kind, name) is getattr(TokenFoundryFast, name) for name in own)
        return found

    def plain_one(tokenizer: Any, text: str, special: bool, options: dict[str, Any]) -> Any:
        """One text with nothing but its ids and its mask wanted; None where more is, or something is unusual."""
        backend = tokenizer._tokenizer
        if type(backend) is not Backend or backend._truncation is not None or backend._padding is not None:
            return None
        if backend.__dict__ or not _SIMPLE.issuperset([name for name, value in options.items() if value]):
            return None
        split_special = options.get("split_special_tokens")
        if split_special is None:
            split_special = tokenizer.split_special_tokens
        names = tokenizer.model_input_names
        engine = backend.engine()
        if (
            engine is None
            or engine.around is None
            or split_special
            or engine._allowed != "all"
            or "token_type_ids" in names
            or options.get("return_attention_mask") is not None
            or options.get("return_token_type_ids") is not None
            or not (text.isascii() or _bpe.first_not_text([text]) is None)
        ):
            return None
        ids = engine.engine.encode(text, special, allowed_special="all")
        if len(ids) > tokenizer.model_max_length:
            tokenizer._eventual_warn_about_too_long_sequence(ids, None, options.get("verbose", True))
        found: Columns = {"input_ids": ids}
        if "attention_mask" in names:
            found["attention_mask"] = [1] * len(ids)
        return batch_encoding(found, Encodings(engine, [text], Options(special, "all", None, None)), n_sequences=1)

    def one(result: tuple[Columns, Encodings], tensors: Any) -> Any:
        found, encodings = result
        if tensors is None:
            found = {name: value[0] if isinstance(value[0], list) else value for name, value in found.items()}
        return batch_encoding(found, encodings, n_sequences=1)

    def is_alone(tokenizer: Any, text: Any, arguments: tuple[Any, ...]) -> bool:
        """Whether it is one text, for a class whose methods are the usual ones."""
        return type(text) is str and not arguments and (direct.get(type(tokenizer)) or is_direct(type(tokenizer)))

    #: By class, whether it looks tokens up where the base does.
    finds: dict[type, bool] = {}

    def finds_ids(kind: type) -> bool:
        name = "_convert_token_to_id_with_added_voc"
        found = finds[kind] = getattr(kind, name, None) is getattr(base, name, None)
        return found

    class TokenFoundryFast(base):  # type: ignore[misc]
        """Encodes and decodes with tokenfoundry; all else is the class it is mixed into."""

        @functools.wraps(base.__call__)
        def __call__(self, text: Any = None, *arguments: Any, **options: Any) -> Any:
            if is_alone(self, text, arguments):
                if options:
                    result = columns_of(self, text, options)
                    if result is not None:
                        return encoded(*result)
                elif "token_type_ids" not in (names := self.model_input_names):
                    found = ids_of(self, text, True)
                    if found is not None:
                        engine, ids = found
                        columns: Columns = {"input_ids": ids}
                        if "attention_mask" in names:
                            columns["attention_mask"] = [1] * len(ids)
                        return encoded(columns, Encodings(engine, [text], USUAL))
            return super().__call__(text, *arguments, **options)

        @functools.wraps(base.encode)  # type: ignore[attr-defined]
        def encode(self, text: Any, *arguments: Any, **options: Any) -> Any:
            if is_alone(self, text, arguments):
                special = options.get("add_special_tokens", True)
                if len(options) == ("add_special_tokens" in options) and type(special) is bool:
                    found = ids_of(self, text, special)
                    if found is not None:
                        return found[1]
                else:
                    result = columns_of(self, text, options)
                    if result is not None:
                        return result[0]["input_ids"]
            return super().encode(text, *arguments, **options)

        @functools.wraps(base.tokenize)  # type: ignore[attr-defined]
        def tokenize(self, text: Any, *arguments: Any, **options: Any) -> Any:
            special = options.get("add_special_tokens", False)
            is_usual = type(special) is bool and len(options) == ("add_special_tokens" in options)
            if is_usual and is_alone(self, text, arguments):
                found = ids_of(self, text, special)
                # An added token is shown as it was found, which takes an `Encoding`.
                if found is not None and found[0].added.isdisjoint(found[1]):
                    return list(map(found[0]._token_of.__getitem__, found[1]))
            return super().tokenize(text, *arguments, **options)

        @functools.wraps(base.convert_ids_to_tokens)  # type: ignore[attr-defined]
        def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False, *arguments: Any) -> Any:
            backend = self._tokenizer
            if skip_special_tokens is False and not arguments and type(backend) is Backend:
                found = backend.tokens_of(ids)
                if found is not None:
                    return found
            return super().convert_ids_to_tokens(ids, skip_special_tokens, *arguments)

        @functools.wraps(base.convert_tokens_to_ids)  # type: ignore[attr-defined]
        def convert_tokens_to_ids(self, tokens: Any, *arguments: Any) -> Any:
            backend, kind = self._tokenizer, type(self)
            if type(backend) is Backend and not arguments and (finds.get(kind) or finds_ids(kind)):
                found = backend.ids_of(tokens)
                if found is not None:
                    return found
            return super().convert_tokens_to_ids(tokens, *arguments)

        # transformers looks for these at each call, and looking for what is not there costs more than encoding.
        def _switch_to_input_mode(self) -> None:
            pass

        def _switch_to_target_mode(self) -> None:
            pass

        def _encode_plus(
            self,
            text: Any,
            text_pair: Any = None,
            add_special_tokens: bool = True,
            padding_strategy: Any = PADDING,
            truncation_strategy: Any = TRUNCATION,
            max_length: int | None = None,
            **options: Any,
        ) -> Any:
            if (
                isinstance(text, str)
                and _is_nothing(text_pair)
                and max_length is None
                and padding_strategy == PADDING
                and truncation_strategy == TRUNCATION
                and type(add_special_tokens) is bool
            ):
                encoded = plain_one(self, text, add_special_tokens, options)
                if encoded is not None:
                    return encoded
            passed = {
                "add_special_tokens": add_special_tokens,
                "padding_strategy": padding_strategy,
                "truncation_strategy": truncation_strategy,
                "max_length": max_length,
                **options,
            }
            if _is_nothing(text_pair):
                if isinstance(text, str):
                    result = _found(self, [text], passed)
                    if result is not None:
                        return one(result, options.get("return_tensors"))
                elif class_five and text_pair is None and type(text) in (list, tuple):
                    result = _found(self, list(text), passed)
                    if result is not None:
                        return batch_encoding(*result, n_sequences=1)
            return super()._encode_plus(text, text_pair, **passed)

        if not class_five:

            def _batch_encode_plus(
                self,
                batch_text_or_text_pairs: Any,
                add_special_tokens: bool = True,
                padding_strategy: Any = PADDING,
                truncation_strategy: Any = TRUNCATION,
                max_length: int | None = None,
                **options: Any,
            ) -> Any:
                passed = {
                    "add_special_tokens": add_special_tokens,
                    "padding_strategy": padding_strategy,
                    "truncation_strategy": truncation_strategy,
                    "max_length": max_length,
                    **options,
                }
                if type(batch_text_or_text_pairs) in (list, tuple):
                    result = _found(self, list(batch_text_or_text_pairs), passed)
                    if result is not None:
                        return batch_encoding(*result, n_sequences=1)
                return super()._batch_encode_plus(batch_text_or_text_pairs, **passed)

        @functools.wraps(base.decode)  # type: ignore[attr-defined]
        def decode(self, token_ids: Any, skip_special_tokens: bool = False, *arguments: Any, **options: Any) -> Any:
            if not arguments and _is_ids(token_ids):
                return self._decode(token_ids, skip_special_tokens=skip_special_tokens, **options)
            return super().decode(token_ids, skip_special_tokens, *arguments, **options)

        @functools.wraps(base.batch_decode)  # type: ignore[attr-defined]
        def batch_decode(
            self, sequences: Any, skip_special_tokens: bool = False, *arguments: Any, **options: Any
        ) -> Any:
            if not arguments and _is_rows(sequences):
                return [self.decode(ids, skip_special_tokens=skip_special_tokens, **options) for ids in sequences]
            return super().batch_decode(sequences, skip_special_tokens, *arguments, **options)

    # Where it is found, so that it can be pickled by its name.
    TokenFoundryFast.__module__ = "tokenfoundry.compat.transformers.convert"
    TokenFoundryFast.__name__ = TokenFoundryFast.__qualname__ = "FastMixin"
    return TokenFoundryFast


def _is_nothing(pair: Any) -> bool:
    """Whether a text has no pair."""
    return pair is None or (isinstance(pair, (str, list, tuple)) and not pair)


def _is_rows(value: Any) -> bool:
    """Whether it is texts' ids as they are."""
    if type(value) is np.ndarray:
        return bool(value.ndim == 2 and len(value) and value.dtype.kind in "iu")
    return type(value) is list and len(value) > 0 and _is_ids(value[0])


def _is_ids(value: Any) -> bool:
    """Whether it is one text's ids as they are, with nothing to convert."""
    if type(value) is np.ndarray:
        return bool(value.ndim == 1 and value.dtype.kind in "iu")
    return type(value) is list and len(value) > 0 and type(value[0]) is int
