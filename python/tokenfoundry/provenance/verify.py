"""Proof that a run's output is whole and says the truth about itself: everything is read again.

Sizes and sha256 of all files, checksums of every shard block, counts at every door, and the ledger's placements
against the shards' pieces, both ways. One flipped bit anywhere fails. Cost: one pass over the files.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry import shard
from tokenfoundry.errors import GateError, InputError, ShardError
from tokenfoundry.provenance import ledger, manifest
from tokenfoundry.provenance.doors import Door, check_chain
from tokenfoundry.provenance.signing import SIGNATURE, check_signature
from tokenfoundry.provenance.takedowns import PENDING

__all__ = ["VerifyResult", "verify"]

_PLACED = np.dtype([("shard", np.int64), ("row", np.int64), ("offset", np.int64), ("document", "V16"),
                    ("start", np.int64), ("length", np.int64)])  # fmt: skip


@dataclass
class VerifyResult:
    """What was found. ``ok`` if ``problems`` is empty; each problem names its file."""

    files: int = 0
    bytes: int = 0
    documents: int = 0
    rows: int = 0
    tokens: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(
    output: str | os.PathLike[str],
    progress: Callable[[str], None] | None = None,
    *,
    key: str | os.PathLike[str] | None = None,
) -> VerifyResult:
    """Read everything again. Never raises for damage: it is in the result's ``problems``.

    ``key``: an Ed25519 public key (PEM); the run must be signed with the private key that belongs to it.
    """
    folder = Path(output)
    result = VerifyResult()
    tell = progress or (lambda _: None)
    try:
        content = manifest.load(folder)
    except InputError as error:
        result.problems.append(str(error))
        return result
    if (folder / PENDING).exists():
        result.problems.append(f"{PENDING}: a takedown was interrupted; run `tokenfoundry takedown {folder} --finish`")
        return result
    tell("signature")
    try:
        result.problems += check_signature(folder, Path(key) if key is not None else None)
    except InputError as error:
        result.problems.append(f"{SIGNATURE}: cannot be checked: {error}")
    tell("files")
    _check_files(folder, content, result)
    tell("doors")
    _check_doors(content, result)
    tell("shards")
    try:
        shards = shard.verify(folder / "shards")
    except ShardError as error:
        result.problems.append(str(error))
        return result
    tell("ledger")
    try:
        _check_ledger(folder, content, shards, result)
    except (InputError, pa.ArrowException, OSError, KeyError) as error:
        result.problems.append(f"ledger: {error}")
    return result


def _check_files(folder: Path, content: dict[str, Any], result: VerifyResult) -> None:
    listed = {"manifest.json", "run.sha256", SIGNATURE}
    for entry in content["files"]:
        path = folder / entry["path"]
        listed.add(entry["path"])
        result.files += 1
        if not path.is_file():
            result.problems.append(f"{entry['path']}: is missing")
        elif path.stat().st_size != entry["size"]:
            result.problems.append(
                f"{entry['path']}: has {path.stat().st_size:,} bytes, the manifest says {entry['size']:,}"
            )
        elif manifest.sha256_of(path) != entry["sha256"]:
            result.problems.append(f"{entry['path']}: is damaged or was changed: its sha256 is not the manifest's")
        else:
            result.bytes += entry["size"]
    _check_run_files(folder, listed, result)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in listed and not name.startswith("work/"):
            result.problems.append(f"{name}: is in no list; it was not written by the run")


def _check_run_files(folder: Path, listed: set[str], result: VerifyResult) -> None:
    path = folder / "run.sha256"
    if not path.is_file():
        result.problems.append("run.sha256: is missing")
        return
    named = set()
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        result.problems.append("run.sha256: is damaged: it ends in the middle of a line")
    for line in content.splitlines():
        entry = re.fullmatch(rb"([0-9a-f]{64})  (metrics\.json|report\.html)", line)
        if entry is None:
            result.problems.append(f"run.sha256: is damaged: {line[:80]!r}")
            continue
        name = entry[2].decode()
        named.add(name)
        if not (folder / name).is_file():
            result.problems.append(f"{name}: is missing")
        elif manifest.sha256_of(folder / name) != entry[1].decode():
            result.problems.append(f"{name}: is damaged or was changed: its sha256 is not that of run.sha256")
    if "metrics.json" not in named:
        result.problems.append("run.sha256: does not list metrics.json")
    listed |= named


def _check_doors(content: dict[str, Any], result: VerifyResult) -> None:
    try:
        check_chain([Door.from_dict(plain) for plain in content["doors"]])
    except GateError as error:
        result.problems.append(f"manifest.json: {error}")


def _check_ledger(folder: Path, content: dict[str, Any], shards: shard.Shards, result: VerifyResult) -> None:
    documents = dropped = tokens = 0
    placed: list[NDArray[np.void]] = []
    for batch in ledger.scan(folder, ["id", "verdict", "tokens", "placements"]):
        documents += len(batch)
        dropped += len(batch) - batch.column("verdict").null_count
        tokens += int(batch.column("tokens").to_numpy().sum())
        placed.append(_placements(batch))
    doors = content["doors"]
    result.documents, result.rows, result.tokens = documents, len(shards), shards.tokens
    if documents != doors[0]["documents"]["in"]:
        result.problems.append(f"ledger: has {documents:,} documents, {doors[0]['documents']['in']:,} were read")
    expected = sum(sum(door["documents"]["dropped"].values()) for door in doors)
    if dropped != expected:
        result.problems.append(f"ledger: {dropped:,} documents have a verdict, {expected:,} were dropped at the doors")
    for what, count, said in [
        ("tokens in the ledger", tokens, content["tokens"]),
        ("tokens in the shards", shards.tokens, content["tokens"]),
        ("rows in the shards", len(shards), content["rows"]),
    ]:
        if count != said:
            result.problems.append(f"{what}: {count:,}, the manifest says {said:,}")
    if content["files_root"] != manifest.root_of(content["files"]):
        result.problems.append("manifest.json: files_root is not that of its files")
    if shards.tokenizer_digest != content["tokenizer"]["digest"]:
        result.problems.append("shards: were made with another tokenizer than the manifest's")
    by_ledger = np.sort(np.concatenate([np.empty(0, _PLACED), *placed]), order=["shard", "row", "offset"])
    by_shards = _pieces(shards)
    if len(by_ledger) != len(by_shards):
        result.problems.append(f"ledger: places {len(by_ledger):,} pieces, the shards have {len(by_shards):,}")
        return
    for name in _PLACED.names or ():
        different = np.flatnonzero(by_ledger[name] != by_shards[name])
        if len(different):
            piece = by_shards[different[0]]
            result.problems.append(
                f"ledger: {len(different):,} pieces differ in {name} from the shards', first in shard {piece['shard']}, "
                f"row {piece['row']}"
            )
            return


def _placements(batch: pa.RecordBatch) -> NDArray[np.void]:
    column = batch.column("placements")
    flat = column.flatten()
    counts = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    placed = np.empty(len(flat), _PLACED)
    ids = np.frombuffer(b"".join(batch.column("id").to_pylist()), "V16")
    placed["document"] = np.repeat(ids, counts)
    for name, source in [
        ("shard", "shard"),
        ("row", "row"),
        ("offset", "offset"),
        ("start", "document_start"),
        ("length", "length"),
    ]:
        placed[name] = flat.field(source).to_numpy(zero_copy_only=False)
    return placed


def _pieces(shards: shard.Shards) -> NDArray[np.void]:
    parts: list[NDArray[np.void]] = []
    for number in range(len(shards.names)):
        first, pieces = shards.all_pieces(number)
        part = np.empty(len(pieces), _PLACED)
        rows = np.repeat(np.arange(len(first) - 1), np.diff(first).astype(np.int64))
        before = np.concatenate([[0], np.cumsum(pieces["length"].astype(np.int64))])
        part["shard"], part["row"], part["document"] = number, rows, pieces["document"]
        part["start"], part["length"] = pieces["start"], pieces["length"]
        part["offset"] = before[:-1] - before[first.astype(np.int64)[rows]] if len(pieces) else 0
        parts.append(part)
    return np.concatenate([np.empty(0, _PLACED), *parts])
