"""`tokenfoundry dedup`: files in, the documents that stay out, and a summary.

`run` is what the command line calls. Files are ``.jsonl`` (also ``.gz``, ``.zst``), ``.parquet`` or ``.txt`` (one
document a line); folders are read for such files, recursively. What stays is written as it came, line by line or row by
row, in the same format. All texts are in memory at once; for more than that use `OnDisk` or a recipe.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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
from tokenfoundry.io.files import find_files
from tokenfoundry.io.remote import is_remote

__all__ = ["run"]

_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}


@dataclass
class _File:
    path: Path
    name: Path
    """Where it goes in an output folder."""
    kind: str
    compression: str | None
    rows: Any
    """Lines (list of bytes) or an Arrow table."""
    texts: list[str]


def _kind_if_known(path: Path) -> tuple[str, str | None] | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression:
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    if kind not in (".jsonl", ".ndjson", ".txt", ".parquet") or (kind == ".parquet" and compression):
        return None
    return kind, compression


def _kind(path: Path) -> tuple[str, str | None]:
    found = _kind_if_known(path)
    if found is None:
        raise InputError(f"{path}: the name must end in .jsonl, .ndjson, .txt (also .gz, .zst, .bz2) or .parquet")
    return found


def _named(inputs: Iterable[str | Path]) -> tuple[list[tuple[Path, Path]], int]:
    """Each file and where it goes in an output folder; and how many files in folders are of no kind that is read."""
    named: list[tuple[Path, Path]] = []
    others = 0
    for given in inputs:
        if is_remote(str(given)):
            raise InputError(f"{given}: only files on this machine; a recipe reads stores")
        path = Path(given)
        if not path.is_dir():
            found = [] if path.exists() else find_files(str(given), Path())
            named += [(file.path, Path(file.path.name)) for file in found] or [(path, Path(path.name))]
            continue
        for file in find_files(str(path), Path()):
            if file.problem:
                raise InputError(f"{file.uri}: {file.problem}")
            if _kind_if_known(file.path) is None:
                others += 1
            else:
                named.append((file.path, file.path.relative_to(path)))
    return named, others


def _lines(path: Path, compression: str | None) -> Iterator[bytes]:
    with pa.input_stream(str(path), compression=compression) as stream:
        rest = b""
        while block := stream.read(1 << 20):
            *whole, rest = (rest + block).split(b"\n")
            yield from whole
        if rest:
            yield rest


def _read(path: Path, name: Path, text_column: str) -> _File:
    kind, compression = _kind(path)
    try:
        if kind == ".parquet":
            return _read_parquet(path, name, text_column)
        return _read_lines(path, name, text_column, kind, compression)
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except (OSError, EOFError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _without_views(table: pa.Table) -> pa.Table:
    """Arrow cannot filter views of strings; in a Parquet file they are strings like others."""
    fields = []
    for field in table.schema:
        views = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
        fields.append(field.with_type(views.get(field.type, field.type)))
    return table.cast(pa.schema(fields, table.schema.metadata))


def _read_parquet(path: Path, name: Path, text_column: str) -> _File:
    table = _without_views(pq.read_table(path))
    if text_column not in table.column_names:
        raise InputError(f"{path} has no column {text_column!r}; its columns are {', '.join(table.column_names)}")
    column = table.column(text_column)
    plain = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(plain) or pa.types.is_large_string(plain)):
        raise InputError(f"{path}: column {text_column!r} is {column.type}, not text")
    texts = column.to_pylist()
    if None in texts:
        raise InputError(f"{path}, row {texts.index(None)}: {text_column!r} is null")
    return _File(path, name, ".parquet", None, table, texts)


def _read_lines(path: Path, name: Path, text_column: str, kind: str, compression: str | None) -> _File:
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
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path}, line {number}: no JSON object with {text_column!r}: {error}") from error
        if not isinstance(text, str):
            raise InputError(f"{path}, line {number}: {text_column!r} is not a string")
        rows.append(line)
        texts.append(text)
    return _File(path, name, kind, compression, rows, texts)


def _with_text(line: bytes, text_column: str, text: str) -> bytes:
    row = {**json.loads(line), text_column: text}
    try:
        return json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair in another field: it came as an escape and goes as one.
        return json.dumps(row).encode()


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A name to write to, which becomes ``target`` when all is written; what could not be written is removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.writing")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.rename(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write(file: _File, target: Path, keep: Sequence[bool], text_column: str, texts: list[str] | None) -> None:
    """Write the rows that stay, with new texts if there are any, so that the file is there whole or not at all."""
    with _whole(target) as temporary:
        if file.kind == ".parquet":
            table = file.rows
            if texts is not None:
                place = table.column_names.index(text_column)
                column = pa.chunked_array([pa.array(texts, pa.large_string())]).cast(table.field(place).type)
                table = table.set_column(place, table.field(place), column)
            pq.write_table(table.filter(pa.array(keep, pa.bool_())), temporary)
            return
        with pa.output_stream(str(temporary), compression=file.compression) as stream:
            for index, line in enumerate(file.rows):
                if not keep[index]:
                    continue
                if texts is not None and texts[index] != file.texts[index]:
                    line = texts[index].encode() if file.kind == ".txt" else _with_text(line, text_column, texts[index])
                stream.write(line + b"\n")


def _targets(files: list[_File], output: Path) -> list[Path]:
    """Where each file goes: one file to a name of the same kind, several into a directory under their own names."""
    if len(files) == 1 and output.suffix and not output.is_dir():
        if _kind(output) != (files[0].kind, files[0].compression):
            raise InputError(f"{output} must end like {files[0].path.name}: what stays is written as it came")
        return [output]
    names: set[Path] = set()
    for file in files:
        if file.name in names:
            raise InputError(f"two inputs are named {file.name}; give them one by one, or the folder that has both")
        names.add(file.name)
    return [output / file.name for file in files]


def _check_places(files: list[_File], targets: list[Path], report: Path | None) -> None:
    """Nothing that is read is written over, and nothing twice."""
    read = {(status.st_dev, status.st_ino) for status in (file.path.stat() for file in files)}
    for target in [*targets, *([report] if report else [])]:
        if target.exists() and (target.stat().st_dev, target.stat().st_ino) in read:
            raise InputError(f"{target} is an input; write to another place")
    if report is not None and report.resolve() in {target.resolve() for target in targets}:
        raise InputError(f"{report} is where documents go; write the report to another place")


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

    ``inputs``: files, folders or globs. ``output``: a file name of the same kind for one input, else a directory, with folders
    inside as in the input. ``exact``: identical documents only.
    ``lines``: first drop lines of 20 bytes or more that stood before. ``report``: a ``.jsonl`` with one line for each
    removed document: its file and row, those of the document kept for it, and their similarity.
    Raises InputError naming file and line for input that cannot be read.
    """
    named, others = _named(inputs)
    if not named:
        raise InputError(
            "no input files: folders are read for .jsonl, .ndjson, .txt (also .gz, .zst, .bz2) and .parquet"
        )
    files = [_read(path, name, text_column) for path, name in named]
    targets = _targets(files, Path(output))
    _check_places(files, targets, None if report is None else Path(report))
    given = [text for file in files for text in file.texts]
    texts: Any = given
    notes: list[str] = [f"{others:,} files of other kinds left out"] if others else []
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

    with _whole(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for index in np.flatnonzero(~result.keep).tolist():
            kept = int(result.duplicate_of[index])
            row = {**place(index), "kept": place(kept), "jaccard": round(float(result.jaccard[index]), 6)}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
