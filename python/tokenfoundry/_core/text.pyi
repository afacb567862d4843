"""Text in Rust: cleaning, signals, verdicts, redaction, scripts. ``tokenfoundry.text`` is the public side of it."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

PRESETS: list[str]
KINDS: list[str]
LINE_RULES: list[str]

def normalize(
    texts: Any, *, form: str | None, reuse: bool = False, threads: int | None = None
) -> tuple[object | None, object]:
    """``(texts, edits)``: a large_string array (None if ``reuse`` and nothing changed) and a struct of one int64 column a kind of edit."""

def drop_lines(texts: Any, *, rules: list[str], threads: int | None = None) -> tuple[object, object]:
    """``(texts, dropped)``: a large_string array and a struct of one int64 column a reason."""

def signals(texts: Any, *, families: list[str], columns: list[str] | None = None, threads: int | None = None) -> object:
    """A struct of float64 columns named ``family.signal``."""

def filter(texts: Any, *, presets: list[str], threads: int | None = None) -> object:
    """A struct of ``verdict`` (string) and ``value`` (float64), both null where a document is kept."""

def redact(
    texts: Any,
    *,
    kinds: list[str],
    replace: bool,
    key: bytes | None = None,
    public_addresses_only: bool = True,
    reuse: bool = False,
    threads: int | None = None,
) -> tuple[object | None, object]:
    """``(texts, counts)``: the texts (None if ``reuse`` and nothing changed) with placeholders if ``replace`` (hashed under 16 bytes of ``key``), and a struct of one int64 column a kind."""

def scripts(texts: Any, *, threads: int | None = None) -> object:
    """A struct of ``script`` (ISO 15924 code) and ``share`` (float32, of the letters)."""

def words(text: str) -> list[str]:
    """The words that the signals count."""

def families() -> list[tuple[str, list[str]]]:
    """Every family with the names of its signals."""

def rules(preset: str) -> list[tuple[str, str, str, float]]:
    """``(verdict, signal, ">=" or "<=", threshold)`` of each rule: a document that fails it is dropped."""

@final
class NgramIndex:
    """Word n-grams of evaluation sets; see ``tokenfoundry.text.ngram_index``. Immutable."""

    def __new__(cls, sets: list[tuple[str, Any]], *, ngram: int, short_ngram: int) -> NgramIndex: ...
    def __len__(self) -> int:
        """Distinct n-grams."""

    @property
    def skipped(self) -> int:
        """Texts that were too short to give an n-gram."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""

    def overlap(self, texts: Any, *, cut: bool, threads: int | None = None) -> tuple[object, object, object | None]:
        """``(table, spans, texts)``: a struct of ``ngrams, share, set``, a list of ``start, end, set``, the cut texts."""

@final
class FastText:
    """A classifier in fastText's format; see ``tokenfoundry.text.FastText``. Immutable."""

    def __new__(cls, content: bytes) -> FastText: ...
    @property
    def labels(self) -> list[str]:
        """With their prefix, the most frequent first."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""

    @property
    def dimensions(self) -> int:
        """Numbers of a vector."""

    def predict(self, texts: Any, *, most: int, threads: int | None = None) -> object:
        """A struct of ``labels`` (list of string) and ``probabilities`` (list of float32), likeliest first."""

@final
class LanguageModel:
    """py3langid's model; see ``tokenfoundry.text.label``. Immutable."""

    def __new__(
        cls,
        next: NDArray[np.uint32],
        row: NDArray[np.uint16],
        output: NDArray[np.int32],
        weights: NDArray[np.float32],
        prior: NDArray[np.float32],
        names: list[str],
    ) -> LanguageModel: ...
    def classify(self, texts: Any, *, most_characters: int, threads: int | None = None) -> object:
        """A struct of ``language`` and ``confidence`` (float32), null where nothing of a text is known."""

@final
class ByteModel:
    """An n-gram model over bytes; see ``tokenfoundry.text.ByteModel``. Immutable."""

    def __new__(cls, content: bytes) -> ByteModel: ...
    @staticmethod
    def train(texts: Any, *, order: int, least: int) -> ByteModel:
        """Count n-grams of up to ``order`` bytes and keep those there ``least`` times or more."""

    def to_bytes(self) -> bytes:
        """What the constructor takes; equal for equal models."""

    @property
    def order(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def __len__(self) -> int:
        """N-grams kept."""

    def bits_per_byte(self, texts: Any, *, threads: int | None = None) -> object:
        """float64, one a text; 0 for an empty one."""

@final
class ArpaModel:
    """A back-off model over words; see ``tokenfoundry.text.ArpaModel``. Immutable."""

    def __new__(cls, content: bytes) -> ArpaModel: ...
    @property
    def order(self) -> int: ...
    def __len__(self) -> int:
        """N-grams."""

    def perplexity(self, texts: Any, *, threads: int | None = None) -> object:
        """float64, one a text; infinite for a blank one."""

@final
class WordLists:
    """Phrases of several lists; see ``tokenfoundry.text.WordLists``. Immutable."""

    def __new__(cls, lists: list[tuple[str, list[str]]]) -> WordLists: ...
    def count(self, texts: Any, *, threads: int | None = None) -> object:
        """A struct of one int64 column a list."""
