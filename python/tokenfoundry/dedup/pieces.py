"""Parts of documents that were there before: repeated lines, paragraphs and byte strings."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry._core import dedup as _dedup
from tokenfoundry.errors import InputError
from tokenfoundry.ragged import Ragged

__all__ = ["Pieces", "lines", "substrings"]


@dataclass(frozen=True, repr=False)
class Pieces:
    """Repeated parts of texts."""

    texts: Any
    """The texts without them (n): an Arrow string array, or a `Ragged` where tokens were given."""
    spans: pa.LargeListArray
    """For each text its repeats: start and end bytes (or tokens), alternating (int64)."""
    counts: pa.RecordBatch
    """A row a text, int64: ``repeated`` parts, ``repeated_bytes`` (or ``repeated_tokens``), and for lines the lines
    ``compared``."""
    skipped: int = 0
    """Comparisons left out because one string stood in too many contexts."""

    def __repr__(self) -> str:
        kind = "tokens" if isinstance(self.texts, Ragged) else "bytes"
        repeated = sum(self.counts.column(f"repeated_{kind}").to_pylist())
        return f"<tokenfoundry.dedup.Pieces: {repeated} {kind} repeated in {len(self.texts)} texts>"


def _pieces(
    texts: Any, spans: NDArray[np.int64], offsets: NDArray[np.int64], columns: dict[str, Any], skipped: int = 0
) -> Pieces:
    sizes = spans[1::2] - spans[::2]
    before = np.concatenate([[0], np.cumsum(sizes)])
    bounds = offsets // 2
    counts = {
        "repeated": np.diff(bounds),
        "repeated_tokens" if isinstance(texts, Ragged) else "repeated_bytes": before[bounds[1:]] - before[bounds[:-1]],
        **columns,
    }
    batch = pa.RecordBatch.from_pydict({name: pa.array(column, pa.int64()) for name, column in counts.items()})
    left = texts if isinstance(texts, Ragged) else pa.array(texts)
    return Pieces(left, pa.LargeListArray.from_arrays(offsets, spans), batch, skipped)


def lines(
    texts: Any,
    *,
    by: Literal["line", "paragraph"] = "line",
    minimum_bytes: int = 1,
    copies: int = 1,
    threads: int | None = None,
) -> Pieces:
    """Find lines (or paragraphs, between empty lines) that stand more than ``copies`` times up to there.

    ``texts`` as in `exact`, of UTF-8. Lines are compared without the whitespace around them, by 128-bit hash; those of
    fewer than ``minimum_bytes`` bytes, and empty ones, are neither compared nor dropped. Of each, the first
    ``copies`` stay, in the order of the texts. The result's ``texts`` have the others removed, its ``counts`` say how
    many: use the one you want. Cost: one pass; 24 bytes of memory a different line.
    """
    if by not in ("line", "paragraph"):
        raise InputError(f'by must be "line" or "paragraph", not {by!r}')
    if not 1 <= copies < 2**32:
        raise InputError(f"copies is {copies}; it must be at least 1")
    if minimum_bytes < 0:
        raise InputError(f"minimum_bytes is {minimum_bytes}; it must not be negative")
    cut, spans, offsets, compared = _dedup.repeated_lines(texts, by == "paragraph", minimum_bytes, copies, threads)
    return _pieces(cut, spans, offsets, {"compared": compared})


def substrings(texts: Any, *, minimum_bytes: int = 100, minimum_tokens: int = 50) -> Pieces:
    """Find all parts that lie in a string of at least ``minimum_bytes`` bytes which stands earlier, in the same text
    (not overlapping) or in one before it.

    ``texts`` as in `exact`, of UTF-8; what would cut a character in two is cut after it. Or a `Ragged` of tokens: then
    strings of at least ``minimum_tokens`` tokens are found, and spans count tokens. The first copy stays.
    Exact: bytes are compared, and all such strings are found unless ``skipped`` says otherwise.
    Cost: about 5 ns a byte on one thread; 2 bytes of memory a byte. What Lee et al. (2021) do with suffix arrays is
    done by winnowing (Schleimer, Wilkerson and Aiken 2003).
    """
    if minimum_bytes < 8:
        raise InputError(f"minimum_bytes is {minimum_bytes}; it must be at least 8")
    if minimum_tokens < 2:
        raise InputError(f"minimum_tokens is {minimum_tokens}; it must be at least 2")
    if isinstance(texts, Ragged):
        values, rows, spans, offsets, skipped = _dedup.repeated_tokens(texts.values, texts.offsets, minimum_tokens)
        return _pieces(Ragged(values, rows), spans, offsets, {}, skipped)
    cut, spans, offsets, skipped = _dedup.repeated_substrings(texts, minimum_bytes)
    return _pieces(cut, spans, offsets, {}, skipped)
