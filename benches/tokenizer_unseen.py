"""Words that no call has seen before: nanoseconds a word, side by side, ids compared.

    taskset -c 1 python benches/tokenizer_unseen.py [--vocabulary cl100k …] [--corpus chinese=FILE …] [--rounds 5]

Each distinct run of letters of a corpus once, in random order, a space before each, in documents of 400 words: so each word is
one piece, and no table of pieces that a tokenizer fills while it goes along can have it. Every round makes a fresh tokenizer
and lets it encode one short text first, which is not measured. ``--corpus`` adds a file of text; without any, the texts are
those of ``benches/tokenizer.py``. Process CPU time; medians of interleaved rounds.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import regex

sys.path.insert(0, str(Path(__file__).parents[1]))

from benches.tokenizer import as_lists, contenders, corpora


def unseen(texts: list[str]) -> tuple[list[str], int]:
    """Documents of words that occur once, and how many words."""
    words = sorted({word for text in texts for word in regex.findall(r"\p{L}+", text)})
    random.Random(3).shuffle(words)
    return [" " + " ".join(words[at : at + 400]) for at in range(0, len(words), 400)], len(words)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--vocabulary", nargs="*", default=["cl100k", "o200k", "qwen2"])
    arguments.add_argument("--corpus", action="append", default=[], metavar="NAME=FILE")
    arguments.add_argument("--megabytes", type=float, default=20)
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    texts = {} if options.corpus else corpora(options.megabytes)
    for given in options.corpus:
        name, _, path = given.partition("=")
        texts[name] = [Path(path).read_bytes()[: int(options.megabytes * 1e6)].decode("utf-8", errors="replace")]
    with tempfile.TemporaryDirectory() as directory:
        for vocabulary in options.vocabulary:
            makers = contenders(vocabulary, Path(directory))
            makers.pop("tokenizers", None)
            for name, text in texts.items():
                documents, words = unseen(text)
                times: dict[str, list[float]] = {maker: [] for maker in makers}
                answers = {}
                for round_number in range(options.rounds):
                    for maker, make in makers.items():
                        encode = make()
                        encode(["to begin with"])
                        start = time.process_time()
                        answer = encode(documents)
                        times[maker].append((time.process_time() - start) * 1e9 / words)
                        if round_number == 0:
                            answers[maker] = as_lists(answer)
                size = sum(len(document.encode()) for document in documents) / words
                print(f"{vocabulary}, {name}: {words} words of {size:.1f} bytes (ns a word: median, least)")
                expected = answers["tokenfoundry"]
                for maker, spent in times.items():
                    verdict = "" if answers[maker] == expected else "   WRONG IDS"
                    print(f"  {maker:26} {statistics.median(spent):7.0f} {min(spent):7.0f}{verdict}", flush=True)


if __name__ == "__main__":
    main()
