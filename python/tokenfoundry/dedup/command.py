"""`tokenfoundry dedup`: files in, the documents that stay out, and a summary.

`run` is what the command line calls. Files are ``.jsonl`` (also ``.gz``, ``.zst``), ``.parquet`` or ``.txt`` (one
document a line); what stays is written as it came, line by line or row by row, in the same format. All texts are in
memory at once; for more than that use `OnDisk` or a recipe.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tokenfoundry.dedup.documents import exact as exact_duplicates
from tokenfoundry.dedup.documents import near_duplicates
from tokenfoundry.dedup.pieces import lines as repeated_lines
from tokenfoundry.dedup.result import Result
from tokenfoundry.errors import InputError

__all__ = ["run"]

_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}


@dataclass
class _File:
    path: Path
    kind: str
    compression: str | None
    rows: Any
    """Lines (list of bytes) or an Arrow table."""
    texts: list[str]


def _kind(path: Path) -> tuple[str, str | None]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression:
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    if kind not in (".jsonl", ".ndjson", ".txt", ".parquet") or (kind == ".parquet" and compression):
        raise InputError(f"{path}: the name must end in .jsonl, .ndjson, .txt (also .gz, .zst, .bz2) or .parquet")
    return kind, compression


def _lines(path: Path, compression: str | None) -> Iterator[bytes]:
    with pa.input_stream(str(path), compression=compression) as stream:
        rest = b""
        while block := stream.read(1 << 20):
            *whole, rest = (rest + block).split(b"\n")
            yield from whole
        if rest:
            yield rest


def _read(path: Path, text_column: str) -> _File:
    kind, compression = _kind(path)
    if kind == ".parquet":
        table = pq.read_table(path)
        if text_column not in table.column_names:
            raise InputError(f"{path} has no column {text_column!r}; its columns are {', '.join(table.column_names)}")
        return _File(path, kind, None, table, table.column(text_column).to_pylist())
    rows: list[bytes] = []
    texts: list[str] = []
    for number, line in enumerate(_lines(path, compression), 1):
        if kind == ".txt":
            rows.append(line)
            texts.append(line.decode("utf-8", "replace"))
            continue
        if not line.strip():
            continue
        try:
            text = json.loads(line)[text_column]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}, line {number}: no JSON object with {text_column!r}: {error}") from error
        if not isinstance(text, str):
            raise InputError(f"{path}, line {number}: {text_column!r} is not a string")
        rows.append(line)
        texts.append(text)
    return _File(path, kind, compression, rows, texts)


def _with_text(line: bytes, text_column: str, text: str) -> bytes:
    return json.dumps({**json.loads(line), text_column: text}, ensure_ascii=False).encode()


def _write(file: _File, target: Path, keep: Sequence[bool], text_column: str, texts: list[str] | None) -> None:
    """Write the rows that stay, with new texts if there are any, so that the file is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.writing")
    if file.kind == ".parquet":
        table = file.rows
        if texts is not None:
            place = table.column_names.index(text_column)
            table = table.set_column(
                place, table.field(place), pa.chunked_array([pa.array(texts, table.field(place).type)])
            )
        pq.write_table(table.filter(pa.array(keep, pa.bool_())), temporary)
    else:
        with pa.output_stream(str(temporary), compression=file.compression) as stream:
            for index, line in enumerate(file.rows):
                if not keep[index]:
                    continue
                if texts is not None:
                    line = texts[index].encode() if file.kind == ".txt" else _with_text(line, text_column, texts[index])
                stream.write(line + b"\n")
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.rename(target)


def _targets(files: list[_File], output: Path) -> list[Path]:
    """Where each file goes: one file to a name of the same kind, several into a directory under their own names."""
    if len(files) == 1 and output.suffix and not output.is_dir():
        if _kind(output) != (files[0].kind, files[0].compression):
            raise InputError(f"{output} must end like {files[0].path.name}: what stays is written as it came")
        return [output]
    names = [file.path.name for file in files]
    if len(set(names)) < len(names):
        raise InputError("two inputs have the same name; give them one by one")
    return [output / name for name in names]


def run(
    inputs: Iterable[str | Path],
    output: str | Path,
    *,
    threshold: float = 0.8,
    keep: Literal["first", "last", "longest"] = "first",
    exact: bool = False,
    lines: bool = False,
    text_column: str = "text",
    report: str | Path | None = None,
    threads: int | None = None,
) -> str:
    """Deduplicate files and write what stays; returns the summary to print.

    ``output``: a file name of the same kind for one input, else a directory. ``exact``: identical documents only.
    ``lines``: first drop lines of 20 bytes or more that stood before. ``report``: a ``.jsonl`` with one line for each
    removed document: its file and row, those of the document kept for it, and their similarity.
    Raises InputError naming file and line for input that cannot be read.
    """
    files = [_read(Path(path), text_column) for path in inputs]
    if not files:
        raise InputError("no input files")
    targets = _targets(files, Path(output))
    for file, target in zip(files, targets, strict=True):
        if target.exists() and target.samefile(file.path):
            raise InputError(f"{target} is an input; write to another place")
    given = [text for file in files for text in file.texts]
    texts: Any = given
    notes: list[str] = []
    changed: list[str] | None = None
    if lines:
        pieces = repeated_lines(texts, minimum_bytes=20, threads=threads)
        texts = pieces.texts
        changed = texts.to_pylist()
        dropped = sum(pieces.counts.column("repeated").to_pylist())
        notes.append(f"{dropped:,} repeated lines dropped")
        emptied = sum(not text.strip() and bool(before.strip()) for text, before in zip(changed, given, strict=True))
        if emptied:
            notes.append(f"{emptied:,} documents had no other line and are empty now")
    if exact:
        result = exact_duplicates(texts, keep=keep, threads=threads)
    else:
        result = near_duplicates(texts, threshold=threshold, keep=keep, threads=threads)
    starts = np.cumsum([0, *(len(file.texts) for file in files)]).tolist()
    for file, target, start in zip(files, targets, starts, strict=False):
        own = slice(start, start + len(file.texts))
        _write(file, target, result.keep[own].tolist(), text_column, None if changed is None else changed[own])
    if report is not None:
        _report(Path(report), files, starts, result)
    return "\n".join([*notes, result.summary(texts)])


def _report(path: Path, files: list[_File], starts: list[int], result: Result) -> None:
    def place(index: int) -> dict[str, Any]:
        at = int(np.searchsorted(starts, index, side="right")) - 1
        # Empty files share their start with the next one; the last of those holds the document.
        return {"file": str(files[at].path), "row": index - starts[at]}

    with path.open("w", encoding="utf-8") as stream:
        for index in np.flatnonzero(~result.keep).tolist():
            kept = int(result.duplicate_of[index])
            row = {**place(index), "kept": place(kept), "jaccard": round(float(result.jaccard[index]), 6)}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
