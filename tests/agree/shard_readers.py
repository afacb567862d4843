"""Run by the interpreters of other environments (never imported): the formats' own readers read what we converted.

``python shard_readers.py FORMAT DIRECTORY LENGTH OUTPUT`` saves all tokens as they come, and for formats with bounds
the rows' or documents' lengths, as ``OUTPUT`` (npz). LENGTH is the window of readers that read in windows.
"""

import sys
from pathlib import Path

import numpy as np


def megatron(path: Path, length: int) -> list:
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    dataset = IndexedDataset(str(path / "tokens"))
    assert len(dataset.document_indices) >= 1
    return [np.asarray(dataset[index]) for index in range(len(dataset))]


def megatron_own(path: Path, length: int) -> list:
    """Our own shards, as they lie there; a set with modes is read as multimodal."""
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    rows = []
    for index in sorted(path.glob("*.idx")):
        dataset = IndexedDataset(str(index.with_suffix("")), multimodal="modes" in path.name)
        for first, last in zip(dataset.document_indices[:-1], dataset.document_indices[1:]):
            pieces = [dataset[piece] for piece in range(first, last)]
            if "modes" in path.name:
                # A piece of document n has mode n % 5; the test puts documents of one token n % 5 there.
                assert all((tokens % 5 == mode).all() for tokens, mode in pieces)
                pieces = [tokens for tokens, _ in pieces]
            rows.append(np.concatenate([np.zeros(0, np.int64), *pieces]))
    return rows


def datatrove(path: Path, length: int) -> list:
    from datatrove.utils.dataset import DatatroveFolderDataset

    width = int((path / "00000.ds.metadata").read_text().split("\n")[0].split("|")[1])
    dataset = DatatroveFolderDataset(
        str(path), seq_len=length - 1, token_size=width, recursive=False, shuffle=False, return_positions=True
    )
    rows = []
    for index in range(len(dataset)):
        item = dataset[index]
        rows.append(item["input_ids"].numpy())
        # Where a piece begins, positions begin anew; the test knows where.
        rows.append(item["positions"].numpy())
    return rows


def litdata(path: Path, length: int) -> list:
    from litdata import StreamingDataset
    from litdata.streaming.item_loader import TokensLoader

    dataset = StreamingDataset(str(path), item_loader=TokensLoader(block_size=length), shuffle=False, drop_last=False)
    return [dataset[index].numpy() for index in range(len(dataset))]


def huggingface(path: Path, length: int) -> list:
    import datasets

    dataset = datasets.load_from_disk(str(path))
    return [np.array(row) for row in dataset["input_ids"]]


def parquet(path: Path, length: int) -> list:
    import datasets

    files = [str(file) for file in sorted(path.glob("*.parquet"))]
    dataset = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(path.parent / "cache"))
    return [np.array(row) for row in dataset["input_ids"]]


def mds(path: Path, length: int) -> list:
    from streaming import StreamingDataset

    dataset = StreamingDataset(local=str(path), remote=None, shuffle=False, batch_size=1)
    return [dataset[index]["tokens"] for index in range(len(dataset))]


if __name__ == "__main__":
    name, directory, window, output = sys.argv[1:]
    rows = globals()[name](Path(directory), int(window))
    lengths = np.array([len(row) for row in rows], np.int64)
    tokens = np.concatenate([np.zeros(0, np.int64), *rows]).astype(np.int64)
    np.savez(output, tokens=tokens, lengths=lengths)
