"""One module a stage.

Text stages (`extract`, `clean`, `label`, `filter`, `redact`, `decontaminate`) take a batch of texts and say what became of each: they are objects
with `name`, `version`, `edits_text` and a call; `text_stage` makes one from its recipe options. A change of what a
stage does must change its `version`, or an interrupted run would mix the two. `dedup`, `tokenize`, `pack` and `shard`
work on the whole corpus; the runner calls them by name.
"""

from pathlib import Path
from typing import Any

from tokenfoundry.pipeline.stages.base import Outcome, TextStage
from tokenfoundry.pipeline.stages.clean import Clean
from tokenfoundry.pipeline.stages.decontaminate import Decontaminate
from tokenfoundry.pipeline.stages.extract import Extract
from tokenfoundry.pipeline.stages.filter import Filter
from tokenfoundry.pipeline.stages.label import Label
from tokenfoundry.pipeline.stages.redact import Redact

__all__ = ["TEXT_STAGES", "Outcome", "TextStage", "text_stage"]

TEXT_STAGES = {
    "extract": Extract,
    "clean": Clean,
    "label": Label,
    "filter": Filter,
    "redact": Redact,
    "decontaminate": Decontaminate,
}


def text_stage(kind: str, options: object, base: Path = Path(), name: str | None = None) -> TextStage:
    """The stage of a recipe's entry; files that it names are relative to ``base``. ``name``: what it is called in
    counts and verdicts, where a recipe has several of a kind."""
    made: Any = TEXT_STAGES[kind]
    stage: Any = made(options, base) if getattr(made, "reads_files", False) else made(options)
    if name is not None and name != kind:
        stage.name = name
    result: TextStage = stage
    return result
