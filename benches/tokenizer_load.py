"""Loading and decoding beside tiktoken and `tokenizers`: one process, interleaved rounds, medians, answers checked.

    taskset -c 1 python benches/tokenizer_load.py [--rounds 9] [--vocabularies qwen2 o200k]

Wall-clock milliseconds for loading (from a file in the page cache to a tokenizer that has encoded two words) and MB of text a
second for decoding lists of ids, documents of 4 kB.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.corpus import SCRIPTS, standard_library
from tests.vocabularies import SOURCES, vocabulary

import tokenfoundry as tf
from tokenfoundry.compat.tiktoken.load import load_tiktoken_bpe

WORDS = "hello world"


def timed(calls: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Median seconds and the last answer of each, the contenders taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    answers: dict[str, Any] = {}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            answers[name] = call()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(some) for name, some in seconds.items()}, answers


def loaders(name: str, path: Path, saved: Path) -> dict[str, Callable[[], Any]]:
    pattern = SOURCES[name].pattern
    known: dict[str, Callable[[], Any]] = {}
    if pattern is not None:
        known["tokenfoundry, ranks"] = lambda: tf.Tokenizer.from_tiktoken(path, pattern=pattern).encode(WORDS)
        try:
            import tiktoken
            from tiktoken.load import load_tiktoken_bpe

            regex = tf.Tokenizer.from_tiktoken(path, pattern=pattern).pattern
            known["tiktoken, ranks"] = lambda: tiktoken.Encoding(
                "", pat_str=regex, mergeable_ranks=load_tiktoken_bpe(str(path)), special_tokens={}
            ).encode_ordinary(WORDS)
        except ImportError:
            pass
    known["tokenfoundry, tokenizer.json"] = lambda: tf.Tokenizer.from_file(saved).encode(WORDS, False)
    try:
        import tokenizers

        known["tokenizers, tokenizer.json"] = lambda: (
            tokenizers.Tokenizer.from_file(str(saved)).encode(WORDS, add_special_tokens=False).ids
        )
    except ImportError:
        pass
    return known


def show(seconds: dict[str, float], unit: Callable[[float], str], answers: dict[str, Any]) -> None:
    ours = next(iter(seconds.values()))
    expected = next(iter(answers.values()))
    for contender, some in seconds.items():
        verdict = "" if answers[contender] == expected else "   WRONG"
        print(f"  {contender:30} {unit(some):>14}   {some / ours:5.2f}x{verdict}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--vocabularies", nargs="*", default=["cl100k", "qwen2", "o200k", "deepseek"])
    options = parser.parse_args()
    corpora = {"code": "".join(standard_library(1_500_000)), "scripts": "".join(SCRIPTS[1:28]) * 200}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.vocabularies:
            path, saved = vocabulary(name), Path(folder) / f"{name}.json"
            pattern = SOURCES[name].pattern
            ours = tf.Tokenizer.from_tiktoken(path, pattern=pattern) if pattern else tf.Tokenizer.from_file(path)
            ours.save(saved)
            print(f"{name}: load, {ours.vocab_size:,} tokens")
            show(*_with_unit(timed(loaders(name, path, saved), options.rounds), lambda some: f"{some * 1e3:.1f} ms"))
            for corpus, text in corpora.items():
                documents = [text[start : start + 4000] for start in range(0, len(text), 4000)]
                rows = [ours.encode(document, False) for document in documents]
                megabytes = sum(len(document.encode()) for document in documents) / 1e6
                calls: dict[str, Callable[[], Any]] = {"tokenfoundry": _decoding(ours, rows)}
                if pattern is not None:
                    import tiktoken

                    ranks = load_tiktoken_bpe(str(path))
                    theirs = tiktoken.Encoding("", pat_str=ours.pattern, mergeable_ranks=ranks, special_tokens={})
                    calls["tiktoken"] = _decoding(theirs, rows)
                print(f"{name}: decode {corpus}")
                show(*_with_unit(timed(calls, options.rounds), partial(_rate, megabytes)))


def _decoding(tokenizer: Any, rows: list[list[int]]) -> Callable[[], list[str]]:
    return lambda: [tokenizer.decode(row) for row in rows]


def _rate(megabytes: float, seconds: float) -> str:
    return f"{megabytes / seconds:.0f} MB/s"


def _with_unit(
    measured: tuple[dict[str, float], dict[str, Any]], unit: Callable[[float], str]
) -> tuple[dict[str, float], Callable[[float], str], dict[str, Any]]:
    return measured[0], unit, measured[1]


if __name__ == "__main__":
    main()
