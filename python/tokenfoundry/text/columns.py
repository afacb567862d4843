"""Every column that can be said of a text, by name: what recipes filter by and put into the ledger."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tokenfoundry.text.classifiers import FastText
from tokenfoundry.text.labels import label
from tokenfoundry.text.measures import FAMILIES, signals
from tokenfoundry.text.quality import ArpaModel, ByteModel, KenlmModel, WordLists, load_model

__all__ = ["Columns"]

_LABELS = {"language": pa.string(), "language_confidence": pa.float32(), "script": pa.string()}
_SHORT = {"lang": "language"}


class Columns:
    """The columns that texts can be asked for: signals, language and script, sizes, a user's models and word lists.

    - ``family.signal`` of every family of ``tf.text.FAMILIES``;
    - ``language`` (or ``lang``), ``language_confidence``, ``script``; ``bytes``; ``characters``;
    - for each model ``NAME``: ``NAME.bits_per_byte`` (byte model), ``NAME.perplexity`` (ARPA, KenLM), or ``NAME.label``,
      ``NAME.probability`` and ``NAME.LABEL`` for each of its labels (fastText);
    - for each word list ``NAME``: ``NAME.count``.

    Args:
        models: files of quality models by name.
        word_lists: files of word lists (one phrase a line) by name, or the phrases themselves.

    Raises:
        InputError: a file is no model, or a list is empty.
    """

    def __init__(
        self,
        *,
        models: Mapping[str, str | os.PathLike[str]] | None = None,
        word_lists: Mapping[str, Sequence[str] | str | os.PathLike[str]] | None = None,
    ) -> None:
        self.models = {name: load_model(Path(path)) for name, path in (models or {}).items()}
        self.word_lists = WordLists(word_lists) if word_lists else None
        known: dict[str, pa.DataType] = dict(_LABELS)
        known.update(dict.fromkeys(_SHORT, pa.string()))
        known.update(bytes=pa.int64(), characters=pa.int64())
        known.update((name, pa.float64()) for family in FAMILIES.values() for name in family)
        for name, model in self.models.items():
            if isinstance(model, ByteModel):
                known[f"{name}.bits_per_byte"] = pa.float64()
            elif isinstance(model, ArpaModel | KenlmModel):
                known[f"{name}.perplexity"] = pa.float64()
            else:
                known[f"{name}.label"] = pa.string()
                known[f"{name}.probability"] = pa.float64()
                known.update((f"{name}.{one}", pa.float64()) for one in model.labels)
        for name in self.word_lists.lists if self.word_lists else ():
            known[f"{name}.count"] = pa.int64()
        self.schema = pa.schema(list(known.items()))
        """All columns and their types."""

    def compute(self, texts: pa.Array, names: Iterable[str], *, threads: int | None = None) -> dict[str, pa.Array]:
        """The columns of these names (all in `schema`), a row a text. What several need is done once."""
        wanted = list(dict.fromkeys(names))
        found: dict[str, pa.Array] = {}
        measurable = [name for name in wanted if any(name in columns for columns in FAMILIES.values())]
        if measurable:
            measured = signals(texts, columns=measurable, threads=threads)
            found.update(zip(measured.schema.names, measured.columns, strict=True))
        if any(_SHORT.get(name, name) in _LABELS for name in wanted):
            labels = label(texts, threads=threads)
            found.update(zip(labels.schema.names, labels.columns, strict=True))
            found.update((short, found[name]) for short, name in _SHORT.items())
        if "bytes" in wanted:
            found["bytes"] = pc.binary_length(texts).cast(pa.int64())
        if "characters" in wanted:
            found["characters"] = pc.utf8_length(texts).cast(pa.int64())
        if self.word_lists is not None and any(name.removesuffix(".count") in self.word_lists.lists for name in wanted):
            counts = self.word_lists.count(texts, threads=threads)
            found.update((f"{name}.count", counts.column(name)) for name in counts.schema.names)
        for name, model in self.models.items():
            if any(one.startswith(f"{name}.") for one in wanted):
                found.update(_model_columns(name, model, texts, wanted, threads))
        return {name: found[name] for name in wanted}


def _model_columns(
    name: str,
    model: ByteModel | ArpaModel | KenlmModel | FastText,
    texts: pa.Array,
    wanted: Sequence[str],
    threads: int | None,
) -> dict[str, pa.Array]:
    if isinstance(model, ByteModel):
        return {f"{name}.bits_per_byte": model.bits_per_byte(texts, threads=threads)}
    if isinstance(model, ArpaModel | KenlmModel):
        return {f"{name}.perplexity": model.perplexity(texts, threads=threads)}
    columns: dict[str, pa.Array] = {}
    if f"{name}.label" in wanted or f"{name}.probability" in wanted:
        best = model.predict(texts, k=1, threads=threads)
        rows = zip(best.column("labels").to_pylist(), best.column("probabilities").to_pylist(), strict=True)
        pairs = [(one[0].removeprefix("__label__"), two[0]) if one else (None, 0.0) for one, two in rows]
        columns[f"{name}.label"] = pa.array([one for one, _ in pairs], pa.string())
        columns[f"{name}.probability"] = pa.array([two for _, two in pairs], pa.float64())
    for one in model.labels:
        if f"{name}.{one}" in wanted:
            columns[f"{name}.{one}"] = model.probability(texts, one, threads=threads)
    return columns
