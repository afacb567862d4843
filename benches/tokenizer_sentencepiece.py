"""SentencePiece-style vocabularies side by side: one process, one pinned core, every answer checked, medians and ratios.

    taskset -c 1 python benches/tokenizer_sentencepiece.py [--megabytes 4] [--rounds 3] [--text chinese=FILE …]

Rivals that are not installed are left out. Texts are the sources of the standard library and its documentation strings, a
document of about 4 kB at a time; more come from files given by name. Each is encoded to arrays, document by document and as a
batch: cold is a fresh tokenizer's first pass over the first half, warm the median of the passes after the second, fresh the
first pass over the other half after that. Each is compared with the rival's better way. Process CPU time, so that a busy machine
costs less of the truth. At the end what one long run costs, in milliseconds for a megabyte.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from benches.tokenizer import english
from tests.corpus import standard_library
from tests.vocabularies import vocabulary

import tokenfoundry as tf

Encode = Callable[[Sequence[str]], Any]
WARM_PASSES = 3
SLOW = ("tokenizers", "sentencepiece", "kitoken")


def documents(text: str, megabytes: float) -> list[str]:
    parts = [text[start : start + 4000] for start in range(0, len(text), 4000)]
    size = 0
    for number, part in enumerate(parts):
        size += len(part.encode())
        if size > megabytes * 1e6:
            return parts[:number]
    return parts


def corpora(megabytes: float, files: Sequence[str]) -> dict[str, list[str]]:
    sources = standard_library(int(megabytes * 3e6))
    named = {"english": "\n".join(english(sources)), "code": "\n".join(sources)}
    for one in files:
        name, _, path = one.partition("=")
        named[name] = Path(path).read_text(encoding="utf-8").replace("\0", "\n")
    return {name: documents(text, 2 * megabytes) for name, text in named.items()}


def contenders(path: Path) -> dict[str, Callable[[], Encode]]:
    """Each gives a fresh tokenizer's way from texts to ids, without a template around them."""

    def one_by_one(encode: Callable[[str], Any]) -> Encode:
        return lambda texts: [encode(text) for text in texts]

    def ours() -> Encode:
        tokenizer = tf.Tokenizer.from_file(path)
        return one_by_one(lambda text: tokenizer.encode_array(text, add_special_tokens=False))

    def our_batch() -> Encode:
        tokenizer = tf.Tokenizer.from_file(path)
        return lambda texts: tokenizer.encode_batch(texts, 1, add_special_tokens=False)

    known: dict[str, Callable[[], Encode]] = {"tokenfoundry": ours, "tokenfoundry batch": our_batch}
    try:
        import gigatoken

        is_json = path.suffix == ".json"
        load = gigatoken.Tokenizer if is_json else gigatoken.Tokenizer.from_sentencepiece
        load(str(path))
        known["gigatoken"] = lambda: one_by_one(load(str(path)).encode)
        known["gigatoken batch"] = lambda: load(str(path)).encode_batch
    except (ImportError, RuntimeError, ValueError) as error:
        print(f"  gigatoken left out: {str(error)[:90]}")
    try:
        import kitoken

        kitoken.Kitoken.from_file(str(path))
        known["kitoken"] = lambda: one_by_one(kitoken.Kitoken.from_file(str(path)).encode)
    except (ImportError, ValueError, RuntimeError) as error:
        print(f"  kitoken left out: {str(error)[:90]}")
    if path.suffix == ".json":
        try:
            import tokenizers

            original = tokenizers.Tokenizer.from_file(str(path))
            known["tokenizers"] = lambda: one_by_one(lambda text: original.encode(text, add_special_tokens=False).ids)
        except ImportError:
            pass
    else:
        try:
            import sentencepiece

            model = sentencepiece.SentencePieceProcessor(model_file=str(path))
            known["sentencepiece"] = lambda: one_by_one(model.encode)
        except ImportError:
            pass
    return known


def measure(
    make: Callable[[], Encode], texts: Sequence[str], fresh: Sequence[str], slow: bool
) -> tuple[tuple[float, float, float], list[Any]]:
    """CPU seconds cold, warm and for `fresh` after that; and the answers to `texts`."""
    encode = make()

    def seconds(texts: Sequence[str]) -> tuple[float, Any]:
        start = time.process_time()
        answers = encode(texts)
        return time.process_time() - start, answers

    passes = [seconds(texts) for _ in range(1 if slow else WARM_PASSES + 2)]
    times = [one[0] for one in passes]
    warm = statistics.median(times[2:] or times)
    return (times[0], warm, seconds(fresh)[0]), rows(passes[-1][1])


def rows(answers: Any) -> list[Any]:
    return list(answers.tolist()) if hasattr(answers, "tolist") else list(answers)


def is_same(answer: Any, expected: Any) -> bool:
    # A BOS before a text is a matter of the rival's defaults.
    ids = np.asarray(answer)
    return np.array_equal(ids, expected) or np.array_equal(ids[1:], expected)


def runs() -> dict[str, str]:
    chosen = random.Random(1)
    units = {"a": "a", "space": " ", "newline": "\n", "Chinese": "中", "ab": "ab", "=": "="}
    texts = {name: (unit * 10**6)[: 10**6 // len(unit.encode()) * len(unit)] for name, unit in units.items()}
    texts["letters"] = "".join(chosen.choices("abcdefghijklmnopqrstuvwxyz", k=10**6))
    texts["hex"] = "".join(chosen.choices("0123456789abcdef", k=10**6))
    return {name: text[: 10**6] for name, text in texts.items()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--megabytes", type=float, default=4)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--vocabularies", nargs="*", default=["gemma3", "llama2", "mistral_v3"])
    arguments.add_argument("--text", action="append", default=[], metavar="NAME=FILE")
    options = arguments.parse_args()
    texts_by_name = corpora(options.megabytes, options.text)
    for name in options.vocabularies:
        makers = contenders(vocabulary(name))
        print(f"{name} (MB/s of CPU time: cold, warm, fresh; x is the better of ours to it)")
        for corpus, all_texts in texts_by_name.items():
            half = len(all_texts) // 2
            texts, fresh = all_texts[:half], all_texts[half:]
            sizes = [sum(len(text.encode()) for text in part) / 1e6 for part in (texts, texts, fresh)]
            times: dict[str, list[tuple[float, float, float]]] = {contender: [] for contender in makers}
            answers: dict[str, list[Any]] = {}
            for number in range(options.rounds):
                for contender, make in makers.items():
                    slow = contender in SLOW
                    if slow and number:
                        continue
                    measured, answers[contender] = measure(make, texts, fresh, slow)
                    times[contender].append(measured)
            medians = {
                contender: [statistics.median(column) for column in zip(*measured, strict=True)]
                for contender, measured in times.items()
            }
            own = [min(medians[name][at] for name in medians if name.startswith("tokenfoundry")) for at in range(3)]
            for contender, median in medians.items():
                wrong = sum(
                    not is_same(*pair) for pair in zip(answers[contender], answers["tokenfoundry"], strict=True)
                )
                verdict = f"   {wrong} TEXTS DIFFER" if wrong else ""
                speeds = " ".join(f"{size / one:7.0f}" for size, one in zip(sizes, median, strict=True))
                ratios = " ".join(f"{one / ours:5.2f}x" for one, ours in zip(median, own, strict=True))
                print(f"  {corpus:9} {contender:18} {speeds}   {ratios}{verdict}", flush=True)
        print("  one run of a megabyte, a fresh tokenizer each (ms)")
        for run, text in runs().items():
            row = []
            expected: Any = None
            for contender, make in makers.items():
                if contender in SLOW or contender.endswith("batch"):
                    continue
                encode = make()
                encode(["warm up"])
                start = time.process_time()
                [answer] = encode([text])
                row.append(f"{contender} {(time.process_time() - start) * 1e3:.1f}")
                expected = answer if expected is None else expected
                if not is_same(answer, expected):
                    row.append("DIFFERS")
            print(f"    {run:9} {'   '.join(row)}", flush=True)


if __name__ == "__main__":
    main()
