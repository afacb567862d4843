"""From a token to the document it came from, and from a document to all its tokens, or to why it has none."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenfoundry import shard as _shard
from tokenfoundry.errors import InputError
from tokenfoundry.provenance import ledger, manifest
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["DocumentTrace", "TokenTrace", "trace", "trace_document"]


@dataclass(frozen=True)
class DocumentTrace:
    """A document of the input: its row in the ledger, and its text as the shards have it."""

    document: dict[str, Any]
    """The ledger's row."""
    text: str | None
    """Decoded from its tokens, the end mark left out; None for a dropped document."""

    @property
    def id(self) -> str:
        """32 hex digits."""
        identity: bytes = self.document["id"]
        return identity.hex()

    @property
    def dropped(self) -> bool:
        return self.document["verdict"] is not None


@dataclass(frozen=True)
class TokenTrace:
    """A token, and the document that it came from."""

    shard: int
    row: int
    position: int
    token: int
    token_text: str
    document_position: int
    """Which token of its document it is, from 0."""
    document: DocumentTrace


def trace(output: str | os.PathLike[str], *, shard: int, row: int, position: int) -> TokenTrace:
    """The document of the token at ``position`` of ``row`` of ``shard``. Raises InputError for a place that is none."""
    folder = Path(output)
    manifest.load(folder)
    shards = _shard.open(folder / "shards")
    try:
        index = shards.index(shard, row)
    except IndexError as error:
        raise InputError(f"{error}") from None
    tokens = shards[index]
    if not 0 <= position < len(tokens):
        raise InputError(f"position {position} of shard {shard}, row {row}, which has {len(tokens)} tokens")
    before = 0
    for piece in shards.pieces(index):
        if position < before + int(piece["length"]):
            break
        before += int(piece["length"])
    tokenizer = Tokenizer.from_file(folder / "tokenizer.json")
    found = ledger.find(folder, "id", piece["document"].tobytes())
    if not found:
        raise InputError(f"the ledger has no document {piece['document'].tobytes().hex()}; run `tokenfoundry verify`")
    return TokenTrace(
        shard,
        row,
        position,
        int(tokens[position]),
        tokenizer.decode(tokens[position : position + 1]),
        int(piece["start"]) + position - before,
        DocumentTrace(found[0], _text(found[0], shards, tokenizer)),
    )


def trace_document(output: str | os.PathLike[str], document: str) -> list[DocumentTrace]:
    """Documents by id (32 hex digits), by uri, by ``uri#record``, or by their own id, which is a page's address in an
    archive. There may be several. Raises InputError for none."""
    folder = Path(output)
    manifest.load(folder)
    if re.fullmatch(r"[0-9a-f]{32}", document):
        found = ledger.find(folder, "id", bytes.fromhex(document))
    else:
        found = ledger.find(folder, "uri", document)
        uri, mark, record = document.rpartition("#")
        if not found and mark and record.isdigit():
            found = [row for row in ledger.find(folder, "uri", uri) if row["record"] == int(record)]
        found = found or ledger.find(folder, "external_id", document)
    if not found:
        raise InputError(
            f"{document!r} is neither an id (32 hex digits, or the document's own) nor a uri of the ledger in "
            f"{os.fspath(output)}"
        )
    shards = _shard.open(folder / "shards")
    tokenizer = Tokenizer.from_file(folder / "tokenizer.json")
    return [DocumentTrace(row, _text(row, shards, tokenizer)) for row in found]


def _text(row: dict[str, Any], shards: _shard.Shards, tokenizer: Tokenizer) -> str | None:
    if row["verdict"] is not None:
        return None
    parts = []
    for placement in sorted(row["placements"], key=lambda placement: placement["document_start"]):
        tokens = shards[shards.index(placement["shard"], placement["row"])]
        parts.append(tokenizer.decode_bytes(
            tokens[placement["offset"] : placement["offset"] + placement["length"]], skip_special_tokens=True
        ))  # fmt: skip
    return b"".join(parts).decode("utf-8", "replace")
