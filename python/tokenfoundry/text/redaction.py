"""Redaction: personal data and secrets are found, counted and taken out; their values go nowhere."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from tokenfoundry._core import text as _core
from tokenfoundry.errors import InputError

__all__ = ["KINDS", "Redacted", "redact"]

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
    found = np.zeros(batch.num_rows, dtype=bool)
    if action == "drop":
        for column in batch.columns:
            found |= column.to_numpy() > 0
    return Redacted(texts if redacted is None else pa.array(redacted), batch, pa.array(found))
