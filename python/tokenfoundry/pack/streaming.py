"""Packing documents as they come, before all of them are known."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokenfoundry._core import pack as _pack
from tokenfoundry.errors import InputError
from tokenfoundry.pack.planning import LONG, Long, as_lengths, check_capacity

__all__ = ["Rows", "Streaming"]


class Rows(NamedTuple):
    """Rows that are complete; row i has the pieces ``row_offsets[i]`` to ``row_offsets[i + 1]``. All int64."""

    row_offsets: NDArray[np.int64]
    document: NDArray[np.int64]
    """counted from the stream's begin"""
    start: NDArray[np.int64]
    length: NDArray[np.int64]

    @property
    def rows(self) -> int:
        return len(self.row_offsets) - 1


class Streaming:
    """A packer that holds little and gives rows out as soon as they are full.

    ``open_rows``: bounded best fit. That many rows are open; each piece goes into the one it fits best, and when it
    fits none, the fullest leaves. At 2048 tokens 64 rows fill 99.6 % of the slots. ``lookahead``: that many pieces
    wait; each row begins with the one that has waited longest and takes the largest that fit. 1024 fill 99.9 %, and no
    piece waits for more than ``lookahead + 1`` rows. For rows so long that a few hundred documents fill one, take
    ``open_rows``.

    `state_dict` is what it holds and nothing else: a few kB of JSON, no replay. Not safe to share between threads that
    care for the order of documents.
    """

    def __init__(
        self, capacity: int, *, open_rows: int | None = None, lookahead: int | None = None, long: Long = "split"
    ) -> None:
        check_capacity(capacity)
        if open_rows is not None and lookahead is not None:
            raise InputError("give open_rows or lookahead, not both")
        if open_rows is None and lookahead is None:
            open_rows = 64
        held = open_rows if open_rows is not None else lookahead
        if held is None or not 1 <= held <= 1 << 20:
            raise InputError(f"open_rows or lookahead is {held}; it must be between 1 and 2^20")
        if long not in LONG:
            raise InputError(f"long must be one of {', '.join(LONG)}, not {long!r}")
        self.capacity = capacity
        self.open_rows = open_rows
        self.lookahead = lookahead
        self.long = long
        self.documents = 0
        """Documents taken in so far; the next one gets this number."""
        self.rows = 0
        """Rows given out so far, and the tokens in them."""
        self.tokens = 0
        self.dropped = 0
        """Tokens of long documents that are in no row."""
        self._packer = _pack.Streaming(capacity, open_rows, lookahead, long)

    def push(self, lengths: ArrayLike) -> Rows:
        """Take in documents of these lengths; the rows that they complete. Raises InputError for a negative length."""
        array = as_lengths(lengths)
        columns, dropped = self._packer.push(array, self.documents)
        self.documents += len(array)
        self.dropped += dropped
        return self._given(columns)

    def finish(self) -> Rows:
        """The rows that are left, not full. The packer may be used again."""
        return self._given(self._packer.finish())

    def _given(self, columns: tuple[NDArray[np.int64], ...]) -> Rows:
        rows = Rows(*columns)
        self.rows += rows.rows
        self.tokens += int(rows.length.sum())
        return rows

    @property
    def density(self) -> float:
        """Of the rows given out so far; 1 for none."""
        return self.tokens / (self.rows * self.capacity) if self.rows else 1.0

    def _settings(self) -> dict[str, Any]:
        return {"capacity": self.capacity, "open_rows": self.open_rows, "lookahead": self.lookahead, "long": self.long}

    def state_dict(self) -> dict[str, Any]:
        """The pieces it holds, and what it has counted; fit for JSON."""
        offsets, *columns = self._packer.held()
        pieces = np.stack(columns, axis=1).tolist()
        return {
            "version": 1,
            **self._settings(),
            "documents": self.documents,
            "rows": self.rows,
            "tokens": self.tokens,
            "dropped": self.dropped,
            "held": [pieces[first:end] for first, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken. Raises InputError if it is of a packer with other settings, or damaged."""
        if not isinstance(state, dict) or state.get("version") != 1:
            raise InputError("state is not one of a Streaming packer of version 1")
        for name, value in self._settings().items():
            if state.get(name) != value:
                raise InputError(f"state is of a packer with {name}={state.get(name)!r}; this one has {value!r}")
        try:
            held = [[(int(a), int(b), int(c)) for a, b, c in row] for row in state["held"]]
            counts = [int(state[name]) for name in ("documents", "rows", "tokens", "dropped")]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"state is damaged: {error!r}") from error
        self._packer.restore(held)
        self.documents, self.rows, self.tokens, self.dropped = counts
