"""Fill-in-the-middle on tokens."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core import pack as _pack
from tokenfoundry.errors import InputError
from tokenfoundry.pack.planning import hash_pair
from tokenfoundry.ragged import Ragged

__all__ = ["fim"]


def fim(
    ragged: Ragged | object,
    *,
    prefix_id: int,
    middle_id: int,
    suffix_id: int,
    rate: float = 0.5,
    suffix_first_rate: float = 0.5,
    seed: int = 0,
    epoch: int = 0,
    document_ids: bytes | Sequence[bytes] | NDArray[np.int64] | None = None,
    threads: int | None = None,
) -> tuple[Ragged, NDArray[np.bool_]]:
    """Move middles behind ends, so that a model learns to fill gaps. Returns new documents, and which were changed.

    A changed document is three tokens longer: ``prefix_id prefix suffix_id suffix middle_id middle``, or, in
    ``suffix_first_rate`` of cases, ``prefix_id suffix_id suffix middle_id prefix middle``. Cuts are drawn evenly over
    token positions. What is drawn depends on seed, epoch and the document's id alone (16 bytes or an integer each; the
    document's place where there are none), so a run that resumes, or packs in another order, draws the same.

    Source: Bavarian et al., "Efficient Training of Language Models to Fill in the Middle" (2022). Cost: a copy.
    Raises InputError for rates or ids out of range.
    """
    for name, share in (("rate", rate), ("suffix_first_rate", suffix_first_rate)):
        if not 0.0 <= share <= 1.0:
            raise InputError(f"{name} is {share}; it must be between 0 and 1")
    marks = (prefix_id, middle_id, suffix_id)
    if not all(0 <= mark < 1 << 32 for mark in marks):
        raise InputError(f"prefix_id, middle_id and suffix_id must be token ids, not {marks}")
    ragged = Ragged.of(ragged)
    ids = _numbers(document_ids, len(ragged))
    values, offsets, changed = _pack.fim(
        ragged.values, ragged.offsets, ids, marks, rate, suffix_first_rate, hash_pair(seed, epoch), threads
    )
    return Ragged(values, offsets), changed


def _numbers(ids: bytes | Sequence[bytes] | NDArray[np.int64] | None, documents: int) -> NDArray[np.uint64]:
    if ids is None:
        return np.arange(documents, dtype=np.uint64)
    if isinstance(ids, np.ndarray):
        numbers = np.ascontiguousarray(ids, np.int64).view(np.uint64)
    else:
        joined = ids if isinstance(ids, bytes) else b"".join(ids)
        if len(joined) != 16 * documents:
            raise InputError(
                f"document_ids must be 16 bytes for each of {documents} documents, not {len(joined)} bytes"
            )
        halves = np.frombuffer(joined, "<u8").reshape(-1, 2)
        numbers = halves[:, 0] ^ halves[:, 1]
    if numbers.shape != (documents,):
        raise InputError(f"document_ids has the shape {numbers.shape}; ({documents},) is wanted")
    return numbers
