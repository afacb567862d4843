"""Web archives and hostile pages, made for tests."""

import gzip
import zlib
from collections.abc import Iterable, Mapping


def warc_record(kind: str, address: str, block: bytes, content_type: str) -> bytes:
    head = (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {address}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:{zlib.crc32(f'{kind} {address}'.encode()):032x}>\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def response(address: str, body: bytes, status: str = "200 OK", headers: Mapping[str, str] | None = None) -> bytes:
    fields = {"Content-Type": "text/html", **(headers or {})}
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
    return warc_record("response", address, head.encode() + body, "application/http; msgtype=response")


def archive(records: Iterable[bytes], compressed: bool = True) -> bytes:
    return b"".join(gzip.compress(record, mtime=0) if compressed else record for record in records)


def page(text: str) -> str:
    """A page with furniture around its text."""
    return (
        "<!DOCTYPE html><html><head><title>T</title><style>p {color: red}</style><script>var x = '<p>no</p>';</script>"
        "</head><body><nav><ul><li><a href='/'>Home</a></li><li><a href='/about'>About us</a></li></ul></nav>"
        f"<main><article><h1>Heading</h1><p>{text}</p></article></main><footer>Copyright</footer></body></html>"
    )


HOSTILE: dict[str, str | bytes] = {
    "nothing": "",
    "blanks": " \n\t " * 1000,
    "one angle": "<",
    "a million angles": "<" * 1_000_000,
    "deep divs": "<html>" + "<div>" * 200_000,
    "deep tables": "<html>" + "<table><tr><td>" * 20_000,
    "deep formatting": "<html>" + "<b><i><font>" * 30_000 + "x",
    "deep lists": "<html>" + "<ul><li>" * 50_000 + "x",
    "open attribute": "<html><a href='" + "x" * 1_000_000,
    "many attributes": "<html><p " + " ".join(f"a{number}=1" for number in range(50_000)) + ">x</p>",
    "one attribute again": "<html><p " + "a=1 " * 100_000 + ">x</p>",
    "open comment": "<html><!--" + "- " * 500_000,
    "comments": "<html>" + "<!-->" * 200_000,
    "entities": "<html><p>" + "&amp;&lt;&#x110000;&#0;&#xD800;&notanentity;&ampx" * 30_000,
    "endless entity": "<html><p>&" + "a" * 1_000_000,
    "open script": "<html><script>" + "<" * 500_000,
    "closing tags": "<html>" + "</p></div></td>" * 100_000,
    "template": "<html>" + "<template>" * 20_000,
    "svg and math": "<html>" + "<svg><math><foreignObject>" * 10_000,
    "nul bytes": "<html><p>a\0b\0</p>",
    "broken utf-8": b"<html><p>" + bytes(range(256)) * 200 + b"</p>",
    "cut utf-8": b"<html><p>caf\xc3",
    "surrogates": b"<html><p>\xed\xa0\x80\xed\xbf\xbf",
    "utf-16 without mark": page("Words that are two bytes each.").encode("utf-16-le"),
    "utf-16": page("Words that are two bytes each.").encode("utf-16"),
    "utf-7": b"<html><meta charset=utf-7><p>+ADw-script+AD4-",
    "lies about its encoding": b"<html><meta charset=shift_jis><p>\xff\xfe\x80\x81 text",
    "unknown encoding": b"<html><meta charset=martian><p>\xe9t\xe9",
    "overrides": "<html><p>\u202eright to left\u202c \u2066isolated\u2069 \u200b\u200b\u200d\ufeff\u00ad</p>",
    "unclosed overrides": "<html><p>" + "\u202e" * 100_000 + "x",
    "zero width": "<html><p>" + "\u200b\u200c\u200d\u2060" * 50_000,
    "marks": "<html><p>Z" + "\u0335\u0301" * 100_000,
    "plane 15": "<html><p>" + "\U000f0000\U0010ffff\ufdd0" * 10_000,
    "style": "<html><style>" + "@import '" * 50_000 + "</style><p style='" + "a:b;" * 50_000 + "'>x",
    "frameset": "<html><frameset>" + "<frame>" * 50_000,
    "selects": "<html>" + "<select><option>" * 30_000,
    "pre": "<html><pre>" + "\n" * 500_000,
}
