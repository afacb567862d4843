"""A PyTorch DataLoader that tokenizes in `collate_fn`: in the process itself, and in two workers, forked and spawned.

    python examples/torch_dataloader.py [directory with a tokenizer]

Needs: pip install tokenfoundry transformers torch
"""

import functools
import sys
from typing import Any

import torch
import transformers
from _prepared import directory, gain, seconds, texts
from torch.utils.data import DataLoader

from tokenfoundry.compat.transformers import AutoTokenizer  # was: from transformers import AutoTokenizer


def collate(tokenizer: Any, batch: list[str]) -> dict[str, torch.Tensor]:
    encoded = tokenizer(batch, padding=True, truncation=True, max_length=512, return_tensors="pt")
    return {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"]}


def rows(tokenizer: Any, workers: int, method: str | None) -> torch.Tensor:
    """All batches of a pass: how many tokens each row has, and the sum of their ids."""
    loader = DataLoader(
        texts(),  # type: ignore[arg-type]
        batch_size=64,
        num_workers=workers,
        collate_fn=functools.partial(collate, tokenizer),
        multiprocessing_context=method,
    )
    return torch.cat(
        [torch.stack([b["attention_mask"].sum(1), (b["input_ids"] * b["attention_mask"]).sum(1)]) for b in loader],
        dim=1,
    )


def main(arguments: list[str]) -> None:
    path = directory(arguments)
    theirs = transformers.AutoTokenizer.from_pretrained(path)
    ours = AutoTokenizer.from_pretrained(path)
    for workers, method in ((0, None), (2, "fork"), (2, "spawn")):
        their_seconds, expected = seconds(lambda: rows(theirs, workers, method), rounds=1)  # noqa: B023
        our_seconds, found = seconds(lambda: rows(ours, workers, method), rounds=1)  # noqa: B023
        assert torch.equal(found, expected)
        gain(f"{found.shape[1]} rows, {workers} workers{f' by {method}' if method else ''}", their_seconds, our_seconds)


if __name__ == "__main__":
    main(sys.argv[1:])
