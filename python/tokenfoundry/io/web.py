"""Web archives: each page that a crawler stored as a document, its markup as it came.

WARC files (ISO 28500; plain, `.gz`, `.zst`) are read by fastwarc. A document is a `response` with HTML, XHTML or plain
text, or a `conversion` (WET). Requests, metadata and the archive's own records are no documents and are passed over;
a response of another kind (an image, an error page) is one, with the verdict `read.not_text` or `read.http_status`.
The `extract` stage takes the text out of the markup.
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from tokenfoundry.errors import InputError
from tokenfoundry.io.files import InputFile

if TYPE_CHECKING:
    from tokenfoundry.io.readers import ReaderOptions, Record

__all__ = ["html", "warc"]

_HEADERS_BYTES = 1 << 16
_TEXT_TYPES = ("text/html", "application/xhtml+xml", "text/plain")


def _decode(data: bytes, declared: str) -> str:
    """As `tf.text.extract` decodes bytes."""
    from tokenfoundry.text.extraction.worker import decoded

    return decoded(data, declared)


def _needed(module: str) -> None:
    raise InputError(f"reading web archives and pages needs {module}: pip install 'tokenfoundry[web]'") from None


def warc(file: InputFile, options: "ReaderOptions") -> "Iterator[Record]":
    """The pages of an archive; `record` is the number of the archive's record, `external_id` the page's address."""
    from tokenfoundry.io.readers import Record

    try:
        from fastwarc.warc import ArchiveIterator, WarcRecordType
    except ImportError:
        _needed("fastwarc")
    number = 0
    with file.open() as opened:
        stream = opened if isinstance(opened, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, opened))
        if not stream.peek(1):
            yield Record(0, None, 0, verdict="read.empty_file", reason=f"{file.uri}: the file is empty")
            return
        source = _Source(stream, file.path.suffix.lower())
        cut = ""
        try:
            for stored in ArchiveIterator(
                source, record_types=WarcRecordType.any_type, parse_http=False, stream_detect=False
            ):
                number += 1
                wanted = int(stored.headers.get("Content-Length") or 0)
                if stored.record_type not in (WarcRecordType.response, WarcRecordType.conversion):
                    continue
                if wanted <= options.max_document_bytes + _HEADERS_BYTES:
                    stored.freeze()
                    if stored.content_length < wanted:
                        cut = f"record {number} ends early"
                        break
                yield _page(file, number, stored, options, WarcRecordType.response)
            else:
                cut = source.problem or ("" if source.ended_well or not number else "the last record ends early")
        except (OSError, ValueError, RuntimeError) as error:
            cut = source.problem or str(error)
    if cut:
        reason = f"{file.uri}: damaged or cut short after record {number}: {cut}"
        yield Record(number + 1, None, 0, verdict="read.truncated", reason=reason)
    elif number == 0:
        yield Record(0, None, 0, verdict="read.not_an_archive", reason=f"{file.uri}: no WARC record in it")


class _Source:
    """An archive's bytes, decompressed, as a file that is read forward; remembers how they ended."""

    def __init__(self, stream: BinaryIO, suffix: str) -> None:
        from tokenfoundry.io.readers import decompressed

        plain = iter(lambda: stream.read(1 << 20), b"")
        self.chunks = decompressed(stream, suffix) if suffix in (".gz", ".zst") else plain
        self.chunk, self.base, self.at = b"", 0, 0
        self.problem = ""

    @property
    def ended_well(self) -> bool:
        """Records end with two empty lines."""
        return self.chunk.endswith(b"\r\n\r\n")

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Who opened the file closes it."""

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.base + self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        """fastwarc asks where it is, and steps back by what it looked at."""
        target = offset if whence == 0 else self.tell() + offset
        if whence == 2 or not self.base <= target <= self.base + len(self.chunk):
            raise OSError(f"cannot go to byte {target} of an archive that is read at byte {self.tell()}")
        self.at = target - self.base
        return target

    def read(self, size: int = -1) -> bytes:
        from tokenfoundry.io.readers import TruncatedError

        if self.at == len(self.chunk):
            try:
                following = next(self.chunks, b"")
            except TruncatedError as error:
                self.problem, following = str(error), b""
            if not following:
                return b""
            # The last bytes stay, for how the archive ends.
            kept = self.chunk[-4:]
            self.base += len(self.chunk) - len(kept)
            self.chunk, self.at = kept + following, len(kept)
        end = len(self.chunk) if size < 0 else self.at + size
        given = self.chunk[self.at : end]
        self.at += len(given)
        return given


def _page(file: InputFile, number: int, stored: Any, options: "ReaderOptions", response: Any) -> "Record":
    from tokenfoundry.io.readers import Record

    address = stored.headers.get("WARC-Target-URI")

    def rejected(verdict: str, reason: str, size: int = 0) -> Record:
        return Record(
            number, None, size, address, verdict=f"read.{verdict}", reason=f"{file.uri}:{number}: {reason} ({address})"
        )

    declared, kind, status = "", "text/plain", 200
    if stored.record_type == response and stored.is_http:
        stored.parse_http(auto_decode="all")
        if stored.http_headers is None:
            return rejected("http_status", "its HTTP header cannot be read")
        status = stored.http_headers.status_code or 0
        kind = (stored.http_content_type or "text/html").lower()
        declared = stored.http_charset or ""
    if not 200 <= status < 300:
        return rejected("http_status", f"HTTP status {status}")
    if kind not in _TEXT_TYPES:
        return rejected("not_text", f"its type is {kind[:60]}")
    content = stored.reader.read(options.max_document_bytes + 1)
    if len(content) > options.max_document_bytes:
        size = len(content)
        while chunk := stored.reader.read(1 << 20):
            size += len(chunk)
        return rejected("too_long", f"{size:,} bytes; max_document_bytes is {options.max_document_bytes:,}", size)
    return _record(content, declared, number, address, rejected)


def _record(content: bytes, declared: str, number: int, address: str | None, rejected: Any) -> "Record":
    from tokenfoundry.io.readers import Record

    text = _decode(content, declared).replace("\0", "\ufffd")
    if not text.strip():
        refused: Record = rejected("empty_page", "nothing in it", len(content))
        return refused
    return Record(number, text, len(text.encode("utf-8", "replace")), address)


def html(file: InputFile, options: "ReaderOptions") -> "Iterator[Record]":
    """A file that is one web page, in whatever encoding it says or seems to be."""
    from tokenfoundry.io.readers import Record

    try:
        import resiliparse.parse.encoding  # noqa: F401
    except ImportError:
        _needed("resiliparse")
    with file.open() as stream:
        content = stream.read(options.max_document_bytes + 1)

    def rejected(verdict: str, reason: str, size: int) -> Record:
        return Record(1, None, size, verdict=f"read.{verdict}", reason=f"{file.uri}: {reason}")

    if len(content) > options.max_document_bytes:
        yield rejected(
            "too_long", f"{file.size:,} bytes; max_document_bytes is {options.max_document_bytes:,}", file.size
        )
    elif not content:
        yield Record(0, None, 0, verdict="read.empty_file", reason=f"{file.uri}: the file is empty")
    else:
        yield _record(content, "", 1, None, rejected)
