"""What is put around a text, or a pair: the post-processors of a tokenizer.json."""

from typing import Any

from tokenfoundry.compat.tokenizers.encoding import Encoding, Segment
from tokenfoundry.errors import VocabularyError


class PostProcessor:
    """One post-processor, or a sequence of them, as the file describes it. ``None``: none."""

    def __init__(self, description: dict[str, Any] | None) -> None:
        self._is_set = description is not None
        steps = [description] if description is not None else []
        if description is not None and description["type"] == "Sequence":
            steps = description["processors"]
        self._steps = [_as_template(step) for step in steps]

    def added_tokens(self, is_pair: bool) -> int:
        """How many tokens are added."""
        return sum(
            len(step["special_tokens"][piece["SpecialToken"]["id"]]["ids"])
            for step in self._steps
            if step["type"] == "TemplateProcessing"
            for piece in step["pair" if is_pair else "single"]
            if "SpecialToken" in piece
        )

    def process(self, encodings: list[Encoding], add_special_tokens: bool) -> Encoding:
        """One encoding of a text or a pair."""
        if not self._is_set:
            if len(encodings) == 1:
                return encodings[0]
            for number, encoding in enumerate(encodings):
                encoding.set_sequence_id(number)
            return Encoding.merge(encodings, False)
        for number, encoding in enumerate(encodings):
            for part in (encoding, *encoding._overflowing):
                part.set_sequence_id(number)
            encoding._set_type_ids(number)
        for step in self._steps:
            if step["type"] == "ByteLevel":
                if step.get("trim_offsets", True):
                    for encoding in encodings:
                        for part in (encoding, *encoding._overflowing):
                            part._trim_offsets(step.get("add_prefix_space", True))
                for number, encoding in enumerate(encodings):
                    encoding.set_sequence_id(number)
            else:
                encodings = _filled(step, encodings, add_special_tokens)
        return Encoding.merge(encodings, False)


def _filled(template: dict[str, Any], encodings: list[Encoding], add_special_tokens: bool) -> list[Encoding]:
    filled = []
    for piece in template["pair" if len(encodings) == 2 else "single"]:
        if "Sequence" in piece:
            number = int(piece["Sequence"]["id"] != "A")
            encodings[number]._set_type_ids(piece["Sequence"]["type_id"])
            encodings[number].set_sequence_id(number)
            filled.append(encodings[number]._copy())
        elif add_special_tokens:
            special = template["special_tokens"][piece["SpecialToken"]["id"]]
            type_id = piece["SpecialToken"]["type_id"]
            segments = [Segment(1, type_id, token=token, is_special=True) for token in special["tokens"]]
            filled.append(Encoding(list(special["ids"]), segments))
    return filled


def _as_template(step: dict[str, Any]) -> dict[str, Any]:
    if step["type"] not in ("TemplateProcessing", "ByteLevel"):
        raise VocabularyError(
            f"post_processor {step['type']} is not read by tokenfoundry.compat.tokenizers; use tokenizers for this file"
        )
    return step
