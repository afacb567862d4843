"""manifest.json: what a run was, what went through each door, and the sha256 of every file.

It is the same for the same run: no times, no machine. It ends with a digest of itself, and `run.sha256` has those of
the files that do differ (metrics.json, report.html).
"""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tokenfoundry._core import runtime
from tokenfoundry.errors import InputError
from tokenfoundry.io.atomic import write_atomic

__all__ = [
    "FORMAT_VERSION",
    "RUN_FILES",
    "describe_files",
    "load",
    "root_of",
    "save",
    "sha256_of",
    "update_run_checksums",
]

FORMAT = "tokenfoundry.manifest"
FORMAT_VERSION = 1
RUN_FILES = ("metrics.json", "report.html")
"""Files that differ from run to run."""
_CHUNK_BYTES = 4 << 20


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def describe_files(output: Path, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Path, size and sha256 of files, sorted by path. Several are read at a time."""
    ordered = sorted(paths)
    with ThreadPoolExecutor(runtime.default_threads(), "tokenfoundry-sha256") as pool:
        digests = list(pool.map(sha256_of, ordered))
    return [
        {"path": path.relative_to(output).as_posix(), "size": path.stat().st_size, "sha256": digest}
        for path, digest in zip(ordered, digests, strict=True)
    ]


def root_of(files: Sequence[dict[str, Any]]) -> str:
    """Root of the sha256 tree over files: leaves are sha256 of path, size and content's sha256, in the order of paths;
    each node is the sha256 of its two children, an odd one goes up as it is.

    One hash stands for all data, and a file's place in it can be shown with log2(n) hashes.
    """
    level = [
        hashlib.sha256(f"{entry['path']}\0{entry['size']}\0{entry['sha256']}".encode()).digest()
        for entry in sorted(files, key=lambda entry: str(entry["path"]))
    ]
    while len(level) > 1:
        paired = [hashlib.sha256(left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return level[0].hex() if level else hashlib.sha256().hexdigest()


def _serialized(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def save(output: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest with its own digest; returns it."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **content}
    content["files_root"] = root_of(content["files"])
    content["digest"] = hashlib.sha256(_serialized(content)).hexdigest()
    write_atomic(output / "manifest.json", _serialized(content))
    return content


def load(output: str | os.PathLike[str]) -> dict[str, Any]:
    """Read and check a manifest. Raises InputError if there is none, or it is not as it was written."""
    path = Path(output) / "manifest.json"
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{os.fspath(output)}: has no manifest.json: not the output of a finished run") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        content = json.loads(raw)
    except ValueError as error:
        raise InputError(f"{path}: is damaged: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: is not a tokenfoundry manifest")
    if content.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path}: has format version {content.get('format_version')}; this tokenfoundry reads {FORMAT_VERSION}"
        )
    digest = content.pop("digest", None)
    if digest != hashlib.sha256(_serialized(content)).hexdigest() or raw != _serialized({**content, "digest": digest}):
        raise InputError(f"{path}: is damaged: its digest does not match its content")
    return {**content, "digest": digest}


def update_run_checksums(output: Path, *, durable: bool = True) -> None:
    """Write run.sha256 (as sha256sum does) of the files that differ from run to run."""
    lines = [f"{sha256_of(output / name)}  {name}\n" for name in RUN_FILES if (output / name).exists()]
    write_atomic(output / "run.sha256", "".join(lines), durable=durable)
