"""Tokenizers side by side: one process, one pinned core, every answer checked, medians and ratios.

    taskset -c 1 python benches/tokenizer.py [--megabytes 4] [--rounds 3] [--corpus chinese=FILE …]

Rivals that are not installed are left out. Texts are what is at hand on every machine: the sources of the standard library
(code), its documentation strings (English), and 22 scripts' worth of sample sentences shuffled into documents (scripts).
``--corpus`` adds a file of text (documents parted by NUL bytes, or cut to 4,000 characters). The last column is our time
against the quickest rival's with the same kind of answer. Process CPU time is measured, not wall time, so that a busy machine costs less of the truth.
"""

from __future__ import annotations

import argparse
import ast
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.corpus import SCRIPTS, standard_library
from tests.vocabularies import SOURCES, vocabulary

import tokenfoundry as tf

Lists = Callable[[Sequence[str]], list[list[int]]]


def english(sources: Sequence[str]) -> list[str]:
    found = []
    for source in sources:
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)) and (text := ast.get_docstring(node)):
                found.append(text)  # noqa: PERF401
    return ["\n".join(found[start : start + 12]) for start in range(0, len(found), 12)]


def scripts(megabytes: float) -> list[str]:
    words = [word for text in SCRIPTS[1:28] for word in text.split()]
    chosen = random.Random(7)
    documents = []
    size = 0
    while size < megabytes * 1e6:
        documents.append(" ".join(chosen.choices(words, k=400)))
        size += len(documents[-1].encode())
    return documents


def corpora(megabytes: float) -> dict[str, list[str]]:
    sources = standard_library(int(megabytes * 1e6))
    code = [text[start : start + 4000] for text in sources for start in range(0, len(text), 4000)]
    return {"code": code, "english": english(sources), "scripts": scripts(megabytes)}


def from_file(path: Path, megabytes: float) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    documents = text.split("\0") if "\0" in text else [text[at : at + 4000] for at in range(0, len(text), 4000)]
    chosen, size = [], 0.0
    for document in documents:
        chosen.append(document)
        size += len(document.encode())
        if size >= megabytes * 1e6:
            break
    return chosen


def after(make: Callable[[], Any], encode: Callable[[Any, Sequence[str]], Any]) -> Callable[[], Lists]:
    """Make a tokenizer, which is not measured, and give what is."""

    def fresh() -> Lists:
        tokenizer = make()
        return lambda texts: encode(tokenizer, texts)

    return fresh


def contenders(name: str, directory: Path) -> dict[str, Callable[[], Lists]]:
    """Each gives a fresh tokenizer's way from texts to lists of ids."""
    # The form of the pattern that tokenizer.json files carry, which all can read.
    pattern = "llama3" if name == "cl100k" else SOURCES[name].pattern
    path = vocabulary(name)
    saved = directory / f"{name}.json"

    def fresh() -> tf.Tokenizer:
        return tf.Tokenizer.from_file(path) if pattern is None else tf.Tokenizer.from_tiktoken(path, pattern=pattern)

    fresh().save(saved)
    known = {
        "tokenfoundry": after(fresh, lambda t, texts: [t.encode(text) for text in texts]),
        "tokenfoundry arrays": after(fresh, lambda t, texts: t.encode_batch(texts, 1)),
        "tokenfoundry loop arrays": after(fresh, lambda t, texts: [t.encode_array(text) for text in texts]),
    }
    try:
        import gigatoken

        gigatoken.Tokenizer(str(saved))
        fresh_gigatoken = lambda: gigatoken.Tokenizer(str(saved))  # noqa: E731
        known["gigatoken"] = after(fresh_gigatoken, lambda t, texts: t.encode_batch_list(list(texts)))
        known["gigatoken arrays"] = after(fresh_gigatoken, lambda t, texts: t.encode_batch(list(texts)))
        known["gigatoken loop arrays"] = after(fresh_gigatoken, lambda t, texts: [t.encode(text) for text in texts])
    except (ImportError, RuntimeError) as error:
        print(f"  gigatoken left out: {str(error)[:90]}")
    try:
        import fastokens

        fresh_fastokens = lambda: fastokens.Tokenizer.from_file(str(saved))  # noqa: E731
        known["fastokens"] = after(fresh_fastokens, lambda t, texts: [t.encode(text).ids for text in texts])
    except ImportError:
        pass
    try:
        import tokenizers

        hf = tokenizers.Tokenizer.from_file(str(saved))
        known["tokenizers"] = lambda: lambda texts: [e.ids for e in hf.encode_batch_fast(list(texts))]
    except ImportError:
        pass
    return known


def measure(make: Callable[[], Lists], texts: Sequence[str], rounds: int) -> tuple[float, float, Any]:
    """CPU seconds cold (a fresh tokenizer's first pass) and warm (median of the next), and the answer."""
    colds, warms = [], []
    answer: Any = None
    for _ in range(rounds):
        encode = make()
        start = time.process_time()
        answer = encode(texts)
        colds.append(time.process_time() - start)
        start = time.process_time()
        encode(texts)
        warms.append(time.process_time() - start)
    return statistics.median(colds), statistics.median(warms), answer


def as_lists(answer: Any) -> list[list[int]]:
    if isinstance(answer, tf.Ragged):
        return answer.tolist()
    return [list(map(int, row)) for row in answer]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--megabytes", type=float, default=4)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--corpus", action="append", default=[], metavar="NAME=FILE")
    arguments.add_argument(
        "--vocabularies", nargs="*", default=["qwen2", "qwen3_6", "cl100k", "o200k", "llama3", "deepseek", "gemma3"]
    )
    options = arguments.parse_args()
    texts_by_name = corpora(options.megabytes)
    for item in options.corpus:
        corpus, _, path = item.partition("=")
        texts_by_name[corpus] = from_file(Path(path), options.megabytes)
    with tempfile.TemporaryDirectory() as directory:
        for name in options.vocabularies:
            print(f"{name} (MB/s of CPU time: cold, warm)")
            makers = contenders(name, Path(directory))
            for corpus, texts in texts_by_name.items():
                megabytes = sum(len(text.encode()) for text in texts) / 1e6
                expected: list[list[int]] | None = None
                measured: dict[str, tuple[float, float]] = {}
                for contender, make in makers.items():
                    cold, warm, answer = measure(make, texts, 1 if contender == "tokenizers" else options.rounds)
                    rows = as_lists(answer)
                    expected = expected or rows
                    if rows == expected:
                        measured[contender] = (cold, warm)
                    verdict = "" if rows == expected else "   WRONG IDS"
                    print(
                        f"  {corpus:8} {contender:24} {megabytes / cold:7.0f} {megabytes / warm:7.0f}{verdict}",
                        flush=True,
                    )
                for kind, is_kind in (("arrays", True), ("lists", False)):
                    of_kind = {name: times for name, times in measured.items() if name.endswith("arrays") == is_kind}
                    ours = [times for name, times in of_kind.items() if name.startswith("tokenfoundry")]
                    theirs = [times for name, times in of_kind.items() if not name.startswith("tokenfoundry")]
                    if ours and theirs:
                        cold, warm = (min(t[place] for t in theirs) / min(t[place] for t in ours) for place in (0, 1))
                        print(f"  {corpus:8} {kind}: {cold:.2f} x the best rival cold, {warm:.2f} x warm", flush=True)


if __name__ == "__main__":
    main()
