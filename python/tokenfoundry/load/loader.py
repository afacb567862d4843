"""`Loader`: see `tokenfoundry.load`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tokenfoundry import shard
from tokenfoundry._core import load as _load
from tokenfoundry._core import shard as _hashes
from tokenfoundry.errors import InputError
from tokenfoundry.pack.planning import check_numbers

if TYPE_CHECKING:
    from tokenfoundry.load.torch import TorchDataset

__all__ = ["Loader", "Piece", "permute"]

Batch = dict[str, NDArray[Any]]
Mode = Literal["rows", "windows", "pack"]
_Path = str | os.PathLike[str]

_MODES = ("rows", "windows", "pack")
_COLUMNS = ("tokens", "labels", "position_ids", "document_ids")
_MASK = (1 << 64) - 1
_MOST_SOURCES = 1 << 16
_ROWS_A_BLOCK = 1024
"""Pieces that are packed together fill about so many rows: more would be denser by less than a thousandth."""
_STATE_VERSION = 3
_LINE_BYTES = 64


class Piece(NamedTuple):
    """Where a run of a row's tokens comes from."""

    source: str
    """path of the set of shards"""
    document: bytes
    """id of the document, 16 bytes; `tokenfoundry trace` takes it in hex"""
    start: int
    """its first token, counted in the document"""
    length: int


def permute(indices: ArrayLike, size: int, key: int) -> NDArray[np.int64]:
    """Where a keyed permutation of ``range(size)`` sends these indices: a shuffle that needs no memory.

    About 3 ns each with AVX-512. A Feistel network on mixed digits, walked until it is back in range; source: Black and Rogaway,
    "Ciphers with arbitrary finite domains" (2002). Not for secrets. Raises InputError for an index out of range.
    """
    return _load.permute(np.ascontiguousarray(indices, np.int64), size, int(key) & _MASK)


class Loader:
    """A stream of batches: dicts of arrays of shape (batch_size, sequence_length), endless unless told otherwise.

    ``tokens`` (``dtype``, padded with ``pad_id``), ``labels`` (int64: the next token of the same document; -100 at its
    end, in padding, and where the loss mask says so), ``position_ids`` (int32, from 0 in each document), ``document_ids``
    (int32: which document of the row; -1 in padding), and ``sample`` (int64, (batch_size,): numbers of the samples).

    Args:
        sources: ``[(path, weight), ...]`` mixes sources by weight, each beginning anew when it is through; a path or a
            list of paths joins them: an epoch has each sample of each once. Weights count rows, windows, or, where rows
            are packed here, tokens; they are met to one part in 65,536, over every 65,536 samples.
        mode: "rows": packed rows as they lie in the shards. "windows": ``sequence_length`` tokens anywhere, over the
            bounds of rows, and labels one token on. "pack": pieces of documents, packed here into rows.
        rank, world_size: this rank's part of each global batch of ``batch_size * world_size`` samples.
        shuffle: False gives samples in the order of the shards, for evaluation.
        epochs, samples: an end, after so many passes (of joined sources) or so many samples. ``drop_last``: leave out
            the last samples where they fill no global batch; without it ranks get fewer of them, or none.
        schedule: ``[(sample, weights), ...]``, the weights from a sample on (in mode "pack", from a piece on);
            `change_weights` adds to it.
        columns: which of the arrays to fill. "windows" has no use for the last two.
        loss_mask: name of a side column that is not 0 where a token is to be learned.
        block_pieces: how many pieces are packed together ("pack"); None: enough to fill 1024 rows.
        ahead: samples that the kernel is told of in advance while reading waits for a disk.
        reuse: fill the same arrays again and again; copy what you keep.

    Errors: InputError for arguments that make no sense, ShardError for damaged shards, which names file and block.
    Safe to fork; pickles with its position.
    """

    def __init__(
        self,
        sources: _Path | Sequence[_Path] | Sequence[tuple[_Path, float]],
        sequence_length: int,
        batch_size: int,
        *,
        mode: Mode = "rows",
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        shuffle: bool = True,
        epochs: int | None = None,
        samples: int | None = None,
        drop_last: bool = True,
        schedule: Sequence[tuple[int, Sequence[float]]] = (),
        columns: Sequence[str] | None = None,
        loss_mask: str | None = None,
        dtype: DTypeLike = np.int64,
        pad_id: int = 0,
        block_pieces: int | None = None,
        ahead: int = 256,
        reuse: bool = False,
        threads: int | None = None,
    ) -> None:
        self._arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        self.paths, weights = _sources(sources)
        if mode not in _MODES:
            raise InputError(f"mode must be one of {', '.join(_MODES)}, not {mode!r}")
        if sequence_length < 1 or batch_size < 1:
            raise InputError(f"sequence_length {sequence_length} and batch_size {batch_size} must be at least 1")
        if not 0 <= rank < world_size:
            raise InputError(f"rank is {rank}; it must be between 0 and world_size - 1 = {world_size - 1}")
        if np.dtype(dtype) not in (np.int64, np.int32, np.uint32):
            raise InputError(f"dtype must be int64, int32 or uint32, not {np.dtype(dtype)}")
        if (epochs is not None and epochs < 1) or (samples is not None and samples < 0) or ahead < 0:
            raise InputError("epochs must be at least 1, samples and ahead not negative")
        check_numbers(pad_id=pad_id, threads=threads)
        if any(at < 0 for at, _ in schedule):
            raise InputError("a schedule's samples must not be negative")
        if weights is None and schedule:
            raise InputError("a schedule of weights needs sources with weights")
        self.sequence_length = sequence_length
        self.batch_size = batch_size
        self.mode = mode
        self.seed = int(seed)
        self.rank = rank
        self.world_size = world_size
        self.drop_last = drop_last
        self.pad_id = pad_id
        self.threads = threads
        self.columns = _columns(columns, mode)
        self.dtype = np.dtype(dtype)
        self._shuffle = shuffle
        self._shards = [shard.open(path) for path in self.paths]
        self._mask = loss_mask
        digests = {shards.tokenizer_digest for shards in self._shards}
        if len(digests) > 1:
            raise InputError(f"sources were made with different tokenizers: {', '.join(sorted(digests))}")
        self._schedule = None if weights is None else [(0, weights), *((at, list(new)) for at, new in schedule)]
        self._changes: list[tuple[int, list[float]]] = []
        self._mean_piece = [shards.tokens / max(shards.piece_count, 1) for shards in self._shards]
        mean = max(sum(self._mean_piece) / len(self._mean_piece), 1.0)
        self.block_pieces = block_pieces or min(max(int(_ROWS_A_BLOCK * sequence_length / mean), 1024), 1 << 20)
        if epochs is not None and weights is not None and len(self.paths) > 1:
            raise InputError("epochs need joined sources (paths without weights); give samples instead")
        self._epochs = epochs
        self._stream = self._make()
        self._checksums = self._stream.checksums
        self._limit = samples
        if epochs is not None and mode != "pack":
            most = epochs * (self._stream.epoch_size or 0)
            self._limit = most if samples is None else min(most, samples)
        self._ahead = ahead
        self._reuse: Batch | None = {} if reuse else None
        self._worker, self._workers = 0, 1
        self._samples = 0
        self._told = 0
        self._tokens, self._seconds = 0, 0.0

    def _make(self) -> _load.Stream:
        """The sampler of the schedule as it is."""
        schedule = None
        if self._schedule is not None:
            schedule = []
            for at, weights in self._schedule:
                array = np.array(weights, dtype=np.float64)
                if (
                    len(array) != len(self.paths)
                    or not np.isfinite(array).all()
                    or (array < 0).any()
                    or array.sum() <= 0
                ):
                    raise InputError(
                        f"weights must be one for each of {len(self.paths)} sources, finite, not negative, and not all "
                        f"zero: {weights}"
                    )
                if self.mode == "pack":
                    # Weights count tokens, the sampler pieces.
                    array = array / np.maximum(self._mean_piece, 1e-9)
                schedule.append((int(at), array.tolist()))

        def made(most_pieces: int | None) -> _load.Stream:
            sets, masks = [shards._shards for shards in self._shards], [self._mask] * len(self.paths)
            return _load.Stream(
                sets, self.mode, self.sequence_length, self.seed & _MASK, self._shuffle, schedule, self.block_pieces,
                most_pieces, masks,
            )  # fmt: skip

        stream = made(None)
        if self.mode == "pack" and self._epochs is not None:
            stream = made(self._epochs * (stream.epoch_size or 0))
        for path, size, number in zip(self.paths, stream.sizes, range(len(self.paths)), strict=True):
            weighted = self._schedule is not None and any(weights[number] > 0 for _, weights in self._schedule)
            if size == 0 and (weighted or (self._schedule is None and sum(stream.sizes) == 0)):
                raise InputError(f"{path} has no {self.mode if self.mode != 'pack' else 'pieces'}; leave it out")
        return stream

    # Which sample is which

    def locate(self, sample: int) -> tuple[int, int, int]:
        """Source, epoch and row (or window) of a sample, counted over all ranks from 0. Of packed rows, see `trace`."""
        source, epoch, item = self._stream.locate(sample, 1)
        return int(source[0]), int(epoch[0]), int(item[0])

    def locate_batch(self, first: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The same of ``count`` samples from ``first`` on, each int64 (count,); some 10 ns each."""
        return self._stream.locate(first, count)

    def trace(self, sample: int) -> list[Piece]:
        """The documents that a sample's tokens come from, in their order in the row."""
        return [
            Piece(self.paths[source], document, start, length)
            for source, document, start, length in self._stream.trace(sample)
        ]

    def batch(self, samples: ArrayLike) -> Batch:
        """The arrays of these samples. Raises InputError for a row longer than ``sequence_length``."""
        numbers = np.ascontiguousarray(samples, np.int64)
        arrays: Batch | None = self._reuse
        if arrays is None or arrays.get("sample", numbers[:0]).shape != numbers.shape:
            shape = (len(numbers), self.sequence_length)
            kinds = {"tokens": self.dtype, "labels": np.dtype(np.int64)}
            arrays = {name: _lined_up(shape, kinds.get(name, np.dtype(np.int32))) for name in self.columns}
            if self._reuse is not None:
                self._reuse = arrays
        arrays["sample"] = numbers
        begun = time.perf_counter()
        self._tokens += self._stream.fill_batch(
            numbers,
            arrays["tokens"],
            arrays.get("labels"),
            arrays.get("position_ids"),
            arrays.get("document_ids"),
            self.pad_id,
            self.threads,
        )
        self._seconds += time.perf_counter() - begun
        return arrays

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        step = self.batch_size * self.world_size
        base = self._samples + self._worker * step
        end = self._end_of(base)
        first = base + self.rank * self.batch_size
        last = min(first + self.batch_size, end)
        reached = self._samples + step * self._workers
        if end < base + step:
            if self.drop_last:
                raise StopIteration
            # The same on ranks that have some of the last samples and on those that have none.
            reached = max(self._samples, end)
            if last <= first:
                self._samples = reached
                raise StopIteration
        if self._ahead:
            self._tell(base, step * self._workers)
        made = self.batch(np.arange(first, last, dtype=np.int64))
        self._samples = reached
        return made

    def _end_of(self, base: int) -> int:
        """Where the global batch that begins at ``base`` ends: earlier than others where the samples end."""
        end = base + self.batch_size * self.world_size
        if self._limit is not None:
            end = min(end, self._limit)
        if self.mode == "pack" and self._epochs is not None:
            while end > base and not self._stream.has(end - 1):
                end -= 1
        return end

    def _tell(self, base: int, stride: int) -> None:
        """Tell the kernel of this rank's next batches while reading waits for a disk."""
        if not self._stream.waits:
            return
        batches = max(self._ahead // self.batch_size, 1)
        at = max(self._told, base)
        while at < base + batches * stride:
            first = at + self.rank * self.batch_size
            last = first + self.batch_size if self._limit is None else min(first + self.batch_size, self._limit)
            if last > first:
                self._stream.will_need(np.arange(first, last, dtype=np.int64))
            at += stride
        self._told = at

    @property
    def step(self) -> int:
        """Global batches taken so far."""
        return self._samples // (self.batch_size * self.world_size)

    @property
    def epoch_size(self) -> int | None:
        """Samples in an epoch; None where sources are mixed by weight, or rows are packed here."""
        return None if self.mode == "pack" else self._stream.epoch_size

    def counters(self) -> list[dict[str, Any]]:
        """For each source its path, its share of samples now, and the items taken before this moment over all ranks, in
        passes through the source. Items are rows, windows, or pieces handed to the packer."""
        reached = self._reached()
        taken = self._stream.taken(reached)
        shares = self._stream.shares(reached)
        total = sum(self._stream.sizes)
        return [
            {
                "source": path,
                "share": shares[number] / 65_536 if shares else size / max(total, 1),
                "items": taken[number],
                "epochs": taken[number] / max(size, 1),
            }
            for number, (path, size) in enumerate(zip(self.paths, self._stream.sizes, strict=True))
        ]

    def _reached(self) -> int:
        """Items of the mixture taken: samples, or, packed, pieces of the blocks begun."""
        if self.mode != "pack" or self._samples == 0:
            return self._samples
        return (self._stream.block(self._samples - 1)[0] + 1) * self.block_pieces

    def metrics(self) -> dict[str, float]:
        """Of this rank: tokens given out (without padding), seconds spent reading them, and tokens per second."""
        rate = self._tokens / self._seconds if self._seconds else 0.0
        return {"tokens": self._tokens, "seconds": self._seconds, "tokens_per_second": rate}

    # State

    def change_weights(self, weights: Sequence[float], *, at: int | None = None) -> None:
        """Mix by these weights from sample ``at`` on (None: from the next), and no others that were to follow.

        The change is part of `state_dict`. All ranks must make the same. In mode "pack" samples are counted in pieces
        here, as in ``schedule``, and None is the next block of them. Raises InputError for a sample taken before.
        """
        if self._schedule is None:
            raise InputError("the sources are joined: they have no weights to change")
        begun = self._reached()
        sample = begun if at is None else at
        if sample < begun:
            raise InputError(f"weights can change from sample {begun} on, not at {sample}")
        previous, changes = self._schedule, self._changes
        self._schedule = [phase for phase in previous if phase[0] < sample] + [(sample, list(weights))]
        self._changes = [phase for phase in changes if phase[0] < sample] + [(sample, list(weights))]
        self._replace(previous, changes)

    def _replace(self, previous: list[tuple[int, Any]], changes: list[tuple[int, list[float]]]) -> None:
        try:
            fresh = self._make()
        except InputError:
            self._schedule, self._changes = previous, changes
            raise
        if self.mode == "pack" and self._samples:
            fresh.enter(*self._stream.block(self._samples - 1))
        self._stream = fresh

    def _take_up(self, changes: list[tuple[int, list[float]]]) -> None:
        """Make the changes of weights that a state remembers, but for those that the schedule has.

        Where it has others at the same sample they are those of the beginning, which the change replaced.
        """
        if self._schedule is None:
            return
        known = {at: [float(weight) for weight in weights] for at, weights in self._schedule}
        fresh = [(at, weights) for at, weights in changes if known.get(at) != weights]
        for at, weights in fresh:
            self._schedule = [phase for phase in self._schedule if phase[0] < at] + [(at, weights)]
            self._changes = [phase for phase in self._changes if phase[0] < at] + [(at, weights)]
        if fresh:
            self._stream = self._make()

    def _spec(self, samples: int, block: Sequence[int]) -> str:
        """Stands for all that decides the samples before this one, and the block that the last of them is from."""
        reached = samples
        parts: list[object] = [self.mode, self._shuffle, self.seed & _MASK]
        if self.mode != "rows":
            parts.append(self.sequence_length)
        if self.mode == "pack":
            parts += [self.block_pieces, self._epochs, list(block)]
            reached = (block[0] + 1) * self.block_pieces if block else 0
        sums = self._checksums
        if self._schedule is None:
            parts += sums
        else:
            # Sources that had no weight so far may be added or left out.
            for at, weights in self._schedule:
                if at < max(reached, 1):
                    total = sum(weights)
                    parts.append([at, [(n, sums[n], w / total) for n, w in enumerate(weights) if w > 0]])
        return _hashes.hash128(repr(parts).encode()).hex()

    def state_dict(self) -> dict[str, Any]:
        """Under 1 kB, the same on every rank, fit for JSON; good for any other rank, world size, workers and batch size.

        Holds what `change_weights` was told, so many changes of many weights make it longer.
        """
        return self._state_at(self._samples)

    def state_after(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """The state after this batch was used, wherever it was made: what to save where a DataLoader's workers have
        read ahead."""
        return self._state_at(self._end_of(int(batch["sample"][0]) - self.rank * self.batch_size))

    def _state_at(self, samples: int) -> dict[str, Any]:
        block = list(self._stream.block(samples - 1)) if self.mode == "pack" and samples else []
        state: dict[str, Any] = {"version": _STATE_VERSION, "samples": samples, "spec": self._spec(samples, block)}
        if block:
            state["block"] = block
        if self._changes:
            state["changes"] = [[at, weights] for at, weights in self._changes]
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on after the samples that ``state`` has taken.

        Raises InputError if what came before differs: other sources, seed, mode, or weights for samples that were
        taken. Weights for samples to come may differ.
        """
        if state.get("version") != _STATE_VERSION:
            raise InputError(f"state has version {state.get('version')}; this tokenfoundry reads {_STATE_VERSION}")
        try:
            samples = int(state["samples"])
            block = [int(number) for number in state.get("block", ())]
            changes = [(int(at), [float(weight) for weight in weights]) for at, weights in state.get("changes", ())]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"state is damaged: {error!r}") from error
        if (
            not 0 <= samples < 1 << 62
            or len(block) not in (0, 2)
            or (block and (min(block) < 0 or block[1] >= max(samples, 1)))
        ):
            raise InputError("state is damaged: its numbers are out of range")
        before = (self._schedule, self._changes, self._stream)
        try:
            self._take_up(changes)
            if self._spec(samples, block) != state.get("spec"):
                raise InputError(
                    "state is of another loader: its sources, seed, mode, shuffle or weights up to its sample differ from "
                    f"this one's ({samples} samples taken)"
                )
        except InputError:
            self._schedule, self._changes, self._stream = before
            raise
        if block:
            self._stream.enter(block[0], block[1])
        self._samples, self._told = samples, 0

    # Processes

    def view(self, worker: int, workers: int) -> Loader:
        """A loader of every ``workers``-th batch from here, ``worker`` batches on: together they give this one's."""
        if not 0 <= worker < workers:
            raise InputError(f"worker is {worker}; it must be between 0 and workers - 1 = {workers - 1}")
        made: Loader = Loader.__new__(Loader)
        made.__dict__.update(self.__dict__)
        made._reuse = None if self._reuse is None else {}
        made._tokens, made._seconds, made._told = 0, 0.0, 0
        made._worker, made._workers = worker, workers
        return made

    def torch(self) -> TorchDataset:
        """A `torch.utils.data.IterableDataset` of these batches, as tensors that share their memory.

        For ``DataLoader(dataset, batch_size=None, num_workers=...)`` and torchdata's StatefulDataLoader. Needs torch.
        """
        from tokenfoundry.load.torch import TorchDataset

        return TorchDataset(self)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "arguments": self._arguments,
            "changes": self._changes,
            "schedule": self._schedule,
            "samples": self._samples,
            "block": list(self._stream.block(self._samples - 1)) if self.mode == "pack" and self._samples else None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["arguments"])  # type: ignore[misc]
        self._changes, self._schedule = state["changes"], state["schedule"]
        if self._changes:
            self._stream = self._make()
        self._samples = state["samples"]
        if state["block"]:
            self._stream.enter(*state["block"])

    def __repr__(self) -> str:
        return (
            f"<tokenfoundry.Loader: {self.mode} of {len(self.paths)} sources, batches of {self.batch_size} x "
            f"{self.sequence_length}, rank {self.rank} of {self.world_size}, {self._samples} samples taken>"
        )


def _lined_up(shape: tuple[int, int], kind: np.dtype[Any]) -> NDArray[Any]:
    """An empty matrix that begins where a cache line does: vectors as long as a line are written in one piece so."""
    bytes_wanted = shape[0] * shape[1] * kind.itemsize
    room = np.empty(bytes_wanted + _LINE_BYTES, np.uint8)
    first = -room.__array_interface__["data"][0] % _LINE_BYTES
    return room[first : first + bytes_wanted].view(kind).reshape(shape)


def _sources(sources: object) -> tuple[list[str], list[float] | None]:
    """Paths, and their weights where they have some."""
    if isinstance(sources, str | os.PathLike):
        return [os.fspath(sources)], None
    if not isinstance(sources, Sequence) or not sources:
        raise InputError("sources is empty; give a path, a list of paths, or a list of (path, weight)")
    if len(sources) > _MOST_SOURCES:
        raise InputError(f"{len(sources)} sources are more than {_MOST_SOURCES}")
    if all(isinstance(source, str | os.PathLike) for source in sources):
        return [os.fspath(source) for source in sources], None
    try:
        pairs = [(os.fspath(path), float(weight)) for path, weight in sources]
    except (TypeError, ValueError) as error:
        raise InputError(f"sources must be paths, or pairs of a path and a weight: {error}") from error
    return [path for path, _ in pairs], [weight for _, weight in pairs]


def _columns(columns: Sequence[str] | None, mode: str) -> tuple[str, ...]:
    if columns is None:
        return _COLUMNS[:2] if mode == "windows" else _COLUMNS
    for name in columns:
        if name not in _COLUMNS:
            raise InputError(f"column {name!r} is not one of {', '.join(_COLUMNS)}")
    return tuple(dict.fromkeys(["tokens", *columns]))
