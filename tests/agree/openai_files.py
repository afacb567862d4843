"""OpenAI's vocabulary files, as tiktoken's cache has them: by the sha1 of the address they come from.

The rank files are those of `tests.vocabularies`; GPT-2's two files are written again out of r50k's ranks, byte for byte.
"""

import base64
import hashlib
import json
import shutil
from pathlib import Path

from tests.vocabularies import vocabulary

ADDRESS = "https://openaipublic.blob.core.windows.net/"
NAMES = ("r50k", "p50k", "cl100k", "o200k")


def fill_cache(folder: Path) -> None:
    """Put the files where tiktoken, with TIKTOKEN_CACHE_DIR set to it, looks for them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        shutil.copy(vocabulary(name), folder / place(f"encodings/{name}_base.tiktoken"))
    merges, numbers = gpt2_files(vocabulary("r50k"))
    (folder / place("gpt-2/encodings/main/vocab.bpe")).write_bytes(merges)
    (folder / place("gpt-2/encodings/main/encoder.json")).write_bytes(numbers)


def place(path: str) -> str:
    return hashlib.sha1((ADDRESS + path).encode()).hexdigest()


def gpt2_files(ranks_file: Path) -> tuple[bytes, bytes]:
    """vocab.bpe and encoder.json."""
    pairs = (line.split() for line in ranks_file.read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in printable}
    letters |= {byte: chr(256 + index) for index, byte in enumerate(b for b in range(256) if b not in letters)}

    def written(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    by_rank = sorted(ranks, key=ranks.__getitem__)
    merges = ["#version: 0.2"]
    for token in by_rank[256:]:
        parts = [token[at : at + 1] for at in range(len(token))]
        while len(parts) > 2:
            _, at = min(
                (ranks[parts[at] + parts[at + 1]], at)
                for at in range(len(parts) - 1)
                if ranks.get(parts[at] + parts[at + 1], ranks[token]) < ranks[token]
            )
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        merges.append(" ".join(map(written, parts)))
    numbers = {written(token): rank for rank, token in enumerate(by_rank)} | {"<|endoftext|>": len(by_rank)}
    return ("\n".join(merges) + "\n").encode(), json.dumps(numbers).encode()
