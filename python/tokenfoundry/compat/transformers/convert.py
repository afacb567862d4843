"""Putting our engine into a ``transformers`` tokenizer.

`convert` changes the tokenizer that it is given: its backend becomes a `Backend`, its class one of the same name that
inherits from the class it had. So ``isinstance`` holds for everything it held for, and ``save_pretrained`` writes what it
wrote.
"""

import functools
from typing import Any

import transformers
from transformers import BatchEncoding, PreTrainedTokenizerBase

from tokenfoundry.compat.transformers.backend import Backend
from tokenfoundry.compat.transformers.fast import fast_class
from tokenfoundry.compat.transformers.slow import SlowMixin, replacements
from tokenfoundry.errors import VocabularyError

#: The base of tokenizers over `tokenizers`: ``TokenizersBackend`` in transformers 5, under its old name as well.
FAST: type = transformers.PreTrainedTokenizerFast


class Converted:
    """What the classes made here share: they are pickled as the class that they stand for, and converted again."""

    #: The class that a tokenizer had.
    tokenfoundry_original_class: type

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _restored, (self.tokenfoundry_original_class,), self.__getstate__()


FastMixin: type = fast_class(FAST, BatchEncoding)


def is_converted(tokenizer: Any) -> bool:
    """Whether a tokenizer encodes with our engine."""
    return isinstance(tokenizer, Converted)


def convert(tokenizer: Any) -> Any:
    """Have a loaded ``transformers`` tokenizer encode and decode with our engine.

    Args:
        tokenizer: a ``PreTrainedTokenizerBase``; it is changed, not copied.

    Returns:
        The same object. Converting twice does nothing.

    Raises:
        VocabularyError: it is of a kind that is not covered; the message names what it is. It is as it was.
    """
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise VocabularyError(f"{type(tokenizer).__name__} is no transformers tokenizer")
    if is_converted(tokenizer):
        return tokenizer
    original: Any = type(tokenizer)
    given: Any = tokenizer
    try:
        if isinstance(tokenizer, FAST):
            given._tokenizer = Backend(given._tokenizer)
            given.__class__ = converted_class(original)
        else:
            found = replacements(given)
            given.__class__ = converted_class(original)
            given.tokenfoundry_take_over(found)
    except VocabularyError as error:
        raise VocabularyError(
            f"{original.__name__}: {error}; patch_transformers leaves this tokenizer untouched"
        ) from None
    return given


@functools.cache
def converted_class(original: type) -> type:
    """The class of a converted tokenizer, by the class that it had."""
    if not issubclass(original, FAST):
        bases: tuple[type, ...] = (Converted, SlowMixin, original)
    elif original is FAST:
        bases = (Converted, FastMixin)
    else:
        # Behind the class, whose own methods come first, and before the base that they rest on.
        bases = (Converted, original, FastMixin)
    names = {"__doc__": original.__doc__, "tokenfoundry_original_class": original}
    return type(original.__name__, bases, names | {"__module__": original.__module__})


def _restored(original: type) -> Any:
    made: Any = converted_class(original)
    return made.__new__(made)
