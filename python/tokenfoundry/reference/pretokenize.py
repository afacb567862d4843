"""The pieces that a split pattern cuts a text into, by a regex engine: what the hand-written scanners must equal.

Twin of ``rust/bpe/src/pretokenize``. The engine is the ``regex`` package; its Unicode tables may be of a later version
than 16.0, which the scanners follow, so compare on characters that are older.
"""

import regex

from tokenfoundry._core import bpe

# DeepSeek V3 splits three times, each time the pieces of the time before.
DEEPSEEK = (
    r"\p{N}{1,3}",
    "[一-龥\u3040-ゟ゠-ヿ]+",
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
    r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
)


def isolate(pattern: str, text: str) -> list[str]:
    """Every match is a piece, and so is every gap between two."""
    pieces = []
    after = 0
    for match in regex.finditer(pattern, text):
        if after < match.start():
            pieces.append(text[after : match.start()])
        pieces.append(match.group())
        after = match.end()
    if after < len(text):
        pieces.append(text[after:])
    return pieces


def split(pattern: str, text: str) -> list[str]:
    """The pieces of ``text`` under a pattern's name, ``deepseek_v3``, or a regex."""
    if pattern == "deepseek_v3":
        pieces = [text]
        for step in DEEPSEEK:
            pieces = [part for piece in pieces for part in isolate(step, piece)]
        return pieces
    expression = bpe.named_pattern(pattern) or pattern
    # Python's engine knows \Z where others say \z.
    if "&&" in expression:
        expression = "(?V1)" + expression
    return [match.group() for match in regex.finditer(expression.replace(r"\z", r"\Z"), text)]
