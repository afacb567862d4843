"""Cleaning: bytes of any kind in, well-formed text out, every edit counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from tokenfoundry._core import text as _core

__all__ = ["LINE_RULES", "KeptLines", "Normalized", "drop_lines", "normalize"]

LINE_RULES: tuple[str, ...] = tuple(_core.LINE_RULES)
"""Names that :func:`drop_lines` takes."""


@dataclass(frozen=True, slots=True)
class Normalized:
    """What :func:`normalize` gives.

    Attributes:
        texts: large_string, one a document.
        edits: int64 columns, one row a document: ``invalid_bytes, control_characters, zero_width, line_ends, spaces,
            normalized_lines, trailing_blanks, blank_lines``. All zero where the text came out as it went in.
    """

    texts: pa.LargeStringArray
    edits: pa.RecordBatch


def normalize(
    texts: Any, *, form: Literal["NFC", "NFD", "NFKC", "NFKD"] | None = "NFC", threads: int | None = None
) -> Normalized:
    r"""Repair, normalise and tidy texts; doing it twice changes nothing more.

    In this order:

    1. ``invalid_bytes``: each maximal sequence of bytes that is not UTF-8 becomes one U+FFFD; the bytes are counted.
    2. ``control_characters``: dropped are C0 and C1 controls but tab and newline, DEL, and noncharacters.
       ``zero_width``: dropped are U+00AD, U+180E, U+200B, U+202A..U+202E, U+2060..U+206F, U+FEFF, U+FFF9..U+FFFB and
       tags (U+E0000..U+E007F) outside flags. Joiners and direction marks (U+200C..U+200F) stay.
       ``line_ends``: ``\r\n``, ``\r``, vertical tab, form feed, U+0085, U+2028 and U+2029 become ``\n``.
       ``spaces``: U+00A0, U+2000..U+200A, U+202F and U+205F become a space; U+3000 stays.
    3. ``normalized_lines``: lines that ``form`` changed; ``form=None`` leaves the form alone.
    4. ``trailing_blanks``: dropped at the end of a line are spaces, tabs and U+3000.
       ``blank_lines``: dropped at the start, beyond two in a row, and at the end but for one newline.

    Indentation and blanks inside a line stay as they are, so source code passes through.

    Args:
        texts: anything that holds ``str`` or ``bytes``; see the module.
        form: a Unicode normal form.
        threads: threads to use; all that the process may use if None.

    Raises:
        InputError: ``form`` is unknown, or a document is longer than 4 GiB.

    Cost: clean ASCII is recognised at several GB/s a core; an Arrow array of large_string that is all clean is given back as it is.
    """
    reuse = isinstance(texts, pa.LargeStringArray)
    cleaned, edits = _core.normalize(texts, form=form, reuse=reuse, threads=threads)
    return Normalized(
        texts if cleaned is None else pa.array(cleaned), pa.RecordBatch.from_struct_array(pa.array(edits))
    )


@dataclass(frozen=True, slots=True)
class KeptLines:
    """What :func:`drop_lines` gives.

    Attributes:
        texts: large_string, one a document: the lines that were kept.
        dropped: int64 columns, one row a document: lines dropped as ``long_word, no_terminal_punctuation, few_words,
            javascript, policy`` (C4's reasons), ``repeated``, ``url``, ``email`` and ``furniture`` (RefinedWeb's rules).
    """

    texts: pa.LargeStringArray
    dropped: pa.RecordBatch


def drop_lines(texts: Any, *, rules: Sequence[str] = ("c4",), threads: int | None = None) -> KeptLines:
    """Drop whole lines of web text, one rule after another. Not for source code.

    - ``c4``: C4's line rules (Raffel et al. 2020): lines must end in ``.``, ``?``, ``!`` or a quotation mark but not in
      ``...``, have three words, none of over 1,000 characters, and hold neither "javascript" nor a cookie or policy
      phrase; citation marks such as ``[1]`` are cut out. Equal to datatrove's ``C4QualityFilter``.
    - ``c4_without_punctuation``: the same but for the end of the line, as FineWeb uses it.
    - ``refinedweb``: lines that are mainly capitals, only digits, one word or a counter (``3 likes``); of short lines "items in
      cart", "read more..." and "sign-in" (Penedo et al. 2023, appendix G.2, as DCLM's program applies them).
    - ``repeated``: lines that say again what an earlier line of the document said; blank lines stay.
    - ``url``, ``email``: lines of links only, of e-mail addresses only.

    Whether C4 drops the page as a whole is ``filter(texts, preset="c4")``'s answer, on the text before this.

    Raises:
        InputError: a rule is unknown, or a document is longer than 4 GiB.
    """
    kept, dropped = _core.drop_lines(texts, rules=list(rules), threads=threads)
    return KeptLines(pa.array(kept), pa.RecordBatch.from_struct_array(pa.array(dropped)))
