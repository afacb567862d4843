"""The store: results of finished units of work, under names that hash what they were made from.

A result is a folder `KK/KEY.kind` of a few files, made beside its place and renamed to it: it is there whole or not at
all, whenever and however a run is killed. A unit looks its key up before it works. One store may serve many runs at a
time (`cache:` in a recipe): whoever comes second with the same key throws its copy away.

A machine that loses power may lose what its disk was not told to keep. A cache flushes each result before it is renamed.
The work folder flushes behind the run's back, within half a minute: what has reached the disk is listed in `durable.log`, and a run that finds
that the machine was started anew since (`boot`) trusts only what is listed. What workers of an executor make on the run's own
machine is flushed by the run, too.
"""

import errno
import fcntl
import hashlib
import json
import os
import queue
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tokenfoundry.errors import RecipeError
from tokenfoundry.io.atomic import sync_file, sync_folder, write_atomic

__all__ = ["Store", "Work", "digest_of", "save_arrays", "this_machine", "write_array"]

_STALE_SECONDS = 24 * 3600.0
_LOCK_PATIENCE_SECONDS = 3.0
_FLUSH_AFTER_SECONDS = 20.0
_REMOVING_THREADS = 4


def digest_of(*facts: Any) -> str:
    """32 hex digits that stand for ``facts`` (plain data)."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


class Store:
    """Results by key and kind. Pickles as its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._committer: ThreadPoolExecutor | None = None
        self._commits: dict[Path, Future[None]] = {}
        self._flusher: _Flusher | _Noted | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder,)

    def path(self, key: str, kind: str) -> Path:
        return self.folder / key[:2] / f"{key}.{kind}"

    def has(self, key: str, kind: str) -> bool:
        return self.path(key, kind).is_dir()

    @contextmanager
    def deferring(self) -> Iterator[None]:
        """Results made in the block are flushed and put in place by a thread, while the next are made; all are there
        when the block ends well. Waiting for the disk once for each file would cost a third of a run's time."""
        if self._flusher is not None:
            yield
            return
        with ThreadPoolExecutor(1, "tokenfoundry-store") as committer:
            self._committer = committer
            try:
                yield
                for commit in self._commits.values():
                    commit.result()
            finally:
                self._committer = None
                self._commits = {}

    def settle(self, key: str, kind: str) -> None:
        """Wait until a result of this process is in its place."""
        commit = self._commits.get(self.path(key, kind))
        if commit is not None:
            commit.result()

    def _check_commits(self) -> None:
        """Raise what a commit in the background failed with, soon after it did."""
        for target, commit in list(self._commits.items()):
            if commit.done():
                self._commits.pop(target, None)
                commit.result()

    @contextmanager
    def making(self, key: str, kind: str, *, durable: bool = True) -> Iterator[Path]:
        """A folder to fill; it becomes the result when the block ends well, and is removed when not.

        ``durable``: flushed to disk first, so that it survives the machine, not only the process.
        """
        self._check_commits()
        if self._flusher is not None:
            self._flusher.check()
        target = self.path(key, kind)
        target.parent.mkdir(parents=True, exist_ok=True)
        unique = f"{socket.gethostname()}.{os.getpid()}.{threading.get_ident()}"
        temporary = target.with_name(f".{target.name}.{unique}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            yield temporary
        except BaseException as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if isinstance(error, OSError) and error.errno and error.filename is None:
                # Writing to an open file does not say to which.
                error.filename = str(target)
            raise
        if self._flusher is not None or not durable:
            _commit(temporary, target, False)
            if self._flusher is not None and durable:
                self._flusher.add(target)
        elif self._committer is not None:
            self._commits[target] = self._committer.submit(self._keep, temporary, target)
        else:
            self._keep(temporary, target)

    def _keep(self, temporary: Path, target: Path) -> None:
        """Flush a result and put it in its place."""
        _commit(temporary, target, True)

    def save_arrays(self, key: str, kind: str, **arrays: NDArray[Any]) -> None:
        with self.making(key, kind) as folder:
            save_arrays(folder, **arrays)

    def load_arrays(self, key: str, kind: str) -> dict[str, NDArray[Any]]:
        """Arrays of a result, memory-mapped."""
        return load_arrays(self.path(key, kind))

    def sweep(self) -> None:
        """Remove what killed runs left half-made: of dead processes of this machine, and what is a day old."""
        host = socket.gethostname()
        for leftover in self.folder.glob("*/.*.tmp"):
            parts = leftover.name.rsplit(".", 4)
            mine = len(parts) == 5 and parts[1] == host and parts[2].isdigit()
            try:
                dead = not _alive(int(parts[2])) if mine else time.time() - leftover.stat().st_mtime > _STALE_SECONDS
            except OSError:
                continue
            if dead:
                shutil.rmtree(leftover, ignore_errors=True)


class Work(Store):
    """The store inside an output folder, of one run at a time; removed when the run is done. Its results are few enough for
    one folder: to make and remove a folder may wait for the disk."""

    def path(self, key: str, kind: str) -> Path:
        return self.folder / "results" / f"{key}.{kind}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder: two runs at a time into one output would tread on each other."""
        file = self._lock()
        try:
            yield
        finally:
            file.close()

    def _lock(self) -> IO[str]:
        until = time.monotonic() + _LOCK_PATIENCE_SECONDS
        while True:
            # The run that holds it may be about to finish and to remove the folder, or was killed a moment ago and is
            # not quite gone.
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                file = (self.folder / "lock").open("w")
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _same_file(file.fileno(), self.folder / "lock"):
                    return file
            except BlockingIOError:
                if time.monotonic() > until:
                    raise RecipeError(
                        f"output: another run is writing to {self.folder.parent} at this moment"
                    ) from None
            file.close()
            time.sleep(0.05)

    def load_json(self, name: str) -> Any:
        path = self.folder / f"{name}.json"
        try:
            return json.loads(path.read_text()) if path.exists() else None
        except ValueError:
            return None

    def save_json(self, name: str, content: Any) -> None:
        write_atomic(self.folder / f"{name}.json", json.dumps(content))

    @contextmanager
    def flushing(self, *, keep: bool = False) -> Iterator[None]:
        """Results made in the block are in their place at once and reach the disk a little later. What an error leaves
        is flushed before it goes on; what a run that ends well leaves is about to be removed and is not, but to ``keep``
        it."""
        self._flusher = _Flusher(self._note)
        try:
            yield
        except BaseException:
            self._flusher.close(finish=True)
            raise
        else:
            self._flusher.close(finish=keep)
        finally:
            self._flusher = None

    @contextmanager
    def noting(self) -> Iterator[list[Path]]:
        """Results made in the block are in their place at once, and listed: whoever made the plan gives them to `flush`."""
        noted = _Noted()
        self._flusher = noted
        try:
            yield noted.results
        finally:
            self._flusher = None

    def flush(self, results: list[Path]) -> None:
        """Flush what was made elsewhere on this machine, behind the run's back if that is how it works."""
        for result in results:
            if self._flusher is not None:
                self._flusher.add(result)
            else:
                _sync_tree(result)
                sync_folder(result.parent)
                self._note(result)

    def _keep(self, temporary: Path, target: Path) -> None:
        super()._keep(temporary, target)
        self._note(target)

    def _note(self, target: Path) -> None:
        descriptor = os.open(self.folder / "durable.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, f"{target.name}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sweep(self) -> None:
        super().sweep()
        for leftover in self.folder.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
        self._sweep_lost()

    def _sweep_lost(self) -> None:
        """Where the machine was started anew, remove what may not have reached its disk."""
        boot, log = self.folder / "boot", self.folder / "durable.log"
        now = this_machine()
        if boot.exists() and boot.read_text() == now:
            return
        listed = set(log.read_text("utf-8", "replace").splitlines()) if log.exists() else set()
        for result in self.folder.glob("results/*.*"):
            if result.name not in listed:
                shutil.rmtree(result, ignore_errors=True)
        write_atomic(boot, now)

    @staticmethod
    def sweep_output(output: Path) -> None:
        """Remove what killed runs left beside the work folder: half-written files, and work folders half-removed."""
        for leftover in [*output.glob(".work.*.removed"), *output.glob(".*.tmp")]:
            process = leftover.name.split(".")[-2]
            if process.isdigit() and int(process) != os.getpid() and _alive(int(process)):
                continue
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)

    def remove(self) -> None:
        # Renamed first, so that a removal that is interrupted is never taken for unfinished work.
        doomed = self.folder.with_name(f".{self.folder.name}.{os.getpid()}.removed")
        self.folder.rename(doomed)
        # The time goes in waiting, not in work. Where there is no room for another thread, one does it.
        with ThreadPoolExecutor(_REMOVING_THREADS, "tokenfoundry-remove") as pool, suppress(RuntimeError):
            for result in doomed.glob("results/*"):
                pool.submit(shutil.rmtree, result, ignore_errors=True)
        shutil.rmtree(doomed, ignore_errors=True)


class _Noted:
    """Only remembers what is to be flushed."""

    def __init__(self) -> None:
        self.results: list[Path] = []

    def add(self, target: Path) -> None:
        self.results.append(target)

    def check(self) -> None: ...


class _Flusher:
    """Flushes results in a thread, each some seconds after it was made: what is flushed at once makes the run wait for
    its disk, and most of what a short run makes it also removes."""

    def __init__(self, note: Callable[[Path], None]) -> None:
        self.note = note
        self.error: BaseException | None = None
        self.given_up = False
        self._closing = threading.Event()
        self._waiting: queue.SimpleQueue[tuple[Path, float] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="tokenfoundry-flusher", daemon=True)
        self._thread.start()

    def add(self, target: Path) -> None:
        self._waiting.put((target, time.monotonic() + _FLUSH_AFTER_SECONDS))

    def check(self) -> None:
        """Raise what flushing failed with."""
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            target, due = item
            self._closing.wait(max(due - time.monotonic(), 0))
            if self.given_up or self.error is not None:
                continue
            try:
                _sync_tree(target)
                sync_folder(target.parent)
                self.note(target)
            except FileNotFoundError:
                # Results that are of no more use are removed by the run itself.
                continue
            except OSError as error:
                self.error = error

    def close(self, *, finish: bool) -> None:
        self.given_up = not finish
        self._closing.set()
        self._waiting.put(None)
        self._thread.join()


def this_machine() -> str:
    """Stands for this machine, and the time since it was started."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()} {path.read_text().strip() if path.exists() else 'unknown'}"


def _commit(temporary: Path, target: Path, durable: bool) -> None:
    try:
        if durable:
            _sync_tree(temporary)
        try:
            temporary.rename(target)
        except OSError as error:
            # Another run made the same in the meantime; what it made is equal.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not target.is_dir():
                raise
        if durable:
            sync_folder(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def save_arrays(folder: Path, **arrays: NDArray[Any]) -> None:
    """As np.save does it, but through Python's files: numpy's own way says of a full disk only how many items it wrote."""
    for name, array in arrays.items():
        array = np.asarray(array, order="C")
        with (folder / f"{name}.npy").open("wb") as file:
            header = np.lib.format.header_data_from_array_1_0(array)  # type: ignore[no-untyped-call]
            np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
            write_array(file, array)


def write_array(file: IO[bytes], array: NDArray[Any]) -> None:
    """The items alone, in C order."""
    file.write(np.asarray(array, order="C").reshape(-1).view(np.uint8).data)


def load_arrays(folder: Path) -> dict[str, NDArray[Any]]:
    loaded = {}
    for path in sorted(folder.glob("*.npy")):
        # An empty array cannot be mapped.
        small = path.stat().st_size <= 1 << 16
        loaded[path.stem] = np.load(path, mmap_mode=None if small else "r", allow_pickle=False)
    return loaded


def _sync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            sync_file(Path(parent) / name)
        sync_folder(Path(parent))


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
