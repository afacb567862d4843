"""`tokenfoundry encode|count|train`: files of documents in, arrays of tokens, counts or a tokenizer out.

Inputs are files, folders or globs of JSON Lines, Parquet (both with a text field) or plain text (a document a file), also
``.gz`` and ``.zst``. They are read and encoded in batches of 16 MB, so memory does not grow with them. A record that cannot
be read is reported with its file and line, counted, and left out.

`encode` writes a folder: ``tokens.npy`` (uint16 where the ids fit, else uint32), ``offsets.npy`` (int64, one more than there
are documents) and ``documents.json`` (the tokenizer's digest, and which documents came from which file).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from tokenfoundry.errors import InputError
from tokenfoundry.io.atomic import atomic_path, write_atomic
from tokenfoundry.io.files import InputFile, find_files
from tokenfoundry.io.readers import format_of, records
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["Totals", "count", "encode", "load", "train"]

_BATCH_BYTES = 16 << 20
_MAX_DOCUMENT_BYTES = 1 << 30

Report = Callable[["Totals"], None]
"""Called after each batch with what is done so far."""


@dataclass
class Totals:
    """What went through. ``bytes_read`` counts files as they lie on disk, ``bytes`` text as UTF-8."""

    files: int = 0
    file_bytes: int = 0
    bytes_read: int = 0
    documents: int = 0
    bytes: int = 0
    tokens: int = 0
    rejected: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        seconds = max(time.monotonic() - self.started, 1e-9)
        parts = [
            f"{self.documents:,} documents",
            f"{self.bytes / 1e6:,.1f} MB",
            f"{self.bytes / 1e6 / seconds:,.0f} MB/s",
        ]
        if self.tokens:
            parts.append(f"{self.tokens:,} tokens")
        if self.rejected:
            parts.append(f"{len(self.rejected):,} records rejected")
        return ", ".join(parts)


@dataclass(frozen=True)
class _Options:
    text_field: str
    id_field: str | None = None
    licence_field: str | None = None
    encoding: str = "utf-8"
    max_document_bytes: int = _MAX_DOCUMENT_BYTES


def load(name: str | Path, pattern: str | None = None, special_tokens: dict[str, int] | None = None) -> Tokenizer:
    """A tokenizer by a file, a folder or a name, as `Tokenizer.from_pretrained` finds it."""
    return Tokenizer.from_pretrained(name, pattern=pattern, special_tokens=special_tokens)


def _found(inputs: Iterable[str | Path]) -> list[InputFile]:
    files: dict[str, InputFile] = {}
    for pattern in inputs:
        found = find_files(str(pattern), Path.cwd())
        if not found:
            raise InputError(f"{pattern}: no such file, and no file matches it")
        files.update({file.uri: file for file in found})
    return list(files.values())


def _batches(files: Sequence[InputFile], text_field: str, totals: Totals) -> Iterator[tuple[InputFile, list[str]]]:
    """Texts of one file at a time, about 16 MB a batch. An empty batch ends a file that had nothing."""
    totals.files, totals.file_bytes = len(files), sum(file.size for file in files)
    for file in files:
        batch: list[str] = []
        size = 0
        for record in records(file, format_of(file.path), _Options(text_field)):
            if record.text is None:
                totals.rejected.append(record.reason or f"{file.uri}: record {record.record}")
                continue
            batch.append(record.text)
            size += record.size
            if size >= _BATCH_BYTES:
                totals.documents, totals.bytes = totals.documents + len(batch), totals.bytes + size
                yield file, batch
                batch, size = [], 0
        totals.documents, totals.bytes = totals.documents + len(batch), totals.bytes + size
        totals.bytes_read += file.size
        yield file, batch


class _ArrayFile:
    """A one-dimensional ``.npy`` that grows."""

    def __init__(self, file: IO[bytes], dtype: npt.DTypeLike) -> None:
        self.file, self.dtype, self.length = file, np.dtype(dtype), 0
        self._header()
        self.start = file.tell()

    def _header(self) -> None:
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self.file, header)  # type: ignore[no-untyped-call]

    def append(self, values: npt.NDArray[Any]) -> None:
        self.file.write(values.astype(self.dtype, copy=False).data)
        self.length += len(values)

    def finish(self) -> None:
        # numpy leaves room in the header for a length to grow.
        self.file.seek(0)
        self._header()
        assert self.file.tell() == self.start


def encode(
    inputs: Iterable[str | Path],
    output: str | Path,
    tokenizer: Tokenizer,
    *,
    text_field: str = "text",
    add_special_tokens: bool = True,
    special_in_text: bool = False,
    end_token: str | None = None,
    threads: int | None = None,
    report: Report | None = None,
) -> Totals:
    """Encode files into a folder of arrays, which is there whole or not at all.

    ``special_in_text``: find special tokens that documents spell out; else they are plain text, so that a page that
    quotes ``<|endoftext|>`` does not end its document. ``end_token``: put after each document.
    Raises InputError for inputs that match nothing, or an output that holds something else.
    """
    output = Path(output)
    files = _found(inputs)
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file; the output is a folder")
    end = np.array([] if end_token is None else [tokenizer.token_id(end_token)], dtype=np.uint32)
    dtype = np.uint16 if tokenizer.vocab_size <= 1 << 16 else np.uint32
    totals = Totals()
    documents: dict[str, int] = {}
    with (
        atomic_path(output / "tokens.npy") as tokens_path,
        atomic_path(output / "offsets.npy") as offsets_path,
        tokens_path.open("wb") as tokens_file,
        offsets_path.open("wb") as offsets_file,
    ):
        tokens, offsets = _ArrayFile(tokens_file, dtype), _ArrayFile(offsets_file, np.int64)
        offsets.append(np.zeros(1, dtype=np.int64))
        for file, batch in _batches(files, text_field, totals):
            rows = tokenizer.encode_batch(
                batch,
                threads,
                add_special_tokens=add_special_tokens,
                allowed_special="all" if special_in_text else "none",
            )
            values, ends = rows.values, rows.offsets[1:]
            if len(end):
                values = np.insert(values, ends, end[0])
                ends = ends + np.arange(1, len(ends) + 1)
            offsets.append(ends + tokens.length)
            tokens.append(values)
            totals.tokens = tokens.length
            documents[file.uri] = documents.get(file.uri, 0) + len(batch)
            if report is not None:
                report(totals)
        tokens.finish()
        offsets.finish()
    described = {
        "format": "tokenfoundry.arrays/1",
        "tokenizer": {"digest": tokenizer.digest, "vocab_size": tokenizer.vocab_size},
        "dtype": np.dtype(dtype).name,
        "documents": totals.documents,
        "tokens": totals.tokens,
        "rejected": totals.rejected,
        "files": [{"path": uri, "documents": number} for uri, number in documents.items()],
    }
    write_atomic(output / "documents.json", json.dumps(described, indent=1, ensure_ascii=False) + "\n")
    return totals


def count(
    inputs: Iterable[str | Path],
    tokenizer: Tokenizer,
    *,
    text_field: str = "text",
    add_special_tokens: bool = False,
    threads: int | None = None,
    report: Report | None = None,
) -> tuple[Totals, dict[str, tuple[int, int]]]:
    """Count tokens without building them; the totals, and (documents, tokens) of each file."""
    totals = Totals()
    by_file: dict[str, tuple[int, int]] = {}
    for file, batch in _batches(_found(inputs), text_field, totals):
        counts = tokenizer.count_batch(batch, threads, add_special_tokens=add_special_tokens, allowed_special="none")
        number = int(counts.sum())
        documents, tokens = by_file.get(file.uri, (0, 0))
        by_file[file.uri] = (documents + len(batch), tokens + number)
        totals.tokens += number
        if report is not None:
            report(totals)
    return totals, by_file


def train(
    inputs: Iterable[str | Path],
    output: str | Path,
    *,
    vocab_size: int = 32_000,
    pattern: str = "cl100k",
    special_tokens: Sequence[str] = ("<|endoftext|>",),
    min_frequency: int = 2,
    text_field: str = "text",
    threads: int | None = None,
    report: Report | None = None,
) -> tuple[Totals, Tokenizer]:
    """Train a byte-level tokenizer on files and save it as a tokenizer.json."""
    totals = Totals()

    def texts() -> Iterator[str]:
        for _, batch in _batches(files, text_field, totals):
            yield from batch
            if report is not None:
                report(totals)

    files = _found(inputs)
    tokenizer = Tokenizer.train(
        texts(),
        vocab_size=vocab_size,
        pattern=pattern,
        special_tokens=special_tokens,
        min_frequency=min_frequency,
        threads=threads,
    )
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(output)
    return totals, tokenizer
