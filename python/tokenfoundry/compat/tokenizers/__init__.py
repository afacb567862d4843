"""The names of Hugging Face's `tokenizers` 0.23 for BPE models: ``from tokenfoundry.compat.tokenizers import Tokenizer``.

For programs that load a tokenizer.json and encode and decode with it. The parts that tokenizers are built of (``models``,
``pre_tokenizers`` …) are those of `tokenizers` itself, where it is installed; only `Tokenizer` and `Encoding` are ours, and
are in the tokenizers with a BPE model that it builds by itself (``ByteLevelBPETokenizer`` …).
``docs/compat.md`` goes through the names one by one.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tokenfoundry.compat.tokenizers.added import added_token_class
from tokenfoundry.compat.tokenizers.encoding import Encoding as Encoding
from tokenfoundry.compat.tokenizers.tokenizer import Tokenizer as Tokenizer
from tokenfoundry.compat.tokenizers.tokenizer import original as _original

if TYPE_CHECKING:
    from tokenfoundry.compat.tokenizers.added import AddedToken as AddedToken

#: The version of `tokenizers` whose behaviour this is.
__version__ = "0.23.3"

#: What is handed on from `tokenizers`.
_MODULES = frozenset({
    "decoders", "implementations", "models", "normalizers", "pre_tokenizers", "processors", "trainers",
})  # fmt: skip
_PARTS = frozenset({
    "NormalizedString", "PreTokenizedString", "Regex", "Token", "OffsetReferential", "OffsetType", "SplitDelimiterBehavior", "EncodeInput",
    "InputSequence", "Offsets", "PreTokenizedEncodeInput", "PreTokenizedInputSequence", "TextEncodeInput",
    "TextInputSequence",
})  # fmt: skip
#: Tokenizers that `tokenizers` builds by itself, of models that we do not have.
NOT_SUPPORTED = frozenset({"BertWordPieceTokenizer", "SentencePieceUnigramTokenizer"})
_BUILT = NOT_SUPPORTED | {"ByteLevelBPETokenizer", "CharBPETokenizer", "SentencePieceBPETokenizer"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        # As a statement it would ask here for it again.
        return importlib.import_module(f"{__name__}.{name}")
    if name in _PARTS:
        return getattr(_original(), name)
    if name in _BUILT:
        return getattr(importlib.import_module(f"{__name__}.implementations"), name)
    if name == "AddedToken":
        return added_token_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
