"""A process that extracts texts for its parent, one document after another; run as a script, never imported.

Request on stdin: a line of JSON with the options, once; then for each batch the number of documents, where their bytes are,
and, for each, its length and what HTTP said of its encoding. Bytes are in one of two rooms of a shared file, or, where they
are too many for it, behind each document's length. Answer on stdout, once a batch: for each document one byte of status and
the length of its text, which is in the room's other half, or, where that is full, behind its length. The number of the
document in work stands in the first eight bytes of the shared file, so that when this process is killed the parent knows which
document did it; what it had done of the batch is then done again.

Limits: the kernel ends this process (SIGPROF) when a document has used its CPU seconds, also inside C code; memory beyond the
limit cannot be had. It imports nothing of tokenfoundry: it starts in the time that its library takes.
"""

import json
import mmap
import resource
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DONE, FAILED, NO_MEMORY = 0, 1, 4
IDLE = (1 << 64) - 1
HEAD = 64
"""Where the rooms begin in the shared file: for each of two batches its documents, then its answers."""
INLINE = 2
"""Added to a room's number where the documents themselves come through the pipe; to a status where the text does."""
MARKUP_SEARCHED = 2048
"""How far into a document one looks for a sign that it is HTML."""


def looks_like_html(text: str) -> bool:
    head = text[:MARKUP_SEARCHED].lstrip("\ufeff \t\r\n\f").lower()
    if head.startswith(("<!doctype html", "<html", "<head", "<body", "<!--")):
        return True
    return any(mark in head for mark in ("<html", "<body", "<head>", "<!doctype html")) and "<" in head[:200]


def decoded(content: bytes | memoryview, declared: str) -> str:
    """Bytes as text: by a byte order mark, as UTF-8 if they are, as declared (by HTTP), as the page says or as its bytes suggest."""
    head = bytes(content[:4])
    if not head.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        try:
            return str(content, "utf-8")
        except UnicodeDecodeError:
            pass
    data = bytes(content)
    for mark, named in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe\0\0", "utf-32-le"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(named, "replace")
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    if declared:
        try:
            return data.decode(declared)
        except (UnicodeDecodeError, LookupError):
            pass
    # Not the names of the HTML standard: the library finds none for cp949 and then says utf-8.
    encoding: str | None = detect_encoding(data, from_html_meta=True, html5_compatible=False)
    # A page that is UTF-8 but for a few broken bytes is still UTF-8.
    broken = data[: 1 << 17].decode("utf-8", "replace").count("\ufffd")
    foreign = sum(byte >= 0x80 for byte in data[: 1 << 14]) or 1
    if broken * 20 < foreign:
        encoding = "utf-8"
    return str(bytes_to_str(data, encoding or "utf-8", errors="replace"))


def extractor(options: dict[str, Any]) -> Callable[[bytes | memoryview, str], bytes]:
    """From a document's text to what is kept of it."""
    form, library, main = options["format"], options["library"], options["main_content"]
    if library == "trafilatura":
        import trafilatura

        def from_html(text: str) -> str:
            return trafilatura.extract(text, include_comments=False, favor_recall=not main) or ""
    else:
        from resiliparse.extract.html2text import extract_plain_text

        def from_html(text: str) -> str:
            return extract_plain_text(text, main_content=main, alt_texts=False)

    fix = None
    if options["repair"]:
        import ftfy

        def fix(text: str) -> str:
            return ftfy.fix_encoding(text)

    def extract(content: bytes | memoryview, declared: str) -> bytes:
        text = decoded(content, declared)
        if form == "html" or (form == "auto" and looks_like_html(text)):
            text = from_html(text)
        if fix is not None:
            text = fix(text)
        return text.encode("utf-8", "replace")

    return extract


def main() -> None:
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    options = json.loads(source.readline())
    half = options["half_bytes"]
    shared = mmap.mmap(options["shared_fd"], HEAD + 4 * half)
    lent = memoryview(shared)
    extract = extractor(options)
    # After the imports, which need memory too.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if options["memory_bytes"]:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
        limit = used + options["memory_bytes"]
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    seconds = options["timeout_seconds"]
    sink.write(b"R")
    sink.flush()
    while head := source.read(5):
        count, where = struct.unpack("<IB", head)
        documents: list[tuple[bytes | memoryview, str]] = []
        at = HEAD + (where & ~INLINE) * 2 * half
        end = at + 2 * half
        room = at + half
        for _ in range(count):
            length, said = struct.unpack("<QH", source.read(10))
            declared = source.read(said).decode("latin-1")
            content = source.read(length) if where & INLINE else lent[at : at + length]
            documents.append((content, declared))
            at += length
        answers: list[bytes] = []
        for number, (content, declared) in enumerate(documents):
            shared[:8] = struct.pack("<Q", number)
            signal.setitimer(signal.ITIMER_PROF, seconds)
            try:
                status, text = DONE, extract(content, declared)
            except MemoryError:
                status, text = NO_MEMORY, b""
            except RecursionError:
                status, text = FAILED, b"nested too deeply"
            except BaseException as error:  # a panic of a library in Rust is no Exception
                reason = f"{type(error).__name__}: {error}"[:300]
                # lexbor's error 2 is memory that it could not have.
                wants = any(sign in reason.lower() for sign in ("error 2)", "alloc", "out of memory"))
                status, text = (NO_MEMORY, b"") if wants else (FAILED, reason.encode("utf-8", "replace"))
            signal.setitimer(signal.ITIMER_PROF, 0)
            documents[number] = (b"", "")
            if room + len(text) <= end:
                shared[room : room + len(text)] = text
                room += len(text)
                answers.append(struct.pack("<BQ", status, len(text)))
            else:
                answers += [struct.pack("<BQ", status | INLINE, len(text)), text]
        shared[:8] = struct.pack("<Q", IDLE)
        sink.write(b"".join(answers))
        sink.flush()


if __name__ == "__main__":
    main()
