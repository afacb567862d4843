"""Finding e-mail and IP addresses, a candidate at a time.

Twin of ``rust/text/src/redact/{email,ip}.rs``. ``docs/text.md`` argues the rules. Works on bytes, because a text need
not be UTF-8.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import TypeVar

_Address = TypeVar("_Address", ipaddress.IPv4Address, ipaddress.IPv6Address)
Match = tuple[int, int, str]
"""start, end, kind"""

_LOCAL = rb"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_LOCAL_END = re.compile(rb"(?:[" + _LOCAL + rb"]|\.(?!\.))*\Z")
_WORD = re.compile(rb"\w", re.ASCII)
_FILE_ENDINGS = set(b"bmp css gif htm html ico jpeg jpg json jsx js pdf php png svg webp xml".split())
_VERSION = re.compile(
    rb"(?:\A|[^A-Za-z])(?:version|ver|v|release|rev|build|section|sec|chapter)[ :=\t\"]{0,3}\Z", re.IGNORECASE
)
_NOT_PUBLIC_4 = [ipaddress.IPv4Network(network) for network in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
)]  # fmt: skip
_PUBLIC_4 = [ipaddress.IPv4Address("192.0.0.9"), ipaddress.IPv4Address("192.0.0.10")]
_NOT_PUBLIC_6 = [ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_PUBLIC_6 = [
    ipaddress.IPv6Network(network) for network in ("2001:20::/28", "2001:30::/28", "2001:3::/32", "2001:4:112::/48")
]
_RESOLVERS = {"1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9"}


def _is_word(byte: bytes) -> bool:
    return _WORD.match(byte) is not None


def emails(text: bytes) -> Iterator[Match]:
    """A local part of at most 64 bytes, an @, a domain of two labels or more that ends in letters."""
    free = 0
    for mark in re.finditer(b"@", text):
        at = mark.start()
        if at < free:
            continue
        end = _domain_end(text, at + 1)
        start = _local_start(text, free, at)
        if end is not None and start is not None:
            yield start, end, "email"
            free = end


def _local_start(text: bytes, free: int, at: int) -> int | None:
    if at == free or not (_is_word(text[at - 1 : at]) or text[at - 1 : at] in (b"-", b"+")):
        return None
    window = text[max(free, at - 65) : at]
    found = _LOCAL_END.search(window)
    local = found[0] if found else b""
    while local and not _is_word(local[:1]):
        local = local[1:]
    return at - len(local) if 0 < len(local) <= 64 else None


def _domain_end(text: bytes, start: int) -> int | None:
    found = re.compile(rb"[A-Za-z0-9.-]*").match(text, start, start + 254)
    domain = found[0] if found else b""
    if len(domain) > 253:
        return None
    domain = domain.rstrip(b".-").partition(b"..")[0]
    labels = domain.split(b".")
    if len(labels) < 2 or any(
        not label or len(label) > 63 or label[:1] == b"-" or label[-1:] == b"-" for label in labels
    ):
        return None
    last = labels[-1].lower()
    if len(last) < 2 or not (last.isalpha() or last.startswith(b"xn--")) or last in _FILE_ENDINGS:
        return None
    end = start + len(domain)
    # A name that is called, or cut in the middle, is code.
    return None if text[end : end + 1] in (b"(", b"_") else end


def _is_glued(text: bytes, start: int, end: int) -> bool:
    """Whether ASCII letters, digits or hyphens before, or letters or digits after, make it part of something longer."""
    before = text[max(start - 1, 0) : start]
    return _is_word(before) or before == b"-" or _is_word(text[end : end + 1])


def addresses(text: bytes, *, public_only: bool = True) -> Iterator[Match]:
    """IP addresses as `ipaddress` reads them, but sections and versions; by default public ones only."""
    for run in re.finditer(rb"[0-9.]+", text):
        candidate = run[0].rstrip(b".")
        start, end = run.start(), run.start() + len(candidate)
        if re.search(rb"[0-9]\.", run[0]) is None or candidate[:1] == b"." or len(candidate) > 15:
            continue
        four = _parsed(ipaddress.IPv4Address, candidate)
        if four is None or _is_glued(text, start, end) or (public_only and not _is_public_4(four)):
            continue
        section = all(number < 32 for number in four.packed) and str(four) not in _RESOLVERS and _is_public_4(four)
        if not section and _VERSION.search(text[max(start - 24, 0) : start]) is None:
            yield start, end, "ip"
    for run in re.finditer(rb"[0-9A-Fa-f:.]+", text):
        if b":" not in run[0] or len(run[0]) > 48 or _is_glued(text, run.start(), run.end()):
            continue
        candidate = run[0].rstrip(b".")
        six = _parsed(ipaddress.IPv6Address, candidate)
        if six is None and candidate.endswith(b":"):
            candidate = candidate[:-1]
            six = _parsed(ipaddress.IPv6Address, candidate)
        if (
            six is not None
            and re.search(rb"[0-9]", candidate)
            and (_is_public_6(six) if public_only else len(candidate) > 3)
        ):
            yield run.start(), run.start() + len(candidate), "ip"


def _parsed(kind: type[_Address], candidate: bytes) -> _Address | None:
    try:
        return kind(candidate.decode())
    except ValueError:
        return None


def _is_public_4(address: ipaddress.IPv4Address) -> bool:
    return address in _PUBLIC_4 or not any(address in network for network in _NOT_PUBLIC_4)


def _is_public_6(address: ipaddress.IPv6Address) -> bool:
    if address.ipv4_mapped is not None:
        return _is_public_4(address.ipv4_mapped)
    if any(address in network for network in _PUBLIC_6):
        return True
    return address in ipaddress.IPv6Network("2000::/3") and not any(address in network for network in _NOT_PUBLIC_6)


def redact(text: bytes, *, public_only: bool = True) -> tuple[bytes, int, int]:
    """The text with placeholders, and the numbers of e-mail and IP addresses replaced. Of matches that overlap the
    first wins, then the longer."""
    found = sorted(
        [*emails(text), *addresses(text, public_only=public_only)], key=lambda one: (one[0], -one[1], one[2])
    )
    parts: list[bytes] = []
    at = 0
    counts = {"email": 0, "ip": 0}
    for start, end, kind in found:
        if start >= at:
            parts += [text[at:start], {"email": b"<EMAIL_ADDRESS>", "ip": b"<IP_ADDRESS>"}[kind]]
            counts[kind] += 1
            at = end
    return b"".join([*parts, text[at:]]), counts["email"], counts["ip"]
