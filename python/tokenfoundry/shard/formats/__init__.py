"""Other projects' token formats, each written and read: one module a family, one entry of `FORMATS` a format."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tokenfoundry.shard.formats import litdata, mds, megatron
from tokenfoundry.shard.formats.columnar import HuggingFace, Parquet
from tokenfoundry.shard.formats.flat import Datatrove, LlmC, NanoGpt, Olmo
from tokenfoundry.shard.formats.source import Source

__all__ = ["FORMATS", "Format"]


class Format(Protocol):
    """A format lives in a directory."""

    def recognises(self, path: Path) -> bool: ...
    def write(self, source: Source, directory: Path) -> None: ...
    def read(self, path: Path) -> Source: ...


FORMATS: dict[str, Format] = {
    "datatrove": Datatrove(),
    "olmo": Olmo(),
    "nanogpt": NanoGpt(),
    "llmc": LlmC(),
    "megatron": megatron,
    "mds": mds,
    "litdata": litdata,
    "huggingface": HuggingFace(),
    "parquet": Parquet(),
}
