"""A loader as a PyTorch dataset. Imported by `Loader.torch` only: tokenfoundry itself does not need torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

from tokenfoundry.errors import InputError
from tokenfoundry.load.loader import Loader

__all__ = ["TorchDataset"]


class TorchDataset(IterableDataset):  # type: ignore[misc]
    """Batches of a loader as dicts of tensors. Give it to a DataLoader with ``batch_size=None``.

    Each of a DataLoader's workers makes every n-th batch, and a DataLoader takes them in turn, so the batches come in the
    loader's order whatever ``num_workers``. `state_dict` is where this process's next batch begins: exact with
    ``num_workers=0`` and under StatefulDataLoader. A plain DataLoader with workers has read ahead: save
    ``loader.state_after(batch)`` of the last batch used, which any number of workers can take up.
    """

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self._view: Loader | None = None
        self._resumed: dict[str, Any] | None = None

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        view = self.loader.view(worker, workers)
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            place = resumed.get("worker")
            if place is not None and place != [worker, workers]:
                raise InputError(f"the state is of worker {place[0]} of {place[1]}, this is {worker} of {workers}")
            view.load_state_dict(resumed)
        self._view = view
        for batch in view:
            yield {name: torch.from_numpy(array) for name, array in batch.items()}

    def state_dict(self) -> dict[str, Any]:
        """The loader's state, and of which worker it is."""
        if self._view is None:
            return self._resumed or self.loader.state_dict()
        return {**self._view.state_dict(), "worker": [self._view._worker, self._view._workers]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Begin there with the next iteration: a state of this class, or of a `Loader`."""
        self._resumed = dict(state)
        self._view = None
