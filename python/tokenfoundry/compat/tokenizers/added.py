"""Tokens that are added to a tokenizer. Where `tokenizers` is installed they are objects of its class, which its trainers
want; this one is like it."""

import functools
from typing import Any


class AddedToken:
    """A token that is found in a text before anything else. ``normalized`` defaults to ``not special``."""

    def __init__(
        self,
        content: str = "",
        single_word: bool = False,
        lstrip: bool = False,
        rstrip: bool = False,
        normalized: bool | None = None,
        special: bool = False,
    ) -> None:
        self.content = content
        self.single_word = single_word
        self.lstrip = lstrip
        self.rstrip = rstrip
        self.special = special
        self._normalized = normalized

    @property
    def normalized(self) -> bool:
        """Whether it is looked for in the normalized text."""
        return not self.special if self._normalized is None else self._normalized

    def _fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in FIELDS}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AddedToken) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(tuple(self._fields().values()))

    def __str__(self) -> str:
        return self.content

    def __repr__(self) -> str:
        names = ("rstrip", "lstrip", "single_word", "normalized", "special")
        options = ", ".join(f"{name}={getattr(self, name)}" for name in names)
        return f'AddedToken("{self.content}", {options})'


#: As a tokenizer.json writes them.
FIELDS = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")


@functools.cache
def added_token_class() -> type:
    """The `AddedToken` of `tokenizers`, or ours where that is not installed."""
    try:
        import tokenizers
    except ImportError:
        return AddedToken
    return tokenizers.AddedToken
