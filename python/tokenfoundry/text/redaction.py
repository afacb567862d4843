"""Redaction: personal data and secrets are found, counted and taken out; their values go nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

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
    """

    texts: pa.LargeStringArray
    counts: pa.RecordBatch


def redact(
    texts: Any,
    *,
    kinds: Sequence[str] = ("email", "ip"),
    action: Literal["replace", "report"] = "replace",
    public_addresses_only: bool = True,
    threads: int | None = None,
) -> Redacted:
    """Find personal data and secrets, and put a placeholder such as ``<EMAIL_ADDRESS>`` in their place.

    Args:
        texts: anything that holds ``str`` or ``bytes``; see the module.
        kinds: names from :data:`KINDS`.
        action: ``replace`` writes placeholders; ``report`` only counts.
        public_addresses_only: leave private, loopback, documentation and multicast IP addresses alone.
        threads: threads to use; all that the process may use if None.

    Raises:
        InputError: a kind or the action is unknown, or a document is longer than 4 GiB.

    Precision, recall and speed of each kind are in ``docs/text.md``.
    """
    if action not in ("replace", "report"):
        raise InputError(f'action must be "replace" or "report", got {action!r}')
    redacted, counts = _core.redact(
        texts,
        kinds=list(kinds),
        replace=action == "replace",
        public_addresses_only=public_addresses_only,
        threads=threads,
    )
    return Redacted(pa.array(redacted), pa.RecordBatch.from_struct_array(pa.array(counts)))
