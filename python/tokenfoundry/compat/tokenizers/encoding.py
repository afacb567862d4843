"""`Encoding`: ids now, everything else when it is asked for.

An encoding is a list of segments: stretches of an encoded text, tokens of a template, padding. Truncating, merging and
padding rearrange segments, and ids; tokens, offsets, words and masks are made from the segments on first use, at the
cost of encoding the text a second time.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

Offsets = tuple[int, int]
Direction = Literal["left", "right"]

#: How a byte-level vocabulary writes a space.
_SPACE = "Ġ"


class Details(NamedTuple):
    """What there is to know of a text's tokens, beside their ids."""

    tokens: list[str]
    offsets: list[Offsets]
    words: list[int | None]


class Base:
    """An encoded text, whose details are made on first use."""

    __slots__ = ("_details", "_make")

    def __init__(self, make: Callable[[], Details]) -> None:
        self._make = make
        self._details: Details | None = None

    def details(self) -> Details:
        if self._details is None:
            self._details = self._make()
        return self._details

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self.details(),)


def _made(details: Details) -> Base:
    return Base(lambda: details)


class Segment(NamedTuple):
    """Some consecutive tokens of one origin."""

    length: int
    type_id: int
    #: The text, and its first token here; None for tokens that are not of a text.
    base: Base | None = None
    start: int = 0
    token: str = ""
    is_special: bool = False
    is_padding: bool = False
    #: Where white space was taken off the offsets: the segment's place in the encoding then, and the option.
    trims: tuple[tuple[int, bool], ...] = ()

    def cut(self, start: int, stop: int) -> "Segment":
        trims = tuple((place + start, option) for place, option in self.trims)
        return self._replace(length=stop - start, start=self.start + start, trims=trims)

    def details(self) -> Details:
        if self.base is None:
            return Details([self.token] * self.length, [(0, 0)] * self.length, [None] * self.length)
        part = slice(self.start, self.start + self.length)
        whole = self.base.details()
        tokens, offsets, words = whole.tokens[part], whole.offsets[part], whole.words[part]
        for place, add_prefix_space in self.trims:
            offsets = [
                _trimmed(token, span, place + index, add_prefix_space)
                for index, (token, span) in enumerate(zip(tokens, offsets, strict=True))
            ]
        return Details(tokens, offsets, words)


def _trimmed(token: str, span: Offsets, index: int, add_prefix_space: bool) -> Offsets:
    """The span without the white space that its token begins and ends with."""
    length = len(token)
    leading = 0
    while leading < length and (token[leading] == _SPACE or token[leading].isspace()):
        leading += 1
    trailing = 0
    while trailing < length and (token[-1 - trailing] == _SPACE or token[-1 - trailing].isspace()):
        trailing += 1
    start, end = span
    if leading:
        if leading == 1 and add_prefix_space and (index == 0 or start == 0):
            leading = 0  # The one that was put there.
        start = min(start + leading, end)
    if trailing and end >= trailing:
        end = max(end - trailing, start)
    return start, end


class Source(Protocol):
    """A tokenizer that can encode a text again."""

    def _in_full(self, text: str, add_special_tokens: bool) -> "Encoding": ...


class Encoding:
    """The result of encoding a text, or a pair of texts. Made by `Tokenizer`."""

    __slots__ = ("_details", "_ids", "_kept_ranges", "_kept_segments", "_overflowing", "_source", "_special", "_text")

    def __init__(self, ids: list[int] | None = None, segments: Iterable[Segment] = ()) -> None:
        self._ids = ids if ids is not None else []
        self._kept_segments = list(segments)
        self._kept_ranges: dict[int, Offsets] = {}
        self._overflowing: Sequence[Encoding] = []
        self._details: Details | None = None
        #: What gives the same in full, where only the ids are there yet; and the text and option it is given.
        self._source: Source | None = None
        self._text = ""
        self._special = False

    @classmethod
    def _of_ids(cls, ids: list[int], source: "Source", text: str, special: bool) -> "Encoding":
        """One of which nobody may ever want to know more than its ids."""
        made = cls.__new__(cls)
        made._ids = ids
        made._overflowing = ()
        made._details = None
        made._source = source
        made._text = text
        made._special = special
        return made

    def _complete(self) -> None:
        if self._source is not None:
            whole = self._source._in_full(self._text, self._special)
            self._source = None
            self._kept_segments, self._kept_ranges = whole._kept_segments, whole._kept_ranges

    @property
    def _segments(self) -> list[Segment]:
        self._complete()
        return self._kept_segments

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        self._complete()
        self._kept_segments = segments

    @property
    def _ranges(self) -> dict[int, Offsets]:
        self._complete()
        return self._kept_ranges

    @_ranges.setter
    def _ranges(self, ranges: dict[int, Offsets]) -> None:
        self._complete()
        self._kept_ranges = ranges

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self._ids, self._segments, self._ranges, list(self._overflowing))

    # Columns

    @property
    def ids(self) -> list[int]:
        """Ids of the tokens."""
        return self._ids.copy()

    def _all_details(self) -> Details:
        if self._details is None:
            whole = Details([], [], [])
            for segment in self._segments:
                tokens, offsets, words = segment.details()
                whole.tokens.extend(tokens)
                whole.offsets.extend(offsets)
                whole.words.extend(words)
            self._details = whole
        return self._details

    @property
    def tokens(self) -> list[str]:
        """Tokens as the vocabulary writes them."""
        return self._all_details().tokens.copy()

    @property
    def offsets(self) -> list[Offsets]:
        """First character of each token in its text, and the one after the last."""
        return self._all_details().offsets.copy()

    @property
    def word_ids(self) -> list[int | None]:
        """Number of the word (piece) of its text that each token is part of."""
        return self._all_details().words.copy()

    @property
    def words(self) -> list[int | None]:
        """As `word_ids`."""
        return self.word_ids

    @property
    def type_ids(self) -> list[int]:
        """Number of the sequence, as the template has it."""
        return [segment.type_id for segment in self._segments for _ in range(segment.length)]

    @property
    def attention_mask(self) -> list[int]:
        """0 for padding, else 1."""
        return [int(not segment.is_padding) for segment in self._segments for _ in range(segment.length)]

    @property
    def special_tokens_mask(self) -> list[int]:
        """1 for tokens of the template and padding."""
        return [
            int(segment.is_special or segment.is_padding) for segment in self._segments for _ in range(segment.length)
        ]

    @property
    def sequence_ids(self) -> list[int | None]:
        """Which of the texts each token is of."""
        found: list[int | None] = [None] * len(self._ids)
        for sequence in range(self.n_sequences):
            start, stop = self._range(sequence)
            found[start:stop] = [sequence] * (stop - start)
        return found

    @property
    def n_sequences(self) -> int:
        """How many texts are in it."""
        return len(self._ranges) or 1

    @property
    def overflowing(self) -> list["Encoding"]:
        """What truncation cut off, in parts of the same length."""
        return list(self._overflowing)

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return (
            f"Encoding(num_tokens={len(self._ids)}, attributes=[ids, type_ids, tokens, offsets, attention_mask, "
            "special_tokens_mask, overflowing])"
        )

    # From one place to another

    def _range(self, sequence: int) -> Offsets:
        return self._ranges.get(sequence, (0, len(self._ids)))

    def token_to_sequence(self, token_index: int) -> int | None:
        """Which text a token is of."""
        if token_index > len(self._ids):
            return None
        if not self._ranges:
            return 0
        return next((s for s, (start, stop) in self._ranges.items() if start <= token_index < stop), None)

    def token_to_chars(self, token_index: int) -> Offsets | None:
        """First character of a token in its text, and the one after the last."""
        if self.token_to_sequence(token_index) is None or token_index >= len(self._ids):
            return None
        return self._all_details().offsets[token_index]

    def token_to_word(self, token_index: int) -> int | None:
        """The word that a token is part of."""
        if self.token_to_sequence(token_index) is None or token_index >= len(self._ids):
            return None
        return self._all_details().words[token_index]

    def char_to_token(self, char_pos: int, sequence_index: int = 0) -> int | None:
        """The first token that a character of a text is in."""
        start, stop = self._range(sequence_index)
        spans = self._all_details().offsets[start:stop]
        return next((start + i for i, (first, last) in enumerate(spans) if first <= char_pos < last), None)

    def char_to_word(self, char_pos: int, sequence_index: int = 0) -> int | None:
        """The word that a character of a text is in."""
        token = self.char_to_token(char_pos, sequence_index)
        return None if token is None else self.token_to_word(token)

    def word_to_tokens(self, word_index: int, sequence_index: int = 0) -> Offsets | None:
        """First token of a word, and the one after the last."""
        start, stop = self._range(sequence_index)
        first = last = None
        for index, word in enumerate(self._all_details().words[start:stop], start):
            if word is not None and word > word_index:
                break
            if word == word_index:
                first = index if first is None else first
                last = index + 1
        return None if first is None or last is None else (first, last)

    def word_to_chars(self, word_index: int, sequence_index: int = 0) -> Offsets | None:
        """First character of a word, and the one after the last."""
        found = self.word_to_tokens(word_index, sequence_index)
        if found is None:
            return None
        offsets = self._all_details().offsets
        return offsets[found[0]][0], offsets[found[1] - 1][1]

    # Rearranging

    def set_sequence_id(self, sequence_id: int) -> None:
        """Say which text all of it is of."""
        self._ranges[sequence_id] = (0, len(self._ids))

    def _set_type_ids(self, type_id: int) -> None:
        self._segments = [segment._replace(type_id=type_id) for segment in self._segments]

    def _trim_offsets(self, add_prefix_space: bool) -> None:
        place = 0
        for number, segment in enumerate(self._segments):
            if segment.base is not None and not segment.is_special:
                trims = (*segment.trims, (place, add_prefix_space))
                self._segments[number] = segment._replace(trims=trims)
            place += segment.length
        self._details = None

    def _copy(self) -> "Encoding":
        other = Encoding(self._ids.copy(), self._segments)
        other._ranges = self._ranges.copy()
        other._overflowing = list(self._overflowing)
        return other

    def _cut(self, start: int, stop: int) -> "Encoding":
        segments = []
        place = 0
        for segment in self._segments:
            first, last = max(start - place, 0), min(stop - place, segment.length)
            if first < last:
                segments.append(segment.cut(first, last))
            place += segment.length
        return Encoding(self._ids[start:stop], segments)

    def _become(self, other: "Encoding") -> None:
        self._ids, self._segments, self._ranges = other._ids, other._segments, other._ranges
        self._overflowing, self._details = other._overflowing, None

    def truncate(self, max_length: int, stride: int = 0, direction: Direction = "right") -> None:
        """Keep the first (or last) ``max_length`` tokens; the others go to `overflowing` in parts of as many, of which
        neighbours share ``stride`` tokens."""
        if direction not in ("left", "right"):
            raise ValueError(f"Invalid truncation direction value : {direction}")
        length = len(self._ids)
        if max_length >= length:
            return
        if max_length == 0:
            everything = self._copy()
            everything._overflowing = self._overflowing
            empty = Encoding()
            empty._overflowing = [everything]
            self._become(empty)
            return
        if stride >= max_length:
            raise ValueError(
                f"`stride` must be strictly less than `max_len={max_length}` (note that `max_len` may be shorter than "
                "the max length of the original model, as it subtracts the number of special characters"
            )
        bounds: list[Offsets] = []
        step = max_length - stride
        if direction == "right":
            for start in range(0, length, step):
                bounds.append((start, min(start + max_length, length)))
                if bounds[-1][1] == length:
                    break
        else:
            for stop in range(length, 0, -step):
                bounds.append((max(stop - max_length, 0), stop))
                if bounds[-1][0] == 0:
                    break
        kept, *others = (self._cut(*bound) for bound in bounds)
        kept._overflowing = others
        self._become(kept)

    def pad(
        self,
        length: int,
        direction: Direction = "right",
        pad_id: int = 0,
        pad_type_id: int = 0,
        pad_token: str = "[PAD]",
    ) -> None:
        """Add padding, here and in `overflowing`, up to a length."""
        if direction not in ("left", "right"):
            raise ValueError(f"Invalid truncation direction value : {direction}")
        # Parts may be shared with encodings that were made from this one.
        self._overflowing = [part._copy() for part in self._overflowing]
        for part in self._overflowing:
            part.pad(length, direction, pad_id, pad_type_id, pad_token)
        missing = length - len(self._ids)
        if missing <= 0:
            return
        padding = Segment(missing, pad_type_id, token=pad_token, is_padding=True)
        self._details = None
        if direction == "right":
            self._ids = self._ids + [pad_id] * missing
            self._segments.append(padding)
            return
        self._ids = [pad_id] * missing + self._ids
        self._segments.insert(0, padding)
        self._ranges = {s: (start + missing, stop + missing) for s, (start, stop) in self._ranges.items()}

    def _merge_with(self, other: "Encoding") -> None:
        overflowing = []
        for mine in self._overflowing:
            for theirs in (other, *other._overflowing):
                both = mine._copy()
                both._merge_with(theirs._copy())
                overflowing.append(both)
        for theirs in other._overflowing:
            both = self._copy()
            both._merge_with(theirs._copy())
            overflowing.append(both)
        length = len(self._ids)
        self._ranges |= {s: (length + start, length + stop) for s, (start, stop) in other._ranges.items()}
        self._ids = self._ids + other._ids
        self._segments = self._segments + other._segments
        self._overflowing = overflowing
        self._details = None

    @staticmethod
    def merge(encodings: Sequence["Encoding"], growing_offsets: bool = True) -> "Encoding":
        """One encoding of several; with growing offsets each counts on from where the one before ended."""
        merged = Encoding()
        for encoding in encodings:
            part = encoding._copy()
            if growing_offsets and merged._ids:
                part = _shifted(part, merged._all_details().offsets[-1][1])
            merged._merge_with(part)
        return merged


def _unpickled(
    ids: list[int], segments: list[Segment], ranges: dict[int, Offsets], overflowing: list[Encoding]
) -> Encoding:
    encoding = Encoding(ids, segments)
    encoding._ranges = ranges
    encoding._overflowing = overflowing
    return encoding


def _shifted(encoding: Encoding, by: int) -> Encoding:
    """The same with all offsets moved."""

    def moved(segment: Segment) -> Segment:
        tokens, offsets, words = segment.details()
        shifted = Details(tokens, [(start + by, end + by) for start, end in offsets], words)
        return segment._replace(base=Base(lambda: shifted), start=0, trims=())

    encoding._segments = [moved(segment) for segment in encoding._segments]
    encoding._details = None
    return encoding
