"""Fetching vocabulary files: through tiktoken's own cache folder, checked against their published SHA-256.

A file is looked for in ``TIKTOKEN_CACHE_DIR``, else ``DATA_GYM_CACHE_DIR``, else ``data-gym-cache`` in the temporary
folder, under the SHA-1 of its address; an empty variable turns the cache off. Only then the network is asked.
"""

import base64
import contextlib
import hashlib
import json
import os
import tempfile
import urllib.request
import uuid
from pathlib import Path
from typing import Any

_DEFAULT_FOLDER = "data-gym-cache"


def _blobfile() -> Any:
    try:
        import blobfile  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise ImportError("blobfile is not installed. Please install it by running `pip install blobfile`.") from error
    return blobfile


def read_file(blobpath: str) -> bytes:
    """Content of a local path, an http(s) address, or (with blobfile installed) any other address."""
    if "://" not in blobpath:
        return Path(blobpath).read_bytes()
    if not blobpath.startswith(("http://", "https://")):
        content: bytes = _blobfile().read_bytes(blobpath)
        return content
    try:
        import requests  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        with urllib.request.urlopen(blobpath) as response:
            downloaded: bytes = response.read()
            return downloaded
    answer = requests.get(blobpath)
    answer.raise_for_status()
    return bytes(answer.content)


def check_hash(data: bytes, expected_hash: str) -> bool:
    """Whether the SHA-256 of the data is the expected one."""
    return hashlib.sha256(data).hexdigest() == expected_hash


def _cache_folder() -> tuple[str, bool]:
    """The folder, and whether the user chose it."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if variable in os.environ:
            return os.environ[variable], True
    return str(Path(tempfile.gettempdir()) / _DEFAULT_FOLDER), False


def read_file_cached(blobpath: str, expected_hash: str | None = None) -> bytes:
    """`read_file` through the cache. ValueError if what was fetched has another hash; a cached file that has is
    replaced. A folder that cannot be written to is an error only if the user chose it."""
    folder, chosen = _cache_folder()
    if not folder:
        return read_file(blobpath)
    cached = Path(folder) / hashlib.sha1(blobpath.encode()).hexdigest()
    if cached.exists():
        data = cached.read_bytes()
        if expected_hash is None or check_hash(data, expected_hash):
            return data
        with contextlib.suppress(OSError):
            cached.unlink()

    data = read_file(blobpath)
    if expected_hash and not check_hash(data, expected_hash):
        raise ValueError(
            f"Hash mismatch for data downloaded from {blobpath} (expected {expected_hash}). "
            f"This may indicate a corrupted download. Please try again."
        )
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        temporary = cached.with_name(f"{cached.name}.{uuid.uuid4()}.tmp")
        temporary.write_bytes(data)
        temporary.rename(cached)
    except OSError:
        if chosen:
            raise
    return data


def data_gym_to_mergeable_bpe_ranks(
    vocab_bpe_file: str,
    encoder_json_file: str,
    vocab_bpe_hash: str | None = None,
    encoder_json_hash: str | None = None,
    clobber_one_byte_tokens: bool = False,
) -> dict[bytes, int]:
    """Ranks from GPT-2's two files: the merges in order, and the ids, which must say the same.

    ``clobber_one_byte_tokens``: single bytes have the ids of the second file.
    """
    # GPT-2 writes a byte as a character: printable Latin-1 as itself, the others as U+0100 and on.
    ordered = [byte for byte in range(256) if chr(byte).isprintable() and byte != 0x20]
    ordered += [byte for byte in range(256) if byte not in ordered]
    shown = [*(chr(byte) for byte in ordered[:188]), *(chr(0x100 + index) for index in range(68))]
    byte_of = dict(zip(shown, ordered, strict=True))

    def spelled(token: str) -> bytes:
        return bytes(byte_of[character] for character in token)

    lines = read_file_cached(vocab_bpe_file, vocab_bpe_hash).decode().split("\n")[1:-1]
    ranks = {bytes([byte]): rank for rank, byte in enumerate(ordered)}
    for rank, line in enumerate(lines, start=len(ranks)):
        left, right = line.split()
        ranks[spelled(left) + spelled(right)] = rank

    encoder = json.loads(read_file_cached(encoder_json_file, encoder_json_hash))
    ids = {spelled(token): number for token, number in encoder.items()}
    for special in (b"<|endoftext|>", b"<|startoftext|>"):
        ids.pop(special, None)
    if clobber_one_byte_tokens:
        ranks.update({token: number for token, number in ids.items() if len(token) == 1})
    assert ranks == ids, f"{vocab_bpe_file} and {encoder_json_file} do not describe the same vocabulary"
    return ranks


def dump_tiktoken_bpe(bpe_ranks: dict[bytes, int], tiktoken_bpe_file: str) -> None:
    """Write a rank file: base64 of the token and its rank, a line each, in order of rank."""
    lines = [
        base64.b64encode(token) + b" %d\n" % rank for token, rank in sorted(bpe_ranks.items(), key=lambda item: item[1])
    ]
    if "://" not in tiktoken_bpe_file:
        Path(tiktoken_bpe_file).write_bytes(b"".join(lines))
        return
    with _blobfile().BlobFile(tiktoken_bpe_file, "wb") as file:
        file.write(b"".join(lines))


def load_tiktoken_bpe(tiktoken_bpe_file: str, expected_hash: str | None = None) -> dict[bytes, int]:
    """Ranks from a rank file; ValueError names a line that is none."""
    ranks = {}
    for line in read_file_cached(tiktoken_bpe_file, expected_hash).splitlines():
        if not line:
            continue
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
        except Exception as error:
            raise ValueError(f"Error parsing line {line!r} in {tiktoken_bpe_file}") from error
    return ranks
