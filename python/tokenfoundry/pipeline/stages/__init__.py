"""One module a stage.

Text stages (`clean`, `label`, `filter`, `redact`) take a batch of texts and say what became of each: they are objects
with `name`, `version`, `edits_text` and a call; `text_stage` makes one from its recipe options. A change of what a
stage does must change its `version`, or an interrupted run would mix the two. `dedup`, `tokenize`, `pack` and `shard`
work on the whole corpus; the runner calls them by name.
"""

from tokenfoundry.pipeline.stages.base import Outcome, TextStage
from tokenfoundry.pipeline.stages.clean import Clean
from tokenfoundry.pipeline.stages.filter import Filter
from tokenfoundry.pipeline.stages.label import Label
from tokenfoundry.pipeline.stages.redact import Redact

__all__ = ["TEXT_STAGES", "Outcome", "TextStage", "text_stage"]

TEXT_STAGES = {"clean": Clean, "label": Label, "filter": Filter, "redact": Redact}


def text_stage(name: str, options: object) -> TextStage:
    """The stage of a recipe's entry."""
    stage: TextStage = TEXT_STAGES[name](options)
    return stage
