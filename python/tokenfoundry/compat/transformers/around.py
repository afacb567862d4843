"""What a post-processor puts around one text, where that is as simple as it mostly is: some ids before, some after.

Anything else (a template that names a text twice, an unknown kind) is None, and is left to `tokenizers` itself.
"""

import json
from typing import Any, NamedTuple


class Around(NamedTuple):
    """The ids before and after a text, and the type ids of all three."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    before_types: tuple[int, ...] = ()
    after_types: tuple[int, ...] = ()
    text_type: int = 0

    @property
    def length(self) -> int:
        return len(self.before) + len(self.after)


def around_of(processor: Any) -> Around | None:
    """Of a `tokenizers.processors.PostProcessor`, or None for none."""
    if processor is None:
        return Around()
    return _around(json.loads(processor.__getstate__()))


def _around(step: dict[str, Any]) -> Around | None:
    kind = step["type"]
    if kind == "ByteLevel":
        return Around()
    if kind in ("BertProcessing", "RobertaProcessing"):
        return Around((step["cls"][1],), (step["sep"][1],), (0,), (0,))
    if kind == "TemplateProcessing":
        return _template(step)
    if kind == "Sequence":
        templates = [inner for inner in step["processors"] if inner["type"] != "ByteLevel"]
        if len(templates) > 1:
            return None
        return _around(templates[0]) if templates else Around()
    return None


def _template(step: dict[str, Any]) -> Around | None:
    ids: tuple[list[int], list[int]] = ([], [])
    types: tuple[list[int], list[int]] = ([], [])
    text_type: int | None = None
    for piece in step["single"]:
        if "Sequence" in piece:
            if text_type is not None or piece["Sequence"]["id"] != "A":
                return None
            text_type = piece["Sequence"]["type_id"]
            continue
        special = step["special_tokens"][piece["SpecialToken"]["id"]]["ids"]
        side = text_type is not None
        ids[side].extend(special)
        types[side].extend([piece["SpecialToken"]["type_id"]] * len(special))
    if text_type is None:
        return None
    return Around(tuple(ids[0]), tuple(ids[1]), tuple(types[0]), tuple(types[1]), text_type)
