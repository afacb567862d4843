"""What is put around a text, or a pair: the post-processors of a tokenizer.json."""

import functools
from typing import Any

from tokenfoundry.compat.tokenizers.encoding import Encoding, Segment
from tokenfoundry.errors import VocabularyError


class PostProcessor:
    """One post-processor, or a sequence of them, as the file describes it. ``None``: none."""

    def __init__(self, description: dict[str, Any] | None) -> None:
        self.is_set = description is not None
        steps = [description] if description is not None else []
        if description is not None and description["type"] == "Sequence":
            steps = description["processors"]
        self._steps = [inner for step in steps for inner in _as_templates(step)]
        self._templates = sum(step["type"] == "TemplateProcessing" for step in self._steps)

    @functools.cached_property
    def is_simple(self) -> bool:
        """Whether a single text has only tokens before and after it, so that the engine puts them there itself."""
        templates = [step["single"] for step in self._steps if step["type"] == "TemplateProcessing"]
        texts = [piece["Sequence"]["id"] for template in templates for piece in template if "Sequence" in piece]
        return len(templates) <= 1 and texts in ([], ["A"]) and len(texts) == len(templates)

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
        if not self.is_set:
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
                if not step.get("older"):
                    for number, encoding in enumerate(encodings):
                        encoding.set_sequence_id(number)
            elif step.get("older"):
                encodings = _around_each(step, encodings, add_special_tokens)
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
            filled.append(Encoding._of(list(special["ids"]), segments))
    return filled


def _around_each(template: dict[str, Any], encodings: list[Encoding], add_special_tokens: bool) -> list[Encoding]:
    """What the older kinds do: put tokens around each encoding, and leave as many as there were. What those inside were
    before, special or padding, of which text, is forgotten."""
    is_bert = template["is_bert"]
    if not is_bert:
        for encoding in encodings:
            encoding._set_type_ids(0)
    if not add_special_tokens:
        return encodings
    cls, sep = (template["single"][place]["SpecialToken"]["id"] for place in (0, -1))
    made = []
    for number, encoding in enumerate(encodings):
        type_id = int(is_bert and number > 0)

        def token(name: str, type_id: int = type_id) -> Encoding:
            ids = template["special_tokens"][name]["ids"]
            return Encoding._of(list(ids), [Segment(1, type_id, token=name, is_special=True)])

        def around(part: Encoding, number: int = number, token: Any = token) -> Encoding:
            before = [] if is_bert and number else [token(sep if number else cls)]
            segments = [segment._replace(is_special=False, is_padding=False) for segment in part._segments]
            if not is_bert:  # Roberta's numbers all anew, those of the overflow too.
                segments = [segment._replace(type_id=0) for segment in segments]
            inside = Encoding._of(part.ids, segments)
            inside.set_sequence_id(min(number, 1))
            return Encoding.merge([*before, inside, token(sep)], False)

        whole = around(encoding)
        whole._known().overflowing = [around(part) for part in encoding._overflowing]
        made.append(whole)
    return made


def _as_templates(step: dict[str, Any]) -> list[dict[str, Any]]:
    """The step as trimming of offsets and a template, which is all that the older kinds are."""
    kind = step["type"]
    if kind in ("TemplateProcessing", "ByteLevel"):
        return [step]
    if kind == "Sequence":
        return [inner for one in step["processors"] for inner in _as_templates(one)]
    if kind not in ("BertProcessing", "RobertaProcessing"):
        raise VocabularyError(
            f"post_processor {kind} is not read by tokenfoundry.compat.tokenizers; use tokenizers for this file"
        )
    (cls, cls_id), (sep, sep_id) = step["cls"], step["sep"]
    is_bert = kind == "BertProcessing"
    single = [_special(cls, 0), _text("A", 0), _special(sep, 0)]
    second = int(is_bert)
    template = {
        "type": "TemplateProcessing",
        "older": True,
        "is_bert": is_bert,
        "single": single,
        "pair": [*single, *([] if is_bert else [_special(sep, 0)]), _text("B", second), _special(sep, second)],
        "special_tokens": {
            name: {"id": name, "ids": [number], "tokens": [name]} for name, number in ((cls, cls_id), (sep, sep_id))
        },
    }
    return [template] if is_bert else [{**step, "type": "ByteLevel", "older": True}, template]


def _special(name: str, type_id: int) -> dict[str, Any]:
    return {"SpecialToken": {"id": name, "type_id": type_id}}


def _text(name: str, type_id: int) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": type_id}}
