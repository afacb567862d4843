"""`Tokenizer`: the class of `tokenizers` over `tokenfoundry.Tokenizer`.

Encoding costs what ours costs for ids; see `Encoding` for the rest. The file's JSON is parsed a second time, in Python,
when something beside plain encoding and decoding is first asked for.
"""

import asyncio
import functools
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from tokenfoundry._core import bpe as _bpe
from tokenfoundry.compat.tokenizers.added import FIELDS, AddedToken, added_token_class
from tokenfoundry.compat.tokenizers.arguments import (
    as_bool,
    as_number,
    as_unsigned,
    check_direction,
    check_sequence,
    not_an_instance,
)
from tokenfoundry.compat.tokenizers.encoding import Base, Details, Direction, Encoding, Segment
from tokenfoundry.compat.tokenizers.post_processing import PostProcessor
from tokenfoundry.errors import InputError, VocabularyError
from tokenfoundry.tokenizer import Tokenizer as _Engine

_TEXT_INPUT = "TextEncodeInput must be Union[TextInputSequence, Tuple[InputSequence, InputSequence]]"
_PRETOKENIZED_INPUT = (
    "PreTokenizedEncodeInput must be Union[PreTokenizedInputSequence, Tuple[PreTokenizedInputSequence, "
    "PreTokenizedInputSequence]]"
)

_POST_PROCESSOR = b'"post_processor"'
_NEITHER = re.compile(rb'\s*\{\s*"version"\s*:\s*"1.0"\s*,\s*"truncation"\s*:\s*null\s*,\s*"padding"\s*:\s*null\s*,')

_Text = str | Sequence[str]
_Input = _Text | tuple[_Text, _Text]


def original() -> Any:
    """The library `tokenizers`, for what is made of its parts."""
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(
            "a tokenizer's parts and training are those of tokenizers, which is not installed: pip install tokenizers"
        ) from error
    return tokenizers


class Tokenizer:
    """A tokenizer of a tokenizer.json with a BPE model. Made by `from_file`, `from_str`, `from_buffer` or
    `from_pretrained`; VocabularyError names what it cannot read."""

    def __init__(self, model: Any) -> None:
        """Of a `tokenizers.models.BPE`, to be trained or given its parts; needs `tokenizers`."""
        kind = type(model).__name__
        if type(model).__module__ != "tokenizers.models":
            raise TypeError(f"{kind!r} object is not an instance of 'Model'")
        if kind != "BPE":
            raise VocabularyError(f"{kind} model: tokenfoundry has BPE only; use tokenizers for it")
        self._start(original().Tokenizer(model).to_str().encode())

    @classmethod
    def _unread(cls, json: str) -> "Tokenizer":
        """Of a tokenizer.json that is read when it is needed: its model may still have to be trained."""
        made = cls.__new__(cls)
        made._start(json.encode())
        return made

    def _start(self, content: bytes) -> None:
        self._content = content
        self._allowed: Literal["all", "none"] = "all"
        self._forget_tokens()

    def _forget_tokens(self) -> None:
        # What was asked for one by one: at most the vocabulary.
        self._shown: dict[int, str] = {}
        self._numbers: dict[str, int] = {}

    @classmethod
    def _read(cls, content: bytes) -> "Tokenizer":
        made = cls.__new__(cls)
        made._start(content)
        _ = made._engine  # Where it cannot be read, that is said at once.
        return made

    @functools.cached_property
    def _engine(self) -> _Engine:
        try:
            return _Engine(_bpe.read_tokenizer_json(self._content, True, True))
        except VocabularyError as error:
            refused = error
        try:
            simple = self._processor.is_simple
        except (VocabularyError, ValueError, LookupError, TypeError):
            raise refused from None
        if simple:
            raise refused
        # A template with two places for the text, perhaps: `PostProcessor` fills it, and the engine need not know.
        content = json.dumps({**self._json, "post_processor": None}, ensure_ascii=False).encode()
        return _Engine(_bpe.read_tokenizer_json(content, True, True))

    @staticmethod
    def from_file(path: str | os.PathLike[str]) -> "Tokenizer":
        """From the path of a tokenizer.json."""
        return Tokenizer._read(Path(path).read_bytes())

    @staticmethod
    def from_str(json: str) -> "Tokenizer":
        """From the text of a tokenizer.json."""
        return Tokenizer._read(json.encode())

    @staticmethod
    def from_buffer(buffer: bytes) -> "Tokenizer":
        """From the bytes of a tokenizer.json."""
        if isinstance(buffer, str):
            raise TypeError("'str' object is not an instance of 'bytes'")
        return Tokenizer._read(bytes(buffer))

    @staticmethod
    def from_pretrained(identifier: str, revision: str = "main", token: str | None = None) -> "Tokenizer":
        """From a folder, or from the Hugging Face hub or its cache (needs `huggingface_hub`)."""
        local = Path(identifier) / "tokenizer.json"
        if local.is_file():
            return Tokenizer.from_file(local)
        try:
            from huggingface_hub import hf_hub_download
        except ImportError as error:
            raise ImportError(
                f"{local} is no file, and the hub needs huggingface_hub: pip install tokenfoundry[hf]"
            ) from error
        return Tokenizer.from_file(hf_hub_download(identifier, "tokenizer.json", revision=revision, token=token))

    # What the file says

    @functools.cached_property
    def _json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self._content)
        return parsed

    @functools.cached_property
    def _processor(self) -> PostProcessor:
        # Found by itself, because parsing all of a file takes as long as reading it did.
        start = self._content.find(_POST_PROCESSOR)
        if start >= 0 and "_json" not in self.__dict__:
            rest = self._content[start + len(_POST_PROCESSOR) : start + (1 << 16)].decode("utf-8", "ignore")
            try:
                found, _ = json.JSONDecoder().raw_decode(rest.lstrip(": \t\r\n"))
            except ValueError:
                found = 0
            if found is None or (isinstance(found, dict) and "type" in found):
                return PostProcessor(found)
        return PostProcessor(self._json.get("post_processor"))

    @functools.cached_property
    def _truncates_or_pads(self) -> bool:
        if "_json" not in self.__dict__ and _NEITHER.match(self._content):
            return False
        return self._json.get("truncation") is not None or self._json.get("padding") is not None

    def _is_plain(self) -> bool:
        """Whether a text's ids are all that the engine gives, with nothing to be done to them here."""
        return not self._truncates_or_pads and self._processor.is_simple

    @functools.cached_property
    def _quickly(self) -> "tuple[_Engine, Tokenizer, Literal['all', 'none']] | None":
        """What a single text is encoded with, where that is all. Looking it up in parts takes as long as encoding it."""
        return (self._engine, self._as_it_is, self._allowed) if self._is_plain() else None

    def _forget(self, name: str) -> None:
        """Something that was found out, and may be otherwise now."""
        self.__dict__.pop(name, None)
        self.__dict__.pop("_quickly", None)

    @functools.cached_property
    def _added(self) -> dict[str, dict[str, Any]]:
        return {token["content"]: token for token in self._json.get("added_tokens", [])}

    @functools.cached_property
    def _token_of(self) -> dict[int, str]:
        tokens = {number: token for token, number in self._json["model"]["vocab"].items()}
        return tokens | {token["id"]: content for content, token in self._added.items()}

    @functools.cached_property
    def _normalized(self) -> dict[int, str]:
        """Added tokens that are looked for in the normalized text, as they are found there."""
        if self._json.get("normalizer") is None:
            return {}
        shown = {}
        for content, token in self._added.items():
            if token["normalized"]:
                ids, _, _, found = self._engine._encode_with_words(content, "all")
                if list(ids) == [token["id"]] and found:
                    shown[token["id"]] = found[0][1]
        return shown

    @functools.cached_property
    def _as_it_is(self) -> "Tokenizer":
        """What encodings are made complete with: this tokenizer, not as it may be by then."""
        return self._views.setdefault(self._allowed, _AsItWas(self))

    @functools.cached_property
    def _views(self) -> dict[str, "_AsItWas"]:
        return {}

    def __repr__(self) -> str:
        return self._described(repr)

    def __str__(self) -> str:
        return self._described(str)

    def _described(self, how: Callable[[Any], str]) -> str:
        """In the words of `tokenizers`, where it is installed."""
        try:
            library = original()
        except ImportError:
            return f"Tokenizer(version={self._json.get('version', '1.0')!r}, model=BPE({self.get_vocab_size()} tokens))"
        return how(library.Tokenizer.from_str(self.to_str()))

    def to_str(self, pretty: bool = False) -> str:
        """The tokenizer.json, as `tokenizers` reads it."""
        return json.dumps(self._json, ensure_ascii=False, indent=2 if pretty else None)

    def save(self, path: str | os.PathLike[str], pretty: bool = True) -> None:
        """Write `to_str` to a file."""
        Path(path).write_text(self.to_str(pretty), encoding="utf-8")

    def __reduce__(self) -> tuple[Any, ...]:
        return Tokenizer.from_str, (self.to_str(),)  # Which does not have `encode_special_tokens`, as there.

    def token_to_id(self, token: str) -> int | None:
        """The id of a token as the vocabulary writes it."""
        if type(token) is str:
            try:
                return self._numbers[token]
            except KeyError:
                pass
        if not isinstance(token, str):
            raise not_an_instance(token, "str")
        token.encode()
        numbers = self._numbers
        added = self._added.get(token)
        found: int | None = added["id"] if added else self._json["model"]["vocab"].get(token)
        if found is not None:
            numbers[token] = found
        return found

    def id_to_token(self, id: int) -> str | None:
        """A token as the vocabulary writes it."""
        if type(id) is int:
            try:
                return self._shown[id]
            except KeyError:
                pass
        shown = self._shown
        number = as_number(id)
        token = self._normalized.get(number) or self._token_of.get(number)
        if token is not None:
            shown[number] = token
        return token

    def get_vocab(self, with_added_tokens: bool = True) -> dict[str, int]:
        """All tokens and their ids."""
        vocab: dict[str, int] = dict(self._json["model"]["vocab"])
        if with_added_tokens:
            vocab |= {content: token["id"] for content, token in self._added.items()}
        return vocab

    def get_vocab_size(self, with_added_tokens: bool = True) -> int:
        """How many tokens there are."""
        return len(self.get_vocab(with_added_tokens))

    def get_added_tokens_decoder(self) -> dict[int, Any]:
        """Added tokens by id."""
        made = added_token_class()
        tokens = sorted(self._added.values(), key=lambda token: token["id"])
        return {token["id"]: made(**{k: v for k, v in token.items() if k != "id"}) for token in tokens}

    @property
    def encode_special_tokens(self) -> bool:
        """Whether special tokens in a text are plain text."""
        return self._allowed == "none"

    @encode_special_tokens.setter
    def encode_special_tokens(self, value: bool) -> None:
        value = as_bool(value)
        self._forget("_as_it_is")
        self._allowed = "none" if value else "all"

    # Adding tokens

    def add_tokens(self, tokens: list[Any]) -> int:
        """Add tokens (str or AddedToken) with the next free ids; how many were new."""
        return self._add(tokens, special=False)

    def add_special_tokens(self, tokens: list[Any]) -> int:
        """`add_tokens` that are special: left out by ``skip_special_tokens``, never normalized."""
        return self._add(tokens, special=True)

    def _add(self, tokens: list[Any], special: bool) -> int:
        if not isinstance(tokens, list):
            raise not_an_instance(tokens, "list")
        if not all(isinstance(item, str) or hasattr(item, "single_word") for item in tokens):
            raise TypeError("Input must be a List[Union[str, AddedToken]]")
        self._before_a_change()
        vocab = self._json["model"]["vocab"]
        new = 0
        for item in tokens:
            if isinstance(item, str):
                item = AddedToken(item, special=special)
            elif special:
                item.special = True  # As `tokenizers` does, in the caller's object.
            token = {name: getattr(item, name) for name in FIELDS}
            content = token["content"]
            known = self._added.get(content)
            if not content or (known and {**token, "id": known["id"]} == known):
                continue
            number = self.token_to_id(content)
            if number is None:
                taken = max((added["id"] for added in self._added.values()), default=-1) + 1
                number = max(taken, len(vocab))
            self._added[content] = {"id": number, **token}
            new += 1
        if new:
            self._json["added_tokens"] = sorted(self._added.values(), key=lambda token: token["id"])
            self._after_a_change()
        return new

    def _before_a_change(self) -> None:
        self._forget("_as_it_is")
        for view in self.__dict__.pop("_views", {}).values():
            view.keep()

    def _after_a_change(self) -> None:
        self._content = self.to_str().encode()
        self._forget_tokens()
        if self.__dict__.pop("_engine", None) is not None:
            _ = self._engine
        for name in ("_token_of", "_normalized", "_processor"):
            self._forget(name)

    # Parts: objects of `tokenizers`, which has to be installed. What is got is a copy; assign it to change the tokenizer.

    def _part(self, name: str) -> Any:
        return getattr(original().Tokenizer.from_str(self.to_str()), name)

    def _set_part(self, name: str, part: Any) -> None:
        described = None if part is None else json.loads(part.__getstate__())
        before = self._json.get(name)
        self._before_a_change()
        self._json[name] = described
        try:
            self._after_a_change()
        except VocabularyError:
            self._json[name] = before
            self._after_a_change()
            raise

    model = property(
        lambda self: self._part("model"), lambda self, part: self._set_part("model", part), doc="The BPE model."
    )
    normalizer = property(
        lambda self: self._part("normalizer"),
        lambda self, part: self._set_part("normalizer", part),
        doc="What is done to a text before it is cut; may be None.",
    )
    pre_tokenizer = property(
        lambda self: self._part("pre_tokenizer"),
        lambda self, part: self._set_part("pre_tokenizer", part),
        doc="What cuts a text into words; may be None.",
    )
    post_processor = property(
        lambda self: self._part("post_processor"),
        lambda self, part: self._set_part("post_processor", part),
        doc="What puts a template around a text; may be None.",
    )
    decoder = property(
        lambda self: self._part("decoder"),
        lambda self, part: self._set_part("decoder", part),
        doc="What makes a text of tokens; may be None.",
    )

    def train(self, files: list[str], trainer: Any = None) -> None:
        """Train the model on files, by `tokenizers` (`tokenfoundry.Tokenizer.train` is faster)."""
        trained = original().Tokenizer.from_str(self.to_str())
        trained.train(files, trainer)
        self._become(trained)

    def train_from_iterator(self, iterator: Any, trainer: Any = None, length: int | None = None) -> None:
        """Train the model on texts, by `tokenizers` (`tokenfoundry.Tokenizer.train` is faster)."""
        trained = original().Tokenizer.from_str(self.to_str())
        trained.train_from_iterator(iterator, trainer, length)
        self._become(trained)

    def _become(self, trained: Any) -> None:
        self._before_a_change()
        for name in ("_json", "_added", "_truncates_or_pads", "_engine", "_token_of", "_normalized", "_processor"):
            self._forget(name)
        self._forget_tokens()
        self._content = trained.to_str().encode()

    def num_special_tokens_to_add(self, is_pair: bool) -> int:
        """How many tokens the template adds to a text, or to a pair."""
        return self._processor.added_tokens(as_bool(is_pair))

    # Truncation and padding

    @property
    def truncation(self) -> dict[str, Any] | None:
        """What `enable_truncation` was called with."""
        found = self._json.get("truncation")
        if found is None:
            return None
        names = {"LongestFirst": "longest_first", "OnlyFirst": "only_first", "OnlySecond": "only_second"}
        return {
            "max_length": found["max_length"],
            "stride": found["stride"],
            "strategy": names[found["strategy"]],
            "direction": found["direction"].lower(),
        }

    def enable_truncation(
        self, max_length: int, stride: int = 0, strategy: str = "longest_first", direction: Direction = "right"
    ) -> None:
        """Cut encodings to a length; see `Encoding.truncate`. ``strategy``: which of a pair is cut."""
        names = {"longest_first": "LongestFirst", "only_first": "OnlyFirst", "only_second": "OnlySecond"}
        max_length, stride = as_unsigned(max_length), as_unsigned(stride)
        if not isinstance(strategy, str):
            raise not_an_instance(strategy, "str")
        if strategy not in names:
            raise ValueError(
                f"Unknown `strategy`: `{strategy}`. Use one of `longest_first`, `only_first`, or `only_second`"
            )
        check_direction(direction, ".")
        added = self.num_special_tokens_to_add(False)
        if added <= max_length < stride + added:
            raise ValueError(
                f"tokenizer stride set to {stride}, which is greater than or equal to its effective max length of "
                f"{max_length - added} (= {max_length} original max length - {added} added special tokens), "
            )
        self._forget("_truncates_or_pads")
        self._json["truncation"] = {
            "direction": direction.capitalize(),
            "max_length": max_length,
            "strategy": names[strategy],
            "stride": stride,
        }

    def no_truncation(self) -> None:
        """Cut nothing."""
        self._forget("_truncates_or_pads")
        self._json["truncation"] = None

    @property
    def padding(self) -> dict[str, Any] | None:
        """What `enable_padding` was called with."""
        found = self._json.get("padding")
        if found is None:
            return None
        strategy = found["strategy"]
        return {
            "length": strategy["Fixed"] if isinstance(strategy, dict) else None,
            "pad_to_multiple_of": found["pad_to_multiple_of"],
            "pad_id": found["pad_id"],
            "pad_token": found["pad_token"],
            "pad_type_id": found["pad_type_id"],
            "direction": found["direction"].lower(),
        }

    def enable_padding(
        self,
        direction: Direction = "right",
        pad_id: int = 0,
        pad_type_id: int = 0,
        pad_token: str = "[PAD]",
        length: int | None = None,
        pad_to_multiple_of: int | None = None,
    ) -> None:
        """Pad encodings to a length, or to the longest of a batch."""
        check_direction(direction, "")
        pad_id, pad_type_id = as_unsigned(pad_id), as_unsigned(pad_type_id)
        if not isinstance(pad_token, str):
            raise not_an_instance(pad_token, "str")
        length = None if length is None else as_unsigned(length)
        pad_to_multiple_of = None if pad_to_multiple_of is None else as_unsigned(pad_to_multiple_of)
        self._forget("_truncates_or_pads")
        self._json["padding"] = {
            "strategy": "BatchLongest" if length is None else {"Fixed": length},
            "direction": direction.capitalize(),
            "pad_to_multiple_of": pad_to_multiple_of,
            "pad_id": pad_id,
            "pad_type_id": pad_type_id,
            "pad_token": pad_token,
        }

    def no_padding(self) -> None:
        """Pad nothing."""
        self._forget("_truncates_or_pads")
        self._json["padding"] = None

    # Text to tokens

    def encode(
        self, sequence: _Text, pair: _Text | None = None, is_pretokenized: bool = False, add_special_tokens: bool = True
    ) -> Encoding:
        """Encode a text, or a pair; with ``is_pretokenized`` each is a list of words."""
        quickly = self._quickly
        if (
            quickly is not None
            and type(sequence) is str
            and pair is None
            and is_pretokenized is False
            and type(add_special_tokens) is bool
        ):
            engine, source, allowed = quickly
            made = _bpe.encode_lazily(engine, sequence, Encoding, source, add_special_tokens, allowed)
            if made is None:
                raise TypeError("TextInputSequence must be str")
            return made
        return self._encoded_one(sequence, pair, is_pretokenized, add_special_tokens, self.truncation, self.padding)

    def encode_batch(
        self, input: Sequence[_Input], is_pretokenized: bool = False, add_special_tokens: bool = True
    ) -> list[Encoding]:
        """`encode` of each text or pair (a tuple); padding is to the longest of them."""
        if self._truncates_or_pads:
            return self._encoded(input, is_pretokenized, add_special_tokens, self.truncation, self.padding)
        return self._encoded(input, is_pretokenized, add_special_tokens, None, None)

    def encode_batch_fast(
        self, input: Sequence[_Input], is_pretokenized: bool = False, add_special_tokens: bool = True
    ) -> list[Encoding]:
        """`encode_batch`; that `tokenizers` leaves offsets out here saves nothing where they are lazy."""
        if self._processor.is_set:
            return self.encode_batch(input, is_pretokenized, add_special_tokens)
        # Here `tokenizers` does not number the texts of a pair.
        return self._encoded(input, is_pretokenized, add_special_tokens, self.truncation, self.padding, (0, 0))

    async def async_encode(
        self, sequence: _Text, pair: _Text | None = None, is_pretokenized: bool = False, add_special_tokens: bool = True
    ) -> Encoding:
        """`encode` on a thread of the event loop's."""
        return await asyncio.to_thread(self.encode, sequence, pair, is_pretokenized, add_special_tokens)

    async def async_encode_batch(
        self, input: Sequence[_Input], is_pretokenized: bool = False, add_special_tokens: bool = True
    ) -> list[Encoding]:
        """`encode_batch` on a thread of the event loop's."""
        return await asyncio.to_thread(self.encode_batch, input, is_pretokenized, add_special_tokens)

    async_encode_batch_fast = async_encode_batch

    async def async_decode_batch(
        self, sequences: Sequence[Sequence[int]], skip_special_tokens: bool = True
    ) -> list[str]:
        """`decode_batch` on a thread of the event loop's."""
        return await asyncio.to_thread(self.decode_batch, sequences, skip_special_tokens)

    def post_process(
        self, encoding: Encoding, pair: Encoding | None = None, add_special_tokens: bool = True
    ) -> Encoding:
        """Truncate, put the template around, pad."""
        parts = [part._copy_all() for part in (encoding, pair) if part is not None]
        return _padded([self._finished(parts, add_special_tokens, self.truncation)], self.padding)[0]

    def _encoded_one(
        self,
        sequence: _Text,
        pair: _Text | None,
        is_pretokenized: bool,
        add_special_tokens: bool,
        truncation: dict[str, Any] | None,
        padding: dict[str, Any] | None,
    ) -> Encoding:
        is_pretokenized, add_special_tokens = as_bool(is_pretokenized), as_bool(add_special_tokens)
        parts = [self._sequence(sequence, is_pretokenized, 0)]
        if pair is not None:
            parts.append(self._sequence(pair, is_pretokenized, 1))
        return _padded([self._finished(parts, add_special_tokens, truncation)], padding)[0]

    def _encoded(
        self,
        inputs: Sequence[_Input],
        is_pretokenized: bool,
        add_special_tokens: bool,
        truncation: dict[str, Any] | None,
        padding: dict[str, Any] | None,
        type_ids: tuple[int, int] = (0, 1),
    ) -> list[Encoding]:
        check_sequence(inputs)
        is_pretokenized, add_special_tokens = as_bool(is_pretokenized), as_bool(add_special_tokens)
        inputs = list(inputs)
        if not is_pretokenized and truncation is None and padding is None and self._processor.is_simple:
            made = _bpe.encode_batch_lazily(
                self._engine, inputs, Encoding, self._as_it_is, add_special_tokens, self._allowed
            )
            if made is not None:
                return made
        if not is_pretokenized and _bpe.first_not_text(inputs) is None:
            rows = self._engine.encode_batch_lists(inputs, add_special_tokens=False, allowed_special=self._allowed)
            singles = [self._made(ids, cast(str, item), 0) for ids, item in zip(rows, inputs, strict=True)]
            return _padded([self._finished([one], add_special_tokens, truncation) for one in singles], padding)
        encodings = []
        for item in inputs:
            texts: Sequence[Any] = cast(Any, item) if _is_pair(item, is_pretokenized) else (item,)
            try:
                parts = [
                    self._sequence(text, is_pretokenized, number) for text, number in zip(texts, type_ids, strict=False)
                ]
            except TypeError as error:
                if len(texts) == 2 or (is_pretokenized and isinstance(item, (list, tuple))):
                    raise
                raise TypeError(_PRETOKENIZED_INPUT if is_pretokenized else _TEXT_INPUT) from error
            encodings.append(self._finished(parts, add_special_tokens, truncation))
        return _padded(encodings, padding)

    def _in_full(self, text: str, add_special_tokens: bool) -> Encoding:
        return self._finished([self._sequence(text, False, 0)], add_special_tokens, None)

    def _finished(self, parts: list[Encoding], add_special_tokens: bool, truncation: dict[str, Any] | None) -> Encoding:
        if truncation is not None:
            added = self.num_special_tokens_to_add(len(parts) == 2) if add_special_tokens else 0
            _truncate(parts, truncation, truncation["max_length"] - added)
        return self._processor.process(parts, add_special_tokens)

    def _sequence(self, text: _Text, is_pretokenized: bool, type_id: int) -> Encoding:
        if not is_pretokenized:
            if not isinstance(text, str) or _bpe.first_not_text([text]) is not None:
                raise TypeError("TextInputSequence must be str")
            ids = self._engine.encode(text, False, allowed_special=self._allowed)
            return self._made(ids, text, type_id)
        words: list[Any] = list(text) if isinstance(text, (list, tuple, np.ndarray)) else [None]
        if _bpe.first_not_text(words) is not None:
            raise TypeError("PreTokenizedInputSequence must be Union[List[str], Tuple[str]]")
        rows = self._engine.encode_batch_lists(words, add_special_tokens=False, allowed_special=self._allowed)

        def details() -> Details:
            whole = Details([], [], [])
            for number, word in enumerate(words):
                tokens, offsets, _ = self._details(word)
                whole.tokens.extend(tokens)
                whole.offsets.extend(offsets)
                whole.words.extend([number] * len(tokens))
            return whole

        ids = [number for row in rows for number in row]
        return Encoding._of(ids, [Segment(len(ids), type_id, Base(details))])

    def _details(self, text: str) -> Details:
        ids, offsets, words, found = self._engine._encode_with_words(text, self._allowed)
        tokens = [self._token_of[number] for number in ids]
        # An added token is shown as it was found: normalized, and with the white space that it takes along.
        for index, shown in found:
            tokens[index] = shown
        return Details(tokens, offsets, list(words))

    def _made(self, ids: list[int], text: str, type_id: int) -> Encoding:
        return Encoding._of(ids, [Segment(len(ids), type_id, Base(lambda: self._details(text)))])

    # Tokens to text

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        """The text of ids; ids that no token has are left out."""
        if type(ids) is not list:
            check_sequence(ids)
            if isinstance(ids, np.ndarray) and (ids.ndim != 1 or ids.dtype.kind not in "iu"):
                ids = [as_number(number) for number in ids]
        try:
            return self._engine.decode(ids, skip_special_tokens=skip_special_tokens)
        except InputError:
            known = [number for number in ids if as_number(number) in self._token_of]
            return self._engine.decode(known, skip_special_tokens=skip_special_tokens)

    def decode_batch(self, sequences: Sequence[Sequence[int]], skip_special_tokens: bool = True) -> list[str]:
        """`decode` of each."""
        check_sequence(sequences)
        return [self.decode(ids, skip_special_tokens) for ids in sequences]


class _AsItWas(Tokenizer):
    """A tokenizer for its encodings, which stays as it is when that one changes."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._owner = tokenizer
        self._engine, self._allowed = tokenizer._engine, tokenizer._allowed

    @functools.cached_property
    def _processor(self) -> PostProcessor:
        return self._owner._processor

    @functools.cached_property
    def _token_of(self) -> dict[int, str]:
        return self._owner._token_of

    def keep(self) -> None:
        """Have what is still its owner's, who is about to change."""
        _ = self._processor, self._token_of


def _padded(encodings: list[Encoding], options: dict[str, Any] | None) -> list[Encoding]:
    if options is None or not encodings:
        return encodings
    length = options["length"]
    if length is None:
        length = max(len(encoding) for encoding in encodings)
    multiple = options["pad_to_multiple_of"]
    if multiple and length % multiple:
        length += multiple - length % multiple
    for encoding in encodings:
        encoding.pad(length, options["direction"], options["pad_id"], options["pad_type_id"], options["pad_token"])
    return encodings


def _truncate(parts: list[Encoding], options: dict[str, Any], limit: int) -> None:
    """Cut a text, or a pair, to ``limit`` tokens. Below 0 (a template longer than the whole) `tokenizers` cuts nothing."""
    stride, direction = options["stride"], options["direction"]
    lengths = [len(part) for part in parts]
    excess = sum(lengths) - limit
    if limit == 0:
        for part in parts:
            part.truncate(0, stride, direction)
        return
    if excess <= 0 or limit < 0:
        return
    if options["strategy"] == "longest_first":
        if len(parts) == 2:
            short, long = sorted(lengths)
            long = short if short > limit else max(short, limit - short)
            if short + long > limit:
                short = limit // 2
                long = short + limit % 2
            lengths = [long, short] if lengths[0] > lengths[1] else [short, long]
        else:
            lengths = [limit]
        for part, length in zip(parts, lengths, strict=True):
            part.truncate(length, stride, direction)
        return
    target = 0 if options["strategy"] == "only_first" else 1
    if target >= len(parts):
        raise Exception("Truncation error: Second sequence not provided")
    if lengths[target] <= excess:
        raise Exception("Truncation error: Sequence to truncate too short to respect the provided max_length")
    parts[target].truncate(lengths[target] - excess, stride, direction)


def _is_pair(item: Any, is_pretokenized: bool) -> bool:
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        return False
    return all(isinstance(part, (tuple, list)) for part in item) if is_pretokenized else True
