"""Text in columns: clean it, measure it, judge it, take out what must not be trained on.

Every function takes many texts at once (a list of ``str`` or ``bytes``, or an Arrow string or binary array) and gives
Arrow columns of the same length. Bytes that are not UTF-8 are never an error: they are read as U+FFFD and counted.
Work runs on all threads outside the GIL; results never depend on ``threads``.

``docs/text.md`` lists every signal, rule and pattern with its source.
"""

from tokenfoundry.text.classifiers import FastText
from tokenfoundry.text.cleaning import LINE_RULES, KeptLines, Normalized, drop_lines, normalize
from tokenfoundry.text.columns import Columns
from tokenfoundry.text.extraction import Extracted, extract
from tokenfoundry.text.labels import label
from tokenfoundry.text.measures import FAMILIES, PRESETS, Rule, filter, rules, signals, words
from tokenfoundry.text.overlap import NgramIndex, Overlap, joined_fields, ngram_index, ngram_overlap
from tokenfoundry.text.quality import ArpaModel, ByteModel, KenlmModel, WordLists, load_model
from tokenfoundry.text.redaction import KINDS, Redacted, presidio_names, redact

__all__ = [
    "FAMILIES",
    "KINDS",
    "LINE_RULES",
    "PRESETS",
    "ArpaModel",
    "ByteModel",
    "Columns",
    "Extracted",
    "FastText",
    "KenlmModel",
    "KeptLines",
    "NgramIndex",
    "Normalized",
    "Overlap",
    "Redacted",
    "Rule",
    "WordLists",
    "drop_lines",
    "extract",
    "filter",
    "joined_fields",
    "label",
    "load_model",
    "ngram_index",
    "ngram_overlap",
    "normalize",
    "presidio_names",
    "redact",
    "rules",
    "signals",
    "words",
]
