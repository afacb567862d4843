"""Cleaning, plainly: the twin of ``rust/text/src/normalize``. Rules and order are those of ``tf.text.normalize``."""

import re
import unicodedata

__all__ = ["normalize"]

_FLAG = "\U0001f3f4(?:[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f)"
_ZERO_WIDTH = "\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f" + _NONCHARACTERS
_SPACES = "\u00a0\u2000-\u200a\u202f\u205f"
_LINE_END = "\r\n|[\r\x0b\x0c\x85\u2028\u2029]"
_SPECIAL = re.compile(
    f"(?P<flag>{_FLAG})|(?P<line_ends>{_LINE_END})|(?P<control_characters>[{_CONTROL}])"
    f"|(?P<zero_width>[{_ZERO_WIDTH}])|(?P<spaces>[{_SPACES}])"
)
_INSTEAD = {"line_ends": "\n", "control_characters": "", "zero_width": "", "spaces": " "}
_MOST_BLANK_LINES = 2


def normalize(data: bytes, form: str | None = "NFC") -> tuple[str, dict[str, int]]:
    """The cleaned text and how many edits of each kind it took."""
    edits = dict.fromkeys(
        (
            "invalid_bytes",
            "control_characters",
            "zero_width",
            "line_ends",
            "spaces",
            "normalized_lines",
            "trailing_blanks",
            "blank_lines",
        ),
        0,
    )
    text = data.decode("utf-8", "replace")
    # A U+FFFD that was there is three bytes of valid text; each other one stands for bytes that were not.
    edits["invalid_bytes"] = len(data) - len(data.decode("utf-8", "ignore").encode())

    def instead(match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind is None or kind == "flag":
            return match.group()
        edits[kind] += 1
        return _INSTEAD[kind]

    text = _SPECIAL.sub(instead, text)
    if form is not None:
        lines = text.split("\n")
        normal = [unicodedata.normalize(form, line) for line in lines]  # type: ignore[arg-type]
        edits["normalized_lines"] = sum(map(str.__ne__, lines, normal))
        text = "\n".join(normal)
    lines = text.split("\n")
    stripped = [line.rstrip(" \t\u3000") for line in lines]
    edits["trailing_blanks"] = sum(map(len, lines)) - sum(map(len, stripped))
    kept: list[str] = []
    blank = 0
    for line in stripped:
        if line:
            kept += [""] * (min(blank, _MOST_BLANK_LINES) if kept else 0) + [line]
        blank = 0 if line else blank + 1
    if kept and blank:
        kept.append("")
    edits["blank_lines"] = len(stripped) - max(len(kept), 1)
    return "\n".join(kept), edits
