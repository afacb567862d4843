"""Redaction: personal data and secrets are found, counted and taken out; their values go nowhere."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from tokenfoundry._core import text as _core
from tokenfoundry.errors import InputError

__all__ = ["KINDS", "Redacted", "presidio_names", "redact"]

KINDS: tuple[str, ...] = tuple(_core.KINDS)
"""Everything :func:`redact` can look for."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """What :func:`redact` gives.

    Attributes:
        texts: large_string (large_binary if a text was not UTF-8), one a document.
        counts: int64, a column a kind, one row a document: how many were found, never which.
        dropped: boolean, one a document: True where ``action="drop"`` found something.
    """

    texts: pa.LargeStringArray
    counts: pa.RecordBatch
    dropped: pa.BooleanArray


def redact(
    texts: Any,
    *,
    kinds: Sequence[str] = ("email", "ip"),
    action: Literal["replace", "hash", "drop", "report"] = "replace",
    key: str | bytes | None = None,
    public_addresses_only: bool = True,
    names: Callable[[str], Iterable[tuple[int, int]]] | None = None,
    threads: int | None = None,
) -> Redacted:
    """Find personal data and secrets, and put a placeholder such as ``<EMAIL_ADDRESS>`` in their place.

    Args:
        texts: anything that holds ``str`` or ``bytes``; see the module.
        kinds: names from :data:`KINDS`.
        action: ``replace`` writes placeholders; ``hash`` adds a keyed hash to them, so that equal values stay equal
            (``<EMAIL_ADDRESS:kdbahpcmlogfniej>``); ``drop`` leaves the text and says in ``.dropped`` which documents
            held something; ``report`` only counts.
        key: the secret for ``hash``; who has it can test guesses, so keep it or throw it away.
        public_addresses_only: leave private, loopback, documentation and multicast IP addresses alone.
        names: finds names of persons in one text, as character positions; asked after all kinds, and counted as
            ``person``. :func:`presidio_names` makes one. It is the slow part by far.
        threads: threads to use; all that the process may use if None.

    Raises:
        InputError: a kind or the action is unknown, or a document is longer than 4 GiB.

    Precision, recall and speed of each kind are in ``docs/text.md``.
    """
    if action not in ("replace", "hash", "drop", "report"):
        raise InputError(f'action must be "replace", "hash", "drop" or "report", got {action!r}')
    if (action == "hash") != (key is not None):
        raise InputError('action "hash" needs a key, and no other action takes one')
    secret = key.encode() if isinstance(key, str) else key
    redacted, counts = _core.redact(
        texts,
        kinds=list(kinds),
        replace=action in ("replace", "hash"),
        key=None if secret is None else hashlib.blake2b(secret, digest_size=16).digest(),
        public_addresses_only=public_addresses_only,
        reuse=isinstance(texts, pa.LargeStringArray),
        threads=threads,
    )
    batch = pa.RecordBatch.from_struct_array(pa.array(counts))
    if names is not None:
        left = texts if redacted is None else pa.array(redacted)
        redacted, persons = _without_names(left, names, action, secret)
        batch = batch.append_column("person", persons)
    found = np.zeros(batch.num_rows, dtype=bool)
    if action == "drop":
        for column in batch.columns:
            found |= column.to_numpy() > 0
    return Redacted(texts if redacted is None else pa.array(redacted), batch, pa.array(found))


def _without_names(
    texts: pa.Array, names: Callable[[str], Iterable[tuple[int, int]]], action: str, key: bytes | None
) -> tuple[pa.LargeStringArray, pa.Int64Array]:
    """Texts with placeholders for what ``names`` finds, and how many there were."""
    changed, counts = [], []
    for text in texts.cast(pa.large_string()).to_pylist():
        spans = sorted(span for span in names(text) if 0 <= span[0] < span[1] <= len(text))
        parts, at, count = [], 0, 0
        for start, end in spans:
            # Of names that overlap the first counts.
            if start < at:
                continue
            parts += [text[at:start], _placeholder(text[start:end], key)]
            at = end
            count += 1
        counts.append(count)
        changed.append("".join([*parts, text[at:]]) if action in ("replace", "hash") else text)
    return pa.array(changed, pa.large_string()), pa.array(counts, pa.int64())


def _placeholder(name: str, key: bytes | None) -> str:
    if key is None:
        return "<PERSON>"
    digest = hashlib.blake2b(name.encode(), key=hashlib.blake2b(key, digest_size=32).digest(), digest_size=8).digest()
    return f"<PERSON:{''.join(chr(97 + (byte >> shift & 15)) for byte in digest for shift in (4, 0))}>"


def presidio_names(language: str = "en", *, threshold: float = 0.6) -> Callable[[str], list[tuple[int, int]]]:
    """A finder of persons' names for :func:`redact`, by Microsoft's Presidio and the model that it is set up with.

    Raises:
        InputError: presidio-analyzer is not installed (it is in none of our extras: it brings spaCy and a model).
    """
    try:
        from presidio_analyzer import AnalyzerEngine
    except ImportError:
        raise InputError("names need Presidio: pip install presidio-analyzer, and a model of spaCy for it") from None
    engine = AnalyzerEngine()

    def find(text: str) -> list[tuple[int, int]]:
        found = engine.analyze(text=text, language=language, entities=["PERSON"], score_threshold=threshold)
        return [(one.start, one.end) for one in found]

    return find
