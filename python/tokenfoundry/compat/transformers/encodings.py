"""The `Encoding`s of a batch, made when one of them is looked at.

`BatchEncoding` keeps one for each text beside the columns, and hardly anybody asks for them. These keep the texts and how
they were encoded, and encode again on first use.
"""

import weakref
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, overload

from tokenfoundry.compat.tokenizers import Encoding


class Options(NamedTuple):
    """How a batch was encoded."""

    add_special_tokens: bool
    allowed: str
    truncation: dict[str, Any] | None
    padding: dict[str, Any] | None


class Encodes(Protocol):
    """What can encode texts again."""

    @property
    def digest(self) -> str: ...
    def again(self, texts: list[str], options: Options) -> list[Encoding]: ...


#: Encoders that are alive in this process, for encodings that come out of a pickle (from a dataloader's worker).
_ALIVE: "weakref.WeakValueDictionary[str, Encodes]" = weakref.WeakValueDictionary()


class Encodings(Sequence[Encoding]):
    """As a list of `Encoding`."""

    __slots__ = ("_digest", "_encoder", "_made", "_options", "_texts")

    def __init__(self, encoder: Encodes | None, texts: list[str], options: Options, digest: str = "") -> None:
        self._encoder = encoder
        self._texts = texts
        self._options = options
        self._digest = digest
        self._made: list[Encoding] | None = None

    def _all(self) -> list[Encoding]:
        if self._made is None:
            encoder = self._encoder or _ALIVE.get(self._digest)
            if encoder is None:
                raise RuntimeError(
                    "these encodings come from another process, and no tokenizer equal to the one that made them is "
                    "alive in this one; load it first, or take what you need of the encodings before they are sent"
                )
            self._made = encoder.again(self._texts, self._options)
        return self._made

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Encoding: ...
    @overload
    def __getitem__(self, index: slice) -> list[Encoding]: ...
    def __getitem__(self, index: int | slice) -> Encoding | list[Encoding]:
        return self._all()[index]

    def __iter__(self) -> Iterator[Encoding]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, (list, Encodings)) and self._all() == list(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._all())

    def __reduce__(self) -> tuple[Any, ...]:
        if self._made is not None:
            return list, (self._made,)
        digest = self._digest
        if self._encoder is not None:
            digest = announce(self._encoder)
        return Encodings, (None, self._texts, self._options, digest)


def announce(encoder: Encodes) -> str:
    """Let unpickled encodings find an encoder of this process; the name that it is found by."""
    digest = encoder.digest
    _ALIVE.setdefault(digest, encoder)
    return digest
