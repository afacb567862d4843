"""The `decoders` of `tokenizers`, which has to be installed, and a `DecodeStream` that takes our `Tokenizer`."""

from typing import Any

from tokenizers.decoders import *  # noqa: F403

from tokenfoundry.compat.tokenizers.arguments import as_number


class DecodeStream:  # type: ignore[no-redef]
    """Text of ids that come one by one, as far as it is certain.

    Args:
        ids: what came before, whose text is not given again.
        skip_special_tokens: leave special tokens out.
    """

    def __init__(self, ids: list[int] | None = None, skip_special_tokens: bool | None = False) -> None:
        self._ids = [] if ids is None else [as_number(number) for number in ids]
        self._skip = bool(skip_special_tokens)
        #: The text that was given already, which the next is cut off from, and how many ids it has.
        self._prefix = ""
        self._prefix_ids = 0

    def step(self, tokenizer: Any, id: int | list[int]) -> str | None:
        """The text that an id more (or several) makes certain; None as long as it makes none."""
        try:
            new = [as_number(number) for number in id] if isinstance(id, (list, tuple)) else [as_number(id)]
        except (TypeError, OverflowError):
            raise TypeError("StreamInput must be either an integer or a list of integers") from None
        if not self._prefix and self._ids:
            prefix = tokenizer.decode(self._ids, self._skip)
            if not prefix.endswith("\ufffd"):
                self._prefix, self._prefix_ids = prefix, len(self._ids)
        self._ids = self._ids + new  # A copy of this stream has the old one.
        text: str = tokenizer.decode(self._ids, self._skip)
        # In bytes, as there: a text of fewer characters can be longer.
        if len(text.encode()) <= len(self._prefix.encode()) or text.endswith("\ufffd"):
            return None
        if not text.startswith(self._prefix):
            raise Exception(
                f"Invalid prefix encountered while decoding stream. Token ID: {self._ids[-1]}, Expected prefix: "
                f"'{self._prefix}', Actual string: '{text}'"
            )
        found = text[len(self._prefix) :]
        self._ids, self._prefix_ids = self._ids[self._prefix_ids :], len(self._ids) - self._prefix_ids
        self._prefix = tokenizer.decode(self._ids, self._skip)
        return found
