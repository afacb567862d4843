"""Extraction: from web pages and files of unknown encoding to text, in processes that a hostile page cannot outlive."""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from tokenfoundry._core import runtime
from tokenfoundry.errors import InputError
from tokenfoundry.text.extraction.pool import Document, extract_all

__all__ = ["Extracted", "extract"]

_ENCODING_BYTES = 1000
"""No encoding has so long a name."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What :func:`extract` gives, a row a document.

    Attributes:
        texts: large_string; empty where there is a verdict.
        verdict: null, or ``extract.timeout``, ``extract.memory``, ``extract.crashed`` (the library fell over),
            ``extract.failed`` (it gave up) or ``extract.empty`` (it found no text).
        reason: why, in words.
    """

    texts: pa.LargeStringArray
    verdict: pa.StringArray
    reason: pa.StringArray


def _documents(texts: Any) -> Iterable[bytes | memoryview | None]:
    """Each text's UTF-8 or bytes; those of Arrow without a copy."""
    if not (hasattr(texts, "__arrow_c_stream__") or hasattr(texts, "__arrow_c_array__")):
        for text in texts:
            yield text.encode("utf-8", "replace") if isinstance(text, str) else text
        return
    column = pa.chunked_array(texts) if hasattr(texts, "__arrow_c_stream__") else pa.chunked_array([pa.array(texts)])
    kind = column.type
    for chunk in (
        column.chunks if pa.types.is_string(kind) or pa.types.is_binary(kind) else column.cast(_large(kind)).chunks
    ):
        _, places, values = chunk.buffers()
        width = np.int64 if pa.types.is_large_string(chunk.type) or pa.types.is_large_binary(chunk.type) else np.int32
        count = chunk.offset + len(chunk) + 1
        ends = np.frombuffer(places, width, count)[chunk.offset :].tolist() if len(chunk) else [0]
        lent = memoryview(values if values is not None else b"")
        valid = chunk.is_valid().to_pylist() if chunk.null_count else repeat(True)
        for start, end, known in zip(ends, ends[1:], valid, strict=False):
            yield lent[start:end] if known else None


def _large(kind: pa.DataType) -> pa.DataType:
    """What a column of bytes or text of any layout is read as."""
    return pa.large_string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else pa.large_binary()


def extract(
    texts: Any,
    *,
    format: Literal["auto", "html", "text"] = "auto",
    library: Literal["resiliparse", "trafilatura"] = "resiliparse",
    main_content: bool = True,
    repair: bool = False,
    encodings: Iterable[str | None] | None = None,
    timeout_seconds: float = 10.0,
    memory_bytes: int = 1 << 30,
    workers: int | None = None,
) -> Extracted:
    """Give the text of documents: web pages without markup and navigation, everything else as it is.

    Bytes are decoded by their byte order mark, as UTF-8 if they are UTF-8, else as ``encodings`` says (the header of HTTP),
    else as the page says or as its bytes suggest (uchardet). Work is done in child processes: a page that takes too
    long, too much memory, or down its process with it has a verdict, and nothing else is lost.

    Args:
        texts: ``str`` or ``bytes``, or an Arrow string or binary array.
        format: ``auto`` looks at the first 2 kB; Markdown, source code and other text pass through.
        library: what takes the text out of HTML. trafilatura keeps less of what is not the article, and is slow.
        main_content: without navigation, menus and footers (resiliparse); trafilatura then favours precision.
        repair: undo mojibake (``â€™`` for ``’``) with ftfy.
        encodings: for each document, what its transport said; None: unknown.
        timeout_seconds: CPU seconds a document may take; the kernel keeps time.
        memory_bytes: memory a document may take beyond what the library has.
        workers: processes; as many as threads by default.

    Raises:
        InputError: an option is wrong, or its library is not installed.

    Cost: the library's (resiliparse: tens of MB/s a core), and about 0.1 s for each process at the start.
    """
    if format not in ("auto", "html", "text"):
        raise InputError(f'format must be "auto", "html" or "text", got {format!r}')
    if library not in ("resiliparse", "trafilatura"):
        raise InputError(f'library must be "resiliparse" or "trafilatura", got {library!r}')
    if not timeout_seconds > 0:
        raise InputError(f"timeout_seconds must be above 0, got {timeout_seconds}")
    for module in ["resiliparse", library, *(["ftfy"] if repair else [])]:
        if importlib.util.find_spec(module) is None:
            raise InputError(f"extraction needs {module}: pip install 'tokenfoundry[web]'")
    contents = list(_documents(texts))
    declared = list(encodings) if encodings is not None else [None] * len(contents)
    documents = []
    for number, (content, encoding) in enumerate(zip(contents, declared, strict=True)):
        if content is None:
            raise InputError(f"texts[{number}] is null")
        documents.append(Document(content, (encoding or "").encode("latin-1", "replace")[:_ENCODING_BYTES]))
    options = {
        "format": format,
        "library": library,
        "main_content": main_content,
        "repair": repair,
        "timeout_seconds": float(timeout_seconds),
        "memory_bytes": int(memory_bytes),
    }
    answers = extract_all(documents, options, workers or runtime.default_threads())
    verdicts = [
        answer.verdict or ("extract.empty" if not answer.text or answer.text.isspace() else None) for answer in answers
    ]
    return Extracted(
        pa.array([answer.text for answer in answers], pa.large_binary()).cast(pa.large_string()),
        pa.array(verdicts, pa.string()),
        pa.array([answer.reason for answer in answers], pa.string()),
    )
