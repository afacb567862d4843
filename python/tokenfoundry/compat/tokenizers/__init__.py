"""The names of Hugging Face's `tokenizers` 0.23 for BPE models: ``from tokenfoundry.compat.tokenizers import Tokenizer``.

For programs that load a tokenizer.json and encode and decode with it. The parts that tokenizers are built of (``models``,
``pre_tokenizers`` …) are those of `tokenizers` itself, where it is installed; only `Tokenizer` and `Encoding` are ours, and
are in the tokenizers with a BPE model that it builds by itself (``ByteLevelBPETokenizer`` …).
``docs/compat.md`` goes through the names one by one.
"""

import importlib
from typing import Any

from tokenfoundry.compat.tokenizers.encoding import Encoding as Encoding
from tokenfoundry.compat.tokenizers.tokenizer import AddedToken as AddedToken
from tokenfoundry.compat.tokenizers.tokenizer import Tokenizer as Tokenizer
from tokenfoundry.compat.tokenizers.tokenizer import original as _original

#: The version of `tokenizers` whose behaviour this is.
__version__ = "0.23.3"

#: What is handed on from `tokenizers`.
_PARTS = frozenset({
    "models", "normalizers", "pre_tokenizers", "processors", "decoders", "trainers", "NormalizedString",
    "PreTokenizedString", "Regex", "Token", "OffsetReferential", "OffsetType", "SplitDelimiterBehavior", "EncodeInput",
    "InputSequence", "Offsets", "PreTokenizedEncodeInput", "PreTokenizedInputSequence", "TextEncodeInput",
    "TextInputSequence",
})  # fmt: skip
#: Tokenizers that `tokenizers` builds by itself, of models that we do not have.
NOT_SUPPORTED = frozenset({"BertWordPieceTokenizer", "SentencePieceUnigramTokenizer"})
_BUILT = NOT_SUPPORTED | {"ByteLevelBPETokenizer", "CharBPETokenizer", "SentencePieceBPETokenizer"}


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return getattr(_original(), name)
    if name == "implementations" or name in _BUILT:
        # As a statement it would ask here for it again.
        implementations = importlib.import_module(f"{__name__}.implementations")
        return implementations if name == "implementations" else getattr(implementations, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
