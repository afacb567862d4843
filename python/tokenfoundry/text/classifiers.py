"""Classifiers in fastText's format, asked without fastText."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from tokenfoundry._core import text as _core
from tokenfoundry.errors import InputError

__all__ = ["FastText"]

_PREFIX = "__label__"


class FastText:
    """A classifier that fastText trained (``.bin``, or ``.ftz`` quantized), for instance a quality model.

    Predictions are those of ``fasttext.predict`` (Joulin et al. 2016, "Bag of Tricks for Efficient Text
    Classification"): the same labels in the same order, probabilities to the rounding of float32. Line breaks in a
    text count as spaces, since fastText takes one line at a time.

    Args:
        path: the model's file.

    Raises:
        InputError: the file is no such model, or damaged; the message names the byte.
        OSError: it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        content = self.path.read_bytes()
        try:
            self._model = _core.FastText(content)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None
        self.labels: tuple[str, ...] = tuple(label.removeprefix(_PREFIX) for label in self._model.labels)
        """All labels without ``__label__``, the most frequent first."""

    def __repr__(self) -> str:
        return f"FastText({str(self.path)!r}, {len(self.labels)} labels, {self._model.nbytes:,} bytes in memory)"

    def predict(self, texts: Any, *, k: int = 1, threads: int | None = None) -> pa.RecordBatch:
        """The ``k`` likeliest labels of each text.

        Returns:
            ``labels`` (list of string, with ``__label__``) and ``probabilities`` (list of float32), likeliest first;
            empty lists where no word of a text is known to the model.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, got {k}")
        return pa.RecordBatch.from_struct_array(pa.array(self._model.predict(texts, most=k, threads=threads)))

    def probability(self, texts: Any, label: str, *, threads: int | None = None) -> pa.DoubleArray:
        """The probability of one label (float64, a text a row; 0 where the model knows nothing of a text).

        Raises:
            InputError: the model has no such label.
        """
        wanted = label.removeprefix(_PREFIX)
        if wanted not in self.labels:
            raise InputError(f"{self.path} has no label {wanted!r}; it has {', '.join(self.labels[:20])}")
        found = self.predict(texts, k=len(self.labels), threads=threads)
        names, values = found.column("labels"), found.column("probabilities")
        rows = [
            next((value for name, value in zip(row, numbers, strict=True) if name == _PREFIX + wanted), 0.0)
            for row, numbers in zip(names.to_pylist(), values.to_pylist(), strict=True)
        ]
        return pa.array(rows, pa.float64())
