"""Tokens on disk: Megatron-compatible `.bin`/`.idx` pairs that know where each token came from.

Megatron and everything that reads its indexed datasets can map a shard as it is: each packed row is a document there,
each piece of a source document a sequence. Beside the pair lies a `.tfi` with the pieces' document ids and a checksum
for every 4 KiB; `docs/formats.md` has the bytes. Files appear whole or not at all. Reading checks each block once.

`write` and `Writer` make a set of shards, `open` reads one, `verify` checks every byte, `convert` turns
sets into other projects' formats and back.
"""

from tokenfoundry.shard.convert import FORMATS, Conversion, convert, detect
from tokenfoundry.shard.reading import PIECE_DTYPE, Shards, open, verify
from tokenfoundry.shard.writing import PackingPlan, Writer, write

__all__ = [
    "FORMATS",
    "PIECE_DTYPE",
    "Conversion",
    "PackingPlan",
    "Shards",
    "Writer",
    "convert",
    "detect",
    "open",
    "verify",
    "write",
]
