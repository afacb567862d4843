"""Near-duplicates of more documents than fit into memory."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenfoundry._core import dedup as _dedup
from tokenfoundry.dedup.options import COMPLETE, Unit, as_texts, options, order_of
from tokenfoundry.dedup.result import Result, result_of
from tokenfoundry.errors import InputError

__all__ = ["OnDisk"]


class OnDisk:
    """A plan of three steps over a directory; each says what may run beside it.

    1. `sketch` makes a part of some documents: sorted runs of band keys, and their shingle sets. Parts are made
       anywhere, at the same time, in any order.
    2. `merge_band` finds the documents that meet in one band. Bands are merged anywhere, at the same time.
    3. `decide` compares candidates and says who stays.

    `run` does all three here. The result equals `near_duplicates` of all documents, except that identical texts are
    recognised by their 128-bit hash alone, since no text is kept.

    ``memory_bytes`` bounds step 1 (besides the batch given); step 2 takes 8 MiB at most, step 3 about 40 bytes a
    document and 8 bytes for each band that a candidate shares. Disk: about 300 bytes a document at 30 bands, and 8
    a shingle. Other arguments as in `near_duplicates`.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        threshold: float = 0.8,
        unit: Unit = "words",
        ngram: int = 5,
        seed: int = 1,
        bands: tuple[int, int] | None = None,
        recall: float = COMPLETE,
        memory_bytes: int = 256 << 20,
        threads: int | None = None,
    ) -> None:
        if memory_bytes < 1 << 20:
            raise InputError(f"memory_bytes is {memory_bytes}; it must be at least {1 << 20}")
        self.directory = Path(directory)
        self.options = options(threshold, unit, ngram, seed, bands, recall)
        self.memory_bytes = memory_bytes
        self.threads = threads

    @property
    def bands(self) -> int:
        """Bands to merge in step 2."""
        return self.options.bands

    def sketch(
        self, part: int, first_document: int, batches: Iterable[Any], *, sets: bool = True, durable: bool = True
    ) -> int:
        """Step 1: make part number ``part`` of the documents in ``batches`` of texts; the first of them is document
        ``first_document`` of the whole. Returns how many there were. A part that was there is made anew.

        ``sets=False`` leaves out the shingle sets, 8 bytes a shingle; before step 3 the part must then have a file
        ``texts``, and its table (``documents``: start, length, 0, 0 as u64 of each) must say where each text lies in it.
        ``durable``: wait until the disk has it."""
        if not 0 <= first_document < 2**32:
            raise InputError(f"first_document is {first_document}; a plan takes fewer than 2^32 documents")
        path = self.directory / f"part-{part:05d}"
        writer = _dedup.Part(str(path), self.options.fields(), first_document, self.memory_bytes, sets)
        for texts in batches:
            writer.add(as_texts(texts), self.threads)
        return writer.finish(durable)

    def merge_band(self, band: int) -> None:
        """Step 2: find the documents of all parts that meet in band ``band``."""
        if not 0 <= band < self.bands:
            raise InputError(f"band is {band}; there are {self.bands}")
        _dedup.merge_band(str(self.directory), band)

    def decide(self, *, order: Any = None) -> Result:
        """Step 3: keep the best of each group. ``order``: all documents by index, best first; as they came by
        default."""
        given = None if order is None else order_of(order, "first", order)
        return result_of(_dedup.decide(str(self.directory), given, self.options.fields(), self.threads))

    def run(self, batches: Iterable[Any], *, order: Any = None) -> Result:
        """All steps, here, one after another."""
        self.remove()
        self.sketch(0, 0, batches)
        for band in range(self.bands):
            self.merge_band(band)
        return self.decide(order=order)

    def remove(self) -> None:
        """Remove what the plan wrote: its parts and bands, nothing else in the directory."""
        for path in self.directory.glob("part-[0-9][0-9][0-9][0-9][0-9]"):
            shutil.rmtree(path)
        for name in ("band-[0-9][0-9][0-9].*", "contents.merging-*"):
            for path in self.directory.glob(name):
                path.unlink()
