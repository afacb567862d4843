"""The formats' own readers, installed from PyPI, read our files token for token.

They do not all agree on their dependencies, so they live in environments under ``.cache/``, made on first use
(minutes): hence `long`. PyTorch comes from the index of its builds for CPUs, some 200 MB; the builds on PyPI bring CUDA,
several GB an environment (TOKENFOUNDRY_TORCH_INDEX=https://pypi.org/simple takes them all the same). Where the index
cannot be reached, readers that need PyTorch are skipped, and nothing is made where there is little room on the disk.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import tokenfoundry as tf

CACHE = Path(__file__).parents[2] / ".cache" / "readers"
ENVIRONMENTS = {
    "main": ["megatron-core", "datatrove", "litdata", "numpy"],
    "datasets": ["datasets", "numpy"],
    "mds": ["mosaicml-streaming"],
}
TORCH_INDEX = os.environ.get("TOKENFOUNDRY_TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
ROOM_BYTES = 4 << 30
WINDOW = 64

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


def interpreter(name: str) -> Path:
    """Python of an environment, which is made where it is missing."""
    environment = CACHE / name
    python, made = environment / "bin" / "python", environment / ".made"
    if not made.exists():
        shutil.rmtree(environment, ignore_errors=True)
        environment.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(environment.parent).free < ROOM_BYTES:
            pytest.skip(f"less than {ROOM_BYTES >> 30} GB are free for the readers' environments")
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir"]
        # First, so that no reader asks PyPI for it.
        torch = [*install, "--retries", "1", "--timeout", "20", "--index-url", TORCH_INDEX, "torch"]
        if name != "datasets" and subprocess.run(torch, check=False).returncode:
            shutil.rmtree(environment, ignore_errors=True)
            pytest.skip("PyTorch's builds for CPUs cannot be had from here")
        subprocess.run([*install, *ENVIRONMENTS[name]], check=True)
        made.touch()
    return python


def read(name: str, path: Path, environment: str = "main") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    output = path.parent / f"{path.name}.{name}.npz"
    script = Path(__file__).with_name("shard_readers.py")
    command = [interpreter(environment), script, name, path, str(WINDOW), output]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd=path.parent)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(output) as arrays:
        return arrays["tokens"], arrays["lengths"]


@pytest.fixture(scope="module", params=[50_000, 128_000], ids=["two bytes", "four bytes"])
def shards(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tf.shard.Shards:
    source = np.random.default_rng(request.param)
    ragged = tf.Ragged.from_lists(
        [source.integers(0, request.param, length).tolist() for length in source.integers(1, 400, 300)]
    )
    ids = [index.to_bytes(16, "big") for index in range(300)]
    path = tmp_path_factory.mktemp("converted") / "own"
    plan = tf.pack.plan(ragged.lengths, 512)
    tf.shard.write(path, ragged, plan, document_ids=ids, vocabulary_size=request.param, rows_per_shard=40)
    return tf.shard.open(path)


def piece_lengths(shards: tf.shard.Shards) -> list[int]:
    return [int(length) for row in range(len(shards)) for length in shards.pieces(row)["length"]]


def expect_rows(shards: tf.shard.Shards, found: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
    tokens, lengths = found
    assert np.array_equal(tokens, np.concatenate(list(shards)))
    assert lengths.tolist() == [len(row) for row in shards]


def test_megatron_core_reads_our_shards_as_they_are(shards: tf.shard.Shards) -> None:
    expect_rows(shards, read("megatron_own", shards.path))


def test_megatron_core_reads_modes(tmp_path: Path) -> None:
    ragged = tf.Ragged.from_lists([[number] * (1 + number % 3) for number in range(50)])
    ids = [index.to_bytes(16, "big") for index in range(50)]
    path = tmp_path / "modes"
    modes = np.arange(50, dtype=np.int8) % 5
    tf.shard.write(path, ragged, document_ids=ids, vocabulary_size=50, rows_per_shard=20, modes=modes)
    expect_rows(tf.shard.open(path), read("megatron_own", path))


def test_megatron_core(shards: tf.shard.Shards) -> None:
    path = shards.path.with_name("megatron")
    tf.shard.convert(shards.path, path, "megatron")
    tokens, lengths = read("megatron", path)
    assert np.array_equal(tokens, np.concatenate(list(shards)))
    assert lengths.tolist() == piece_lengths(shards)


def test_datatrove(shards: tf.shard.Shards) -> None:
    path = shards.path.with_name("datatrove")
    tf.shard.convert(shards.path, path, "datatrove")
    found, lengths = read("datatrove", path)
    windows = found[: int(lengths.sum())].reshape(-1, 2, WINDOW)
    everything = np.concatenate(list(shards))
    whole = len(everything) // WINDOW * WINDOW
    assert np.array_equal(windows[:, 0].reshape(-1), everything[:whole])
    pieces = piece_lengths(shards)
    # Its windows begin at position 0 whatever the document; inside a window positions begin anew with each piece.
    begins = set(np.cumsum([0, *pieces]).tolist())
    for window, positions in enumerate(windows[:, 1]):
        expected, position = [], 0
        for token in range(window * WINDOW, (window + 1) * WINDOW):
            position = 0 if token in begins or token == window * WINDOW else position + 1
            expected.append(position)
        assert positions.tolist() == expected


def test_litdata(shards: tf.shard.Shards) -> None:
    path = shards.path.with_name("litdata")
    tf.shard.convert(shards.path, path, "litdata")
    tokens, lengths = read("litdata", path)
    assert set(lengths.tolist()) == {WINDOW}
    written = tf.shard.formats.FORMATS["litdata"].read(path).chunks()
    chunks = [chunk.values[: len(chunk.values) // WINDOW * WINDOW] for chunk in written]
    assert np.array_equal(tokens, np.concatenate(chunks))
    assert len(tokens) > shards.tokens - WINDOW * len(chunks)


@pytest.mark.parametrize("name", ["huggingface", "parquet"])
def test_datasets(shards: tf.shard.Shards, name: str) -> None:
    path = shards.path.with_name(name)
    tf.shard.convert(shards.path, path, name)
    expect_rows(shards, read(name, path, "datasets"))


@pytest.mark.parametrize("sequence_length", [None, 100])
def test_mosaicml_streaming(shards: tf.shard.Shards, sequence_length: int | None) -> None:
    path = shards.path.with_name(f"mds-{sequence_length}")
    done = tf.shard.convert(shards.path, path, "mds", sequence_length=sequence_length)
    tokens, lengths = read("mds", path, "mds")
    everything = np.concatenate(list(shards))
    if sequence_length is None:
        expect_rows(shards, (tokens, lengths))
    else:
        assert set(lengths.tolist()) == {100}
        assert np.array_equal(tokens, everything[: len(everything) // 100 * 100])
        assert done.dropped_tokens == len(everything) % 100
