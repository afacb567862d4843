"""A small corpus and recipe that the tests of the pipeline share."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from tests.corpus import standard_library

from tokenfoundry.pipeline.recipe import Recipe, load_recipe


def prose(seed: int, words: int = 120) -> str:
    """Text that the Gopher rules keep."""
    source = random.Random(seed)
    stop = ["the", "be", "to", "of", "and", "that", "have", "with"]
    vocabulary = [
        f"{source.choice('bcdfgklmnprst')}{source.choice('aeiou')}{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}er"
        for n in range(400)
    ]
    sentences = []
    for _ in range(words // 10):
        sentence = [source.choice(vocabulary) if n % 3 else source.choice(stop) for n in range(10)]
        sentences.append(" ".join(sentence).capitalize() + ".")
    return "\n".join(sentences)


def write_corpus(folder: Path) -> None:
    """JSON Lines (plain, gz, zst), Parquet, text files: near-duplicates, addresses, and things to drop."""
    data = folder / "data"
    (data / "books").mkdir(parents=True)
    rows = [{"text": prose(seed), "id": f"doc-{seed}"} for seed in range(40)]
    rows += [{"text": prose(3), "id": "copy"}, {"text": prose(4) + "\nOne line more.", "id": "near"}]
    rows += [{"text": "too short", "id": "short"}, {"text": "\u200b \n", "id": "blank"}]
    rows.append({"text": prose(50) + "\nWrite to someone@example.org or 8.8.8.8.", "id": "mail"})
    lines = [json.dumps(row) for row in rows]
    (data / "a.jsonl").write_text("\n".join(lines[:20]) + "\n")
    (data / "b.jsonl.gz").write_bytes(gzip.compress("\n".join(lines[20:35]).encode(), mtime=0))
    (data / "c.jsonl.zst").write_bytes(zstandard.compress("\n".join(lines[35:]).encode()))
    pq.write_table(
        pa.table({"text": [prose(seed) for seed in range(100, 120)], "licence": ["CC0"] * 20}), data / "d.parquet"
    )
    for index, text in enumerate(standard_library(200_000)):
        (data / "books" / f"{index:03d}.txt").write_text(text, encoding="utf-8")


def recipe(folder: Path, output: str = "out", **changes: Any) -> dict[str, Any]:
    """The recipe over that corpus, as plain data."""
    return {
        "name": "test",
        "output": output,
        "input": [
            {"path": "data/*.jsonl*", "source": "web", "licence": "CC-BY-4.0", "id_field": "id"},
            {"path": "data/*.parquet", "source": "tables", "licence_field": "licence"},
            {"path": "data/books", "source": "books", "format": "text"},
        ],
        "stages": [
            {"clean": {}},
            {"label": {}},
            {"filter": {"preset": "gopher", "sources": ["web", "tables"]}},
            {"redact": {"kinds": ["email", "ip"]}},
            {"dedup": {"threshold": 0.8}},
            {"tokenize": {"tokenizer": {"train": {"vocab_size": 1000}}}},
            {"pack": {"sequence_length": 256}},
            {"shard": {"rows_per_shard": 50}},
        ],
        **changes,
    }


def checked(folder: Path, output: str = "out", **changes: Any) -> Recipe:
    return load_recipe(recipe(folder, output, **changes), base=folder)


def result_bytes(output: Path) -> dict[str, bytes]:
    """Every file that must be the same from run to run."""
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.name not in ("metrics.json", "report.html", "run.sha256")
    }
