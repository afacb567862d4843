"""Where the tokenizer of a model's name is: caches on this machine first, then the network.

`Tokenizer.from_pretrained` asks these in turn: the local Hugging Face cache (read without `huggingface_hub`), tiktoken's cache
of OpenAI's files, OpenAI's server (checked against the published SHA-256), the Hugging Face hub.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Encoding", "in_hugging_face_cache", "on_hub", "openai_encoding"]


@dataclass(frozen=True)
class Encoding:
    """One of OpenAI's vocabularies."""

    ranks: Mapping[bytes, int]
    pattern: str
    special_tokens: Mapping[str, int]


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:160]}"


def hugging_face_cache() -> Path:
    """The folder that `huggingface_hub` keeps its snapshots in, as its own variables say."""
    if folder := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(folder)
    if home := os.environ.get("HF_HOME"):
        return Path(home) / "hub"
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "huggingface" / "hub"


def in_hugging_face_cache(name: str, revision: str | None, wanted: Sequence[str], looked: list[str]) -> Path | None:
    """The snapshot of a model that holds one of the wanted files; else where was looked is noted."""
    repository = hugging_face_cache() / f"models--{name.replace('/', '--')}"
    revision = revision or "main"
    reference = repository / "refs" / revision
    commit = reference.read_text().strip() if reference.is_file() else revision
    snapshot = repository / "snapshots" / commit
    if any((snapshot / file).is_file() for file in wanted):
        return snapshot
    what = f"which holds none of {', '.join(wanted)}" if snapshot.is_dir() else f"no snapshot of {revision!r} there"
    looked.append(f"the Hugging Face cache ({repository}: {what})")
    return None


def openai_encoding(name: str, local_only: bool, looked: list[str]) -> Encoding | None:
    """OpenAI's vocabulary of this name, or of the model of this name; None if it is another's, or cannot be had."""
    from tokenfoundry.compat.tiktoken import load, openai_public
    from tokenfoundry.compat.tiktoken.model import encoding_name_for_model

    encoding = name
    if name not in openai_public.ENCODING_CONSTRUCTORS:
        try:
            encoding = encoding_name_for_model(name)
        except KeyError:
            return None
    if encoding == "gpt2":
        encoding = "r50k_base"  # the same tokens in one file instead of two
    file = {"p50k_edit": "p50k_base", "o200k_harmony": "o200k_base"}.get(encoding, encoding)
    address = f"https://openaipublic.blob.core.windows.net/encodings/{file}.tiktoken"
    folder, _ = load._cache_folder()
    cached = Path(folder) / hashlib.sha1(address.encode()).hexdigest() if folder else None
    if cached is None or not cached.is_file():
        where = cached or "which TIKTOKEN_CACHE_DIR='' turns off"
        looked.append(f"tiktoken's cache of {encoding} ({where})")
        if local_only:
            return None
    try:
        facts: dict[str, Any] = openai_public.ENCODING_CONSTRUCTORS[encoding]()
    except Exception as error:
        looked.append(f"{address} ({_one_line(error)})")
        return None
    return Encoding(facts["mergeable_ranks"], facts["pat_str"], _without_placeholders(facts["special_tokens"]))


def _without_placeholders(special_tokens: Mapping[str, int]) -> dict[str, int]:
    """One special token for each id: harmony's list has a reserved one more for the id of ``<|endofprompt|>``."""
    first: dict[int, str] = {}
    for token, number in special_tokens.items():
        if first.setdefault(number, token).startswith("<|reserved_"):
            first[number] = token
    return {token: number for token, number in special_tokens.items() if first[number] == token}


def on_hub(name: str, revision: str | None, files: Sequence[str], looked: list[str]) -> Path | None:
    """A snapshot fetched from the hub; else why not is noted."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        looked.append("not the Hugging Face hub, for want of the extra: pip install 'tokenfoundry[hf]'")
        return None
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(files)))
    except Exception as error:
        looked.append(f"the Hugging Face hub ({_one_line(error)})")
        return None
