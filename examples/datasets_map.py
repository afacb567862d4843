"""`datasets.map` with a tokenizer: one import changed.

    python examples/datasets_map.py [directory with a tokenizer]

Needs: pip install tokenfoundry transformers datasets
"""

import sys
from typing import Any

import datasets
import transformers
from _prepared import directory, gain, seconds, texts

from tokenfoundry.compat.transformers import AutoTokenizer  # was: from transformers import AutoTokenizer


def main(arguments: list[str]) -> None:
    path = directory(arguments)
    data = datasets.Dataset.from_dict({"text": texts()})
    datasets.disable_progress_bars()
    datasets.disable_caching()

    def mapped(tokenizer: Any) -> datasets.Dataset:
        def encode(batch: dict[str, list[str]]) -> Any:
            return tokenizer(batch["text"], truncation=True, max_length=512)

        return data.map(encode, batched=True, remove_columns=["text"])

    before, after = transformers.AutoTokenizer.from_pretrained(path), AutoTokenizer.from_pretrained(path)
    theirs, expected = seconds(lambda: mapped(before), rounds=1)
    ours, found = seconds(lambda: mapped(after), rounds=1)
    assert found[:]["input_ids"] == expected[:]["input_ids"]
    assert found[:]["attention_mask"] == expected[:]["attention_mask"]
    print(f"{len(found)} rows, columns {found.column_names}")
    gain("datasets.map", theirs, ours)


if __name__ == "__main__":
    main(sys.argv[1:])
