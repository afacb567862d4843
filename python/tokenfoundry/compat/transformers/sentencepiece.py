"""A `SentencePieceProcessor` whose encoding is ours.

For BPE models that our engine reads. Everything but plain encoding (sampling, protos, decoding, looking at pieces) is
asked of the original.
"""

from typing import Any

from tokenfoundry._core import bpe as _bpe
from tokenfoundry.errors import VocabularyError
from tokenfoundry.tokenizer import Tokenizer as _Engine

_PROBES = (
    "Hello, world!  It's   2024.",
    " leading and trailing ",
    "\u4f60\u597d\u4e16\u754c \u041f\u0440\u0438\u0432\u0435\u0442 na\u00efve cafe\u0301 \U0001f44d\U0001f3fd\t\n",
    "<s> \u2581x \u2581\u2581 </s>",
    "",
)


def is_processor(value: Any) -> bool:
    """Whether it is the original's class."""
    return type(value).__name__ == "SentencePieceProcessor" and type(value).__module__.startswith("sentencepiece")


class Processor:
    """In the place of an original. VocabularyError where our engine cannot take it."""

    __slots__ = ("_engine", "_pieces", "_unknown", "original")

    def __init__(self, original: Any) -> None:
        self.original = original
        self._engine = _Engine(_bpe.read_sentencepiece(original.serialized_model_proto()))
        self._pieces: list[str] = [original.id_to_piece(number) for number in range(original.get_piece_size())]
        self._unknown: int = original.unk_id()
        for probe in _PROBES:
            if self.encode(probe, out_type=int) != original.encode(probe, out_type=int):
                raise VocabularyError(f"sentencepiece and tokenfoundry do not agree on {probe!r}; please report it")

    def encode(self, input: Any, out_type: Any = None, *arguments: Any, **options: Any) -> Any:
        """As the original's; ours where nothing is asked for but pieces or ids."""
        if arguments or options or out_type not in (None, int, str) or not isinstance(input, (str, list)):
            return self.original.encode(input, out_type, *arguments, **options)
        if isinstance(input, list):
            return [self.encode(one, out_type) for one in input]
        if _bpe.first_not_text([input]) is not None:
            return self.original.encode(input, out_type)
        ids = self._engine.encode(input, False, allowed_special="none")
        if out_type is not str:
            return ids
        if self._unknown in ids:
            return self.original.encode(input, out_type=str)  # What is unknown is shown as it was written.
        pieces = self._pieces
        return [pieces[number] for number in ids]

    def encode_as_pieces(self, input: Any) -> Any:
        """As the original's."""
        return self.encode(input, str)

    def encode_as_ids(self, input: Any) -> Any:
        """As the original's."""
        return self.encode(input, int)

    Encode = encode
    EncodeAsPieces = encode_as_pieces
    EncodeAsIds = encode_as_ids

    def __getattr__(self, name: str) -> Any:
        if name in Processor.__slots__:
            raise AttributeError(name)
        return getattr(self.original, name)

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, piece: Any) -> Any:
        return self.original[piece]

    def __reduce__(self) -> tuple[Any, ...]:
        return Processor, (self.original,)
