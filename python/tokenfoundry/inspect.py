"""Seeing what a model will see: packed rows, decoded, each document in a colour of its own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.text import Text

from tokenfoundry import shard as _shard
from tokenfoundry.errors import InputError
from tokenfoundry.provenance import ledger, manifest
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["render_row", "visible"]

_COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "red")


def _documents(output: Path, ids: set[bytes]) -> dict[bytes, dict[str, Any]]:
    """Ledger rows of these documents."""
    found = {}
    for batch in ledger.scan(output, ["id", "uri", "record", "language", "tokens"]):
        for index, identity in enumerate(batch.column("id").to_pylist()):
            if identity in ids:
                found[identity] = {name: batch.column(name)[index].as_py() for name in batch.schema.names}
    return found


def render_row(
    output: str | os.PathLike[str], *, shard: int = 0, row: int = 0, token_bounds: bool = False
) -> Iterator[Text]:
    """Lines for a rich console: a heading for the row, then each piece under its document's name.

    With ``token_bounds`` tokens are told apart by shading. Control characters are shown as symbols, so that nothing in
    a document can drive the terminal. Raises InputError for a row that is none.
    """
    folder = Path(output)
    content = manifest.load(folder)
    shards = _shard.open(folder / "shards")
    try:
        index = shards.index(shard, row)
    except IndexError as error:
        raise InputError(str(error)) from None
    tokenizer = Tokenizer.from_file(folder / "tokenizer.json")
    tokens, pieces = shards[index], shards.pieces(index)
    named = _documents(folder, {piece["document"].tobytes() for piece in pieces})
    length = content["sequence_length"]
    heading = f"shard {shard}, row {row}: {len(tokens):,} of {length:,} tokens, {len(pieces)} pieces"
    yield Text(heading, style="bold")
    at = 0
    for number, piece in enumerate(pieces):
        colour = _COLOURS[number % len(_COLOURS)]
        identity = piece["document"].tobytes()
        document = named[identity]
        size, start = int(piece["length"]), int(piece["start"])
        part = (
            ""
            if size == document["tokens"]
            else f", its tokens {start:,} to {start + size - 1:,} of {document['tokens']:,}"
        )
        where = f"── {document['uri']}#{document['record']}  {document['language'] or ''}  positions {at}–{at + size - 1}{part}"
        yield Text(where, style=f"bold {colour}")
        yield _decoded(tokenizer, tokens[at : at + size], colour, token_bounds)
        at += size
    if at < length:
        yield Text(f"── padding: positions {at}–{length - 1}", style="dim")


def _decoded(tokenizer: Tokenizer, tokens: Any, colour: str, token_bounds: bool) -> Text:
    text = Text()
    stream = tokenizer.decode_stream()
    specials = set(tokenizer.special_tokens.values())
    for number, token in enumerate(tokens.tolist()):
        style = f"bold {colour} reverse" if token in specials else colour
        if token_bounds and number % 2:
            style += " on grey23"
        text.append(visible(stream.push(token)), style=style)
    text.append(visible(stream.finish()), style=colour)
    return text


def visible(text: str) -> str:
    """Control characters, but newline and tab, as the symbols made for them."""
    return "".join(
        character if character in "\n\t" or character.isprintable()
        else chr(0x2400 + ord(character)) if ord(character) < 32
        else "\ufffd"
        for character in text
    )  # fmt: skip
