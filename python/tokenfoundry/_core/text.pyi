"""Text in Rust: cleaning, signals, verdicts, redaction, scripts. ``tokenfoundry.text`` is the public side of it."""

from typing import Any, final

PRESETS: list[str]
KINDS: list[str]
LINE_RULES: list[str]

def normalize(texts: Any, *, form: str | None, threads: int | None = None) -> tuple[object, object]:
    """``(texts, edits)``: a large_string array and a struct of one int64 column a kind of edit."""

def drop_lines(texts: Any, *, rules: list[str], threads: int | None = None) -> tuple[object, object]:
    """``(texts, dropped)``: a large_string array and a struct of one int64 column a reason."""

def signals(texts: Any, *, families: list[str], threads: int | None = None) -> object:
    """A struct of float64 columns named ``family.signal``."""

def filter(texts: Any, *, preset: str, threads: int | None = None) -> object:
    """A struct of ``verdict`` (string) and ``value`` (float64), both null where a document is kept."""

def redact(
    texts: Any,
    *,
    kinds: list[str],
    replace: bool,
    key: bytes | None = None,
    public_addresses_only: bool = True,
    threads: int | None = None,
) -> tuple[object, object]:
    """``(texts, counts)``: the texts with placeholders if ``replace`` (hashed under 16 bytes of ``key``), and a struct of one int64 column a kind."""

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
