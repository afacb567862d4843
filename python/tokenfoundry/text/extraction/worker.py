"""A process that extracts texts for its parent, one document after another; run as a script, never imported.

Request on stdin: a line of JSON with the options, once; then for each batch the number of documents and, for each, its
length and its bytes. Answer on stdout: for each document one byte of status, the length of the text and the text.
The number of the document in work stands in the first eight bytes of a shared file, so that when this process is killed the
parent knows which document did it.

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

DONE, FAILED, NO_MEMORY = 0, 1, 2
IDLE = (1 << 64) - 1
"""What stands in the shared file while no document is in work."""
MARKUP_SEARCHED = 2048
"""How far into a document one looks for a sign that it is HTML."""


def looks_like_html(text: str) -> bool:
    head = text[:MARKUP_SEARCHED].lstrip("\ufeff \t\r\n\f").lower()
    if head.startswith(("<!doctype html", "<html", "<head", "<body", "<!--")):
        return True
    return any(mark in head for mark in ("<html", "<body", "<head>", "<!doctype html")) and "<" in head[:200]


def decoded(data: bytes, declared: str) -> str:
    """Bytes as text: by a byte order mark, as UTF-8 if they are, as declared (by HTTP), as the page says or as its bytes suggest."""
    for mark, named in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe\0\0", "utf-32-le"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(named, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
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


def extractor(options: dict[str, Any]) -> Callable[[bytes], bytes]:
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

    def extract(data: bytes) -> bytes:
        declared, _, content = data.partition(b"\n")
        text = decoded(content, declared.decode("latin-1"))
        if form == "html" or (form == "auto" and looks_like_html(text)):
            text = from_html(text)
        if fix is not None:
            text = fix(text)
        return text.encode("utf-8", "replace")

    return extract


def main() -> None:
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    options = json.loads(source.readline())
    shared = mmap.mmap(options["progress_fd"], 8)
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
    while head := source.read(4):
        count = struct.unpack("<I", head)[0]
        documents = [source.read(struct.unpack("<Q", source.read(8))[0]) for _ in range(count)]
        for number, document in enumerate(documents):
            shared[:8] = struct.pack("<Q", number)
            signal.setitimer(signal.ITIMER_PROF, seconds)
            try:
                status, text = DONE, extract(document)
            except MemoryError:
                status, text = NO_MEMORY, b""
            except RecursionError:
                status, text = FAILED, b"nested too deeply"
            except BaseException as error:  # a panic of a library in Rust is no Exception
                said = f"{type(error).__name__}: {error}"[:300]
                # lexbor's error 2 is memory that it could not have.
                wants = any(sign in said.lower() for sign in ("error 2)", "alloc", "out of memory"))
                status, text = (NO_MEMORY, b"") if wants else (FAILED, said.encode("utf-8", "replace"))
            signal.setitimer(signal.ITIMER_PROF, 0)
            documents[number] = b""
            sink.write(struct.pack("<BQ", status, len(text)))
            sink.write(text)
        shared[:8] = struct.pack("<Q", IDLE)
        sink.flush()


if __name__ == "__main__":
    main()
