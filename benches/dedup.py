"""Deduplication: the peers and us in one run, with quality scored in the same run.

    .venv/bin/python benches/dedup.py [--megabytes 100] [--rounds 3] [--json FILE]

Peers that are not installed are left out: ``pip install datasketch gaoya daft``.
The corpus is English-like text of the machine's own documentation and Python sources, cut into documents, with planted
near-duplicates; the truth is the exact all-pairs join by an inverted index over shingles. Every timed answer is
checked: signatures against the readable twin or the library, removals against the truth.
"""

import argparse
import importlib.util
import json
import random
import statistics
import sys
import sysconfig
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import tokenfoundry as tf
from tokenfoundry._core import dedup as core
from tokenfoundry.reference import dedup as reference


def corpus(megabytes: int) -> list[str]:
    """Documents of about 18 kB from what is installed here, shuffled; one in ten an edited copy of another."""
    roots = [Path(sysconfig.get_paths()["stdlib"]), Path(sysconfig.get_paths()["purelib"]), Path("/usr/share")]
    wanted, texts, total = {".py", ".md", ".rst", ".txt", ".html", ".c", ".h", ".pod", ".pl"}, [], 0
    source = random.Random(0)
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix not in wanted or not path.is_file() or path.is_symlink():
                continue
            text = path.read_bytes()[: 1 << 18].decode("utf-8", "replace")
            for start in range(0, len(text), 18_000):
                texts.append(text[start : start + 18_000])
                total += len(texts[-1])
            if total >= megabytes * 900_000:
                break
    size = len(texts)
    for _ in range(size // 10):
        words = source.choice(texts[:size]).split(" ")
        for _ in range(source.choice([0, 1, 5, 30, 100])):
            words[source.randrange(len(words))] = "edited"
        texts.append(" ".join(words))
    source.shuffle(texts)
    return texts


def timed(work: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """Median seconds, and the last answer."""
    seconds, answer = [], None
    for _ in range(rounds):
        start = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), answer


def truth(texts: list[str], threshold: float) -> tuple[list[set[int]], list[tuple[int, int]]]:
    """Shingle sets, and all pairs at or above the threshold: candidates share one of the rarest shingles of either."""
    sets = [set(core.shingle_set(text.encode(), 5, "words")) for text in texts]
    count: Counter[int] = Counter()
    for shingles in sets:
        count.update(shingles)
    holders: dict[int, list[int]] = defaultdict(list)
    pairs = []
    for index, shingles in enumerate(sets):
        # Two sets that similar share at least one of the (1 - t) |A| + 1 shingles that are rarest in each.
        prefix = sorted(shingles, key=lambda shingle: (count[shingle], shingle))
        prefix = prefix[: len(prefix) - int(np.ceil(threshold * len(prefix) - 1e-9)) + 1]
        candidates = {other for shingle in prefix for other in holders[shingle]}
        pairs += [(other, index) for other in candidates if reference.jaccard(shingles, sets[other]) >= threshold]
        for shingle in prefix:
            holders[shingle].append(index)
    return sets, pairs


def greedy(texts: list[str], pairs: list[tuple[int, int]]) -> np.ndarray:
    """Who stays when each document is compared with the kept ones before it."""
    before: dict[int, list[int]] = defaultdict(list)
    for left, right in pairs:
        before[right].append(left)
    keep = np.ones(len(texts), bool)
    firsts: dict[str, int] = {}
    for index, text in enumerate(texts):
        same = firsts.setdefault(text, index) != index
        keep[index] = not same and not any(keep[other] for other in before[index])
    return keep


def quality(texts: list[str], keep: np.ndarray, pairs: list[tuple[int, int]]) -> dict[str, float]:
    """removed; unbacked: share of those without a kept document at the threshold; leaked: kept pairs at it."""
    backed = {text for text, kept in zip(texts, keep, strict=True) if kept}
    has_kept = np.zeros(len(texts), bool)
    leaked = 0
    for left, right in pairs:
        has_kept[left] |= keep[right]
        has_kept[right] |= keep[left]
        leaked += int(keep[left] and keep[right] and texts[left] != texts[right])
    removed = np.flatnonzero(~keep)
    unbacked = sum(not has_kept[index] and texts[index] not in backed for index in removed.tolist())
    return {"removed": len(removed), "unbacked": unbacked / max(len(removed), 1), "leaked": leaked}


def components(signatures: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """What the usual recipe keeps: connected components of unverified band matches, first document of each."""
    parents = list(range(len(signatures)))

    def root(at: int) -> int:
        while parents[at] != at:
            parents[at] = parents[parents[at]]
            at = parents[at]
        return at

    for band in range(bands):
        seen: dict[bytes, int] = {}
        for index, row in enumerate(np.ascontiguousarray(signatures[:, band * rows : (band + 1) * rows])):
            left, right = root(seen.setdefault(row.tobytes(), index)), root(index)
            parents[max(left, right)] = min(left, right)
    return np.array([root(index) == index for index in range(len(signatures))])


def has(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def run(megabytes: int, rounds: int) -> dict[str, Any]:
    texts = corpus(megabytes)
    arrow = pa.array(texts, pa.large_string())
    size = sum(len(text.encode()) for text in texts) / 1e6
    report: dict[str, Any] = {"documents": len(texts), "megabytes": round(size, 1), "rows": []}

    def row(what: str, seconds: float, **more: Any) -> None:
        report["rows"].append({"what": what, "seconds": round(seconds, 4), "MB/s": round(size / seconds, 1), **more})
        print(json.dumps(report["rows"][-1]), flush=True)

    print(f"{len(texts)} documents, {size:.1f} MB", flush=True)
    for num_perm in (112, 128, 256):
        for threads in (1, 2):
            minhash = tf.dedup.MinHash(num_perm)
            seconds, made = timed(lambda m=minhash, t=threads: m.signatures(arrow, threads=t), rounds)
            short = min(range(len(texts)), key=lambda index: abs(len(texts[index]) - 2000))
            assert made[short].tolist() == reference.signature(texts[short], num_perm, 5, 1)
            row(f"signatures k={num_perm}, {threads} thread(s)", seconds)
    some = texts[: max(len(texts) // 8, 1)]
    part = sum(len(text.encode()) for text in some) / 1e6
    for scheme in ("datasketch", "datasketch-legacy", "datatrove", "datatrove-32"):
        minhash = tf.dedup.MinHash(112, scheme=scheme)
        seconds, _ = timed(lambda m=minhash: m.signatures(some, threads=1), rounds)
        row(f"signatures as {scheme}, 1 thread", seconds * size / part)
    if has("datasketch"):
        import datasketch

        few = some[:100]
        mega = sum(len(text.encode()) for text in few) / 1e6

        def by_datasketch() -> list[Any]:
            out = []
            for text in few:
                words = reference.words(text)
                tokens = [" ".join(words[at : at + 5]).encode() for at in range(len(words) - 4)]
                sketch = datasketch.MinHash(num_perm=112)
                sketch.update_batch(tokens)
                out.append(sketch.hashvalues)
            return out

        seconds, theirs = timed(by_datasketch, 1)
        assert (tf.dedup.MinHash(112, scheme="datasketch").signatures(few) == np.array(theirs)).all()
        row("datasketch itself", seconds * size / mega)
    if has("gaoya"):
        import gaoya

        def by_gaoya() -> Any:
            index = gaoya.minhash.MinHashStringIndex(
                hash_size=32, jaccard_threshold=0.8, num_bands=14, band_size=8, analyzer="word", lowercase=True,
                ngram_range=(5, 5),
            )  # fmt: skip
            index.par_bulk_insert_docs(list(range(len(texts))), texts)
            return index

        seconds, _ = timed(by_gaoya, 1)
        row("gaoya: text into its index, k=112", seconds)
    if has("daft"):
        import daft

        frame = daft.from_arrow(pa.table({"text": arrow}))
        normalized = daft.col("text").normalize(remove_punct=True, lowercase=True, nfd_unicode=False, white_space=True)
        seconds, _ = timed(
            lambda: frame.select(normalized.minhash(num_hashes=112, ngram_size=5, seed=1)).to_arrow(), rounds
        )
        row("daft: normalize and minhash, k=112", seconds)

    sets, pairs = truth(texts, 0.8)
    expected = greedy(texts, pairs)
    for threads in (1, 2):
        seconds, result = timed(lambda t=threads: tf.dedup.near_duplicates(arrow, threads=t), rounds)
        row(f"verified clusters, {threads} thread(s)", seconds, **quality(texts, result.keep, pairs),
            equals_the_join=bool((result.keep == expected).all()))  # fmt: skip
    seeds = [tf.dedup.near_duplicates(arrow, seed=seed) for seed in (1, 2)]
    labels = [set(zip(result.pairs["left"].tolist(), result.pairs["right"].tolist(), strict=True)) for result in seeds]
    report["seed_agreement_f1"] = 2 * len(labels[0] & labels[1]) / max(len(labels[0]) + len(labels[1]), 1)
    print("agreement of two seeds, pairwise F1:", report["seed_agreement_f1"])
    usual = components(tf.dedup.MinHash(112).signatures(arrow), 14, 8)
    row("the usual recipe: 14x8, components, not verified (quality only)", 1.0, **quality(texts, usual, pairs))
    for eighths in (1, 2, 4, 8):
        slice_ = arrow.slice(0, len(arrow) * eighths // 8)
        seconds, _ = timed(lambda s=slice_: tf.dedup.near_duplicates(s, threads=2), rounds)
        row(f"growth: {eighths}/8 of the documents", seconds)
    short = [line for text in texts[:3000] for line in text.split("\n") if 30 < len(line) < 120][:44_000]
    seconds, _ = timed(lambda: tf.dedup.near_duplicates(pa.array(short), threads=2), rounds)
    row(f"{len(short)} short texts", seconds)
    with tempfile.TemporaryDirectory() as directory, tf.dedup.Index.open(directory) as index:
        many = short[:40_000]
        start = time.perf_counter()
        index.add(many, [number.to_bytes(16, "big") for number in range(len(many))])
        row(f"index: {len(many)} texts added", time.perf_counter() - start,
            bytes_a_document=round(index.stats()["bytes"] / len(index), 1))  # fmt: skip
    seconds, _ = timed(lambda: tf.dedup.substrings(arrow, minimum_bytes=100), 1)
    row("repeated substrings of 100 bytes, 1 thread", seconds)
    seconds, _ = timed(lambda: tf.dedup.lines(arrow, minimum_bytes=20, threads=2), 1)
    row("repeated lines, 2 threads", seconds)
    del sets
    return report


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--megabytes", type=int, default=100)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--json", type=Path)
    chosen = arguments.parse_args()
    report = run(chosen.megabytes, chosen.rounds)
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
