"""Text to tokens and back, exactly as the vocabulary's own tokenizer would, and faster.

For byte-level BPE: tiktoken rank files and Hugging Face's tokenizer.json. Other models (WordPiece, Unigram,
SentencePiece-style byte fallback) are refused with a message, never encoded almost right. Encoding is linear in the
text, n log n in a single piece; a tokenizer holds its vocabulary and about 1 MB a thread.
"""

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core import bpe as _bpe
from tokenfoundry.errors import InputError, VocabularyError
from tokenfoundry.ragged import Ragged

__all__ = ["StreamDecoder", "Tokenizer"]

_Text = str | bytes
_TRAINING_BATCH_BYTES = 32 << 20


class Tokenizer:
    """A byte-level BPE tokenizer. Immutable; safe to share between threads, to fork and to pickle.

    Special tokens in a text are recognised by ``allowed_special``: ``"all"``, a collection of names, or ``()`` for
    none. Its default is what the source of the vocabulary does: a tokenizer.json recognises all, tiktoken none.
    Documents that are encoded for training should always be encoded with ``allowed_special=()``, or a page that
    quotes ``<|endoftext|>`` ends its own document.
    """

    __slots__ = ("_bpe", "_default_special", "_digest")

    def __init__(self, bpe: _bpe.Bpe, *, recognise_specials: bool) -> None:
        self._bpe = bpe
        self._default_special: frozenset[str] | None = None if recognise_specials else frozenset()
        self._digest: str | None = None

    # Making one

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "Tokenizer":
        """From a tokenizer.json; the kind is recognised from the content.

        Raises VocabularyError naming the entry that cannot be used, FileNotFoundError if there is no such file.
        """
        content = Path(path).read_bytes()
        if content.lstrip()[:1] == b"{":
            try:
                return cls(_bpe.Bpe.from_hf_json(content), recognise_specials=True)
            except VocabularyError as error:
                raise VocabularyError(f"{os.fspath(path)}: {error}") from None
        if _bpe.is_rank_file(content):
            raise VocabularyError(
                f"{os.fspath(path)} is a tiktoken rank file, which says neither its pattern nor its special tokens; "
                "use Tokenizer.from_tiktoken(path, pattern=..., special_tokens=...)"
            )
        raise VocabularyError(f"{os.fspath(path)} is neither a tokenizer.json nor a tiktoken rank file")

    @classmethod
    def from_tiktoken(
        cls,
        ranks: str | os.PathLike[str] | Mapping[bytes, int],
        *,
        pattern: str,
        special_tokens: Mapping[str, int] | None = None,
    ) -> "Tokenizer":
        """From a rank file or ``{token bytes: rank}``, a pattern (name or regular expression) and special tokens."""
        specials = list((special_tokens or {}).items())
        if isinstance(ranks, Mapping):
            bpe = _bpe.Bpe.from_ranks(list(ranks.items()), pattern, specials)
        else:
            try:
                bpe = _bpe.Bpe.from_rank_file(Path(ranks).read_bytes(), pattern, specials)
            except VocabularyError as error:
                raise VocabularyError(f"{os.fspath(ranks)}: {error}") from None
        return cls(bpe, recognise_specials=False)

    @classmethod
    def train(
        cls,
        texts: Any,
        *,
        vocab_size: int = 32_000,
        pattern: str = "cl100k",
        special_tokens: Sequence[str] = ("<|endoftext|>",),
        min_frequency: int = 2,
        threads: int | None = None,
    ) -> "Tokenizer":
        """Learn a vocabulary from texts.

        ``texts``: a list of str or bytes, an Arrow string array, or any iterable of these (each fed in turn, so the
        corpus need not fit in memory). A `pathlib.Path` stands for the text of that file. Special tokens get the ids
        0, 1, …; the 256 bytes come next, then one token a merge. Equal, merge for merge, to the BPE trainer of
        Hugging Face's `tokenizers` on the same pieces. Fewer than ``vocab_size`` tokens come out of a corpus whose
        pairs all occur less than ``min_frequency`` times.

        Raises InputError where ``vocab_size`` cannot even hold the bytes and special tokens.
        """
        first_id = len(special_tokens)
        if vocab_size < 256 + first_id:
            raise InputError(
                f"vocab_size is {vocab_size}; 256 bytes and {first_id} special tokens need {256 + first_id}"
            )
        if len(set(special_tokens)) < first_id:
            raise InputError("special_tokens names a token twice")
        trainer = _bpe.Trainer(pattern)
        for batch in _batches(texts):
            trainer.feed(batch, threads)
        return cls._trained(trainer, vocab_size, min_frequency, special_tokens, pattern)

    @classmethod
    def _trained(
        cls, trainer: _bpe.Trainer, vocab_size: int, min_frequency: int, special_tokens: Sequence[str], pattern: str
    ) -> "Tokenizer":
        tokens, merges = trainer.finish(vocab_size, min_frequency, list(special_tokens), None, None)
        specials = [(name, index) for index, name in enumerate(special_tokens)]
        return cls(_bpe.Bpe.from_merges(tokens, merges, pattern, specials), recognise_specials=True)

    # Keeping it

    def to_json(self) -> str:
        """A tokenizer.json that Hugging Face's `tokenizers` loads and encodes the same with."""
        return self._bpe.to_hf_json()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json` to a file, atomically."""
        target = Path(path)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        temporary.write_text(self.to_json(), encoding="utf-8")
        temporary.replace(target)

    @property
    def digest(self) -> str:
        """32 hex digits that are the same for the same vocabulary, pattern and special tokens, in every version."""
        if self._digest is None:
            # The tokens, their ids and the merges decide every encoding; tokenizer.json holds them all.
            content = f"{self.to_json()}\x00{self._default_special is None}".encode()
            self._digest = hashlib.sha256(content).hexdigest()[:32]
        return self._digest

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (self.to_json(), self._default_special is None)

    def __repr__(self) -> str:
        return f"<tokenfoundry.Tokenizer of {self.vocab_size} tokens, {len(self.special_tokens)} special>"

    # Looking at it

    @property
    def vocab_size(self) -> int:
        """One more than the largest id: the rows that an embedding needs."""
        return self._bpe.id_count

    @property
    def special_tokens(self) -> dict[str, int]:
        """Special tokens and their ids."""
        return self._bpe.specials

    @property
    def pattern(self) -> str:
        """The regular expression that cuts text into pieces."""
        return self._bpe.pattern

    def token_bytes(self, id: int) -> bytes:
        """Bytes of a token, of a special one its name. InputError for an id that no token has."""
        token = self._bpe.token_bytes(id) if 0 <= id < 1 << 32 else None
        if token is None:
            raise InputError(f"no token has id {id}; this vocabulary's ids end at {self.vocab_size - 1}")
        return token

    def token_id(self, token: _Text) -> int:
        """Id of a token (bytes, or a str's UTF-8) or special token. InputError if there is none."""
        found = self._bpe.token_id(token.encode() if isinstance(token, str) else token)
        if found is None:
            raise InputError(f"{token!r} is not a token of this vocabulary")
        return found

    # Text to tokens

    def _allowed(self, allowed_special: str | Collection[str] | None) -> frozenset[str] | None:
        if allowed_special is None:
            return self._default_special
        if isinstance(allowed_special, str):
            if allowed_special != "all":
                raise InputError(f'allowed_special must be "all" or a collection of names, not {allowed_special!r}')
            return None
        return frozenset(allowed_special)

    def encode(
        self, text: _Text, add_special_tokens: bool = True, *, allowed_special: str | Collection[str] | None = None
    ) -> list[int]:
        """Tokens of a text. ``add_special_tokens`` adds what the source's post-processor adds (byte-level
        vocabularies that are supported add nothing). A lone surrogate is encoded as U+FFFD, as tiktoken does."""
        return self._bpe.encode(text, self._allowed(allowed_special))

    def encode_array(self, text: _Text, *, allowed_special: str | Collection[str] | None = None) -> NDArray[np.uint32]:
        """Tokens of a text as an array; no Python object a token."""
        return self._bpe.encode_array(text, self._allowed(allowed_special))

    def encode_batch(
        self, texts: Any, threads: int | None = None, *, allowed_special: str | Collection[str] | None = None
    ) -> Ragged:
        """Tokens of many texts: a row each. Texts are borrowed from a list of str or bytes, or from Arrow."""
        values, offsets = self._bpe.encode_batch(texts, self._allowed(allowed_special), threads)
        return Ragged._trusted(values, offsets)

    def encode_with_offsets(
        self, text: _Text, *, allowed_special: str | Collection[str] | None = None
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Tokens (n) and the byte span (n, 2) of the text's UTF-8 that each spells; the spans cover it all, in order."""
        tokens, spans = self._bpe.encode_with_offsets(text, self._allowed(allowed_special))
        return tokens, spans.reshape(-1, 2)

    def count(self, text: _Text, *, allowed_special: str | Collection[str] | None = None) -> int:
        """Number of tokens of a text; the tokens are not built."""
        return self._bpe.count(text, self._allowed(allowed_special))

    def count_batch(
        self, texts: Any, threads: int | None = None, *, allowed_special: str | Collection[str] | None = None
    ) -> NDArray[np.int64]:
        """Numbers of tokens (n) of many texts."""
        return self._bpe.count_batch(texts, self._allowed(allowed_special), threads)

    # Tokens to text

    def decode_bytes(self, ids: Sequence[int] | NDArray[Any], *, skip_special_tokens: bool = False) -> bytes:
        """Bytes that the tokens spell. InputError names an id that no token has."""
        return self._bpe.decode_bytes(_id_array(ids), skip_special_tokens)

    def decode(self, ids: Sequence[int] | NDArray[Any], *, skip_special_tokens: bool = False) -> str:
        """Text that the tokens spell; bytes that are not UTF-8 become U+FFFD."""
        return self.decode_bytes(ids, skip_special_tokens=skip_special_tokens).decode("utf-8", "replace")

    def decode_batch(
        self, rows: Ragged | Iterable[Sequence[int] | NDArray[Any]], *, skip_special_tokens: bool = False
    ) -> list[str]:
        """Texts of many rows of tokens."""
        return [self.decode(row, skip_special_tokens=skip_special_tokens) for row in rows]

    def decode_stream(self, *, skip_special_tokens: bool = False) -> "StreamDecoder":
        """A decoder for tokens that arrive one at a time."""
        return StreamDecoder(_bpe.Stream(self._bpe, skip_special_tokens))


class StreamDecoder:
    """Text out of tokens that arrive one at a time; never gives out half a character."""

    __slots__ = ("_stream",)

    def __init__(self, stream: _bpe.Stream) -> None:
        self._stream = stream

    def push(self, id: int) -> str:
        """Text that is complete once this token came; may be empty."""
        return self._stream.push(id)

    def finish(self) -> str:
        """U+FFFD if the last character never ended, else nothing."""
        return self._stream.finish()


def _unpickle(content: str, recognise_specials: bool) -> Tokenizer:
    return Tokenizer(_bpe.Bpe.from_hf_json(content.encode()), recognise_specials=recognise_specials)


def _id_array(ids: Sequence[int] | NDArray[Any]) -> NDArray[np.uint32]:
    array = np.asarray(ids)
    if array.size == 0:
        return np.empty(0, np.uint32)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(f"ids must be one-dimensional integers, not {array.dtype} of shape {array.shape}")
    if array.dtype != np.uint32:
        smallest, largest = int(array.min()), int(array.max())
        if smallest < 0 or largest >= 1 << 32:
            raise InputError(f"ids must be in 0 … 2^32 - 1; found {smallest if smallest < 0 else largest}")
    return np.ascontiguousarray(array, dtype=np.uint32)


def _batches(texts: Any) -> Iterable[Any]:
    """What ``train`` takes, as batches of bounded size that the core can borrow."""
    if isinstance(texts, (str, bytes)):
        raise InputError("texts must be an iterable of texts, not one text; wrap it in a list")
    if hasattr(texts, "__arrow_c_array__") or hasattr(texts, "__arrow_c_stream__"):
        yield texts
        return
    batch: list[_Text] = []
    batch_bytes = 0
    for item in texts:
        if isinstance(item, Path):
            text: _Text = item.read_text(encoding="utf-8", errors="replace")
        elif isinstance(item, (str, bytes)):
            text = item
        else:
            yield item
            continue
        batch.append(text)
        batch_bytes += len(text)
        if batch_bytes >= _TRAINING_BATCH_BYTES:
            yield batch
            batch, batch_bytes = [], 0
    if batch:
        yield batch
