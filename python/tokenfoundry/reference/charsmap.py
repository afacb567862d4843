"""SentencePiece's normalization table, read in the two ways in which it is read.

Twin of ``rust/bpe/src/tokenizer/normalize/{charsmap,sentencepiece}.rs``; here the table is a plain dict, taken out of the double array
by walking all of it. Slow. Source: Aoe, "An Efficient Digital Search Algorithm by Using a Double-Array Structure" (1989), as in
Darts; NormalizerSpec of SentencePiece.
"""

import struct

import regex

Table = dict[bytes, str]


def read(charsmap: bytes) -> Table:
    """What each entry becomes."""
    (size,) = struct.unpack_from("<I", charsmap)
    units = struct.unpack_from(f"<{size // 4}I", charsmap, 4)
    replacements = charsmap[4 + size // 4 * 4 :]

    def offset(unit: int) -> int:
        return (unit >> 10) << ((unit & 0x200) >> 6)

    table: Table = {}
    waiting = [(b"", offset(units[0]))]
    while waiting:
        key, place = waiting.pop()
        for byte in range(1, 256):
            at = place ^ byte
            if at >= len(units) or units[at] & 0x800000FF != byte:
                continue
            below = at ^ offset(units[at])
            if units[at] >> 8 & 1:
                start = units[below] & 0x7FFFFFFF
                table[key + bytes([byte])] = replacements[start : replacements.index(b"\0", start)].decode()
            waiting.append((key + bytes([byte]), below))
    return table


def entries(table: Table, text: str) -> list[bytes]:
    """Entries that a text starts with, short to long."""
    encoded = text.encode()
    return [encoded[:end] for end in range(1, len(encoded) + 1) if encoded[:end] in table]


def precompiled(table: Table, text: str) -> str:
    """`tokenizers`: grapheme clusters below six bytes, else characters; the **shortest** entry stands for all of either."""
    replaced = ""
    for cluster in regex.findall(r"\X", text):
        found = entries(table, cluster) if len(cluster.encode()) < 6 else []
        for part in [cluster] if found else cluster:
            found = entries(table, part)
            replaced += table[found[0]] if found else part
    return replaced


def sentencepiece(
    table: Table,
    text: str,
    *,
    prefix: bool = True,
    remove_extra: bool = True,
    escape: bool = True,
    kept: tuple[str, ...] = (),
) -> str:
    """SentencePiece: the **longest** entry at each place; then spaces."""
    parts = []
    while text:
        symbols = [symbol for symbol in kept if text.startswith(symbol)]
        found = entries(table, text)
        if symbols:
            taken = became = max(symbols, key=len)
        elif found:
            taken, became = found[-1].decode(), table[found[-1]]
        else:
            taken = became = text[0]
        text = text[len(taken) :]
        parts.append(became)
    shown = "\u2581" if escape else " "
    if remove_extra:
        while parts and parts[0] == " ":
            parts.pop(0)
    if not parts:
        return ""
    after_space, replaced = remove_extra, shown if prefix else ""
    for part in parts:
        kept_part = part.lstrip(" ") if after_space else part
        replaced += kept_part.replace(" ", shown)
        if kept_part:
            after_space = remove_extra and kept_part.endswith(" ")
    if remove_extra:
        while replaced.endswith(shown):
            replaced = replaced[: -len(shown)]
    return replaced
