"""Byte-pair encoding in Rust; `tokenfoundry.tokenizer` is its public face.

Wherever a method takes ``allowed``: the names of the special tokens that are recognised in the text, ``None`` for all
of them; every other special token's name is ordinary text.
"""

from collections.abc import Set as AbstractSet
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

@final
class Bpe:
    """A tokenizer that is ready to use; immutable, shared by threads."""

    @staticmethod
    def from_ranks(tokens: list[tuple[bytes, int]], pattern: str, specials: list[tuple[str, int]]) -> Bpe:
        """Of tiktoken's kind: a token's id is its priority. VocabularyError names a bad entry."""

    @staticmethod
    def from_rank_file(content: bytes, pattern: str, specials: list[tuple[str, int]]) -> Bpe:
        """From the content of a tiktoken rank file: ``base64 rank`` a line."""

    @staticmethod
    def from_merges(
        tokens: list[tuple[bytes, int]],
        merges: list[tuple[int, int]],
        pattern: str,
        specials: list[tuple[str, int]],
    ) -> Bpe:
        """From tokens and merges in order of priority, as a trainer gives them."""

    @staticmethod
    def from_hf_json(content: bytes) -> Bpe:
        """From the content of a tokenizer.json (byte-level BPE)."""

    def to_hf_json(self) -> str:
        """A tokenizer.json that Hugging Face's `tokenizers` loads."""

    def to_rank_file(self) -> str:
        """A tiktoken rank file of the ordinary tokens."""

    @property
    def id_count(self) -> int:
        """One more than the largest id."""

    @property
    def token_count(self) -> int:
        """Number of tokens, special ones included."""

    @property
    def pattern(self) -> str:
        """The regular expression that cuts text into pieces."""

    @property
    def pattern_is_fast(self) -> bool:
        """Whether a hand-written scanner follows the pattern; if not, a regex engine does."""

    @property
    def specials(self) -> dict[str, int]:
        """Special tokens and their ids."""

    def token_bytes(self, id: int) -> bytes | None:
        """Bytes of a token, of a special one its name; None for an id that no token has."""

    def token_id(self, token: bytes) -> int | None:
        """Id of a token or special token; None if there is none."""

    def encode(self, text: str | bytes, allowed: AbstractSet[str] | None) -> list[int]:
        """Tokens of a text."""

    def encode_array(self, text: str | bytes, allowed: AbstractSet[str] | None) -> NDArray[np.uint32]:
        """Tokens of a text as an array."""

    def encode_with_offsets(
        self, text: str | bytes, allowed: AbstractSet[str] | None
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Tokens (n) and, flat (2n), the byte span that each spells."""

    def encode_batch(
        self, texts: Any, allowed: AbstractSet[str] | None, threads: int | None
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Values and offsets of a ragged array, a row a text."""

    def count_batch(self, texts: Any, allowed: AbstractSet[str] | None, threads: int | None) -> NDArray[np.int64]:
        """Numbers of tokens, a text each."""

    def count(self, text: str | bytes, allowed: AbstractSet[str] | None) -> int:
        """Number of tokens of a text; the tokens are not built."""

    def decode_bytes(self, ids: NDArray[np.uint32], skip_special_tokens: bool) -> bytes:
        """Bytes that the tokens spell. InputError names an id that no token has."""

@final
class Stream:
    """Text out of tokens that arrive one at a time; never ends inside a character."""

    def __new__(cls, bpe: Bpe, skip_special_tokens: bool) -> Stream: ...
    def push(self, id: int) -> str:
        """Text that is complete once this token came; may be empty."""

    def finish(self) -> str:
        """U+FFFD if a character was left without its end, else nothing."""

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
    ) -> tuple[list[tuple[bytes, int]], list[tuple[int, int]]]:
        """Tokens with their ids, and merges in order; equal to those of `tokenizers`' BpeTrainer (0.23) with
        ``initial_alphabet`` and ``special_tokens``. May be called again, with other sizes or after more texts.

        Special tokens have the ids 0, 1, … and are among the tokens only where merging reaches their bytes.
        ``alphabet``: bytes that become tokens whether seen or not, ``None`` for all 256. InputError where an earlier
        `feed` was interrupted, or the distinct pieces exceed 4 GB. One thread, but for joining the counts.
        """

def is_rank_file(content: bytes) -> bool:
    """Whether a file's content is a tiktoken rank file."""

def named_pattern(name: str) -> str | None:
    """The regular expression of a pattern's short name: gpt2, cl100k, o200k, qwen2, llama3 …"""

def pieces(pattern: str, text: str) -> list[tuple[int, int]]:
    """Byte ranges of the pieces that a pattern (a name or a regular expression) cuts a text into."""
