"""From tokens to rows: the packing plan as a stored result, its counts, and where each document's pieces lie."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenfoundry import pack
from tokenfoundry.pipeline.store import Store
from tokenfoundry.provenance.doors import Door

__all__ = ["load_plan", "pack_door", "pieces_of_texts", "save_plan"]


def save_plan(store: Store, key: str, plan: pack.Plan) -> None:
    store.save_arrays(key, "pack", **plan.to_arrays())


def load_plan(store: Store, key: str) -> pack.Plan:
    return pack.Plan.from_arrays(store.load_arrays(key, "pack"))


def pack_door(
    plan: pack.Plan, lengths: NDArray[np.int64], text_bytes: NDArray[np.int64]
) -> tuple[Door, NDArray[np.bool_]]:
    """The counts of the packing of documents of these lengths (tokens) and sizes, and which are placed."""
    placed = np.bincount(plan.document, weights=plan.length, minlength=len(lengths)).astype(np.int64)
    there = placed > 0
    door = Door(
        "pack", len(lengths), int(there.sum()), int(text_bytes.sum()), int(text_bytes[there].sum()),
        int(lengths.sum()), int(plan.length.sum()),
    )  # fmt: skip
    for name, mask in [("pack.too_long", ~there & (lengths > 0)), ("pack.no_tokens", lengths == 0)]:
        if mask.any():
            door.dropped_documents[name] = int(mask.sum())
            door.dropped_bytes[name] = int(text_bytes[mask].sum())
            door.dropped_tokens[name] = int(lengths[mask].sum())
    cut_off = int((lengths - placed)[there].sum())
    if cut_off:
        door.dropped_tokens["pack.truncated"] = cut_off
    return door, there


def pieces_of_texts(plan: pack.Plan, keep: NDArray[np.bool_], rows_per_shard: int) -> dict[str, Any]:
    """Where the pieces of each text lie, in the order of the texts: arrays for `ledger.Fate`."""
    count = len(keep)
    text_of = np.flatnonzero(keep)
    rows = np.repeat(np.arange(plan.rows), np.diff(plan.row_offsets))
    before = np.concatenate([[0], np.cumsum(plan.length)])
    offset = before[:-1] - before[plan.row_offsets[rows]] if len(rows) else np.empty(0, np.int64)
    text = text_of[plan.document]
    order = np.lexsort((plan.start, text))
    pieces = np.bincount(text, minlength=count)[:count]
    return {
        "tokens": np.bincount(text, weights=plan.length, minlength=count).astype(np.int64)[:count],
        "piece_offsets": np.concatenate([[0], np.cumsum(pieces)]).astype(np.int64),
        "shard": (rows // rows_per_shard)[order],
        "row": (rows % rows_per_shard)[order],
        "offset": offset[order],
        "start": np.asarray(plan.start)[order],
        "length": np.asarray(plan.length)[order],
    }
