"""Documents seen, remembered on disk from run to run."""

import fcntl
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core import dedup as _dedup
from tokenfoundry.dedup.documents import near_duplicates
from tokenfoundry.dedup.options import Keep, Unit, as_texts, check_threshold, options, order_of
from tokenfoundry.dedup.result import Result
from tokenfoundry.errors import InputError, ShardError

__all__ = ["Addition", "Index"]

_ID_BYTES = 16
TextsOf = Callable[[list[bytes]], Sequence[str | bytes | None]]
_ESTIMATE_ERROR = 0.14
"""Three standard errors of an estimate: candidates that seem less similar by this are compared too."""


@dataclass(frozen=True, repr=False)
class Addition:
    """What happened to texts that were looked up or added; all arrays have one entry a text (n)."""

    keep: NDArray[np.bool_]
    """New: neither in the index nor a duplicate of another text of the same call that stays."""
    seen: NDArray[np.bool_]
    """The index holds it, or a near-duplicate."""
    seen_as: NDArray[np.uint8]
    """(n, 16): the id of what the index holds; zeros where ``seen`` is false."""
    similarity: NDArray[np.float32]
    """To that document: 1 for the same text, else estimated, or exact if ``texts_of`` was given; NaN where ``seen`` is false."""
    duplicate_of: NDArray[np.int64]
    """Index of the text of this call that it duplicates; -1 for all others."""
    jaccard: NDArray[np.float32]
    """Exact similarity to that text; NaN for all others."""
    stats: dict[str, int]
    """documents, seen, duplicates (of texts of this call), added."""

    def __repr__(self) -> str:
        return f"<tokenfoundry.dedup.Addition: {self.stats['added']} of {self.stats['documents']} texts are new>"


def _id_bytes(ids: Any, count: int) -> bytes:
    """16 bytes for each text: from a fixed-size binary Arrow array, (n, 16) uint8, or a list of 16 bytes or 32 hex
    digits each."""
    if isinstance(ids, np.ndarray) and ids.dtype == np.uint8 and ids.shape == (count, _ID_BYTES):
        return ids.tobytes()
    values: Sequence[Any] = ids.to_pylist() if hasattr(ids, "to_pylist") else list(ids)
    joined = b"".join(bytes.fromhex(value) if isinstance(value, str) else bytes(value) for value in values)
    if len(values) != count or len(joined) != _ID_BYTES * count:
        raise InputError(f"ids must be {count} ids of {_ID_BYTES} bytes, one for each text")
    return joined


class Index:
    """An index of documents seen, in a directory: add a new crawl, drop what an earlier run has seen.

    One process writes (a lock on the directory says who), any number read; what `add` has returned from survives
    kill -9 and power loss. `Index.open(path)` makes a new one if there is none, ``read_only=True`` never does. About
    196 bytes a document with 20 bands of 6. The index keeps sketches, not texts: similarity to what it holds is
    estimated, with a standard error below 0.046 for 120 slots, unless ``texts_of`` gives the texts that were added; texts
    of one call are compared exactly.

    Identical texts are recognised by 64 bits of hash: among 10^9 documents, one wrong match in 2 * 10^10 texts.
    """

    def __init__(self, core: _dedup.Index, directory: Path, threshold: float, lock: IO[bytes] | None) -> None:
        self._core = core
        self._lock = lock
        self.directory = directory
        self.threshold = threshold

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        read_only: bool = False,
        threshold: float = 0.8,
        unit: Unit = "words",
        ngram: int = 5,
        seed: int = 1,
        bands: tuple[int, int] | None = None,
        recall: float = 0.997,
    ) -> Self:
        """Open the index in directory ``path``, or make one with these options.

        Options of an index that is there must be the same, but for ``threshold``, which may be any that its bands
        serve. Raises InputError for other options, BlockingIOError when another process writes, FileNotFoundError
        when ``read_only`` and there is none, ShardError when it is damaged.
        """
        check_threshold(threshold)
        directory = Path(path)
        if read_only:
            return cls(_dedup.Index.open(str(directory)), directory, threshold, None)
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise BlockingIOError(error.errno, "another process writes to this index", str(directory)) from error
        try:
            chosen = options(threshold, unit, ngram, seed, bands, recall)
            if (directory / "index.json").exists():
                core = _dedup.Index.open(str(directory))
                there = core.stats()
                asked = {"unit": unit, "ngram": ngram, "seed": seed}
                if bands is not None:
                    asked |= {"bands": bands[0], "rows": bands[1]}
                for name, value in asked.items():
                    if there[name] != value:
                        raise InputError(f"{directory} was made with {name}={there[name]!r}, not {value!r}")
            else:
                core = _dedup.Index.create(str(directory), chosen.fields())
            core.sweep()
        except BaseException:
            lock.close()
            raise
        return cls(core, directory, threshold, lock)

    def close(self) -> None:
        """Let another process write."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._core.stats()["documents"])

    def __repr__(self) -> str:
        stats = self.stats()
        return f"<tokenfoundry.dedup.Index: {stats['documents']} documents in {stats['segments']} segments>"

    def query(self, texts: Any, *, texts_of: TextsOf | None = None, threads: int | None = None) -> Addition:
        """Look texts up; nothing is added and texts are not compared with each other.

        ``texts_of``: where the caller has what was added, a function from ids (a list of 16 bytes each, every one once)
        to their texts, None for those that are gone. Candidates are then compared exactly: what is ``seen`` has a
        document at or above the threshold, and ``similarity`` is exact. Candidates that are gone count as unseen.
        """
        texts = as_texts(texts)
        count = len(texts)
        similarity, seen_as = self._find(texts, texts_of, threads)
        seen = ~np.isnan(similarity)
        alone = np.full(count, -1, dtype=np.int64)
        stats = {"documents": count, "seen": int(seen.sum()), "duplicates": 0, "added": 0}
        return Addition(~seen, seen, seen_as, similarity, alone, np.full(count, np.nan, np.float32), stats)

    def _find(
        self, texts: Any, texts_of: TextsOf | None, threads: int | None
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        if texts_of is not None:
            return self._find_verified(texts, texts_of, threads)
        similarity, _identical, ids = self._core.find(texts, self.threshold, threads)
        return similarity, np.frombuffer(ids, dtype=np.uint8).reshape(len(texts), _ID_BYTES)

    def _find_verified(
        self, texts: Any, texts_of: TextsOf, threads: int | None
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        least = max(self.threshold - _ESTIMATE_ERROR, 0.0)
        offsets, similarity, identical, id_bytes = self._core.candidates(texts, least, threads)
        ids = [id_bytes[at : at + _ID_BYTES] for at in range(0, len(id_bytes), _ID_BYTES)]
        text_of = np.repeat(np.arange(len(texts), dtype=np.uint32), np.diff(offsets))
        compared = np.flatnonzero(~identical)
        asked = list(dict.fromkeys(ids[at] for at in compared.tolist()))
        held = list(texts_of(asked)) if asked else []
        if len(held) != len(asked):
            raise InputError(f"texts_of gave {len(held)} texts for {len(asked)} ids")
        there = {id_: place for place, id_ in enumerate(asked) if held[place] is not None}
        similarity[[at for at in compared.tolist() if ids[at] not in there]] = np.nan
        compared = np.array([at for at in compared.tolist() if ids[at] in there], dtype=np.int64)
        stats = self._core.stats()
        blank = b"" if stats["unit"] in ("bytes", "tokens") else ""
        similarity[compared] = _dedup.similarities(
            texts,
            [blank if text is None else text for text in held],
            text_of[compared],
            np.array([there[ids[at]] for at in compared.tolist()], dtype=np.uint32),
            stats["unit"],
            stats["ngram"],
            threads,
        )
        similarity[~(similarity >= np.float32(self.threshold))] = np.nan
        best = np.full(len(texts), np.nan, dtype=np.float32)
        seen_as = np.zeros((len(texts), _ID_BYTES), dtype=np.uint8)
        for at in np.flatnonzero(~np.isnan(similarity)).tolist():
            if not similarity[at] <= best[text_of[at]]:
                best[text_of[at]] = similarity[at]
                seen_as[text_of[at]] = np.frombuffer(ids[at], dtype=np.uint8)
        return best, seen_as

    def add(
        self,
        texts: Any,
        ids: Any,
        *,
        keep: Keep = "first",
        texts_of: TextsOf | None = None,
        threads: int | None = None,
    ) -> Addition:
        """Add what is new, and say what is not.

        A text that the index holds (or a near-duplicate) is dropped; the others are compared with each other like
        `near_duplicates` does, and those that stay are added under their ``ids`` (16 bytes or 32 hex digits each; one
        for every text). When this returns they are on the disk; when it raises for want of room, none is. Adding the same texts
        again adds nothing. After 64 calls segments are merged; if the disk has no room for that, a warning says so.
        ``texts_of``: to compare with what the index holds exactly, as in `query`.
        """
        if self._lock is None:
            raise InputError(f"{self.directory} is open for reading only")
        texts = as_texts(texts)
        count = len(texts)
        id_bytes = _id_bytes(ids, count)
        order = order_of(texts, keep)
        similarity, seen_as = self._find(texts, texts_of, threads)
        seen = ~np.isnan(similarity)
        unseen = np.flatnonzero(~seen)
        within = self._among(texts, unseen, order, count, threads)
        kept = np.zeros(count, dtype=np.bool_)
        kept[unseen] = within.keep
        duplicate_of = np.full(count, -1, dtype=np.int64)
        duplicate_of[unseen] = np.where(within.keep, -1, unseen[within.duplicate_of] if unseen.size else -1)
        jaccard = np.full(count, np.nan, dtype=np.float32)
        jaccard[unseen] = within.jaccard
        self._core.add_found(id_bytes, kept)
        stats = {
            "documents": count,
            "seen": int(seen.sum()),
            "duplicates": int(unseen.size - kept.sum()),
            "added": int(kept.sum()),
        }
        if stats["added"] and self._core.stats()["segments"] > 64:
            self._compact_if_there_is_room()
        return Addition(kept, seen, seen_as, similarity, duplicate_of, jaccard, stats)

    def _among(
        self, texts: Any, unseen: NDArray[np.int64], order: NDArray[np.uint32] | None, count: int, threads: int | None
    ) -> Result:
        """Deduplicate the texts that the index has not seen."""
        chosen = texts.take(unseen) if hasattr(texts, "take") else [texts[index] for index in unseen.tolist()]
        stats = self._core.stats()
        inner = None
        if order is not None:
            place = np.full(count, -1, dtype=np.int64)
            place[unseen] = np.arange(unseen.size)
            inner = place[order][place[order] >= 0]
        return near_duplicates(
            chosen,
            threshold=self.threshold,
            order=inner,
            unit=stats["unit"],
            ngram=stats["ngram"],
            seed=stats["seed"],
            threads=threads,
        )

    def refresh(self) -> None:
        """For readers: see what was added since."""
        self._core.refresh()

    def compact(self) -> None:
        """Merge all segments, so that look-ups read one instead of many; `add` does it when there are 64."""
        if self._lock is None:
            raise InputError(f"{self.directory} is open for reading only")
        self._core.compact()

    def _compact_if_there_is_room(self) -> None:
        """What was added is on the disk already, so that it cannot be merged must not look like a failure to add it."""
        try:
            self.compact()
        except ShardError:
            raise
        except OSError as error:
            warnings.warn(
                f"{self.directory}: everything is added, but segments could not be merged: {error}", stacklevel=3
            )

    def verify(self) -> None:
        """Read everything and compare checksums; raises ShardError that names the file that is damaged."""
        self._core.verify()

    def stats(self) -> dict[str, Any]:
        """documents, segments, bytes, and the options: bands, rows, unit, ngram, seed, unicode (version of the tables
        that split words)."""
        return dict(self._core.stats())
