"""Stores through fsspec, with its file system in memory; and what is said where a store cannot be had."""

import subprocess
import sys
from pathlib import Path

import pytest

import tokenfoundry as tf
from tokenfoundry.io import find_files, records
from tokenfoundry.io.remote import download, filesystem, list_remote, upload
from tokenfoundry.pipeline.recipe import Input

fsspec = pytest.importorskip("fsspec", reason="the extra `cloud` is not installed")


def test_files_are_found_read_and_written(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/remote-test/data/a.jsonl", b'{"text": "one"}\n')
    store.pipe("/remote-test/data/deep/b.jsonl", b'{"text": "two"}\n')
    store.pipe("/remote-test/data/_hidden.jsonl", b"{}")
    found = find_files("memory://remote-test/data", tmp_path)
    assert [file.uri.rpartition("data/")[2] for file in found] == ["a.jsonl", "deep/b.jsonl"]
    assert [file.uri for file in find_files("memory://remote-test/data/*.jsonl", tmp_path)] == [found[0].uri]
    entry = Input(path="x")
    assert [record.text for file in found for record in records(file, "jsonl", entry)] == ["one", "two"]
    (tmp_path / "local").write_bytes(b"content")
    upload(tmp_path / "local", "memory://remote-test/out/file")
    download("memory://remote-test/out/file", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"content"
    assert list_remote("memory://remote-test/nothing/*.jsonl") == []


def test_a_store_that_nobody_knows() -> None:
    with pytest.raises(tf.InputError, match="nosuch://a/b: cannot be reached: Protocol not known: nosuch"):
        list_remote("nosuch://a/b")


def test_a_package_that_is_missing_is_named() -> None:
    code = (
        "import sys; sys.modules['huggingface_hub'] = None\n"
        "from tokenfoundry.io.remote import list_remote\n"
        "try: list_remote('hf://datasets/a/b')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("InputError hf://datasets/a/b: hf:// needs a package that is not here")
    assert "pip install 'tokenfoundry[cloud]'" in said


def test_whatever_a_client_raises_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    class UnreachableError(Exception):
        pass

    def refuse(uri: str) -> None:
        raise UnreachableError("no way to the host\nand more")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refuse)
    with pytest.raises(tf.InputError, match=r"^hf://datasets/a/b: cannot be reached: no way to the host$"):
        list_remote("hf://datasets/a/b")


def test_azure_is_told_by_its_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import fs

    given = {}

    def client(account: str, **options: str) -> str:
        given.update(options, account=account)
        return "client"

    monkeypatch.setattr(fs, "AzureFileSystem", client, raising=False)
    for name in ("CONNECTION_STRING", "ACCOUNT", "ACCOUNT_NAME", "KEY", "ACCOUNT_KEY", "SAS_TOKEN"):
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)
    with pytest.raises(tf.InputError, match="az://box/a: which account"):
        filesystem("az://box/a")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "one")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "sv=2")
    assert filesystem("az://box/a/b/") == ("client", "box/a/b")
    assert given == {"account": "one", "sas_token": "sv=2"}
    given.clear()
    told = "DefaultEndpointsProtocol=http;AccountName=two;AccountKey=a2V5==;BlobEndpoint=http://127.0.0.1:10000/two;"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", told)
    filesystem("abfs://box")
    assert given == {
        "account": "two", "account_key": "a2V5==", "blob_storage_authority": "127.0.0.1:10000",
        "dfs_storage_authority": "127.0.0.1:10000", "blob_storage_scheme": "http", "dfs_storage_scheme": "http",
    }  # fmt: skip
