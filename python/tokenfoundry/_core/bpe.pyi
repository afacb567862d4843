"""Byte-pair encoding: what `tokenfoundry.tokenizer` is built on."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self, TypeVar, final

import numpy as np
import numpy.typing as npt

_Special = Literal["all", "none"] | Iterable[str] | None

@final
class Parts:
    """A tokenizer as a file or a caller says it is; ``Tokenizer(parts)`` checks it and uses it up."""

def read_tokenizer_json(file: bytes, finds_special: bool, may_be_untrained: bool = False) -> Parts:
    """The parts of a tokenizer.json. ``finds_special``: special tokens in a text are found by default.

    ``may_be_untrained``: a BPE model without tokens is read too, and then there are the added tokens only."""

def read_tekken_json(file: bytes) -> Parts:
    """The parts of Mistral's tekken.json; its BOS is the template."""

def read_sentencepiece(file: bytes) -> Parts:
    """The parts of a SentencePiece model of type BPE; its BOS is the template."""

def read_rank_file(file: bytes, pattern: str, special_tokens: Sequence[tuple[str, int]]) -> Parts:
    """The parts of a tiktoken rank file (lines of base64 and rank)."""

def from_ranks(ranks: dict[bytes, int], pattern: str, special_tokens: Sequence[tuple[str, int]]) -> Parts: ...
def from_merges(
    tokens: Sequence[tuple[bytes, int]],
    merges: Sequence[tuple[int, int]],
    pattern: str,
    special_tokens: Sequence[tuple[str, int]],
) -> Parts:
    """Parts from a trainer's result: tokens with their ids, merges in the order learned."""

def named_pattern(name: str) -> str | None:
    """The regular expression that a pattern's name stands for."""

def pieces(pattern: str, text: str) -> list[tuple[int, int]]:
    """Where a pattern cuts a text, as byte ranges."""

def kind_of_file(file: bytes) -> str:
    """``tokenizer.json``, ``tekken.json``, ``ranks``, ``sentencepiece`` or ``unknown``, from the content."""

def truncate_rows(
    values: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.int64],
    length: int,
    before: int,
    after: int,
    truncation_side: str,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Rows cut to ``length``; the first ``before`` and last ``after`` tokens of each stay. Values and offsets."""

def pad_rows(
    values: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.int64],
    length: int,
    pad_id: int,
    padding_side: str,
    truncation_side: str,
) -> npt.NDArray[np.uint32]:
    """Rows as a matrix of shape (rows, ``length``), cut and filled."""

class Tokenizer:
    def __new__(cls, parts: Parts) -> Self: ...
    def encode(
        self,
        text: str | bytes,
        add_special_tokens: bool = True,
        *,
        allowed_special: _Special = None,
        disallowed_special: _Special = None,
        max_length: int | None = None,
        truncation_side: Literal["left", "right"] = "right",
    ) -> list[int]:
        """The ids of one text, as a list of ints (shared objects, 2 ns a token).

        Args:
            text: ``str`` (a lone surrogate is U+FFFD, as in tiktoken), or ``bytes``, in which bytes that are no UTF-8 are
                pieces of their own.
            add_special_tokens: put around it what the tokenizer's template says (BOS, EOS).
            allowed_special: special tokens to find in the text; ``None`` is what the tokenizer's source does.
            disallowed_special: special tokens that raise ``InputError`` if the text holds them.
            max_length: most tokens, those of the template included, which are not cut.
            truncation_side: where a longer text loses its tokens.
        """

    def encode_array(
        self,
        text: str | bytes,
        add_special_tokens: bool = True,
        *,
        allowed_special: _Special = None,
        disallowed_special: _Special = None,
        max_length: int | None = None,
        truncation_side: Literal["left", "right"] = "right",
    ) -> npt.NDArray[np.uint32]:
        """As ``encode``; uint32, shape (tokens,)."""

    def count(
        self,
        text: str | bytes,
        add_special_tokens: bool = True,
        *,
        allowed_special: _Special = None,
        disallowed_special: _Special = None,
    ) -> int:
        """``len(encode(text))`` without building the tokens."""

    def encode_with_offsets(
        self,
        text: str | bytes,
        add_special_tokens: bool = True,
        *,
        allowed_special: _Special = None,
        disallowed_special: _Special = None,
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Ids and, for each, the first byte of the text's UTF-8 that it stands for and the one after the last.

        int64, shape (tokens, 2). Tokens of the template stand for nothing. A token may stand for some of a character's
        bytes; where a normalizer changed the text, for all of what it was made from.
        """

    def decode(self, ids: Any, *, skip_special_tokens: bool = False) -> str:
        """The text of ids (a list of ints, or an integer array); what is no UTF-8 becomes U+FFFD."""

    def decode_bytes(self, ids: Any, *, skip_special_tokens: bool = False) -> bytes:
        """The bytes of ids, whether or not they are UTF-8."""

    def decode_stream(self) -> StreamDecoder:
        """A decoder for ids that come one by one."""

    def token_bytes(self, id: int) -> bytes:
        """What one id stands for; InputError if there is no such token."""

    def find_token(self, token: str | bytes) -> int | None:
        """The id of a token by its bytes, or ``None``."""

    def _encode_batch(
        self,
        texts: Any,
        add_special_tokens: bool,
        allowed_special: _Special,
        disallowed_special: _Special,
        threads: int | None,
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]: ...
    def _encode_batch_lists(
        self,
        texts: Any,
        add_special_tokens: bool,
        allowed_special: _Special,
        disallowed_special: _Special,
        threads: int | None,
    ) -> list[list[int]]: ...
    def _count_batch(
        self,
        texts: Any,
        add_special_tokens: bool,
        allowed_special: _Special,
        disallowed_special: _Special,
        threads: int | None,
    ) -> npt.NDArray[np.int64]: ...
    def _encode_with_words(
        self, text: str, allowed_special: _Special = None
    ) -> tuple[list[int], list[tuple[int, int]], list[int], list[tuple[int, str]]]: ...
    def _decode_rows(
        self, values: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64], skip_special_tokens: bool
    ) -> list[str]: ...
    def _to_json(self) -> str: ...
    @property
    def patterns(self) -> list[str]:
        """The regular expressions of the splits, in order."""

    @property
    def vocab_size(self) -> int:
        """One more than the greatest id, added tokens included."""

    @property
    def _template_lengths(self) -> tuple[int, int]: ...
    @property
    def digest(self) -> str:
        """A stable hash of everything that decides which tokens a text becomes: 32 hex digits."""

    @property
    def special_tokens(self) -> dict[str, int]:
        """Contents to ids of the special tokens."""

    @property
    def added_tokens(self) -> dict[str, int]:
        """Contents to ids of all tokens that are found before a text is split, special or not."""

    @property
    def finds_special_tokens(self) -> bool:
        """Whether special tokens in a text are found where a call does not say."""

class Encoded:
    """Ids that become a list when asked for, and what the rest can be made of then. Not seen by the garbage collector."""

    def __new__(cls, ids: Any = None, rest: Any = None) -> Self: ...
    def __len__(self) -> int: ...
    @property
    def ids(self) -> list[int]:
        """Ids of the tokens."""

    @property
    def _ids(self) -> list[int]: ...
    @_ids.setter
    def _ids(self, value: Any) -> None: ...
    @property
    def _origin(self) -> tuple[Any, str, bool] | None: ...
    @property
    def _rest(self) -> Any: ...
    @_rest.setter
    def _rest(self, value: Any) -> None: ...

_E = TypeVar("_E", bound=Encoded)

def encode_lazily(
    tokenizer: Tokenizer, text: Any, kind: type[_E], source: Any, add_special_tokens: bool, allowed_special: _Special
) -> _E | None:
    """A ``kind`` of one text; None if it is no ``str``, or has a lone surrogate."""

def encode_batch_lazily(
    tokenizer: Tokenizer,
    texts: list[Any],
    kind: type[_E],
    source: Any,
    add_special_tokens: bool,
    allowed_special: _Special,
) -> list[_E] | None:
    """A ``kind`` of each text; None if one is no ``str``, or has a lone surrogate."""

def encode_columns(
    tokenizer: Tokenizer, texts: Any, allowed_special: _Special, shape: Any, with_masks: bool, long: int
) -> tuple[list[list[int]], list[list[int]] | None, list[int] | None]:
    """Rows of ids in the ``shape`` that is asked for, their masks, and how many ids each text has if one has more than
    ``long``. ``shape`` has the attributes before, after, limit, cut_left, pads, length, multiple, pad_id, pad_left."""

def encode_matrices(
    tokenizer: Tokenizer, texts: Any, allowed_special: _Special, shape: Any
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
    """As `encode_columns`: ids and masks, both int64 of shape (texts, width), and how many ids each text has, of shape
    (texts,). None where the rows have different lengths and are not padded to one."""

def next_suspect(texts: list[Any], marker: str, first: int) -> int | None:
    """The index, from ``first`` on, of the next item that is no ``str``, has a lone surrogate, or holds ``marker``."""

def first_not_text(texts: list[Any]) -> int | None:
    """The index of the first item that is no ``str``, or one with a lone surrogate."""

@final
class StreamDecoder:
    """Text from ids that come one by one; never half a character."""

    def push(self, id: int) -> str:
        """The text that this id completes, possibly none."""

    def finish(self) -> str:
        """What is left; afterwards the decoder is as new."""

@final
class Trainer:
    """Counts pieces of texts, then learns merges from the counts."""

    def __new__(cls, pattern: str) -> Trainer: ...
    @property
    def distinct_pieces(self) -> int:
        """Distinct pieces seen; memory grows with these, not with the corpus. Takes about a second per 10 million."""

    def feed(self, texts: Any, threads: int | None) -> None:
        """Count the pieces of these texts too. Interrupted in the middle, the trainer is of no use any more."""

    def finish(
        self,
        vocab_size: int,
        min_frequency: int,
        special_tokens: list[str],
        alphabet: bytes | None,
        threads: int | None,
        limit_alphabet: int | None = None,
        max_token_length: int | None = None,
    ) -> tuple[list[tuple[bytes, int]], list[tuple[int, int]]]:
        """Tokens with their ids, and merges in order; equal to those of `tokenizers`' BpeTrainer (0.23) with
        ``initial_alphabet`` and ``special_tokens``. May be called again, with other sizes or after more texts.

        Special tokens have the ids 0, 1, … and are among the tokens only where merging reaches their bytes.
        ``alphabet``: bytes that become tokens whether seen or not, ``None`` for all 256. ``limit_alphabet``: most bytes
        that do. ``max_token_length``: pairs of that many bytes are not counted. InputError where an earlier
        `feed` was interrupted, or the distinct pieces exceed 4 GB. One thread, but for joining the counts.
        """
