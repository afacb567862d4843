"""`Encoding`: tiktoken's class over `tokenfoundry.Tokenizer`.

The common call, a text without special tokens, costs one substring search and the encoder. Everything that tiktoken
rejects is rejected here with the same exception and message.
"""

import functools
import math
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt

from tokenfoundry._core import bpe as _bpe
from tokenfoundry.compat.tiktoken.unstable import CoreBPE, checked_sequence, not_an_instance
from tokenfoundry.errors import InputError
from tokenfoundry.tokenizer import Tokenizer

_Allowed = Literal["all"] | AbstractSet[str]
_Disallowed = Literal["all"] | Collection[str]
_NOTHING: frozenset[str] = frozenset()
#: Bytes that continue a character in UTF-8.
_CONTINUATIONS = bytes(range(0x80, 0xC0))


class _Remembered(dict[int, bytes]):
    """The bytes of the tokens that were asked for."""

    def __init__(self, find: Callable[[int], bytes]) -> None:
        self._find = find

    def __missing__(self, token: int) -> bytes:
        found = self[token] = self._find(token)
        return found


class Encoding:
    """A vocabulary, a pattern and special tokens under a name.

    Args:
        name: what `repr` shows, and what a registered encoding is pickled by.
        pat_str: regular expression whose matches are encoded; text between matches is dropped, as tiktoken does.
        mergeable_ranks: token bytes to ids, which are the priorities of merging too. All 256 bytes must be there.
        special_tokens: special tokens to ids.
        explicit_n_vocab: if given, AssertionError unless the ids are 0 to ``explicit_n_vocab - 1``.

    Raises VocabularyError (a ValueError) for ranks that contradict themselves, or a pattern that does not compile.
    """

    def __init__(
        self,
        name: str,
        *,
        pat_str: str,
        mergeable_ranks: dict[bytes, int],
        special_tokens: dict[str, int],
        explicit_n_vocab: int | None = None,
    ) -> None:
        self.name = name
        self._pat_str = pat_str
        self._mergeable_ranks = mergeable_ranks
        self._special_tokens = special_tokens
        self.max_token_value = max(max(mergeable_ranks.values()), max(special_tokens.values(), default=0))
        if explicit_n_vocab:
            assert len(mergeable_ranks) + len(special_tokens) == explicit_n_vocab
            assert self.max_token_value == explicit_n_vocab - 1
        self._special_token_values = set(special_tokens.values())
        distinct, self._alias_of = _without_doubles(special_tokens, self.max_token_value + 1)
        self._tokenizer = Tokenizer.from_tiktoken(mergeable_ranks, pattern=pat_str, special_tokens=distinct)
        self._encode_plain = self._tokenizer.encode
        # A text without this holds no special token. One search for it is much faster than one for all of them.
        self._marker = _common_beginning(special_tokens)
        self._core_bpe = CoreBPE(self._tokenizer, mergeable_ranks, special_tokens, pat_str, self._alias_of)
        # Of the tokens that were asked for one by one; at most the vocabulary.
        self._id_of: dict[str, int] = {}
        self._bytes_of = _Remembered(self._core_bpe.decode_single_token_bytes)

    def __repr__(self) -> str:
        return f"<Encoding {self.name!r}>"

    # Text to tokens

    def encode_ordinary(self, text: str) -> list[int]:
        """Tokens of a text in which special tokens are plain text."""
        if not isinstance(text, str):
            raise not_an_instance(text, "str")
        return self._encode_plain(text)

    def encode(
        self, text: str, *, allowed_special: _Allowed = _NOTHING, disallowed_special: _Disallowed = "all"
    ) -> list[int]:
        """Tokens of a text. Special tokens in it are tokens if allowed, ValueError if disallowed, else plain text;
        ``"all"`` disallowed are those that are not allowed. A lone surrogate is encoded as U+FFFD."""
        if allowed_special is _NOTHING and disallowed_special == "all" and isinstance(text, str):
            if self._marker in text and self._special_tokens:
                self._refuse(text, self.special_tokens_set)
            return self._encode_plain(text)
        allowed = self._checked(text, allowed_special, disallowed_special)
        tokens = self._tokenizer.encode(text, allowed_special=allowed)
        return self._core_bpe.real(tokens) if self._alias_of else tokens

    def encode_to_numpy(
        self, text: str, *, allowed_special: _Allowed = _NOTHING, disallowed_special: _Disallowed = "all"
    ) -> npt.NDArray[np.uint32]:
        """As `encode`, into an array of uint32. UnicodeEncodeError for a lone surrogate."""
        allowed = self._checked(text, allowed_special, disallowed_special, as_utf8=True)
        tokens = self._tokenizer.encode_array(text, allowed_special=allowed)
        for alias, real in self._alias_of.items():
            tokens[tokens == alias] = real
        return tokens

    def encode_ordinary_batch(self, text: list[str], *, num_threads: int | None = 8) -> list[list[int]]:
        """`encode_ordinary` of each text, over at most ``num_threads`` threads."""
        threads = _threads(num_threads)
        texts = list(text)
        if _bpe.first_not_text(texts) is not None:
            return [self.encode_ordinary(one) for one in texts]
        return self._tokenizer.encode_batch_lists(texts, threads, allowed_special="none")

    def encode_batch(
        self,
        text: list[str],
        *,
        num_threads: int | None = 8,
        allowed_special: _Allowed = _NOTHING,
        disallowed_special: _Disallowed = "all",
    ) -> list[list[int]]:
        """`encode` of each text, over at most ``num_threads`` threads. What is disallowed in one is an error for all."""
        allowed, disallowed = self._sets(allowed_special, disallowed_special)
        disallowed = frozenset(disallowed)
        threads = _threads(num_threads)
        texts = list(text)
        usual = isinstance(allowed, (set, frozenset)) and all(isinstance(token, str) for token in allowed)
        usual = usual and disallowed <= self.special_tokens_set
        if not usual or _bpe.first_not_text(texts) is not None:
            return [self.encode(one, allowed_special=allowed, disallowed_special=disallowed) for one in texts]
        at = 0
        while disallowed and (found := _bpe.next_suspect(texts, self._marker, at)) is not None:
            self._refuse(texts[found], disallowed)
            at = found + 1
        rows = self._tokenizer.encode_batch_lists(texts, threads, allowed_special=self._known(allowed))
        return [self._core_bpe.real(row) for row in rows] if self._alias_of else rows

    def encode_with_unstable(
        self, text: str, *, allowed_special: _Allowed = _NOTHING, disallowed_special: _Disallowed = "all"
    ) -> tuple[list[int], list[list[int]]]:
        """Tokens that no continuation of the text changes, and what the rest may become: all the token sequences
        that could follow them, in no particular order. UnicodeEncodeError for a lone surrogate."""
        self._checked(text, allowed_special, disallowed_special, as_utf8=True)
        allowed = self.special_tokens_set if allowed_special == "all" else allowed_special
        return self._core_bpe.encode_with_unstable(text, allowed)

    def encode_single_token(self, text_or_bytes: str | bytes) -> int:
        """The id of a token or special token. KeyError if it is none."""
        if type(text_or_bytes) is str:
            try:
                return self._id_of[text_or_bytes]
            except KeyError:
                found = self._core_bpe.encode_single_token(text_or_bytes.encode())
                self._id_of[text_or_bytes] = found
                return found
        if isinstance(text_or_bytes, str):
            text_or_bytes = text_or_bytes.encode()
        return self._core_bpe.encode_single_token(text_or_bytes)

    def _sets(self, allowed_special: _Allowed, disallowed_special: _Disallowed) -> tuple[Any, Any]:
        allowed = self.special_tokens_set if allowed_special == "all" else allowed_special
        if disallowed_special == "all":
            disallowed_special = self.special_tokens_set - allowed
        return allowed, disallowed_special

    def _known(self, allowed: AbstractSet[str]) -> Literal["all", "none"] | frozenset[str]:
        """As the tokenizer wants it, which knows no other special tokens."""
        known = self.special_tokens_set.intersection(allowed)
        if not known:
            return "none"
        return "all" if len(known) == len(self.special_tokens_set) else frozenset(known)

    def _checked(
        self, text: str, allowed_special: _Allowed, disallowed_special: _Disallowed, as_utf8: bool = False
    ) -> Literal["all", "none"] | frozenset[str]:
        """The special tokens to be found, after all that tiktoken would object to, in its order."""
        allowed, disallowed = self._sets(allowed_special, disallowed_special)
        if disallowed:
            self._refuse(text, disallowed)
        if not isinstance(text, str):
            raise not_an_instance(text, "str")
        if as_utf8 and not text.isascii():
            text.encode()
        if not isinstance(allowed, (set, frozenset)):
            raise not_an_instance(allowed, "set")
        for token in allowed:
            if not isinstance(token, str):
                raise not_an_instance(token, "str")
        return self._known(allowed)

    def _refuse(self, text: str, disallowed: Collection[str]) -> None:
        pattern = _special_token_regex(frozenset(disallowed))
        if not isinstance(text, str):
            # In the words of the module `regex`, which tiktoken searches with.
            try:
                memoryview(text)
            except TypeError:
                raise TypeError(f"a bytes-like object is required, not {type(text).__name__!r}") from None
            raise TypeError("cannot use a string pattern on a bytes-like object")
        if match := pattern.search(text):
            raise_disallowed_special_token(match.group())

    # Tokens to text

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Bytes of tokens. KeyError names one that does not exist."""
        if type(tokens) is not list:
            tokens = checked_sequence(tokens)
            if isinstance(tokens, np.ndarray) and (tokens.ndim != 1 or tokens.dtype.kind not in "iu"):
                return self._core_bpe.decode_bytes(tokens)
        if self._alias_of and any(token > self.max_token_value for token in tokens):
            return self._core_bpe.decode_bytes(tokens)
        try:
            return self._tokenizer.decode_bytes(tokens)
        except (InputError, TypeError):
            return self._core_bpe.decode_bytes(tokens)

    def decode(self, tokens: Sequence[int], errors: str = "replace") -> str:
        """Text of tokens; ``errors`` as of `bytes.decode`."""
        if errors != "replace" or self._alias_of or type(tokens) is not list:
            return self.decode_bytes(tokens).decode("utf-8", errors=errors)
        try:
            return self._tokenizer.decode(tokens)
        except (InputError, TypeError):
            return self._core_bpe.decode_bytes(tokens).decode("utf-8", "replace")

    def decode_single_token_bytes(self, token: int) -> bytes:
        """Bytes of a token or special token. KeyError if there is none."""
        return self._bytes_of[token] if type(token) is int else self._core_bpe.decode_single_token_bytes(token)

    def decode_tokens_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        """Bytes of each token."""
        known, find = self._bytes_of, self._core_bpe.decode_single_token_bytes
        return [known[token] if type(token) is int else find(token) for token in tokens]

    def decode_with_offsets(self, tokens: Sequence[int]) -> tuple[str, list[int]]:
        """Text, and for each token the index of the first character that has bytes of it. UnicodeDecodeError unless
        the bytes are UTF-8."""
        parts = self.decode_tokens_bytes(tokens)
        offsets = []
        characters = 0
        for part in parts:
            # A character begins at each byte that continues none.
            continues = 0x80 <= part[0] < 0xC0
            offsets.append(max(0, characters - continues))
            characters += len(part.translate(None, _CONTINUATIONS))
        return b"".join(parts).decode("utf-8", errors="strict"), offsets

    def decode_batch(
        self, batch: Sequence[Sequence[int]], *, errors: str = "replace", num_threads: int | None = 8
    ) -> list[str]:
        """`decode` of each."""
        _threads(num_threads)
        return [self.decode(tokens, errors) for tokens in batch]

    def decode_bytes_batch(self, batch: Sequence[Sequence[int]], *, num_threads: int | None = 8) -> list[bytes]:
        """`decode_bytes` of each."""
        _threads(num_threads)
        return [self.decode_bytes(tokens) for tokens in batch]

    # Looking at it

    def token_byte_values(self) -> list[bytes]:
        """Bytes of all tokens that are not special, sorted."""
        return self._core_bpe.token_byte_values()

    @property
    def eot_token(self) -> int:
        """Id of ``<|endoftext|>``. KeyError if there is none."""
        return self._special_tokens["<|endoftext|>"]

    @functools.cached_property
    def special_tokens_set(self) -> set[str]:
        """All special tokens."""
        return set(self._special_tokens)

    def is_special_token(self, token: int) -> bool:
        """Whether an id is that of a special token."""
        assert isinstance(token, int)
        return token in self._special_token_values

    @property
    def n_vocab(self) -> int:
        """``max_token_value + 1``."""
        return self.max_token_value + 1

    # What tiktoken has under names with an underscore, and programs use

    def _encode_single_piece(self, text_or_bytes: str | bytes) -> list[int]:
        if isinstance(text_or_bytes, str):
            text_or_bytes = text_or_bytes.encode()
        return self._core_bpe.encode_single_piece(text_or_bytes)

    def _encode_only_native_bpe(self, text: str) -> list[int]:
        try:
            import regex  # type: ignore[import-untyped, unused-ignore]
        except ImportError:
            return self.encode_ordinary(text)
        tokens = []
        for piece in regex.findall(self._pat_str, text):
            tokens += self._core_bpe.encode_single_piece(piece.encode())
        return tokens

    def _encode_bytes(self, text: bytes) -> list[int]:
        return self._core_bpe._encode_bytes(text)

    def __getstate__(self) -> object:
        from tokenfoundry.compat.tiktoken import registry

        if self is registry.ENCODINGS.get(self.name):
            return self.name
        return {
            "name": self.name,
            "pat_str": self._pat_str,
            "mergeable_ranks": self._mergeable_ranks,
            "special_tokens": self._special_tokens,
        }

    def __setstate__(self, state: Any) -> None:
        from tokenfoundry.compat.tiktoken import registry

        if isinstance(state, str):
            self.__dict__ = registry.get_encoding(state).__dict__
        else:
            self.__init__(**state)  # type: ignore[misc]


def _without_doubles(special_tokens: Mapping[str, int], first_free: int) -> tuple[dict[str, int], dict[int, int]]:
    """Special tokens of which no two have one id (two of o200k_harmony have), and the real ids of those that were
    given another for it."""
    distinct: dict[str, int] = {}
    alias_of: dict[int, int] = {}
    taken: set[int] = set()
    for token, real in special_tokens.items():
        given = first_free + len(alias_of) if real in taken else real
        if given != real:
            alias_of[given] = real
        taken.add(real)
        distinct[token] = given
    return distinct, alias_of


def _common_beginning(tokens: Collection[str]) -> str:
    """What all tokens begin with; for none at all, something that hardly any text has."""
    if not tokens:
        return "\udfff"
    first, last = min(tokens), max(tokens)
    length = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:length]


def _threads(num_threads: float | None) -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if num_threads is None:
        return available
    if num_threads <= 0:
        raise ValueError("max_workers must be greater than 0")
    return min(math.ceil(num_threads), available)


@functools.lru_cache(maxsize=128)
def _special_token_regex(tokens: frozenset[str]) -> re.Pattern[str]:
    # The longest first: of two that begin alike, the one that the text holds is named.
    escaped = {re.escape(token): token for token in tokens}
    return re.compile("|".join(sorted(escaped, key=lambda written: (-len(escaped[written]), written))))


def raise_disallowed_special_token(token: str) -> NoReturn:
    """ValueError in tiktoken's words."""
    raise ValueError(
        f"Encountered text corresponding to disallowed special token {token!r}.\n"
        "If you want this text to be encoded as a special token, "
        f"pass it to `allowed_special`, e.g. `allowed_special={{{token!r}, ...}}`.\n"
        f"If you want this text to be encoded as normal text, disable the check for this token "
        f"by passing `disallowed_special=(enc.special_tokens_set - {{{token!r}}})`.\n"
        "To disable this check for all special tokens, pass `disallowed_special=()`.\n"
    )
