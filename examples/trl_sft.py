"""The data path of TRL's SFTTrainer: conversations through the chat template to ids, packed; no training.

    python examples/trl_sft.py [directory with a tokenizer]

`SFTTrainer` tokenizes when it is made, with the tokenizer that it is given. A model of two small layers stands for
yours. Needs: pip install tokenfoundry transformers trl
"""

import sys
import tempfile
from typing import Any

import datasets
import transformers
from _prepared import CHAT, directory, gain, seconds, texts
from trl import SFTConfig, SFTTrainer

from tokenfoundry.compat.transformers import AutoTokenizer  # was: from transformers import AutoTokenizer


def conversations(number: int = 2_000) -> datasets.Dataset:
    parts = texts(each=1_000)[:number]
    pairs = zip(parts, parts[1:] + parts[:1], strict=True)
    messages = [[{"role": "user", "content": a}, {"role": "assistant", "content": b}] for a, b in pairs]
    return datasets.Dataset.from_dict({"messages": messages})


def prepared(tokenizer: Any, data: datasets.Dataset) -> datasets.Dataset:
    """The data set that a trainer would train on."""
    tokenizer.chat_template = CHAT
    size = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2
    )
    with tempfile.TemporaryDirectory() as output:
        options = SFTConfig(
            output_dir=output, max_length=1024, packing=True, report_to="none", use_cpu=True, bf16=False
        )
        trainer = SFTTrainer(
            model=transformers.LlamaForCausalLM(size), args=options, train_dataset=data, processing_class=tokenizer
        )
    return trainer.train_dataset


def main(arguments: list[str]) -> None:
    path = directory(arguments)
    datasets.disable_progress_bars()
    datasets.disable_caching()
    data = conversations()
    before, after = transformers.AutoTokenizer.from_pretrained(path), AutoTokenizer.from_pretrained(path)
    prepared(before, data.select(range(8)))  # Imports and first calls.
    theirs, expected = seconds(lambda: prepared(before, data), rounds=1)
    ours, found = seconds(lambda: prepared(after, data), rounds=1)
    assert found[:]["input_ids"] == expected[:]["input_ids"]
    print(f"{len(data)} conversations in {len(found)} packed rows, columns {found.column_names}")
    gain("TRL's SFT data path", theirs, ours)


if __name__ == "__main__":
    main(sys.argv[1:])
