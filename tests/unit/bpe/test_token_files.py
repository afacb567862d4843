"""`tokenfoundry encode|count|train` on files of every kind."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import tokenfoundry as tf
from tokenfoundry import token_files
from tokenfoundry.cli import app

TEXTS = [f"hello world, document {number} <|endoftext|>\n" for number in range(300)]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    lines = "\n".join(json.dumps({"text": text}) for text in TEXTS)
    (tmp_path / "a.jsonl").write_text(lines + "\n{not json\n")
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write(lines)
    pq.write_table(pa.table({"text": TEXTS}), tmp_path / "c.parquet")
    (tmp_path / "d.txt").write_text("plain text\n")
    return [str(tmp_path / name) for name in ("a.jsonl", "b.jsonl.gz", "c.parquet", "d.txt")]


@pytest.fixture(scope="module")
def tokenizer() -> tf.Tokenizer:
    return tf.Tokenizer.train(TEXTS, vocab_size=300)


def test_encode_writes_what_encode_batch_gives(files: list[str], tokenizer: tf.Tokenizer, tmp_path: Path) -> None:
    seen: list[int] = []
    totals = token_files.encode(
        files, tmp_path / "out", tokenizer, end_token="<|endoftext|>", report=lambda so_far: seen.append(so_far.tokens)
    )
    texts = [*TEXTS * 3, "plain text\n"]
    tokens, offsets = np.load(tmp_path / "out" / "tokens.npy"), np.load(tmp_path / "out" / "offsets.npy")
    assert (tokens.dtype, offsets.dtype) == (np.uint16, np.int64)
    expected = [[*tokenizer.encode(text, allowed_special="none"), 0] for text in texts]
    assert [tokens[start:end].tolist() for start, end in itertools.pairwise(offsets)] == expected
    assert (totals.documents, totals.tokens) == (len(texts), len(tokens))
    assert seen[-1] == len(tokens) and seen == sorted(seen)
    described = json.loads((tmp_path / "out" / "documents.json").read_text())
    assert described["tokenizer"]["digest"] == tokenizer.digest
    assert [file["documents"] for file in described["files"]] == [300, 300, 300, 1]
    assert len(totals.rejected) == 1 and "a.jsonl:301" in totals.rejected[0]


def test_batches_do_not_show(
    files: list[str], tokenizer: tf.Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_files.encode(files, tmp_path / "one", tokenizer)
    monkeypatch.setattr(token_files, "_BATCH_BYTES", 1000)
    token_files.encode(files, tmp_path / "many", tokenizer, threads=2)
    for name in ("tokens.npy", "offsets.npy"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()


def test_the_commands(files: list[str], tmp_path: Path) -> None:
    run = CliRunner().invoke
    saved, out = str(tmp_path / "t.json"), str(tmp_path / "out")
    trained = run(app, ["train", *files, "-o", saved, "--vocab-size", "290", "--special-token", "<s>"])
    assert trained.exit_code == 0, trained.output
    tokenizer = tf.Tokenizer.from_file(saved)
    assert tokenizer == tf.Tokenizer.train([*TEXTS * 3, "plain text\n"], vocab_size=290, special_tokens=["<s>"])
    encoded = run(app, ["encode", *files, "-t", saved, "-o", out])
    assert encoded.exit_code == 0, encoded.output
    counted = run(app, ["count", *files, "-t", saved, "--json"])
    assert json.loads(counted.stdout)["tokens"] == len(np.load(Path(out) / "tokens.npy"))
    plain = run(app, ["count", files[3], "-t", saved])
    assert f"{tokenizer.count('plain text' + chr(10)):>15,}  {files[3]}" in plain.stdout


def test_errors_name_what_is_missing(files: list[str], tokenizer: tf.Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(tf.InputError, match="nothing-here"):
        token_files.count([str(tmp_path / "nothing-here*")], tokenizer)
    with pytest.raises(tf.InputError, match="is a file"):
        token_files.encode(files, files[3], tokenizer)
    with pytest.raises(tf.InputError, match="not a token"):
        token_files.encode(files, tmp_path / "out", tokenizer, end_token="<none>")
    assert not (tmp_path / "out").exists()
    missing = CliRunner().invoke(app, ["count", files[0], "-t", str(tmp_path / "no.json")])
    assert missing.exit_code == 1


def test_no_documents_make_empty_arrays(tokenizer: tf.Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    totals = token_files.encode([str(tmp_path / "empty.jsonl")], tmp_path / "out", tokenizer)
    assert totals.tokens == 0
    assert np.load(tmp_path / "out" / "tokens.npy").shape == (0,)
    assert np.load(tmp_path / "out" / "offsets.npy").tolist() == [0]
