"""The work folder: results of finished steps, under names that hash what they were made from.

A step looks its key up before it works and writes its result whole or not at all, so a run that was interrupted
anywhere goes on where it stopped. Removed when the run is done.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenfoundry.errors import RecipeError
from tokenfoundry.io.atomic import atomic_path, write_atomic

__all__ = ["Work"]


class Work:
    """One run's work folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder: two runs at a time into one output would tread on each other."""
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RecipeError(f"output: another run is writing to {self.folder.parent} at this moment") from None
            yield

    @staticmethod
    def key(*facts: Any) -> str:
        """32 hex digits that stand for ``facts`` (plain data)."""
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]

    def path(self, name: str) -> Path:
        return self.folder / name

    def load_arrays(self, name: str) -> dict[str, NDArray[Any]] | None:
        """Arrays of a finished step; None if it is not finished."""
        path = self.path(f"{name}.npz")
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as content:
            return dict(content)

    def save_arrays(self, name: str, **arrays: NDArray[Any]) -> None:
        with atomic_path(self.path(f"{name}.npz")) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    def load_json(self, name: str) -> Any:
        path = self.path(f"{name}.json")
        return json.loads(path.read_text()) if path.exists() else None

    def save_json(self, name: str, content: Any) -> None:
        write_atomic(self.path(f"{name}.json"), json.dumps(content))

    def sweep(self) -> None:
        """Remove what a killed run left half-written."""
        for leftover in self.folder.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)

    @staticmethod
    def sweep_removed(output: Path) -> None:
        """Finish removals that were interrupted."""
        for doomed in output.glob(".work.*.removed"):
            shutil.rmtree(doomed, ignore_errors=True)

    def remove(self) -> None:
        # Renamed first, so that a removal that is interrupted is never taken for unfinished work.
        doomed = self.folder.with_name(f".{self.folder.name}.{os.getpid()}.removed")
        self.folder.rename(doomed)
        shutil.rmtree(doomed)
