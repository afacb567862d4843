"""``transformers`` tokenizers that are written in Python, over tiktoken or SentencePiece: their engine replaced by ours.

Such a class keeps a `tiktoken.Encoding` or a `sentencepiece.SentencePieceProcessor` in an attribute and does all else by
itself. The attribute is replaced by an object with the same answers, so the class works as before, whatever it does
around it; tokens become ids by a table that remembers what the class said of each. Qwen 1's class goes the way from ids
to tokens and back to ids for every text, and is spared it.
"""

import unicodedata
from collections.abc import Callable
from typing import Any

from tokenfoundry.compat.transformers.sentencepiece import Processor, is_processor
from tokenfoundry.errors import VocabularyError

_PROBE = "Hello <|endoftext|> wo\u0308rld! \u4f60\u597d  123\n"
_QWEN = "QWenTokenizer"


def _encoding_of(original: Any) -> Any:
    from tokenfoundry.compat.tiktoken import Encoding

    return Encoding(
        original.name,
        pat_str=original._pat_str,
        mergeable_ranks=original._mergeable_ranks,
        special_tokens=original._special_tokens,
    )


def _is_encoding(value: Any) -> bool:
    return type(value).__name__ == "Encoding" and type(value).__module__ == "tiktoken.core"


def replacements(tokenizer: Any) -> dict[str, Any]:
    """By attribute, what is to be there; VocabularyError if nothing is, or our engine cannot take it."""
    found: dict[str, Any] = {}
    for name, value in vars(tokenizer).items():
        if _is_encoding(value):
            found[name] = _encoding_of(value)
        elif is_processor(value):
            found[name] = Processor(value)
    if not found:
        raise VocabularyError(
            "a tokenizer in Python that keeps neither a tiktoken.Encoding nor a SentencePieceProcessor is not covered; "
            "use transformers for it"
        )
    return found


class _Remembered(dict[Any, Any]):
    """What a function said of each token."""

    def __init__(self, find: Callable[[Any], Any]) -> None:
        self._find = find

    def __missing__(self, token: Any) -> Any:
        found = self[token] = self._find(token)
        return found


class SlowMixin:
    """Goes before the class in its converted form."""

    #: Of the class before, set where it is converted.
    tokenfoundry_original_class: type

    def tokenfoundry_take_over(self, found: dict[str, Any]) -> None:
        """Put the replacements in place."""
        me: Any = self
        for name, value in found.items():
            self.__dict__[name] = value
        if type(self).__name__ == _QWEN:
            self.__dict__["_tokenfoundry_direct"] = True
            try:
                if self._tokenfoundry_text_ids(_PROBE) != me.convert_tokens_to_ids(me.tokenize(_PROBE)):
                    del self.__dict__["_tokenfoundry_direct"]  # Another class of that name.
            except Exception:
                del self.__dict__["_tokenfoundry_direct"]

    def __getstate__(self) -> Any:
        parent: Any = super()
        kept = dict(parent.__getstate__())
        return {name: value for name, value in kept.items() if not name.startswith("_tokenfoundry_")}

    def __setstate__(self, state: Any) -> None:
        parent: Any = super()
        if hasattr(parent, "__setstate__"):
            parent.__setstate__(state)
        else:
            self.__dict__.update(state)
        try:
            found = replacements(self)
        except VocabularyError:
            found = {}  # They came along in the state.
        self.tokenfoundry_take_over(found)

    # Tokens to ids, by a table

    def _add_tokens(self, *arguments: Any, **options: Any) -> Any:
        self.__dict__.pop("_tokenfoundry_ids", None)
        parent: Any = super()
        return parent._add_tokens(*arguments, **options)

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """As of the class before."""
        parent: Any = super()
        if type(tokens) is not list or _overrides(self.tokenfoundry_original_class, "convert_tokens_to_ids"):
            return parent.convert_tokens_to_ids(tokens)
        ids = self.__dict__.get("_tokenfoundry_ids")
        if ids is None:
            ids = self.__dict__["_tokenfoundry_ids"] = _Remembered(parent._convert_token_to_id_with_added_voc)
        return list(map(ids.__getitem__, tokens))

    # Texts to ids at once, where that is known to be the same

    def _tokenfoundry_text_ids(self, text: str) -> list[int]:
        me: Any = self
        ids: list[int] = me.tokenizer.encode(
            unicodedata.normalize("NFC", text), allowed_special="all", disallowed_special=()
        )
        return ids

    def _tokenfoundry_as_ids(self, text: Any, options: dict[str, Any]) -> Any:
        """The ids of a text; the text where the class must see it (as for an empty one)."""
        if not isinstance(text, str) or "_tokenfoundry_direct" not in self.__dict__:
            return text
        if any(options.get(name) for name in ("is_split_into_words", "sanitize_control_tokens")):
            return text
        if "allowed_special" in options or "disallowed_special" in options:
            return text
        return self._tokenfoundry_text_ids(text) or text

    def _encode_plus(self, text: Any, text_pair: Any = None, *arguments: Any, **options: Any) -> Any:
        parent: Any = super()
        if text_pair is None and not arguments:
            if type(text) is list and text and all(isinstance(one, str) for one in text):
                text = [self._tokenfoundry_as_ids(one, options) for one in text]
            else:
                text = self._tokenfoundry_as_ids(text, options)
        return parent._encode_plus(text, text_pair, *arguments, **options)

    def _batch_encode_plus(self, batch_text_or_text_pairs: Any, *arguments: Any, **options: Any) -> Any:
        parent: Any = super()
        texts = batch_text_or_text_pairs
        if not arguments and type(texts) is list and "_tokenfoundry_direct" in self.__dict__:
            texts = [(self._tokenfoundry_as_ids(one, options), None) if isinstance(one, str) else one for one in texts]
        return parent._batch_encode_plus(texts, *arguments, **options)


def _overrides(original: type, name: str) -> bool:
    """Whether a class, or one between it and those of transformers itself, has its own method of a name."""
    for kind in original.__mro__:
        if name in vars(kind):
            return kind.__name__ not in ("PreTrainedTokenizer", "PreTrainedTokenizerBase", "PythonBackend")
    return False
