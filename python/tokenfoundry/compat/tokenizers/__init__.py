"""The names of Hugging Face's `tokenizers` 0.23 for BPE models: ``from tokenfoundry.compat.tokenizers import Tokenizer``.

For programs that load a tokenizer.json and encode and decode with it. Not for building a tokenizer from parts
(``models``, ``pre_tokenizers`` …): use `tokenizers` and load what it saved, or `tokenfoundry.Tokenizer.train`.
``docs/compat.md`` goes through the names one by one.
"""

from typing import Any

from tokenfoundry.compat.tokenizers.encoding import Encoding as Encoding
from tokenfoundry.compat.tokenizers.tokenizer import AddedToken as AddedToken
from tokenfoundry.compat.tokenizers.tokenizer import Tokenizer as Tokenizer

#: The version of `tokenizers` whose behaviour this is.
__version__ = "0.23.3"

_PARTS = frozenset({
    "models", "normalizers", "pre_tokenizers", "post_processors", "processors", "decoders", "trainers", "implementations",
    "tools", "NormalizedString", "PreTokenizedString", "Regex", "Token",
})  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        raise AttributeError(
            f"tokenfoundry.compat.tokenizers has no {name}: build with tokenizers and load here what it saves"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
