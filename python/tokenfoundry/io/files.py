"""From a path, folder or glob to the files it means, in an order that does not depend on the file system."""

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tokenfoundry.io.remote import is_remote, list_remote, open_remote

__all__ = ["InputFile", "Span", "find_files"]

_MAGIC = frozenset("*?[")


@dataclass(frozen=True)
class Span:
    """A part of a large file: bytes of whole lines, or row groups of a Parquet file, from ``start`` to before ``end``."""

    start: int
    end: int
    records_before: int
    """Lines or rows before it."""


@dataclass(frozen=True)
class InputFile:
    """A file to read, or a folder that could not be looked into."""

    path: Path
    uri: str
    """The path as the recipe writes it: relative where the recipe's is, so a result does not depend on where it ran."""
    size: int = 0
    modified_ns: int = 0
    problem: str = ""
    """Why it cannot be read, where that is already known."""
    remote: bool = False
    """On an object store, at ``uri``; ``path`` has its name only."""
    span: Span | None = None
    """Only this part of it."""

    def open(self) -> BinaryIO:
        """The file for reading, at its beginning. Raises OSError."""
        return open_remote(self.uri) if self.remote else self.path.open("rb")

    def changed(self) -> str:
        """What happened to the file since it was found, in words; empty if it is as it was."""
        if self.problem or self.remote:
            return ""
        try:
            status = self.path.stat()
        except OSError as error:
            return f"is gone ({error.strerror or error})"
        if (status.st_size, status.st_mtime_ns) != (self.size, self.modified_ns):
            return "was changed"
        return ""


def find_files(pattern: str, base: Path) -> list[InputFile]:
    """Files that ``pattern`` (a file, a folder, or a glob with ``*``, ``?``, ``[…]``, ``**``) means, sorted by uri.

    A relative pattern is looked up under ``base``. Folders are read recursively; names that begin with a dot are left
    out. A folder that may not be read comes back as an entry with a ``problem``, and so does a file that vanished.
    A uri (``s3://…``) is listed on its store.
    """
    if is_remote(pattern):
        return [
            InputFile(Path(uri.rpartition("/")[2]), uri, size, time, remote=True)
            for uri, size, time in list_remote(pattern)
        ]
    found: dict[str, InputFile] = {}
    root = base / pattern
    # Not Path.glob: that one takes no absolute pattern.
    matches = sorted(glob.glob(str(root), recursive=True)) if _MAGIC & set(pattern) else [str(root)]  # noqa: PTH207
    for match in matches:
        path = Path(match)
        if path.is_dir():
            _walk(path, pattern, base, found)
        elif path.exists():
            _add(path, pattern, base, found)
    return [found[uri] for uri in sorted(found)]


def _uri(path: Path, pattern: str, base: Path) -> str:
    name = path if Path(pattern).is_absolute() else Path(os.path.relpath(path, base))
    # A name that is not UTF-8 must be text in the ledger.
    return os.fsencode(name.as_posix()).decode("utf-8", "backslashreplace")


def _add(path: Path, pattern: str, base: Path, found: dict[str, InputFile]) -> None:
    uri = _uri(path, pattern, base)
    try:
        status = path.stat()
    except OSError as error:
        found[uri] = InputFile(path, uri, problem=error.strerror or str(error))
        return
    found[uri] = InputFile(path, uri, status.st_size, status.st_mtime_ns)


def _walk(folder: Path, pattern: str, base: Path, found: dict[str, InputFile]) -> None:
    def refused(error: OSError) -> None:
        path = Path(error.filename)
        uri = _uri(path, pattern, base)
        found[uri] = InputFile(path, uri, problem=error.strerror or str(error))

    for parent, folders, names in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent) / name
            if not name.startswith(".") and (path.is_file() or path.is_symlink()):
                _add(path, pattern, base, found)
