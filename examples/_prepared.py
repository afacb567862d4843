"""What the examples share: texts that every Python installation carries, and a tokenizer where none is given."""

import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tokenfoundry as tf

CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def texts(characters: int = 2_000_000, each: int = 2_000) -> list[str]:
    """Sources of the standard library in parts of ``each`` characters."""
    parts: list[str] = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        source = path.read_text("utf-8", "replace")
        parts.extend(source[start : start + each] for start in range(0, len(source), each))
        if len(parts) * each >= characters:
            break
    return parts


def directory(arguments: list[str]) -> str:
    """The directory with a tokenizer that the command names, or one with a tokenizer trained just now."""
    if arguments:
        return arguments[0]
    path = Path(tempfile.mkdtemp(prefix="tokenfoundry-example-"))
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tf.Tokenizer.train(texts(), vocab_size=16_000, special_tokens=special).save(path / "tokenizer.json")
    transformers_config = (
        '{"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}'
    )
    (path / "tokenizer_config.json").write_text(transformers_config)
    return str(path)


def seconds(work: Callable[[], Any], rounds: int = 3) -> tuple[float, Any]:
    """The shortest of some rounds, and the last result."""
    taken = []
    result: Any = None
    for _ in range(rounds):
        start = time.perf_counter()
        result = work()
        taken.append(time.perf_counter() - start)
    return min(taken), result


def gain(what: str, theirs: float, ours: float) -> None:
    """Say how much faster it went."""
    print(f"{what}: transformers {theirs:.2f} s, with tokenfoundry {ours:.2f} s, {theirs / ours:.1f} x")
