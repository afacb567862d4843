"""The work folder's promise: a killed process loses nothing, and a machine that went down only what its disk had not got."""

from pathlib import Path

import numpy as np
import pytest

from tokenfoundry.pipeline import store as store_module
from tokenfoundry.pipeline.store import Work


def made(work: Work, key: str) -> None:
    work.save_arrays(key, "text", numbers=np.arange(3))


def test_results_are_there_at_once_and_listed_when_they_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(tmp_path / "work")
    with work.locked():
        work.sweep()
        with pytest.raises(RuntimeError, match="stopped"), work.flushing():
            made(work, "aa01")
            assert work.has("aa01", "text")
            assert not (work.folder / "durable.log").exists()
            raise RuntimeError("stopped")
        # What an error leaves is flushed before it goes on.
        assert (work.folder / "durable.log").read_text() == "aa01.text\n"
        with work.flushing():
            made(work, "bb02")
        assert (work.folder / "durable.log").read_text() == "aa01.text\n", "a run that ends well removes its work"
        work.sweep()
        assert work.has("aa01", "text")
        assert work.has("bb02", "text"), "the machine is the same, so nothing was lost"
        monkeypatch.setattr(store_module, "this_machine", lambda: "another")
        work.sweep()
        assert work.has("aa01", "text")
        assert not work.has("bb02", "text"), "it may be torn"


def test_an_error_of_the_disk_is_raised_by_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(folder: Path) -> None:
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr(store_module, "_FLUSH_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(store_module, "_sync_tree", fails)
    work = Work(tmp_path / "work")
    with work.locked():
        work.sweep()
        with pytest.raises(OSError, match="No space left"), work.flushing():
            for number in range(100_000):
                made(work, f"aa{number}")
