"""Labels: the language and the script of each text, offline."""

from functools import cache
from typing import Any

import pyarrow as pa

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
def _identifier() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as missing:
        raise ImportError(
            "language labels need py3langid: pip install 'tokenfoundry[pipeline]'; tf.text.signals needs nothing"
        ) from missing
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _as_list(texts: Any) -> list[str | bytes]:
    """The texts as Python objects, whatever holds them."""
    if hasattr(texts, "__arrow_c_array__"):
        texts = pa.array(texts)
    elif hasattr(texts, "__arrow_c_stream__"):
        texts = pa.chunked_array(texts)
    plain: list[str | bytes] = texts.to_pylist() if isinstance(texts, pa.Array | pa.ChunkedArray) else list(texts)
    return plain


def label(texts: Any, *, threads: int | None = None) -> pa.RecordBatch:
    """Name the language and the script of each text.

    Args:
        texts: anything that holds ``str`` or ``bytes``; see the module.
        threads: threads for the script; the language is found by py3langid, on one.

    Returns:
        ``language`` (ISO 639-1, ISO 639-3 where that has no code, ``und`` without letters), ``language_confidence`` (float32, 0 to 1) and
        ``script`` (ISO 15924 such as ``Latn``; ``Zyyy`` without letters).
    """
    texts = texts if isinstance(texts, list | tuple) else _as_list(texts)
    script = pa.array(_core.scripts(texts, threads=threads)).field("script")
    identifier = _identifier()
    languages, confidences = [], []
    for text, code in zip(texts, script.to_pylist(), strict=True):
        language, confidence = "und", 0.0
        if code != "Zyyy":
            sample = text[:_CHARACTERS_READ]
            if isinstance(sample, bytes):
                sample = sample.decode("utf-8", "replace")
            found, confidence = identifier.classify(sample)
            language = _TWO_LETTERS.get(found, found)
        languages.append(language)
        confidences.append(float(confidence))
    return pa.RecordBatch.from_arrays(
        [pa.array(languages, pa.string()), pa.array(confidences, pa.float32()), script],
        ["language", "language_confidence", "script"],
    )
