"""Readers of each format, all with the same manners.

A reader gives one `Record` for each document, and for everything that is not one (a broken line, a file that ends in
the middle, bytes that are not UTF-8) a record with a verdict and a reason that names the place. After trouble it goes
on with the next record wherever that is possible. Memory is that of one chunk and one document.
"""

import codecs
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa

from tokenfoundry._core import io as _io
from tokenfoundry.io import web
from tokenfoundry.io.files import InputFile

__all__ = [
    "BLOCK_LINES", "FORMATS", "LineBlock", "ReaderOptions", "Record", "decoded", "empty_file", "field_of", "format_of", "judge_line",
    "line_blocks", "records",
]  # fmt: skip

FORMATS = ("jsonl", "parquet", "text", "html", "warc")
BLOCK_LINES = 16_384
"""What is known of a line takes some hundred bytes beside its text."""
_CHUNK_BYTES = 4 << 20
_COMPRESSED_STEP_BYTES = 4 << 10


@dataclass(frozen=True, slots=True)
class Record:
    """A document, or what is there instead of one."""

    record: int
    """Number in its file, from 1: the line of a JSON Lines file, the row of a Parquet file."""
    text: str | None
    """None where there is a verdict."""
    size: int
    """Bytes of the text as UTF-8; of a rejected record, bytes that were read of it."""
    external_id: str | None = None
    licence: str | None = None
    verdict: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Whole lines of a JSON Lines file."""

    content: pa.Buffer
    first: int
    """Number of the first line, from 1."""
    lines: int
    """How many there are"""

    @property
    def column(self) -> pa.Array:
        """The content as `_column` gives it."""
        return _column(self.content)


def _column(content: pa.Buffer) -> pa.Array:
    """Bytes as a column's only value, as the extension takes them; not copied."""
    ends = pa.py_buffer(np.array([0, content.size], np.int64))
    return pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, content])


class ReaderOptions(Protocol):
    """What a reader is told: the fields of a recipe's input."""

    @property
    def text_field(self) -> str: ...
    @property
    def id_field(self) -> str | None: ...
    @property
    def licence_field(self) -> str | None: ...
    @property
    def encoding(self) -> str: ...
    @property
    def max_document_bytes(self) -> int: ...


def format_of(path: Path) -> str:
    """Format by name: ``.jsonl``/``.ndjson`` and ``.warc``/``.wet`` (also ``.gz``, ``.zst``), ``.parquet``, ``.html``;
    everything else is text."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in (".gz", ".zst"):
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    if last in (".jsonl", ".ndjson"):
        return "jsonl"
    if last in (".warc", ".wet"):
        return "warc"
    if last in (".html", ".htm", ".xhtml"):
        return "html"
    return "parquet" if last == ".parquet" else "text"


def records(file: InputFile, format: str, options: ReaderOptions) -> Iterator[Record]:
    """All records of a file. ``format``: one of `FORMATS`. Never raises for what is in the file or its absence."""
    if file.problem:
        yield Record(0, None, 0, verdict="read.unreadable", reason=f"{file.uri}: {file.problem}")
        return
    from tokenfoundry.io import parquet

    reader = {"jsonl": _jsonl, "parquet": parquet.rows, "text": _text, "html": web.html, "warc": web.warc}[format]
    try:
        yield from reader(file, options)
    except OSError as error:
        yield Record(0, None, 0, verdict="read.unreadable", reason=f"{file.uri}: {error.strerror or error}")


# Compressed files


class TruncatedError(Exception):
    """A compressed file ended in the middle or is damaged."""


def _chunks(file: InputFile, chunk_bytes: int = _CHUNK_BYTES) -> Iterator[bytes]:
    """A file's content, decompressed, in chunks of bounded size. Gives all that can be read before it raises."""
    suffix = file.path.suffix.lower()
    with file.open() as source:
        if suffix not in (".gz", ".zst"):
            left = file.size
            if file.span is not None:
                source.seek(file.span.start)
                left = file.span.end - file.span.start
            while chunk := source.read(min(chunk_bytes, left) if file.span is not None else chunk_bytes):
                left -= len(chunk)
                yield chunk
            return
        yield from decompressed(source, suffix)


def _chunks_of_lines(file: InputFile, chunk_bytes: int) -> Iterator[tuple[bytes, int, bool]]:
    """Chunks as `_chunks` gives them, where the last newline in each ends (0: there is none), and whether what is behind
    it comes again with the next chunk. Where it does, as from plain files, nobody needs to put lines together."""
    if file.remote or file.path.suffix.lower() in (".gz", ".zst"):
        for chunk in _chunks(file, chunk_bytes):
            yield chunk, chunk.rfind(b"\n") + 1, False
        return
    start, left = (0, file.size) if file.span is None else (file.span.start, file.span.end - file.span.start)
    with file.open() as source:
        source.seek(start)
        while chunk := source.read(chunk_bytes if file.span is None else min(chunk_bytes, left)):
            left -= len(chunk)
            end = chunk.rfind(b"\n") + 1
            behind = len(chunk) - end if end else 0
            # The last line may have no newline.
            again = behind > 0 and len(chunk) == chunk_bytes
            if again:
                source.seek(-behind, io.SEEK_CUR)
                left += behind
            yield chunk, end, again


def decompressed(source: BinaryIO, suffix: str) -> Iterator[bytes]:
    """One compressed member after another. The input is fed in small steps, because a step of a hostile file may
    become thousands of times as long."""
    decompressor, error_type = _decompressor(suffix)
    pending: list[bytes] = []
    size = 0
    rest = b""
    begun = False
    problem = ""
    while not problem and (step := rest or source.read(_COMPRESSED_STEP_BYTES)):
        rest = b""
        if not begun and not step.strip(b"\0"):
            continue
        begun = True
        try:
            chunk = decompressor.decompress(step)
        except error_type as error:
            problem = str(error)
            break
        pending.append(chunk)
        size += len(chunk)
        if size >= _CHUNK_BYTES:
            yield b"".join(pending)
            pending, size = [], 0
        if decompressor.eof:
            rest = decompressor.unused_data
            decompressor, _ = _decompressor(suffix)
            begun = False
    if size:
        yield b"".join(pending)
    if problem or begun:
        raise TruncatedError(problem or "the file ends in the middle of its compressed data")


def _decompressor(suffix: str) -> tuple[Any, type[Exception]]:
    if suffix == ".gz":
        return zlib.decompressobj(wbits=31), zlib.error
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError


# JSON Lines


def line_blocks(file: InputFile, options: ReaderOptions, block_bytes: int) -> Iterator[LineBlock | Record]:
    """A JSON Lines file as blocks of at most about ``block_bytes`` and `BLOCK_LINES` of whole lines, and a record with a
    verdict for what is not in lines. The blocks' lines, each judged by `judge_line`, and these records are those of
    `records`.

    Memory: a block, and a line that is longer than one up to the options' limit.
    """
    if file.problem:
        yield Record(0, None, 0, verdict="read.unreadable", reason=f"{file.uri}: {file.problem}")
        return
    number = file.span.records_before if file.span else 0
    pending: list[bytes] = []
    size = 0
    try:
        for chunk, end, again in _chunks_of_lines(file, block_bytes):
            start = 0
            if end and size > options.max_document_bytes:
                # The end of a line of which only the length is known.
                start = chunk.find(b"\n") + 1
                number += 1
                yield _too_long(file, number, size + start - 1, options)
                pending, size = [], 0
            if end > start:
                content = b"".join([*pending, memoryview(chunk)[start:end]]) if pending else chunk
                begin = 0 if pending else start
                for block in _blocks(content, begin, begin + size + end - start, number):
                    number += block.lines
                    yield block
            if end:
                pending, size = [], 0
            if again:
                continue
            size += len(chunk) - end
            pending = [*pending, chunk[end:]] if size <= options.max_document_bytes else []
    except TruncatedError as error:
        yield _truncated(file, number, error)
        return
    except OSError as error:
        yield Record(0, None, 0, verdict="read.unreadable", reason=f"{file.uri}: {error.strerror or error}")
        return
    if size > options.max_document_bytes:
        yield _too_long(file, number + 1, size, options)
    elif size:
        yield LineBlock(pa.py_buffer(b"".join(pending)), number + 1, 1)
    elif number == 0:
        yield empty_file(file)


def _blocks(content: bytes, begin: int, end: int, before: int) -> Iterator[LineBlock]:
    """The lines between two places, of which the second is behind a newline; ``before``: lines of the file before them."""
    whole = pa.py_buffer(content)
    lines = _io.count_lines(_column(whole.slice(begin, end - begin)))
    parts = -(-lines // BLOCK_LINES)
    for part in range(1, parts + 1):
        cut = end if part == parts else content.index(b"\n", begin + (end - begin) // (parts - part + 1) - 1) + 1
        piece = whole.slice(begin, cut - begin)
        count = lines if parts == 1 else _io.count_lines(_column(piece))
        if count:
            yield LineBlock(piece, before + 1, count)
        before += count
        begin = cut


def judge_line(file: InputFile, number: int, line: bytes, options: ReaderOptions) -> Record | None:
    """What a line of a JSON Lines file is, without its newline; None for a blank one."""
    if len(line) > options.max_document_bytes:
        return _too_long(file, number, len(line), options)
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    return _json_record(file, number, line, options) if line.strip() else None


def _truncated(file: InputFile, number: int, error: TruncatedError) -> Record:
    reason = f"{file.uri}: damaged or cut short after line {number}: {error}"
    return Record(number + 1, None, 0, verdict="read.truncated", reason=reason)


def _lines(chunks: Iterator[bytes], most_bytes: int, before: int = 0) -> Iterator[tuple[int, bytes | None, int]]:
    """Number (from ``before`` + 1), content without its newline, and size of each line; content None for a line over
    ``most_bytes``."""
    number = before + 1
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            size += end - start
            parts.append(chunk[start:end])
            yield number, b"".join(parts) if size <= most_bytes else None, size
            number, parts, size, start = number + 1, [], 0, end + 1
        size += len(chunk) - start
        # A line that is too long is counted, not kept.
        parts = [*parts, chunk[start:]] if size <= most_bytes else []
    if size:
        yield number, b"".join(parts) if size <= most_bytes else None, size


def _jsonl(file: InputFile, options: ReaderOptions) -> Iterator[Record]:
    number = before = file.span.records_before if file.span else 0
    try:
        for number, line, size in _lines(_chunks(file), options.max_document_bytes, before):
            if line is not None and number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if line is None:
                yield _too_long(file, number, size, options)
            elif line.strip():
                yield _json_record(file, number, line, options)
    except TruncatedError as error:
        yield _truncated(file, number, error)
        return
    if number == 0:
        yield empty_file(file)


def _json_record(file: InputFile, number: int, line: bytes, options: ReaderOptions) -> Record:
    import orjson

    place = f"{file.uri}:{number}"

    def rejected(verdict: str, reason: str) -> Record:
        return Record(number, None, len(line), verdict=f"read.{verdict}", reason=f"{place}: {reason}")

    if b"\0" in line:
        return rejected("nul_byte", f"NUL byte at column {line.index(0) + 1}")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return rejected("invalid_utf8", f"byte 0x{line[error.start]:02x} at column {error.start + 1} is not UTF-8")
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return rejected("invalid_json", f"not JSON: {error}")
    if not isinstance(content, dict):
        return rejected("not_an_object", f"a JSON object was expected, not {type(content).__name__}")
    text = content.get(options.text_field)
    if text is None:
        fields = ", ".join(sorted(content)[:8])
        return rejected("no_text", f"no field {options.text_field!r}; its fields are {fields or '(none)'}")
    if not isinstance(text, str):
        return rejected("text_is_not_a_string", f"{options.text_field!r} is {type(text).__name__}, not a string")
    if "\0" in text:
        return rejected("nul_byte", f"NUL character at character {text.index(chr(0)) + 1} of {options.text_field!r}")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        return rejected("invalid_utf8", f"lone surrogate at character {error.start + 1} of {options.text_field!r}")
    return Record(number, text, size, field_of(content, options.id_field), field_of(content, options.licence_field))


def field_of(content: dict[str, Any], name: str | None) -> str | None:
    value = content.get(name) if name else None
    return None if value is None else str(value)


# Text


_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


def _text(file: InputFile, options: ReaderOptions) -> Iterator[Record]:
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in _chunks(file):
            size += len(chunk)
            parts = [*parts, chunk] if size <= options.max_document_bytes else []
    except TruncatedError as error:
        reason = f"{file.uri}: damaged or cut short after {size} bytes: {error}"
        yield Record(1, None, size, verdict="read.truncated", reason=reason)
        return
    if size == 0:
        yield empty_file(file)
    elif size > options.max_document_bytes:
        yield _too_long(file, 1, size, options)
    else:
        yield decoded(b"".join(parts), 1, file.uri, options, {})


def _declared_encoding(content: bytes) -> str:
    """Encoding by a byte order mark, or by a ``coding:`` comment in the first two lines (PEP 263); else UTF-8."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    for line in io.BytesIO(content[:400]).readlines()[:2]:
        if line.lstrip().startswith(b"#") and (declared := _CODING.search(line)):
            return declared[1].decode("ascii")
    return "utf-8"


def decoded(content: bytes, number: int, place: str, options: ReaderOptions, row: dict[str, Any]) -> Record:
    def rejected(verdict: str, reason: str) -> Record:
        return Record(number, None, len(content), verdict=f"read.{verdict}", reason=f"{place}: {reason}")

    if len(content) > options.max_document_bytes:
        return rejected("too_long", f"{len(content):,} bytes; max_document_bytes is {options.max_document_bytes:,}")
    encoding = _declared_encoding(content) if options.encoding == "auto" else options.encoding
    if b"\0" in content and not encoding.startswith(("utf-16", "utf-32")):
        at = content.index(0)
        return rejected("nul_byte", f"NUL byte in line {content.count(10, 0, at) + 1}")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(10, 0, error.start) + 1
        return rejected(
            f"invalid_{_verdict_name(encoding)}", f"byte 0x{content[error.start]:02x} in line {line} is not {encoding}"
        )
    except LookupError:
        return rejected("unknown_encoding", f"declares the encoding {encoding!r}, which Python does not know")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        return rejected("invalid_utf8", "has a lone surrogate")
    return Record(number, text, size, field_of(row, options.id_field), field_of(row, options.licence_field))


def _verdict_name(encoding: str) -> str:
    name = codecs.lookup(encoding).name.replace("-", "").replace("_", "")
    return "utf8" if name in ("utf8", "utf8sig") else name


def empty_file(file: InputFile) -> Record:
    return Record(0, None, 0, verdict="read.empty_file", reason=f"{file.uri}: the file is empty")


def _too_long(file: InputFile, number: int, size: int, options: ReaderOptions) -> Record:
    reason = f"{file.uri}:{number}: {size:,} bytes; max_document_bytes is {options.max_document_bytes:,}"
    return Record(number, None, size, verdict="read.too_long", reason=reason)
