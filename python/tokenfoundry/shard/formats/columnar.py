"""Parquet files and Hugging Face datasets (Arrow): ``input_ids``, and where they came from.

Columns, a row each: ``input_ids: list<int32>``, ``lengths: list<int32>`` (tokens of each piece) and, where known,
``documents: list<string>`` (32 hex digits) and ``starts: list<int64>``. For packed rows ``lengths`` is what
position ids and attention bounds are made from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tokenfoundry.errors import InputError, ShardError
from tokenfoundry.shard.formats.source import Chunk, Source, as_tokens, chunk_of

_DATASET_ROWS_PER_FILE = 1_000_000


def _batches(source: Source) -> Iterator[pa.RecordBatch]:
    """One at least: of nothing there is a file too, and it says which columns it has none of."""
    batch = None
    for batch in map(_batch, source.chunks()):
        yield batch
    if batch is None:
        yield _batch(chunk_of(np.zeros(0, np.uint32), np.zeros(1, np.int64)))


def _batch(chunk: Chunk) -> pa.RecordBatch:
    if len(chunk.values) >= 1 << 31:
        raise InputError("a row of more than 2^31 tokens does not fit an Arrow list: use sequence_length")

    def listed(offsets: NDArray[np.int64], values: Any) -> Any:
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)

    columns = {
        "input_ids": listed(chunk.row_offsets, pa.array(chunk.values.view(np.int32))),
        "lengths": listed(chunk.row_pieces, pa.array(np.diff(chunk.piece_offsets).astype(np.int32))),
    }
    if chunk.documents is not None and chunk.starts is not None:
        text = chunk.documents.tobytes().hex().encode()
        bounds = np.arange(len(chunk.documents) + 1, dtype=np.int32) * 32
        buffers = [pa.py_buffer(bounds.tobytes()), pa.py_buffer(text)]
        ids = pa.StringArray.from_buffers(len(chunk.documents), *buffers)
        columns["documents"] = listed(chunk.row_pieces, ids)
        columns["starts"] = listed(chunk.row_pieces, pa.array(chunk.starts.astype(np.int64)))
    return pa.record_batch(columns)


def _chunk(batch: Any, path: Path) -> Chunk:
    names = batch.schema.names
    if "input_ids" not in names:
        raise ShardError(f"{path}: has columns {names}; input_ids is read")

    def flat(name: str) -> tuple[NDArray[np.int64], Any]:
        column = batch.column(name)
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
            raise ShardError(f"{path}: column {name} is {column.type}; a list is wanted")
        if column.null_count:
            raise ShardError(f"{path}: column {name} has nulls")
        lengths = column.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
        return np.concatenate([[0], np.cumsum(lengths)]), column.flatten()

    row_offsets, ids = flat("input_ids")
    if not pa.types.is_integer(ids.type) or ids.null_count:
        raise ShardError(f"{path}: input_ids holds {ids.type} with {ids.null_count} nulls; integers are wanted")
    values = as_tokens(ids.to_numpy(zero_copy_only=False), path)
    rows = np.arange(len(row_offsets), dtype=np.int64)
    if "lengths" not in names:
        return Chunk(values, row_offsets, rows)
    row_pieces, lengths = flat("lengths")
    if not pa.types.is_integer(lengths.type) or lengths.null_count:
        raise ShardError(f"{path}: lengths holds {lengths.type} with {lengths.null_count} nulls; integers are wanted")
    piece_offsets = np.concatenate([[0], np.cumsum(lengths.to_numpy(zero_copy_only=False).astype(np.int64))])
    if not np.array_equal(piece_offsets[row_pieces], row_offsets):
        raise ShardError(f"{path}: lengths do not sum to the rows of input_ids")
    if not {"documents", "starts"} <= set(names):
        return Chunk(values, piece_offsets, row_pieces)
    try:
        documents = np.frombuffer(bytes.fromhex("".join(flat("documents")[1].to_pylist())), "V16")
    except (TypeError, ValueError) as error:
        raise ShardError(f"{path}: documents are not ids of 32 hex digits: {error}") from error
    first_tokens = flat("starts")[1]
    if not pa.types.is_integer(first_tokens.type) or first_tokens.null_count:
        raise ShardError(f"{path}: starts holds {first_tokens.type}; integers without nulls are wanted")
    starts = first_tokens.to_numpy(zero_copy_only=False).astype(np.uint64)
    if not len(documents) == len(starts) == len(piece_offsets) - 1:
        raise ShardError(f"{path}: documents, starts and lengths are not of the same pieces")
    return Chunk(values, piece_offsets, row_pieces, documents, starts)


class Parquet:
    """``part-00000.parquet``, zstd, a row group a chunk."""

    @staticmethod
    def recognises(path: Path) -> bool:
        return any(path.glob("*.parquet"))

    @staticmethod
    def write(source: Source, directory: Path) -> None:
        writer: Any = None
        try:
            for batch in _batches(source):
                if writer is None:
                    writer = pq.ParquetWriter(directory / "part-00000.parquet", batch.schema, compression="zstd")
                writer.write_batch(batch)
        finally:
            if writer is not None:
                writer.close()

    @staticmethod
    def read(path: Path) -> Source:
        def chunks() -> Iterator[Chunk]:
            for file in sorted(path.glob("*.parquet")):
                try:
                    table = pq.ParquetFile(file)
                    for group in range(table.num_row_groups):
                        yield _chunk(table.read_row_group(group), file)
                except pa.ArrowException as error:
                    raise ShardError(f"{file}: cannot be read: {error}") from error

        return Source(1 << 31, "", chunks)


class HuggingFace:
    """What ``datasets.load_from_disk`` reads: Arrow streams, ``state.json``, ``dataset_info.json``."""

    @staticmethod
    def recognises(path: Path) -> bool:
        return (path / "state.json").exists()

    @staticmethod
    def write(source: Source, directory: Path) -> None:
        names: list[str] = []
        writer: Any = None
        rows = 0
        try:
            for batch in _batches(source):
                if writer is None or rows + batch.num_rows > _DATASET_ROWS_PER_FILE:
                    if writer is not None:
                        writer.close()
                    names.append(f"data-{len(names):05}.arrow")
                    writer, rows = pa.ipc.new_stream(directory / names[-1], batch.schema), 0
                writer.write_batch(batch)
                rows += batch.num_rows
        finally:
            if writer is not None:
                writer.close()
        state: dict[str, Any] = {
            "_data_files": [{"filename": name} for name in names], "_fingerprint": "tokenfoundry",
            "_format_columns": None, "_format_kwargs": {}, "_format_type": None, "_output_all_columns": False,
            "_split": None,
        }  # fmt: skip
        (directory / "state.json").write_text(json.dumps(state, indent=2, sort_keys=True))
        info = {"citation": "", "description": "", "features": None, "homepage": "", "license": ""}
        (directory / "dataset_info.json").write_text(json.dumps(info, indent=2, sort_keys=True))

    @staticmethod
    def read(path: Path) -> Source:
        try:
            files = [entry["filename"] for entry in json.loads((path / "state.json").read_bytes())["_data_files"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ShardError(f"{path / 'state.json'}: cannot be read: {error}") from error

        def chunks() -> Iterator[Chunk]:
            for name in files:
                try:
                    with pa.memory_map(str(path / name)) as mapped, pa.ipc.open_stream(mapped) as stream:
                        for batch in stream:
                            # Offsets that point outside would be followed.
                            batch.validate(full=True)
                            yield _chunk(batch, path / name)
                except pa.ArrowException as error:
                    raise ShardError(f"{path / name}: cannot be read: {error}") from error

        return Source(1 << 31, "", chunks)
