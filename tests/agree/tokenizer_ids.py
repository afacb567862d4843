"""Prints a hash of what each vocabulary makes of adversarial texts: run once for each CPU tier by `test_tokenizer_tiers`."""

import hashlib
import sys

from tests.agree.test_tokenizer_originals import adversarial
from tests.corpus import SCRIPTS, standard_library
from tests.vocabularies import SOURCES, vocabulary

import tokenfoundry as tf
from tokenfoundry._core import runtime

NAMES = ("r50k", "cl100k", "o200k", "qwen2", "qwen3_6", "llama3", "deepseek", "gemma3", "tekken", "mistral_v1")


def texts() -> list[str]:
    runs = [
        unit * count
        for unit in ("a", " ", "\n", "中", "é", "=", "1", "\u3000", "🙂", "aB")
        for count in (31, 63, 64, 65, 130)
    ]
    return SCRIPTS + standard_library(200_000) + adversarial(1500, seed=11) + [a + b for a in runs for b in runs[:7]]


def main() -> None:
    print(runtime.cpu_tier())
    everything = texts()
    for name in NAMES:
        path, pattern = vocabulary(name), SOURCES[name].pattern
        tokenizer = (
            tf.Tokenizer.from_file(path) if pattern is None else tf.Tokenizer.from_tiktoken(path, pattern=pattern)
        )
        rows = tokenizer.encode_batch(everything, 1)
        assert tokenizer.count_batch(everything, 1).tolist() == rows.lengths.tolist()
        assert [tokenizer.encode(text) for text in everything[:900]] == rows[:900].tolist()
        print(name, hashlib.sha256(rows.values.tobytes() + rows.offsets.tobytes()).hexdigest())


if __name__ == "__main__":
    sys.exit(main())
