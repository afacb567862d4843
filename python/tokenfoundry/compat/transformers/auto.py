"""`AutoTokenizer`, and putting it in the place of ``transformers``' own."""

import logging
from types import TracebackType
from typing import Any

import transformers

from tokenfoundry.compat._startup import armed, is_wanted
from tokenfoundry.compat.transformers.convert import convert
from tokenfoundry.errors import VocabularyError

logger = logging.getLogger("tokenfoundry")

_NAME = "from_pretrained"
#: What was there before the patch, as it lay in the class; None while there is no patch.
_before: Any = None


def _load(cls: type, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A tokenizer as ``transformers`` loads it, patched or not."""
    found = _before or armed(transformers.AutoTokenizer) or vars(transformers.AutoTokenizer)[_NAME]
    return found.__get__(None, cls)(*arguments, **options)


class AutoTokenizer:
    """``transformers.AutoTokenizer`` with our engine."""

    def __init__(self) -> None:
        raise OSError(
            "AutoTokenizer is designed to be instantiated using the "
            "`AutoTokenizer.from_pretrained(pretrained_model_name_or_path)` method."
        )

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *inputs: Any, **kwargs: Any) -> Any:
        """A tokenizer from a directory or the hub, with the arguments of ``transformers``.

        Raises:
            VocabularyError: its kind is not covered; the message names it. Besides, what ``transformers`` raises.
        """
        return convert(_load(transformers.AutoTokenizer, (pretrained_model_name_or_path, *inputs), kwargs))

    @staticmethod
    def register(*arguments: Any, **options: Any) -> None:
        """As ``transformers.AutoTokenizer.register``, for both."""
        transformers.AutoTokenizer.register(*arguments, **options)


class _Patch:
    """What `patch_transformers` returns: leaving its ``with`` block takes back what entering it changed."""

    def __init__(self, was_patched: bool) -> None:
        self._was_patched = was_patched

    def __enter__(self) -> None:
        patch_transformers()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._was_patched:
            unpatch_transformers()


def patch_transformers() -> _Patch:
    """From now on ``transformers.AutoTokenizer.from_pretrained`` gives tokenizers with our engine.

    Those it cannot serve (another model than BPE …) are left as they are, with a line in the log ``tokenfoundry`` at
    level info. Works for ``from transformers import AutoTokenizer`` before and after. Also as a context manager,
    ``with patch_transformers(): …``; patching twice is patching once.
    """
    global _before
    patch = _Patch(_before is not None)
    if _before is None:
        auto = transformers.AutoTokenizer
        _before = armed(auto) or vars(auto)[_NAME]

        def from_pretrained(cls: type, *inputs: Any, **kwargs: Any) -> Any:
            tokenizer = _load(cls, inputs, kwargs)
            try:
                return convert(tokenizer)
            except VocabularyError as error:
                logger.info("%s", error)
                return tokenizer

        from_pretrained.__doc__ = auto.from_pretrained.__doc__
        setattr(auto, _NAME, classmethod(from_pretrained))
    return patch


def unpatch_transformers() -> None:
    """``transformers.AutoTokenizer`` as it was. Tokenizers that were loaded meanwhile keep our engine."""
    global _before
    before = _before or armed(transformers.AutoTokenizer)
    if before is not None:
        setattr(transformers.AutoTokenizer, _NAME, before)
        _before = None


def is_patched() -> bool:
    """Whether ``transformers.AutoTokenizer`` gives tokenizers with our engine."""
    return _before is not None or armed(transformers.AutoTokenizer) is not None


if is_wanted():
    patch_transformers()
