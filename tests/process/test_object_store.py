"""Inputs from and outputs to an object store: a real S3 server on loopback, started by the test."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.pipeline.runs import recipe, result_bytes, write_corpus

import tokenfoundry as tf
from tokenfoundry.io.remote import download, filesystem, list_remote, upload
from tokenfoundry.pipeline import publish
from tokenfoundry.pipeline.recipe import load_recipe
from tokenfoundry.provenance import ledger, verify

pytest.importorskip("moto", reason="moto's server is not installed")

BUCKET = "corpus"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server, its address in the environment, and a bucket with the tests' corpus; gives the corpus on disk."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    patch.setenv("AWS_ACCESS_KEY_ID", "test")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    try:
        for _ in range(1500):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/data.json", timeout=5):
                    break
            except OSError:
                time.sleep(0.2)
        folder = tmp_path_factory.mktemp("store")
        write_corpus(folder)
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request, timeout=30).close()
        for path in sorted((folder / "data").rglob("*")):
            if path.is_file():
                upload(path, f"s3://{BUCKET}/{path.relative_to(folder).as_posix()}")
        yield folder
    finally:
        patch.undo()
        server.terminate()
        server.wait()


def remote_recipe(folder: Path, output: str) -> dict[str, object]:
    plain = recipe(folder, output)
    plain["input"] = [{**entry, "path": f"s3://{BUCKET}/{entry['path']}"} for entry in plain["input"]]
    return plain


def test_listing(store: Path) -> None:
    assert [uri for uri, _, _ in list_remote(f"s3://{BUCKET}/data/*.jsonl*")] == [
        f"s3://{BUCKET}/data/{name}" for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl.zst")
    ]
    books = len(list((store / "data" / "books").iterdir()))
    assert len(list_remote(f"s3://{BUCKET}/data/books")) == books
    assert len(list_remote(f"s3://{BUCKET}/**/*.txt")) == books
    assert list_remote(f"s3://{BUCKET}/none") == []
    assert list_remote(f"s3://{BUCKET}/data/d.parquet")[0][1] == (store / "data" / "d.parquet").stat().st_size


def test_there_and_back(store: Path, tmp_path: Path) -> None:
    """The same documents as from disk; the output on the store, whole, its manifest last; a second run finds it."""
    local = tf.run(load_recipe(recipe(store, str(tmp_path / "local")), base=store))
    plain = remote_recipe(store, f"s3://{BUCKET}/out/run-1")
    result = tf.run(load_recipe({**plain, "work": str(tmp_path / "work")}, base=tmp_path))
    expected = [(row["content_hash"], row["verdict"] is None) for row in ledger.read(local.output).to_pylist()]
    found = ledger.read(result.output).to_pylist()
    assert [row["reason"] for row in found if row["stage"] == "read"] == []
    assert [(row["content_hash"], row["verdict"] is None) for row in found] == expected
    assert all(row["uri"].startswith(f"s3://{BUCKET}/data/") for row in found)
    for name in ("shards/shard-00000.bin", "tokenizer.json"):
        assert (result.output / name).read_bytes() == (local.output / name).read_bytes()

    copy = publish.fetch(f"s3://{BUCKET}/out/run-1", tmp_path / "copy")
    assert verify(copy).ok
    assert result_bytes(copy) == result_bytes(result.output)
    assert (copy / "report.html").exists()

    again = tf.run(load_recipe({**plain, "work": str(tmp_path / "elsewhere")}, base=tmp_path))
    assert again.reused
    assert again.manifest == result.manifest


def test_an_upload_that_broke_off_is_finished(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load_recipe(
        {**remote_recipe(store, f"s3://{BUCKET}/out/run-2"), "work": str(tmp_path / "work")}, base=tmp_path
    )
    sent: list[str] = []

    def breaking(source: Path, uri: str) -> None:
        if len(sent) == 3:
            raise OSError(f"{uri}: the connection broke")
        sent.append(uri)
        upload(source, uri)

    with monkeypatch.context() as patch:
        patch.setattr(publish, "upload", breaking)
        with pytest.raises(OSError, match="the connection broke"):
            tf.run(plain)
    assert not any(uri.endswith("manifest.json") for uri, _, _ in list_remote(f"s3://{BUCKET}/out/run-2"))
    tf.run(plain)
    assert verify(publish.fetch(f"s3://{BUCKET}/out/run-2", tmp_path / "copy")).ok


def test_what_cannot_be_reached(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = remote_recipe(store, str(tmp_path / "out"))
    plain["input"] = [{"path": f"s3://{BUCKET}/none/*.jsonl"}]
    plain["stages"][2] = {"filter": {}}  # type: ignore[index]
    with pytest.raises(tf.RecipeError, match="matches no file"):
        load_recipe(plain, base=tmp_path)
    assert list_remote("s3://no-such-bucket/x/*.jsonl") == []
    with pytest.raises(tf.InputError, match="cannot be reached"):
        filesystem("nonsense://x")
    with pytest.raises(tf.InputError, match=r"no manifest\.json"):
        publish.fetch(f"s3://{BUCKET}/data", tmp_path / "x")
    download(f"s3://{BUCKET}/data/a.jsonl", tmp_path / "a.jsonl")
    assert json.loads((tmp_path / "a.jsonl").read_text().splitlines()[0])["id"] == "doc-0"
    assert os.environ["AWS_ENDPOINT_URL"] and shutil.which("sh")


def test_fsspecs_stores(tmp_path: Path) -> None:
    """Schemes that pyarrow does not know go through fsspec; here its memory."""
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://shelf/a.txt", "w") as file:
        file.write("one document of a few words")
    plain = {
        "name": "memory", "output": str(tmp_path / "out"), "input": [{"path": "memory://shelf/*.txt"}],
        "stages": [{"tokenize": {"tokenizer": {"train": {"vocab_size": 260, "min_frequency": 1}}}}, {"pack": {}}, {"shard": {}}],
    }  # fmt: skip
    result = tf.run(load_recipe(plain, base=tmp_path))
    assert ledger.read(result.output).to_pylist()[0]["tokens"] > 5
