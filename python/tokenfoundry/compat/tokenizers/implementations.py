"""The tokenizers that `tokenizers` builds by itself, encoding with our engine: those with a BPE model.

Each is the class of `tokenizers`, which has to be installed, with another `Tokenizer` inside.
"""

import functools
from typing import Any

from tokenfoundry.compat.tokenizers.tokenizer import Tokenizer, original

#: With a BPE model.
SUPPORTED = frozenset({"ByteLevelBPETokenizer", "CharBPETokenizer", "SentencePieceBPETokenizer"})
#: What the others have.
OTHERS = {"BertWordPieceTokenizer": "WordPiece", "SentencePieceUnigramTokenizer": "Unigram"}


def __getattr__(name: str) -> Any:
    if name in SUPPORTED:
        return _with_our_engine(name)
    if name == "BaseTokenizer":
        return original().implementations.BaseTokenizer
    if name in OTHERS:
        raise AttributeError(f"{name}: tokenfoundry has BPE only, not {OTHERS[name]}; take it from tokenizers")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.cache
def _with_our_engine(name: str) -> type:
    base: Any = getattr(original(), name)

    @functools.wraps(base.__init__)
    def init(self: Any, *arguments: Any, **options: Any) -> None:
        base.__init__(self, *arguments, **options)
        self._tokenizer = Tokenizer._unread(self._tokenizer.to_str())

    def from_file(vocab_filename: str, merges_filename: str, **options: Any) -> Any:
        vocab, merges = original().models.BPE.read_file(vocab_filename, merges_filename)
        return made(vocab, merges, **options)

    names = {"__init__": init, "from_file": staticmethod(from_file), "__doc__": base.__doc__, "__module__": __name__}
    made: Any = type(name, (base,), names)
    return made  # type: ignore[no-any-return]
