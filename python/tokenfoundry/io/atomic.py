"""Files that are there completely or not at all."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Flushing", "atomic_path", "sync_file", "sync_folder", "write_atomic"]


@contextmanager
def atomic_path(target: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside ``target``; renamed to it at the end, removed where that fails. ``durable``: flushed to
    disk first; otherwise that is left to the caller."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        if durable:
            sync_file(temporary)
        temporary.replace(target)
        if durable:
            sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(target: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Write a whole file."""
    with atomic_path(target, durable=durable) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


class Flushing:
    """Flushes files in a thread while the run goes on, so that it waits for its disk once and not at every file."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "tokenfoundry-flush")
        self._folders: set[Path] = set()
        self._error: BaseException | None = None

    def add(self, files: Iterable[Path]) -> None:
        """These are whole and stay as they are."""
        for file in files:
            self._folders.add(file.parent)
            try:
                self._pool.submit(sync_file, file).add_done_callback(self._note)
            except RuntimeError:  # no room for a thread
                sync_file(file)

    def add_folder(self, folder: Path) -> None:
        """Also its names, once the files are there."""
        self._folders.add(folder)

    def _note(self, done: Future[None]) -> None:
        error = done.exception()
        if error is not None and self._error is None:
            self._error = error

    def wait(self) -> None:
        """All files and their names are on disk, or the first error is raised."""
        self._pool.shutdown(wait=True)
        if self._error is not None:
            raise self._error
        for folder in self._folders:
            sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Put a folder's names on disk: a rename is there only when its folder is."""
    sync_file(folder)


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(descriptor)
