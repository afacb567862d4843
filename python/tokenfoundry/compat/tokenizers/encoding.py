"""`Encoding`: ids now (as a list when asked for), everything else when it is asked for.

An encoding is a list of segments: stretches of an encoded text, tokens of a template, padding. Truncating, merging and
padding rearrange segments, and ids; tokens, offsets, words and masks are made from the segments on first use, at the
cost of encoding the text a second time.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from tokenfoundry._core import bpe as _bpe
from tokenfoundry.compat.tokenizers.arguments import as_number, as_place

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
    """A tokenizer that can encode a text again, and does it always in the same way."""

    def _in_full(self, text: str, add_special_tokens: bool) -> "Encoding": ...


class Rest:
    """What an encoding has beside its ids."""

    __slots__ = ("details", "overflowing", "ranges", "segments")

    def __init__(
        self,
        segments: list[Segment],
        ranges: dict[int, Offsets] | None = None,
        overflowing: "list[Encoding] | None" = None,
    ) -> None:
        self.segments = segments
        #: Which tokens are of which text.
        self.ranges = {} if ranges is None else ranges
        self.overflowing: list[Encoding] = [] if overflowing is None else overflowing
        self.details: Details | None = None


class Encoding(_bpe.Encoded):
    """The result of encoding a text, or a pair of texts. Made by `Tokenizer`."""

    # None: an object without any is nothing to the garbage collector.
    __slots__ = ()

    @classmethod
    def _of(cls, ids: list[int], segments: Iterable[Segment]) -> "Encoding":
        return cls(ids, Rest(list(segments)))

    def _known(self) -> Rest:
        rest: Rest | None = self._rest
        if rest is None:
            origin = self._origin
            if origin is None:
                rest = Rest([])
            else:
                source, text, add_special_tokens = origin
                whole = source._in_full(text, add_special_tokens)._known()
                rest = Rest(whole.segments, whole.ranges)
            self._rest = rest
        return rest

    @property
    def _segments(self) -> list[Segment]:
        return self._known().segments

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        self._known().segments = segments

    @property
    def _ranges(self) -> dict[int, Offsets]:
        return self._known().ranges

    @property
    def _overflowing(self) -> "list[Encoding]":
        rest: Rest | None = self._rest
        return [] if rest is None else rest.overflowing

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.ids, self._segments, self._ranges, self._overflowing)

    # Columns

    def _all_details(self) -> Details:
        rest = self._known()
        if rest.details is None:
            whole = Details([], [], [])
            for segment in rest.segments:
                tokens, offsets, words = segment.details()
                whole.tokens.extend(tokens)
                whole.offsets.extend(offsets)
                whole.words.extend(words)
            rest.details = whole
        return rest.details

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
        """As `word_ids`; deprecated, as there."""
        warnings.warn(
            "Deprecated in 0.9.4: Encoding.words is deprecated, please use Encoding.word_ids instead.",
            DeprecationWarning,
            stacklevel=2,
        )
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
        found: list[int | None] = [None] * len(self)
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

    def __repr__(self) -> str:
        return (
            f"Encoding(num_tokens={len(self)}, attributes=[ids, type_ids, tokens, offsets, attention_mask, "
            "special_tokens_mask, overflowing])"
        )

    # From one place to another

    def _range(self, sequence: int) -> Offsets:
        return self._ranges.get(sequence, (0, len(self)))

    def token_to_sequence(self, token_index: int) -> int | None:
        """Which text a token is of."""
        token_index = as_place(token_index)
        if token_index > len(self):
            return None
        if not self._ranges:
            return 0
        return next((s for s, (start, stop) in self._ranges.items() if start <= token_index < stop), None)

    def token_to_chars(self, token_index: int) -> Offsets | None:
        """First character of a token in its text, and the one after the last."""
        token_index = as_place(token_index)
        if self.token_to_sequence(token_index) is None or token_index >= len(self):
            return None
        return self._all_details().offsets[token_index]

    def token_to_word(self, token_index: int) -> int | None:
        """The word that a token is part of."""
        token_index = as_place(token_index)
        if self.token_to_sequence(token_index) is None or token_index >= len(self):
            return None
        return self._all_details().words[token_index]

    def char_to_token(self, char_pos: int, sequence_index: int = 0) -> int | None:
        """The first token that a character of a text is in."""
        char_pos, sequence_index = as_place(char_pos), as_place(sequence_index)
        start, stop = self._range(sequence_index)
        spans = self._all_details().offsets[start:stop]
        return next((start + i for i, (first, last) in enumerate(spans) if first <= char_pos < last), None)

    def char_to_word(self, char_pos: int, sequence_index: int = 0) -> int | None:
        """The word that a character of a text is in."""
        token = self.char_to_token(char_pos, sequence_index)
        return None if token is None else self.token_to_word(token)

    def word_to_tokens(self, word_index: int, sequence_index: int = 0) -> Offsets | None:
        """First token of a word, and the one after the last."""
        word_index, sequence_index = as_number(word_index), as_place(sequence_index)
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
        sequence_id = as_place(sequence_id)
        self._ranges[sequence_id] = (0, len(self))

    def _set_type_ids(self, type_id: int) -> None:
        self._segments = [segment._replace(type_id=type_id) for segment in self._segments]

    def _trim_offsets(self, add_prefix_space: bool) -> None:
        place = 0
        for number, segment in enumerate(self._segments):
            if segment.base is not None and not segment.is_special:
                trims = (*segment.trims, (place, add_prefix_space))
                self._segments[number] = segment._replace(trims=trims)
            place += segment.length
        self._known().details = None

    def _copy(self) -> "Encoding":
        return Encoding(self.ids, Rest(self._segments.copy(), self._ranges.copy(), self._overflowing.copy()))

    def _copy_all(self) -> "Encoding":
        """With copies of its overflow, which two of the same origin share."""
        copied = self._copy()
        copied._known().overflowing = [part._copy() for part in copied._overflowing]
        return copied

    def _cut(self, start: int, stop: int) -> "Encoding":
        segments = []
        place = 0
        for segment in self._segments:
            first, last = max(start - place, 0), min(stop - place, segment.length)
            if first < last:
                segments.append(segment.cut(first, last))
            place += segment.length
        return Encoding._of(self.ids[start:stop], segments)

    def _become(self, other: "Encoding") -> None:
        self._ids, self._rest = other.ids, other._known()

    def truncate(self, max_length: int, stride: int = 0, direction: Direction = "right") -> None:
        """Keep the first (or last) ``max_length`` tokens; the others go to `overflowing` in parts of as many, of which
        neighbours share ``stride`` tokens."""
        max_length, stride = as_place(max_length), as_place(stride)
        if direction not in ("left", "right"):
            raise ValueError(f"Invalid truncation direction value : {direction}")
        length = len(self)
        if max_length >= length:
            return
        if max_length == 0:
            self._become(Encoding([], Rest([], overflowing=[self._copy()])))
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
        kept._known().overflowing = others
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
        length, pad_id, pad_type_id = as_place(length), as_number(pad_id), as_number(pad_type_id)
        if direction not in ("left", "right"):
            raise ValueError(f"Unknown `direction`: `{direction}`. Use one of `left` or `right`")
        # Parts may be shared with encodings that were made from this one.
        rest = self._known()
        rest.overflowing = [part._copy() for part in rest.overflowing]
        for part in rest.overflowing:
            part.pad(length, direction, pad_id, pad_type_id, pad_token)
        missing = length - len(self)
        if missing <= 0:
            return
        padding = Segment(missing, pad_type_id, token=pad_token, is_padding=True)
        rest.details = None
        if direction == "right":
            self._ids = self.ids + [pad_id] * missing
            rest.segments.append(padding)
            return
        self._ids = [pad_id] * missing + self.ids
        rest.segments.insert(0, padding)
        rest.ranges = {s: (start + missing, stop + missing) for s, (start, stop) in rest.ranges.items()}

    def _merge_with(self, other: "Encoding", growing_offsets: bool = False) -> None:
        overflowing = []
        for mine in self._overflowing:
            for theirs in (other, *other._overflowing):
                both = mine._copy()
                both._merge_with(theirs._copy(), growing_offsets)
                overflowing.append(both)
        for theirs in other._overflowing:
            both = self._copy()
            both._merge_with(theirs._copy(), growing_offsets)
            overflowing.append(both)
        length = len(self)
        if growing_offsets and length:
            other = _shifted(other._copy(), self._all_details().offsets[-1][1])
        moved = {s: (length + start, length + stop) for s, (start, stop) in other._ranges.items()}
        rest = Rest(self._segments + other._segments, self._ranges | moved, overflowing)
        self._ids, self._rest = self.ids + other.ids, rest

    @staticmethod
    def merge(encodings: Sequence["Encoding"], growing_offsets: bool = True) -> "Encoding":
        """One encoding of several; with growing offsets each counts on from where the one before ended."""
        merged = Encoding()
        for encoding in encodings:
            merged._merge_with(encoding._copy(), growing_offsets)
        return merged


def _unpickled(
    ids: list[int], segments: list[Segment], ranges: dict[int, Offsets], overflowing: list[Encoding]
) -> Encoding:
    return Encoding(ids, Rest(segments, ranges, overflowing))


def _shifted(encoding: Encoding, by: int) -> Encoding:
    """The same with all offsets moved."""

    def moved(segment: Segment) -> Segment:
        tokens, offsets, words = segment.details()
        shifted = Details(tokens, [(start + by, end + by) for start, end in offsets], words)
        return segment._replace(base=Base(lambda: shifted), start=0, trims=())

    encoding._segments = [moved(segment) for segment in encoding._segments]
    encoding._known().details = None
    return encoding
