"""What benches of whole corpora do not show: short strings, first calls, a fresh megabyte, threads, memory.

    python benches/tokenizer_calls.py [--vocabularies qwen2 o200k] [--rounds 5] [--megabytes 20]

- Short strings to lists: microseconds a call, the least of many rounds that take turns (`timeit` with ``globals``).
- First calls and memory: each in a process of its own on one core, medians over rounds. Loading is not counted in the times.
  "first call": two words. "fresh MB": the first megabyte after loading, in one call or as documents of 4 kB. "peak": the
  greatest resident size, and how much of it came after texts and tokenizer were loaded.
- Threads: our own batches on one thread and on two, by the clock, in turns. Says nothing on a busy machine, or with
  one core.

Answers are compared with tokenfoundry's; a rival that is wrong is named. Texts are Python sources of this installation.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import timeit
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.vocabularies import SOURCES, vocabulary

SHORT = {
    "two words": "hello world",
    "31 bytes": "The quick brown fox can't jump.",
    "100 bytes": "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et",
}


class Peer:
    """One tokenizer's ways: a text to a list of ids, and documents to whatever it is quickest with."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        if name == "tokenfoundry":
            import tokenfoundry as tf

            tokenizer: Any = tf.Tokenizer.from_file(path)
            self.one: Callable[[str], Any] = tokenizer.encode
            self.batch: Callable[[Sequence[str]], Any] = lambda texts: tokenizer.encode_batch(texts, 1)
        elif name == "gigatoken":
            import gigatoken

            tokenizer = gigatoken.Tokenizer(str(path))
            self.one = lambda text: tokenizer.encode(text).tolist()
            self.batch = lambda texts: tokenizer.encode_batch(list(texts))
        elif name == "fastokens":
            import fastokens

            tokenizer = fastokens.Tokenizer.from_file(str(path))
            self.one = lambda text: tokenizer.encode(text).ids
            self.batch = lambda texts: [tokenizer.encode(text).ids for text in texts]
        else:
            import tokenizers

            tokenizer = tokenizers.Tokenizer.from_file(str(path))
            self.one = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
            self.batch = lambda texts: [one.ids for one in tokenizer.encode_batch_fast(list(texts))]


PEERS = ("tokenfoundry", "gigatoken", "fastokens", "tokenizers")


def sources(megabytes: float) -> str:
    """So many characters, in millions, of the sources at hand."""
    texts: list[str] = []
    left = int(megabytes * 1e6)
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if left <= 0:
            break
        texts.append(path.read_bytes().decode("utf-8", "replace")[:left])
        left -= len(texts[-1])
    return "".join(texts)


def cut(text: str) -> list[str]:
    return [text[start : start + 4000] for start in range(0, len(text), 4000)]


def memory(field: str) -> float:
    """Of this process in MB: VmRSS now, VmHWM at most."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def in_child(what: str, name: str, path: Path, megabytes: float) -> dict[str, float]:
    """What one process measures of one peer."""
    text = sources(megabytes)
    documents = cut(text)
    peer = Peer(name, path)
    before = memory("VmRSS")
    start = time.perf_counter()
    if what == "first call":
        answer = peer.one(SHORT["two words"])
    elif what == "fresh MB, one call":
        answer = peer.one(text)
    else:
        answer = peer.batch(documents)
    seconds = time.perf_counter() - start
    count = sum(map(len, answer)) if isinstance(answer[0], list) or hasattr(answer[0], "__len__") else len(answer)
    return {"ms": seconds * 1e3, "peak": memory("VmHWM"), "grown": memory("VmHWM") - before, "tokens": count}


def children(path: Path, rounds: int, megabytes: float) -> None:
    one_core = {max(os.sched_getaffinity(0))}
    for what, size in (("first call", 0.1), ("fresh MB, one call", 1), ("fresh MB, documents", 1), ("peak", megabytes)):
        found: dict[str, list[dict[str, float]]] = {}
        for _ in range(1 if what == "peak" else rounds):
            for name in PEERS:
                if what == "peak" and name == "tokenizers":
                    continue
                command = [sys.executable, __file__, "--child", what, name, str(path), str(size)]
                done = subprocess.run(
                    command, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, one_core)
                )
                if done.returncode:
                    print(f"  {what:22} {name:14} fails: {done.stderr.strip().splitlines()[-1][:90]}")
                    continue
                found.setdefault(name, []).append(json.loads(done.stdout.splitlines()[-1]))
        expected = found["tokenfoundry"][0]["tokens"]
        for name, some in found.items():
            ms, peak, grown = (statistics.median(one[field] for one in some) for field in ("ms", "peak", "grown"))
            shown = f"{peak:8.0f} MB, {grown:.0f} of it since" if what == "peak" else f"{ms:8.2f} ms"
            verdict = "" if all(one["tokens"] == expected for one in some) else "   ANOTHER NUMBER OF TOKENS"
            print(f"  {what:22} {name:14} {shown}{verdict}", flush=True)


def short(path: Path, rounds: int) -> None:
    peers = []
    for name in PEERS:
        try:
            peers.append(Peer(name, path))
        except Exception as error:
            print(f"  {name} left out: {str(error)[:90]}")
    for label, text in SHORT.items():
        expected = peers[0].one(text)
        least = dict.fromkeys((peer.name for peer in peers), float("inf"))
        for _ in range(rounds * 4):
            for peer in peers:
                number = 500 if peer.name == "tokenizers" else 10_000
                names = {"one": peer.one, "text": text}
                taken = min(timeit.repeat("one(text)", globals=names, number=number, repeat=2)) / number
                least[peer.name] = min(least[peer.name], taken)
        for peer in peers:
            verdict = "" if peer.one(text) == expected else "   WRONG IDS"
            print(f"  {label:22} {peer.name:14} {least[peer.name] * 1e6:8.3f} µs{verdict}", flush=True)


def threads(path: Path, rounds: int, megabytes: float) -> None:
    import tokenfoundry as tf

    tokenizer = tf.Tokenizer.from_file(path)
    documents = cut(sources(megabytes))
    megabytes = sum(len(document.encode()) for document in documents) / 1e6
    calls: dict[str, Callable[[int], Any]] = {
        "arrays": lambda threads: tokenizer.encode_batch(documents, threads),
        "lists": lambda threads: tokenizer.encode_batch_lists(documents, threads),
        "count": lambda threads: tokenizer.count_batch(documents, threads),
    }
    for what, call in calls.items():
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(rounds + 1):
            for number, taken in seconds.items():
                start = time.perf_counter()
                call(number)
                taken.append(time.perf_counter() - start)
        one, two = (statistics.median(taken[1:]) for taken in seconds.values())
        print(
            f"  two threads, {what:9} {megabytes / one:6.0f} and {megabytes / two:6.0f} MB/s: {one / two:.2f} x",
            flush=True,
        )


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        what, name, path, megabytes = sys.argv[2:]
        print(json.dumps(in_child(what, name, Path(path), float(megabytes))))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabularies", nargs="*", default=["qwen2", "o200k"], choices=list(SOURCES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=float, default=20)
    options = parser.parse_args()
    import tokenfoundry as tf

    with tempfile.TemporaryDirectory() as directory:
        for name in options.vocabularies:
            source = vocabulary(name)
            # The form of the pattern that tokenizer.json files carry, which all can read.
            pattern = "llama3" if name == "cl100k" else SOURCES[name].pattern
            path = Path(directory) / f"{name}.json"
            ours = tf.Tokenizer.from_tiktoken(source, pattern=pattern) if pattern else tf.Tokenizer.from_file(source)
            ours.save(path)
            print(name)
            short(path, options.rounds)
            children(path, options.rounds, options.megabytes)
            if len(os.sched_getaffinity(0)) > 1:
                threads(path, options.rounds, options.megabytes)


if __name__ == "__main__":
    main()
