"""Labels: the language and the script of each text, offline."""

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tokenfoundry._core import text as _core

__all__ = ["label"]

_CHARACTERS_READ = 2_000
"""More of a document than this does not change the answer, only the time it takes."""

_TWO_LETTERS = {
    **{"ary": "ar", "arz": "ar", "wuu": "zh", "yue": "zh", "uzs": "uz", "sdh": "ku"},
    **{"gug": "gn", "hbo": "he", "kik": "ki", "fuv": "ff", "zxx": "und"},
}
"""ISO 639-1 for what py3langid names by three letters; other three-letter names have no two-letter one."""


@cache
def _model() -> _core.LanguageModel:
    """py3langid's arrays, handed to our own loop over them."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as missing:
        raise ImportError(
            "language labels need py3langid: pip install 'tokenfoundry[pipeline]'; tf.text.signals needs nothing"
        ) from missing
    read = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return _core.LanguageModel(
        np.asarray(read.tk_nextmove, np.uint32),
        np.asarray(read.tk_row, np.uint16),
        np.asarray(read.tk_output, np.int32),
        np.ascontiguousarray(read.nb_ptc, np.float32).ravel(),
        np.asarray(read.nb_pc, np.float32),
        list(read.nb_classes),
    )


def label(texts: Any, *, threads: int | None = None) -> pa.RecordBatch:
    """Name the language and the script of each text.

    The language is py3langid's answer on the first 2,000 characters, found by its model but not by its code.

    Args:
        texts: anything that holds ``str`` or ``bytes``; see the module.
        threads: threads to use; all that the process may use if None.

    Returns:
        ``language`` (ISO 639-1, ISO 639-3 where that has no code, ``und`` without letters), ``language_confidence`` (float32, 0 to 1) and
        ``script`` (ISO 15924 such as ``Latn``; ``Zyyy`` without letters).

    Raises:
        ImportError: py3langid is not installed.
    """
    scripts = pa.array(_core.scripts(texts, threads=threads))
    script = scripts.field("script")
    found = pa.array(_model().classify(texts, most_characters=_CHARACTERS_READ, threads=threads))
    written = pc.not_equal(script, "Zyyy")
    language = found.field("language").dictionary_encode()
    names = pa.array([_TWO_LETTERS.get(name, name) for name in language.dictionary.to_pylist()], pa.string())
    named = names.take(language.indices) if len(names) else pa.nulls(len(script), pa.string())
    return pa.RecordBatch.from_arrays(
        [
            pc.if_else(written, named, None).fill_null("und"),
            pc.if_else(written, found.field("confidence"), None).fill_null(0.0),
            script,
        ],
        ["language", "language_confidence", "script"],
    )
