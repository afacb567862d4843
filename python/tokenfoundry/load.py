"""Training batches out of shards: shuffled over everything, mixed by weight, and resumed exactly.

A batch is a pure function of (sources, seed, step, rank): there is no state but how many samples were taken. So a run
that resumes with another number of ranks or another batch size goes on with the very next sample, none lost, none
twice. Every source is shuffled anew each time it has been through; no index of samples is kept in memory.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenfoundry import shard
from tokenfoundry._core import pack as _pack
from tokenfoundry.errors import InputError

__all__ = ["Loader", "permute"]

_MASK = (1 << 64) - 1
_MIXTURE_BITS = 16
_MIXTURE_BLOCK = 1 << _MIXTURE_BITS
"""Weights are met exactly over this many samples, to a precision of one part in it."""


def _mix64(value: int) -> int:
    z = (value + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def permute(index: int, size: int, key: int) -> int:
    """Where a keyed permutation of ``range(size)`` sends ``index``; O(1) memory.

    A Feistel network of four rounds over the smallest square of a power of two that holds ``size``, walked until it
    is back in range (at most four steps on average). Source: Black and Rogaway, "Ciphers with arbitrary finite
    domains" (2002).
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    while True:
        left, right = index >> half, index & mask
        for turn in range(4):
            left, right = right, left ^ (_mix64(key ^ (right << 3) ^ turn) & mask)
        index = left << half | right
        if index < size:
            return index


def _reversed(index: int) -> int:
    """The bits of a position in a mixture block, back to front: each source's slots come evenly spread."""
    return int(f"{index:0{_MIXTURE_BITS}b}"[::-1], 2)


def _slots_below(count: int, bound: int) -> int:
    """How many of the first ``count`` positions of a block have a slot below ``bound``; O(bits)."""
    total = 0
    prefix = 0
    for bit in reversed(range(_MIXTURE_BITS + 1)):
        if count >> bit & 1:
            # Positions prefix, prefix + 1, ... below the next multiple: their low bits are all, the slot's high bits.
            step = _MIXTURE_BLOCK >> bit
            lowest = _reversed(prefix) if prefix < _MIXTURE_BLOCK else 0
            total += min(max(-((lowest - bound) // step), 0), 1 << bit)
            prefix |= 1 << bit
    return total


class Loader:
    """An endless stream of batches.

    ``sources``: directories of shards and their weights, ``[(path, weight), ...]``. Every batch is a dict of arrays
    of shape (batch_size, sequence_length): ``tokens`` (int64, padded with ``pad_id``), ``labels`` (int64: the next
    token of the same document; -100 at its end and in padding), ``position_ids`` (int32, from 0 in each document),
    ``document_ids`` (int32: which document of the row; -1 in padding).

    ``rank`` of ``world_size`` gets its own part of each global batch of ``batch_size * world_size`` samples.
    Raises InputError for arguments that make no sense, ShardError for damaged shards.
    """

    def __init__(
        self,
        sources: Sequence[tuple[str | os.PathLike[str], float]],
        sequence_length: int,
        batch_size: int,
        *,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        pad_id: int = 0,
        threads: int | None = None,
    ) -> None:
        if not sources:
            raise InputError("sources is empty; give at least one (path, weight)")
        if sequence_length < 1 or batch_size < 1:
            raise InputError(f"sequence_length {sequence_length} and batch_size {batch_size} must be at least 1")
        if not 0 <= rank < world_size:
            raise InputError(f"rank is {rank}; it must be between 0 and world_size - 1 = {world_size - 1}")
        weights = np.array([weight for _, weight in sources], dtype=np.float64)
        if not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
            raise InputError(f"weights must be finite, not negative, and not all zero: {weights.tolist()}")
        self.sequence_length = sequence_length
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.pad_id = pad_id
        self.threads = threads
        self._shards = [shard.open(path) for path, _ in sources]
        for (path, weight), shards in zip(sources, self._shards, strict=True):
            if weight > 0 and len(shards) == 0:
                raise InputError(f"{os.fspath(path)} has no rows; give it weight 0 or leave it out")
        digests = {shards.tokenizer_digest for shards in self._shards}
        if len(digests) > 1:
            raise InputError(f"sources were made with different tokenizers: {', '.join(sorted(digests))}")
        # Slot s of a block belongs to the source whose cumulative weight first exceeds it.
        self._slots = np.floor(np.cumsum(weights) / weights.sum() * _MIXTURE_BLOCK + 0.5).astype(np.int64)
        self._samples = 0

    # Which sample is which

    def locate(self, sample: int) -> tuple[int, int, int]:
        """Source, epoch and row of a sample, counted over all ranks from 0."""
        block, position = divmod(sample, _MIXTURE_BLOCK)
        source = int(np.searchsorted(self._slots, _reversed(position), side="right"))
        first, last = int(self._slots[source - 1]) if source else 0, int(self._slots[source])
        # How often this source was taken before: a closed form, so any sample can be asked for.
        taken = block * (last - first) + _slots_below(position, last) - _slots_below(position, first)
        rows = len(self._shards[source])
        epoch, place = divmod(taken, rows)
        return source, epoch, permute(place, rows, _mix64(_mix64(self.seed ^ (source << 40)) ^ epoch))

    def batch(self, samples: Sequence[int]) -> dict[str, NDArray[Any]]:
        """The arrays of these samples. Raises InputError for a row longer than ``sequence_length``."""
        tokens, lengths, row_offsets = [], [], [0]
        for sample in samples:
            source, _, row = self.locate(sample)
            shards = self._shards[source]
            content = shards[row]
            if len(content) > self.sequence_length:
                raise InputError(
                    f"{shards.path}: row {row} has {len(content)} tokens; sequence_length is {self.sequence_length}"
                )
            tokens.append(content)
            lengths.append(shards.pieces(row)["length"].astype(np.int64))
            row_offsets.append(row_offsets[-1] + len(lengths[-1]))
        piece_lengths = np.concatenate(lengths)
        starts = np.concatenate([[0], np.cumsum(piece_lengths)])[:-1].astype(np.int64)
        shape = (len(samples), self.sequence_length)
        arrays: dict[str, NDArray[Any]] = {
            "tokens": np.empty(shape, np.int64),
            "labels": np.empty(shape, np.int64),
            "position_ids": np.empty(shape, np.int32),
            "document_ids": np.empty(shape, np.int32),
        }
        values, offsets = np.concatenate(tokens), np.array(row_offsets, np.int64)
        _pack.lay_out_rows(
            values, None, starts, piece_lengths, offsets, self.sequence_length, 1, self.pad_id, arrays["tokens"], arrays["labels"], arrays["position_ids"], arrays["document_ids"], None,
            self.threads,
        )  # fmt: skip
        return arrays

    def __iter__(self) -> Iterator[dict[str, NDArray[Any]]]:
        while True:
            yield next(self)

    def __next__(self) -> dict[str, NDArray[Any]]:
        first = self._samples + self.rank * self.batch_size
        made = self.batch(range(first, first + self.batch_size))
        self._samples += self.batch_size * self.world_size
        return made

    # State

    def state_dict(self) -> dict[str, Any]:
        """Under 1 kB, the same on every rank; valid for any other rank, world size and batch size."""
        return {"version": 1, "samples": self._samples, "seed": self.seed, "slots": self._slots.tolist(),
                "rows": [len(shards) for shards in self._shards]}  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on after the samples that ``state`` has taken. Raises InputError if it is of other sources or seed."""
        if state.get("version") != 1:
            raise InputError(f"state has version {state.get('version')}; this tokenfoundry reads 1")
        mine = self.state_dict()
        for name in ("seed", "slots", "rows"):
            if state[name] != mine[name]:
                raise InputError(f"state is of another loader: its {name} is {state[name]}, this one's {mine[name]}")
        self._samples = int(state["samples"])
