"""`Backend`: stands where a ``transformers`` tokenizer has its `tokenizers.Tokenizer`, and has our engine encode.

The original is kept: it is asked for everything that is not encoding or decoding (parts, vocabulary, saving), it is
what changes are made to, and it decides where our engine does not reach. The engine is made of what the original says
of itself, again after each change.
"""

import copy
import functools
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tokenfoundry._core import bpe as _bpe
from tokenfoundry.compat.tokenizers import Encoding
from tokenfoundry.compat.tokenizers import Tokenizer as _Pipeline
from tokenfoundry.compat.tokenizers.post_processing import PostProcessor
from tokenfoundry.compat.transformers.around import Around, around_of
from tokenfoundry.compat.transformers.encodings import Options, announce
from tokenfoundry.errors import TokenFoundryError, VocabularyError
from tokenfoundry.tokenizer import Tokenizer as _Engine

#: Parts that can be changed in place once somebody has hold of them.
_PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
_MODEL_OPTIONS = (
    "dropout",
    "unk_token",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "fuse_unk",
    "byte_fallback",
    "ignore_merges",
)

#: Texts that both sides must agree on before ours is used: scripts, contractions, numbers, spaces, lone marks, emoji.
_PROBES = (
    "Hello, world! It's 2024-01-15; we'LL've 1234567 \u00bd \u0967\u0968 items.",
    "  leading\n\n\n  and trailing \t\r\n  ",
    "def f(x):\n\treturn x**2  # \u2192 na\u00efve caf\u00e9 cafe\u0301",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u3053\u3093\u306b\u3061\u306f \uc548\ub155 \u0645\u0631\u062d\u0628\u0627 \u041f\u0440\u0438\u0432\u0435\u0442 \u0939\u093f\u0928\u094d\u0926\u0940",
    "\U0001f44d\U0001f3fd\U0001f468\u200d\U0001f469\u200d\U0001f467 \ufe0f\u0301\u200b\u00a0\u3000\u2581x\u2581",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa       ||||||====",
    "",
)


class Engine(_Pipeline):
    """Our engine for one state of an original, and what `Encoding`s need to know beside it."""

    def __init__(self, original: Any, lock: threading.RLock) -> None:
        self._original = original
        self._lock = lock
        self._allowed = "all"
        self.around: Around | None = around_of(original.post_processor)
        content: str = original.to_str()
        if self.around is None:
            # Whatever that is, it is put around texts by `PostProcessor` or by the original.
            content = json.dumps({**json.loads(content), "post_processor": None}, ensure_ascii=False)
        self._engine = _Engine(_bpe.read_tokenizer_json(content.encode(), True, True))
        try:
            self.processes = self._processor is not None
        except VocabularyError:
            self.processes = False
        added = original.get_added_tokens_decoder()
        self.added = frozenset(added)
        self._strips = {number for number, token in added.items() if token.lstrip or token.rstrip}
        self.state = _state_of(original)
        self._agree()
        # In `tokenizers` a byte-level decoder reads added tokens as bytes if it can, even where they are plain text.
        self.decodes = all(
            self._engine.decode([number]) == original.decode([number], skip_special_tokens=False) for number in added
        )

    def _agree(self) -> None:
        with _plainly(self._original, self._lock):
            for probe in (*_PROBES, "".join(_PROBES)):
                try:
                    theirs = self._original.encode(probe, add_special_tokens=False).ids
                except Exception as error:
                    raise VocabularyError(f"tokenizers itself cannot encode {probe!r} with it: {error}") from error
                if self.around is None and self.processes:
                    # What is put around it counts here even where no special tokens are added.
                    mine = self._encoded_one(probe, None, False, False, None, None).ids
                else:
                    mine = self._engine.encode(probe, False)
                if theirs != mine:
                    at = next((i for i, (a, b) in enumerate(zip(theirs, mine, strict=False)) if a != b), len(mine))
                    raise VocabularyError(
                        f"tokenizers and tokenfoundry do not agree on {probe!r}: from token {at} on {theirs[at:][:10]} "
                        f"and {mine[at:][:10]}; please report it with the tokenizer.json"
                    )

    @functools.cached_property
    def digest(self) -> str:
        return self._engine.digest

    @property
    def engine(self) -> _Engine:
        return self._engine

    @property
    def _quickly(self) -> None:
        return None  # The original may be changed at any time.

    @property
    def _as_it_is(self) -> "Engine":
        return self  # It does not change.

    # What the class it is made of reads from a file

    @functools.cached_property
    def _processor(self) -> PostProcessor:
        processor = self._original.post_processor
        return PostProcessor(None if processor is None else json.loads(processor.__getstate__()))

    def _is_plain(self) -> bool:
        return self._original.truncation is None and self._original.padding is None and self._processor.is_simple

    @functools.cached_property
    def _token_of(self) -> Any:
        # The model's own word first: the original shows an added token in its normalized form.
        model, original = self._original.model, self._original
        return _Tokens(lambda number: model.id_to_token(number) or original.id_to_token(number))

    @property
    def _stripping(self) -> set[int]:
        return self._strips

    @property
    def truncation(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._original.truncation
        return found

    @property
    def padding(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._original.padding
        return found

    def num_special_tokens_to_add(self, is_pair: bool) -> int:
        number: int = self._original.num_special_tokens_to_add(is_pair)
        return number

    def again(self, texts: list[str], options: Options) -> list[Encoding]:
        """The `Encoding`s of a batch."""
        then = self if options.allowed == self._allowed else self.allowing(options.allowed)
        return then._encoded(texts, False, options.add_special_tokens, options.truncation, options.padding)

    def allowing(self, allowed: Any) -> "Engine":
        """The same with special tokens found or not."""
        other = self._alike()
        other._allowed = allowed
        return other

    def _alike(self) -> "Engine":
        other = object.__new__(Engine)
        other.__dict__.update(self.__dict__)
        return other


class Backend:
    """See the module. Takes a `tokenizers.Tokenizer`; VocabularyError says why our engine cannot stand in for it."""

    #: The dict is for methods that somebody puts in the place of these; with any, calls go the longer way.
    __slots__ = (
        "__dict__",
        "_engine",
        "_failed_state",
        "_failure",
        "_id_of",
        "_lock",
        "_original",
        "_padding",
        "_token_of",
        "_truncation",
        "_watched",
        "id_to_token",
        "token_to_id",
    )  # fmt: skip

    _engine: Engine | None

    def __init__(self, original: Any) -> None:
        self._start(original)
        self._engine = _supported(original, self._lock)

    def _start(self, original: Any) -> None:
        self._original = original
        # The original's own: they are asked for token by token.
        self.id_to_token: Callable[[int], str | None] = original.id_to_token
        self.token_to_id: Callable[[str], int | None] = original.token_to_id
        self._forget_tokens()
        self._lock = threading.RLock()
        self._engine = None
        self._failure: str | None = None
        self._failed_state: Any = None
        #: Somebody has hold of a part, and may change it without a word.
        self._watched = False
        self._truncation = original.truncation
        self._padding = original.padding

    # Tokens by their ids and the other way round

    def _forget_tokens(self) -> None:
        self._token_of = _Found(int, self.id_to_token)
        self._id_of = _Found(str, self.token_to_id)

    def tokens_of(self, ids: Any) -> Any:
        """The tokens of a list of ids, or of one; None where they may change without a word, or `id_to_token` has something
        else to say. What was found is found faster the next time."""
        return None if self._watched or self.__dict__ else _found(self._token_of, ids)

    def ids_of(self, tokens: Any) -> Any:
        """As `tokens_of`, the other way round."""
        return None if self._watched or self.__dict__ else _found(self._id_of, tokens)

    # The engine

    def engine(self) -> Engine | None:
        """The engine for what the original is now; None where there is none any more."""
        engine = self._engine
        if engine is not None and not (self._watched and engine.state != _state_of(self._original)):
            return engine
        with self._lock:
            if self._failure is not None and not (self._watched and self._failed_state != _state_of(self._original)):
                return None
            try:
                engine = _supported(self._original, self._lock)
            except TokenFoundryError as error:
                self._failure, self._failed_state = str(error), _state_of(self._original)
                self._engine = None
                return None
            if self.encode_special_tokens:
                engine._allowed = "none"
            self._failure, self._engine = None, engine
            return engine

    def _changed(self) -> None:
        self._engine = None
        self._failure = None
        self._forget_tokens()

    @property
    def original(self) -> Any:
        """The `tokenizers.Tokenizer`."""
        return self._original

    @property
    def failure(self) -> str | None:
        """Why the engine is not used any more, if so (a part was changed for one that it does not know)."""
        self.engine()
        return self._failure

    # As `tokenizers.Tokenizer`

    def encode(
        self, sequence: Any, pair: Any = None, is_pretokenized: bool = False, add_special_tokens: bool = True
    ) -> Any:
        """As of `tokenizers.Tokenizer`, with `Encoding`s that are made when asked for."""
        engine = self.engine()
        if engine is None or not engine.processes:
            with self._lock:
                return self._original.encode(sequence, pair, is_pretokenized, add_special_tokens)
        return engine._encoded_one(sequence, pair, is_pretokenized, add_special_tokens, self._truncation, self._padding)

    def encode_batch(self, input: Sequence[Any], is_pretokenized: bool = False, add_special_tokens: bool = True) -> Any:
        """As of `tokenizers.Tokenizer`, with `Encoding`s that are made when asked for."""
        engine = self.engine()
        if engine is None or not engine.processes:
            with self._lock:
                return self._original.encode_batch(input, is_pretokenized, add_special_tokens)
        return engine._encoded(input, is_pretokenized, add_special_tokens, self._truncation, self._padding)

    encode_batch_fast = encode_batch

    def decode(self, ids: Any, skip_special_tokens: bool = True) -> str:
        """As of `tokenizers.Tokenizer`."""
        engine = self.engine()
        its_own = "decode" in vars(self._original)  # As CLIP's, which is put there.
        if engine is not None and engine.decodes and not its_own and type(ids) in (list, tuple, np.ndarray):
            try:
                return engine.engine.decode(ids, skip_special_tokens=skip_special_tokens)
            except (ValueError, TypeError):
                pass  # `tokenizers` leaves unknown ids out, and has its own words for what is no id.
        text: str = self._original.decode(ids, skip_special_tokens)
        return text

    def decode_batch(self, sequences: Sequence[Any], skip_special_tokens: bool = True) -> list[str]:
        """As of `tokenizers.Tokenizer`."""
        return [self.decode(ids, skip_special_tokens) for ids in sequences]

    def post_process(self, encoding: Any, pair: Any = None, add_special_tokens: bool = True) -> Any:
        """As of `tokenizers.Tokenizer`."""
        engine = self.engine()
        if isinstance(encoding, Encoding) and engine is not None:
            return engine.post_process(encoding, pair, add_special_tokens)
        return self._original.post_process(encoding, pair, add_special_tokens)

    def add_tokens(self, tokens: list[Any]) -> int:
        """As of `tokenizers.Tokenizer`."""
        return self._add(self._original.add_tokens, tokens)

    def add_special_tokens(self, tokens: list[Any]) -> int:
        """As of `tokenizers.Tokenizer`."""
        return self._add(self._original.add_special_tokens, tokens)

    def _add(self, add: Callable[[list[Any]], int], tokens: list[Any]) -> int:
        before = self._original.get_added_tokens_decoder()
        new = add(tokens)
        # Adding tokens that are there already is common and changes nothing.
        if new or before != self._original.get_added_tokens_decoder():
            self._changed()
        return new

    def train(self, *arguments: Any, **options: Any) -> None:
        """As of `tokenizers.Tokenizer`."""
        self._changed()
        self._original.train(*arguments, **options)

    def train_from_iterator(self, *arguments: Any, **options: Any) -> None:
        """As of `tokenizers.Tokenizer`."""
        self._changed()
        self._original.train_from_iterator(*arguments, **options)

    @property
    def encode_special_tokens(self) -> bool:
        """Whether special tokens in a text are plain text."""
        value: bool = self._original.encode_special_tokens
        return value

    @encode_special_tokens.setter
    def encode_special_tokens(self, value: bool) -> None:
        self._original.encode_special_tokens = value
        if self._engine is not None:
            self._engine = self._engine.allowing("none" if value else "all")

    @property
    def truncation(self) -> dict[str, Any] | None:
        """As of `tokenizers.Tokenizer`."""
        return None if self._truncation is None else dict(self._truncation)

    @truncation.setter
    def truncation(self, value: Any) -> None:
        self._original.truncation = value

    @property
    def padding(self) -> dict[str, Any] | None:
        """As of `tokenizers.Tokenizer`."""
        return None if self._padding is None else dict(self._padding)

    @padding.setter
    def padding(self, value: Any) -> None:
        self._original.padding = value

    def enable_truncation(self, *arguments: Any, **options: Any) -> None:
        """As of `tokenizers.Tokenizer`."""
        with self._lock:
            self._original.enable_truncation(*arguments, **options)
            self._truncation = self._original.truncation

    def no_truncation(self) -> None:
        """As of `tokenizers.Tokenizer`."""
        with self._lock:
            self._original.no_truncation()
            self._truncation = None

    def enable_padding(self, *arguments: Any, **options: Any) -> None:
        """As of `tokenizers.Tokenizer`."""
        with self._lock:
            self._original.enable_padding(*arguments, **options)
            self._padding = self._original.padding

    def no_padding(self) -> None:
        """As of `tokenizers.Tokenizer`."""
        with self._lock:
            self._original.no_padding()
            self._padding = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in Backend.__slots__:
            raise AttributeError(name)
        if name in _PARTS or name == "model":
            self._watched = True
        return getattr(self._original, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _PARTS or name == "model":
            setattr(self._original, name, value)
            self._changed()
            return
        object.__setattr__(self, name, value)
        if name in ("id_to_token", "token_to_id") and hasattr(self, "_token_of"):
            self._forget_tokens()

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *dir(self._original)})

    def __repr__(self) -> str:
        return repr(self._original)

    def __str__(self) -> str:
        return str(self._original)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self._original,)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Backend":
        other = _unpickled(copy.deepcopy(self._original, memo))
        engine = self._engine
        if engine is not None and not self._watched:
            # An engine does not change; only the original that it asks for details is another one.
            engine = engine._alike()
            engine._original, engine._lock = other._original, other._lock
            # A copy of a `tokenizers.Tokenizer` finds special tokens again, whatever the one it is of was told.
            engine._allowed = "none" if other.encode_special_tokens else "all"
            other._engine = engine
        return other

    def __copy__(self) -> "Backend":
        return self.__deepcopy__({})


class _Found(dict[Any, Any]):
    """What was looked for and found, one by one; at most the vocabulary."""

    def __init__(self, kind: type, find: Callable[[Any], Any]) -> None:
        self._kind = kind
        self._find = find

    def __missing__(self, key: Any) -> Any:
        found = self._find(key) if type(key) is self._kind else None
        if found is None:
            raise KeyError(key)
        self[key] = found
        return found


def _found(known: _Found, keys: Any) -> Any:
    try:
        return [known[key] for key in keys] if type(keys) is list else known[keys]
    except (KeyError, TypeError):
        return None


class _Tokens(dict[int, str]):
    """Ids to tokens, asked for one by one."""

    def __init__(self, find: Callable[[int], str]) -> None:
        self._find = find

    def __missing__(self, number: int) -> str:
        token = self[number] = self._find(number)
        return token


class _plainly:  # noqa: N801
    """With a tokenizer that neither truncates nor pads, and as before afterwards."""

    def __init__(self, original: Any, lock: threading.RLock) -> None:
        self._original = original
        self._lock = lock

    def __enter__(self) -> None:
        self._lock.acquire()
        original = self._original
        self._before = original.truncation, original.padding, original.encode_special_tokens
        original.no_truncation()
        original.no_padding()
        original.encode_special_tokens = False

    def __exit__(self, *_: object) -> None:
        truncation, padding, special = self._before
        if truncation is not None:
            self._original.enable_truncation(**truncation)
        if padding is not None:
            self._original.enable_padding(**padding)
        self._original.encode_special_tokens = special
        self._lock.release()


def _supported(original: Any, lock: threading.RLock) -> Engine:
    kind = type(original.model).__name__
    if kind != "BPE":
        raise VocabularyError(f"{kind} model: tokenfoundry has BPE only; use tokenizers for it")
    if replaced := {"encode", "encode_batch"}.intersection(vars(original)):
        raise VocabularyError(f"its {replaced.pop()} was replaced, and it is not known by what; use tokenizers for it")
    if original.model.dropout:
        raise VocabularyError("BPE with dropout: tokenfoundry has none; use tokenizers for it")
    engine = Engine(original, lock)
    announce(engine)
    return engine


def _unpickled(original: Any) -> Backend:
    backend = Backend.__new__(Backend)
    backend._start(original)
    return backend


def _state_of(original: Any) -> tuple[Any, ...]:
    """What can change under the hands of somebody who has a part."""
    parts = [getattr(original, name) for name in _PARTS]
    model = original.model
    return (
        type(model).__name__,
        *(None if part is None else part.__getstate__() for part in parts),
        *(getattr(model, name, None) for name in _MODEL_OPTIONS),
    )
