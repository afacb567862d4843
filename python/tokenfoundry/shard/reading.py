"""Reading sets of shards: rows, batches, windows, and where each token came from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokenfoundry._core import shard as _shard
from tokenfoundry.errors import InputError
from tokenfoundry.ragged import Ragged
from tokenfoundry.shard.column_types import CODES

__all__ = ["PIECE_DTYPE", "Shards", "open", "verify"]

PIECE_DTYPE = np.dtype([("document", "V16"), ("start", np.uint64), ("length", np.uint64)])
"""A piece of a row: id of its document, its first token counted in the document, its tokens."""

_CHUNK_TOKENS = 1 << 22


class Shards:
    """The rows of all shards of a directory as one sequence: ``shards[i]`` is row i's tokens, uint32, no padding.

    Batches are cheaper than rows: `read_rows` and `read_windows` fill an array of yours in one call outside the GIL.
    Each 4 KiB block is checked against its checksum before the first token of it is given out, once a process.
    Safe to share between threads and over a fork; pickles as its path. The files are mapped and must not be changed in
    place while they are open (nothing here does: writers rename).
    """

    def __init__(self, path: str | os.PathLike[str], *, unfinished: bool = False) -> None:
        self.path = Path(path)
        self._unfinished = unfinished
        self._shards = _shard.Shards(self.path, unfinished)
        self._first_rows = self._shards.first_rows
        self._columns = dict(self._shards.columns)
        self.names = [f"shard-{number:05d}" for number in range(self._shards.shard_count)]

    def __len__(self) -> int:
        return int(self._first_rows[-1])

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return self._shards.tokens

    @property
    def piece_count(self) -> int:
        """Pieces of all rows."""
        return self._shards.pieces

    @property
    def vocabulary_size(self) -> int:
        """Ids are below this."""
        return self._shards.vocabulary_size

    @property
    def tokenizer_digest(self) -> str:
        """`Tokenizer.digest` of the tokenizer that made the tokens; empty if the writer knew of none."""
        return self._shards.tokenizer_digest

    @property
    def columns(self) -> dict[str, np.dtype[Any]]:
        """Side columns: name to dtype."""
        return {name: CODES[code] for name, code in self._columns.items()}

    @property
    def multimodal(self) -> bool:
        """Whether each piece has a mode."""
        return self._shards.has_modes

    def locate(self, row: int) -> tuple[int, int]:
        """Shard and row in that shard of a row."""
        index = self._row(row)
        shard = int(np.searchsorted(self._first_rows, index, side="right")) - 1
        return shard, index - int(self._first_rows[shard])

    def shard_of(self, row: int) -> int:
        """Number of the shard that a row lies in."""
        return self.locate(row)[0]

    def index(self, shard: int, row: int) -> int:
        """Row, counted over all shards, of a shard's row."""
        if not 0 <= shard < len(self.names):
            raise IndexError(f"shard {shard} of {len(self.names)} shards")
        rows = int(self._first_rows[shard + 1] - self._first_rows[shard])
        if not 0 <= row < rows:
            raise IndexError(f"row {row} of shard {shard}, which has {rows} rows")
        return int(self._first_rows[shard]) + row

    def __getitem__(self, row: int) -> NDArray[np.uint32]:
        return self._shards.row(self._row(row))

    def __iter__(self) -> Iterator[NDArray[np.uint32]]:
        return (self._shards.row(row) for row in range(len(self)))

    def _row(self, row: int) -> int:
        index = row + len(self) if row < 0 else row
        if not 0 <= index < len(self):
            raise IndexError(f"row {row} of {len(self)} rows")
        return index

    def read_rows(
        self, rows: ArrayLike, out: NDArray[Any], *, fill: int = 0, threads: int | None = None
    ) -> NDArray[np.int64]:
        """Copy rows into ``out``, each filled up with ``fill``; returns their lengths, int64, shape (len(rows),).

        ``out``: uint32, int32 or int64, C-contiguous, shape (len(rows), at least the longest row). Batches of more
        than half a million tokens use ``threads`` threads (None: all).

        Raises InputError for an ``out`` that does not fit, ShardError for a row that does not exist, is longer than
        ``out`` is wide, or is damaged.
        """
        _check_matrix(out)
        return self._shards.read_rows(np.ascontiguousarray(rows, np.int64), out, fill, threads)

    def read_windows(
        self,
        starts: ArrayLike,
        out: NDArray[Any],
        *,
        labels: NDArray[Any] | None = None,
        threads: int | None = None,
    ) -> None:
        """Copy windows of ``out.shape[1]`` tokens that begin at ``starts``, counted over all tokens of the set.

        Windows ignore the bounds of rows and shards, as in Megatron's and nanoGPT's training. ``labels``: an array
        like ``out`` for the windows one token on. Types, threads and errors as in `read_rows`.
        """
        _check_matrix(out)
        if labels is not None:
            _check_matrix(labels)
            if np.may_share_memory(out, labels):
                raise InputError("labels must not share memory with out")
        self._shards.read_windows(np.ascontiguousarray(starts, np.int64), out, labels, threads)

    def will_need(self, rows: ArrayLike) -> None:
        """Tell the kernel that these rows will be read soon; it fetches them while the caller goes on.

        A sampler knows its order: calling this a few hundred rows ahead makes cold random reading an order of
        magnitude faster. Costs a microsecond or two a row.
        """
        self._shards.will_need_rows(np.ascontiguousarray(rows, np.int64))

    def will_need_windows(self, starts: ArrayLike, length: int) -> None:
        """The same for windows of ``length`` tokens."""
        self._shards.will_need_windows(np.ascontiguousarray(starts, np.int64), length)

    def token_range(self, row: int) -> tuple[int, int]:
        """First token of a row and the token after its last, counted over all tokens of the set."""
        return self._shards.row_range(self._row(row))

    def column(self, name: str, row: int) -> NDArray[Any]:
        """A side column's values for the tokens of a row."""
        if name not in self._columns:
            raise InputError(f"{self.path}: has no column {name!r}; it has {sorted(self._columns)}")
        first, end = self.token_range(row)
        return self._column(name, first, end)

    def _column(self, name: str, first: int, end: int) -> NDArray[Any]:
        number = list(self._columns).index(name)
        return self._shards.column(number, first, end).view(CODES[self._columns[name]])

    def pieces(self, row: int) -> NDArray[np.void]:
        """The pieces of a row, in order: structured array of `PIECE_DTYPE`."""
        return _structured(*self._shards.row_pieces(self._row(row)))

    def all_pieces(self, shard: int) -> tuple[NDArray[np.uint64], NDArray[np.void]]:
        """First piece of each row of a shard and their number (rows + 1), and all its pieces (`PIECE_DTYPE`)."""
        first, pieces = self._shards.all_pieces(shard)
        return first, _structured(*pieces)

    def modes(self, shard: int) -> NDArray[np.int8] | None:
        """A mode for each piece of a shard; None where the set is not multimodal."""
        return self._shards.modes(shard)

    def chunks(self, tokens: int = _CHUNK_TOKENS) -> Iterator[Ragged]:
        """All rows in order, in `Ragged` chunks of about ``tokens`` tokens (a longer row is a chunk of its own)."""
        for shard in range(len(self.names)):
            first_pieces, pieces = self.all_pieces(shard)
            ends = np.zeros(len(pieces) + 1, np.int64)
            np.cumsum(pieces["length"], out=ends[1:])
            bounds = ends[first_pieces.astype(np.int64)]
            before = self._token_base(shard)
            row = 0
            while row < len(bounds) - 1:
                last = int(np.searchsorted(bounds, bounds[row] + tokens, side="right")) - 1
                last = min(max(last, row + 1), len(bounds) - 1)
                offsets = bounds[row : last + 1] - bounds[row]
                values = np.empty((1, int(offsets[-1])), np.uint32)
                if values.size:
                    self.read_windows([before + int(bounds[row])], values)
                yield Ragged(values[0], offsets)
                row = last

    def _token_base(self, shard: int) -> int:
        first_row = int(self._first_rows[shard])
        return self._shards.row_range(first_row)[0] if first_row < len(self) else self.tokens

    def verify(self, *, threads: int | None = None) -> None:
        """Check every byte of every file. Raises ShardError that names the file and the block. Ctrl-C stops it."""
        # What was read and found sound at opening may have changed on disk since.
        _shard.Shards(self.path, self._unfinished).verify(threads)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.path, self._unfinished)

    def __repr__(self) -> str:
        return f"<tokenfoundry.shard.Shards: {len(self)} rows, {self.tokens} tokens in {len(self.names)} shards>"


def _reopen(path: Path, unfinished: bool) -> Shards:
    return Shards(path, unfinished=unfinished)


def _check_matrix(out: NDArray[Any]) -> None:
    fits = out.ndim == 2 and out.dtype in (np.uint32, np.int32, np.int64) and out.flags.c_contiguous
    if not fits or not out.flags.writeable:
        raise InputError("out must be a writeable, C-contiguous matrix of uint32, int32 or int64")


def _structured(ids: bytes, starts: NDArray[np.uint64], lengths: NDArray[np.uint64]) -> NDArray[np.void]:
    pieces = np.empty(len(starts), PIECE_DTYPE)
    pieces["document"] = np.frombuffer(ids, "V16")
    pieces["start"] = starts
    pieces["length"] = lengths
    return pieces


def open(path: str | os.PathLike[str], *, unfinished: bool = False) -> Shards:
    """Open a directory of shards for random access.

    ``unfinished``: take the shards that an interrupted writer had finished; without it a set whose end is missing is
    an error. Raises ShardError for a set that is missing, damaged, cut short, foreign, or of a future version.
    """
    return Shards(path, unfinished=unfinished)


def verify(path: str | os.PathLike[str], *, threads: int | None = None) -> Shards:
    """Open a directory of shards and check every byte; returns it. Raises ShardError that names the file and block."""
    shards = Shards(path)
    shards._shards.verify(threads)
    return shards
