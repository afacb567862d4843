"""Taking documents out of a finished run: their tokens out of the shards, their places out of the ledger, on record.

Only shards that hold the documents are written anew, and only rows that held them change: they become shorter, and
what follows in a row moves up; every other token stays where it was. `takedowns.jsonl` says what was taken out, when and why, with
the sha256 of each file before and after; it is part of the manifest, and another run that names it in its recipe
(`takedowns:`) never takes the documents in again. A takedown that was interrupted is finished by the next one.

What a trained tokenizer learnt from a document stays in it, and so does what a model learnt.
"""

import fcntl
import getpass
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tokenfoundry import shard as _shard
from tokenfoundry.errors import InputError
from tokenfoundry.io.atomic import sync_folder, write_atomic
from tokenfoundry.provenance import ledger, manifest
from tokenfoundry.provenance.doors import Door
from tokenfoundry.provenance.signing import SIGNATURE, sign
from tokenfoundry.ragged import Ragged

__all__ = ["PENDING", "RECORD", "Takedown", "finish_pending", "purge", "takedown"]

RECORD = "takedowns.jsonl"
PENDING = "takedown.pending"
_Kind = Literal["uri", "source", "licence", "document"]


@dataclass(frozen=True)
class Takedown:
    """What was taken out."""

    documents: int
    """That matched, in the shards or not."""
    removed: int
    """That were in the shards."""
    tokens: int
    shards: list[int]
    """Written anew."""
    copies_left: list[str]
    """Documents (uri#record) that stay and have the text, or nearly, of one that matched: it had been dropped as their
    duplicate."""
    unsigned: bool
    """The run was signed and now is not."""


def takedown(
    output: str | os.PathLike[str],
    *,
    uri: str | None = None,
    source: str | None = None,
    licence: str | None = None,
    document: str | None = None,
    reason: str,
    duplicates: bool = False,
    key: str | os.PathLike[str] | None = None,
) -> Takedown:
    """Take out a document (its id here or its own, or ``uri#record``), all of a uri, of a source or of a licence. A page of an
    archive has its address as its own id, so ``uri`` may be that as well.

    ``duplicates``: also those that stay and that a matching document had been dropped as a duplicate of. ``key``: sign
    the new manifest with it. Raises InputError where nothing matches, or where the run is not sound to begin with.
    """
    given = {
        name: value
        for name, value in zip(("uri", "source", "licence", "document"), (uri, source, licence, document), strict=True)
        if value is not None
    }
    if len(given) != 1:
        raise InputError("give one of uri, source, licence and document")
    if not reason.strip():
        raise InputError("a takedown needs a reason")
    folder = Path(output)
    with _locked(folder):
        finish_pending(folder)
        content = manifest.load(folder)
        kind, value = next(iter(given.items()))
        matched, copies = _find(folder, kind, value, duplicates)
        if not matched:
            raise InputError(f"{kind} {value!r}: no document in the ledger of {folder} matches; nothing was changed")
        done = _prepare(folder, content, {kind: value}, reason, matched, copies, key)
        finish_pending(folder)
        # The record says what it was; the report what it is now.
        if (folder / "report.html").exists():
            from tokenfoundry.report import write_html

            write_html(folder)
    return done


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{folder}: another takedown is at work on it") from None
        yield
    finally:
        os.close(descriptor)


_Row = dict[str, Any]


def _find(folder: Path, kind: str, value: str, duplicates: bool) -> tuple[dict[bytes, _Row], list[str]]:
    """Rows that match, by id; and those that stay though they have the text of one."""
    matched = {row["id"]: row for row in _matching(folder, kind, value)}
    # Two rounds at most: whoever is kept is nobody's duplicate.
    kept_ids = {
        bytes.fromhex(row["verdict"].partition(":")[2])
        for row in matched.values()
        if row["verdict"] and row["verdict"].startswith("dedup.")
    } - matched.keys()
    if not kept_ids:
        return matched, []
    kept = [row for row in _scan(folder) if row["id"] in kept_ids and row["tokens"]]
    if duplicates:
        return {**matched, **{row["id"]: row for row in kept}}, []
    return matched, [f"{row['uri']}#{row['record']}" for row in kept]


_COLUMNS = [
    "id",
    "uri",
    "record",
    "external_id",
    "source",
    "licence",
    "content_hash",
    "verdict",
    "tokens",
    "bytes_out",
    "placements",
]


def _scan(folder: Path) -> Iterator[_Row]:
    for batch in ledger.scan(folder, _COLUMNS):
        yield from batch.to_pylist()


def _matching(folder: Path, kind: str, value: str) -> Iterator[_Row]:
    identity = bytes.fromhex(value) if kind == "document" and len(value) == 32 and _is_hex(value) else None
    name, mark, record = value.rpartition("#")
    numbered = bool(mark) and record.isdigit() and kind in ("uri", "document")
    for batch in ledger.scan(folder, _COLUMNS):
        if identity is not None:
            mask = pc.equal(batch.column("id"), pa.scalar(identity, pa.binary(16)))
        elif kind in ("source", "licence"):
            mask = pc.equal(batch.column(kind), value)
        else:
            own = pc.fill_null(pc.equal(batch.column("external_id"), value), False)
            mask = pc.or_(pc.equal(batch.column("uri"), value), own)
            if numbered:
                exact = pc.and_(pc.equal(batch.column("uri"), name), pc.equal(batch.column("record"), int(record)))
                mask = pc.or_(mask, exact)
        yield from batch.filter(mask).to_pylist()


def _is_hex(value: str) -> bool:
    return all(digit in "0123456789abcdef" for digit in value)


def _prepare(
    folder: Path,
    content: dict[str, Any],
    what: dict[str, str],
    reason: str,
    matched: dict[bytes, _Row],
    copies: list[str],
    key: str | os.PathLike[str] | None,
) -> Takedown:
    """Make every file that changes in the pending folder; the journal, written last, says that all are there."""
    pending = folder / PENDING
    pending.mkdir()
    gone = {identity: row for identity, row in matched.items() if row["tokens"]}
    numbers = sorted({place["shard"] for row in gone.values() for place in row["placements"]})
    shards = _shard.open(folder / "shards")
    for number in numbers:
        _write_shard(shards, number, set(gone), pending / "shards")
    _write_ledgers(folder, pending, gone, next(iter(what)), reason)
    tokens = sum(row["tokens"] for row in gone.values())
    before = {entry["path"]: entry["sha256"] for entry in content["files"]}
    changed = [path for path in sorted(pending.rglob("*")) if path.is_file()]
    record = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"), "by": _user(), "what": what, "reason": reason,
        "documents": [
            {
                "id": row["id"].hex(), "uri": row["uri"], "record": row["record"], "source": row["source"], "licence": row["licence"],
                "content_hash": row["content_hash"].hex() if row["content_hash"] else None, "tokens": row["tokens"],
                "placements": row["placements"],
            }
            for row in matched.values()
        ],
        "removed": len(gone), "tokens": tokens, "copies_left": copies, "manifest_before": content["digest"],
        "files": {
            name: {"before": before.get(name), "after": manifest.sha256_of(path)}
            for path in changed
            if (name := path.relative_to(pending).as_posix())
        },
    }  # fmt: skip
    earlier = (folder / RECORD).read_bytes() if (folder / RECORD).exists() else b""
    write_atomic(pending / RECORD, earlier + json.dumps(record, ensure_ascii=False).encode() + b"\n")
    unsigned = _write_manifest(folder, pending, content, gone, next(iter(what)), tokens, key)
    files = sorted(path.relative_to(pending).as_posix() for path in pending.rglob("*") if path.is_file())
    for path in [pending, *(entry for entry in pending.rglob("*") if entry.is_dir())]:
        sync_folder(path)
    write_atomic(pending / "journal.json", json.dumps({"files": files, "remove": [SIGNATURE] if unsigned else []}))
    return Takedown(len(matched), len(gone), tokens, numbers, copies, unsigned)


def _write_shard(shards: _shard.Shards, number: int, gone: set[bytes], folder: Path) -> None:
    """One shard without the pieces of some documents; rows stay, shorter or empty."""
    first, pieces = shards.all_pieces(number)
    stays = np.array([piece.tobytes() not in gone for piece in pieces["document"]], np.bool_)
    lengths = pieces["length"].astype(np.int64)
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    row = shards.index(number, 0) if len(first) > 1 else len(shards)
    base = shards.token_range(row)[0] if row < len(shards) else 0
    values = np.empty((1, int(bounds[-1])), np.uint32)
    if values.size:
        shards.read_windows([base], values)
    token_stays = np.repeat(stays, lengths)
    columns = {}
    for name in shards.columns:
        columns[name] = shards._column(name, base, base + int(bounds[-1]))[token_stays]
    modes = shards.modes(number)
    kept = pieces[stays]
    kept_lengths = lengths[stays]
    row_offsets = np.concatenate([[0], np.cumsum(stays)])[first.astype(np.int64)].astype(np.int64)
    plan = _Pieces(row_offsets, kept_lengths)
    ragged = Ragged(values[0][token_stays], np.concatenate([[0], np.cumsum(kept_lengths)]).astype(np.int64))
    with _shard.Writer(
        folder, vocabulary_size=shards.vocabulary_size, tokenizer_digest=shards.tokenizer_digest, number=number,
        columns=shards.columns, multimodal=modes is not None,
    ) as writer:  # fmt: skip
        writer.append(
            ragged, plan, document_ids=kept["document"].tobytes(), document_starts=kept["start"].astype(np.int64),
            columns=columns, modes=None if modes is None else modes[stays],
        )  # fmt: skip
        writer.close(last=number == len(shards.names) - 1)


class _Pieces:
    """A packing plan whose pieces are whole documents, in order."""

    def __init__(self, row_offsets: NDArray[np.int64], length: NDArray[np.int64]) -> None:
        self.row_offsets = row_offsets
        self.document = np.arange(len(length), dtype=np.int64)
        self.start = np.zeros(len(length), np.int64)
        self.length = length


def _write_ledgers(folder: Path, pending: Path, gone: dict[bytes, _Row], kind: str, reason: str) -> None:
    """Files of the ledger with a row that changes: of a document that goes, or that moves up in its row."""
    removed: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row in gone.values():
        for place in row["placements"]:
            removed.setdefault((place["shard"], place["row"]), []).append((place["offset"], place["length"]))
    touched = np.array(sorted(shard << 40 | row for shard, row in removed), np.int64)
    for path in ledger.files(folder):
        table = pq.read_table(path).combine_chunks()
        column = table.column("placements")
        flat = column.combine_chunks().flatten() if column.num_chunks else pa.array([], column.type.value_type)
        owner = np.repeat(np.arange(len(table)), pc.list_value_length(column).fill_null(0).to_numpy())
        where = flat.field("shard").to_numpy(zero_copy_only=False).astype(np.int64) << 40 | flat.field("row").to_numpy(
            zero_copy_only=False
        )
        hit = np.isin(where, touched)
        if not hit.any():
            continue
        ids = table.column("id").to_pylist()
        is_gone = np.array([identity in gone for identity in ids], np.bool_)
        stays = ~is_gone[owner]
        offset = flat.field("offset").to_numpy(zero_copy_only=False).copy()
        for index in np.flatnonzero(hit & stays).tolist():
            place = (int(where[index]) >> 40, int(where[index]) & ((1 << 40) - 1))
            offset[index] -= sum(size for at, size in removed[place] if at < offset[index])
        fields = {
            name: flat.field(name).to_numpy(zero_copy_only=False)[stays]
            for name in ("shard", "row", "document_start", "length")
        }
        fields["offset"] = offset[stays]
        kind_of = column.type.value_type
        struct = pa.StructArray.from_arrays(
            [pa.array(fields[field.name], field.type) for field in kind_of], fields=list(kind_of)
        )
        counts = np.bincount(owner[stays], minlength=len(table))
        lists = pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32()), struct)
        mask = pa.array(is_gone)
        changes = {
            "stage": pa.scalar("takedown", pa.string()), "verdict": pa.scalar(f"takedown.{kind}", pa.string()),
            "reason": pa.scalar(reason, pa.string()), "value": pa.scalar(None, pa.float64()),
            "tokens": pa.scalar(0, pa.int64()), "bytes_out": pa.scalar(0, pa.int64()),
        }  # fmt: skip
        for name, value in changes.items():
            table = table.set_column(
                table.schema.get_field_index(name),
                table.schema.field(name),
                pc.if_else(mask, value, table.column(name)),
            )
        table = table.set_column(table.schema.get_field_index("placements"), table.schema.field("placements"), lists)
        ledger.write_table(pending / "ledger" / path.name, table)


def _write_manifest(
    folder: Path,
    pending: Path,
    content: dict[str, Any],
    gone: dict[bytes, _Row],
    kind: str,
    tokens: int,
    key: str | os.PathLike[str] | None,
) -> bool:
    """The manifest after the takedown; whether the run loses its signature."""
    new = {name: value for name, value in content.items() if name != "digest"}
    last = Door.from_dict(content["doors"][-1])
    size = sum(row["bytes_out"] for row in gone.values())
    door = Door(
        "takedown", last.documents_out, last.documents_out - len(gone), last.bytes_out, last.bytes_out - size,
        last.tokens_out, last.tokens_out - tokens,
    )  # fmt: skip
    if gone:
        for counts, amount in [
            (door.dropped_documents, len(gone)),
            (door.dropped_bytes, size),
            (door.dropped_tokens, tokens),
        ]:
            counts[f"takedown.{kind}"] = amount
    new["doors"] = [*content["doors"], door.to_dict()]
    new["tokens"] = content["tokens"] - tokens
    capacity = content["rows"] * content["sequence_length"]
    new["density"] = new["tokens"] / capacity if capacity else 1.0
    changed = manifest.describe_files(pending, [path for path in pending.rglob("*") if path.is_file()])
    names = {entry["path"] for entry in changed}
    new["files"] = sorted(
        [*changed, *(entry for entry in content["files"] if entry["path"] not in names)],
        key=lambda entry: str(entry["path"]),
    )
    new.pop("files_root", None)
    manifest.save(pending, {name: value for name, value in new.items() if name not in ("format", "format_version")})
    if key is not None:
        sign(pending, key)
        return False
    return (folder / SIGNATURE).exists()


def finish_pending(folder: Path) -> bool:
    """Put in place what an interrupted takedown had made ready, or clear away what it had not; whether there was any."""
    pending = folder / PENDING
    if not pending.is_dir():
        return False
    journal = pending / "journal.json"
    if journal.exists():
        content = json.loads(journal.read_bytes())
        for name in content["remove"]:
            (folder / name).unlink(missing_ok=True)
        # The manifest last, and with it the signature of it.
        for name in sorted(content["files"], key=lambda name: name.startswith("manifest.")):
            source = pending / name
            if source.exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                source.replace(folder / name)
        for path in {(folder / name).parent for name in content["files"]}:
            sync_folder(path)
    doomed = folder / f".{PENDING}"
    shutil.rmtree(doomed, ignore_errors=True)
    pending.rename(doomed)
    shutil.rmtree(doomed)
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def purge(cache: str | os.PathLike[str], record: str | os.PathLike[str]) -> int:
    """Remove from a cache every result that holds text or tokens of documents that a record of takedowns names.

    They are made again, without the documents, by the next run that names the record. Returns how many went.
    """
    from tokenfoundry.pipeline.unit_result import UnitResult

    wanted = {
        bytes.fromhex(document["id"])
        for line in Path(record).read_text(encoding="utf-8").splitlines()
        if line.strip()
        for document in json.loads(line)["documents"]
    }
    values = pa.array(sorted(wanted), pa.binary(16))
    folder = Path(cache)
    doomed = []
    keys = set()
    for path in folder.glob("*/*.text"):
        if any(pc.any(pc.is_in(rows.column("id"), values)).as_py() for rows in UnitResult(path).rows()):
            doomed.append(path)
            keys.add(path.name.removesuffix(".text"))
    for path in (*folder.glob("*/*.tokens"), *folder.glob("*/*.sketch")):
        origin = path / "unit.json"
        if origin.exists() and json.loads(origin.read_bytes()).get("text") in keys:
            doomed.append(path)
    for path in doomed:
        shutil.rmtree(path)
    return len(doomed)
