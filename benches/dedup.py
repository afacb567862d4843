"""Deduplication: the peers and us in one run, with quality scored in the same run.

    python benches/dedup.py [--corpus FILE.json] [--megabytes 114] [--truth-megabytes 28] [--rounds 5] [--json FILE]
                               [--text-dedup PYTHON]

Without ``--corpus`` (a JSON list of texts) the corpus is the documentation and sources installed on this machine. A tenth
of it are planted copies; it is multiplied under letter substitutions up to ``--megabytes``. Times are medians of rounds, by the clock and in CPU seconds;
peers that take minutes run over a part and are scaled. Quality is scored over the first ``--truth-megabytes`` against
the exact all-pairs join (0: not at all). ``--text-dedup PYTHON`` runs text-dedup with that interpreter, which has it
(it wants Python 3.12). Every timed answer is checked: signatures against the readable twin or the library, removals
against the truth. Peers that are not installed are left out: ``pip install datasketch rensa gaoya daft
datatrove spacy``.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import tokenfoundry as tf
from dedup_rivals import rivals
from dedup_truth import components, greedy, multiplied, of_file, of_this_machine, quality, truth, with_copies
from tokenfoundry._core import dedup as core
from tokenfoundry.reference import dedup as reference
from tokenfoundry.testing import planted_corpus


class Times(NamedTuple):
    """Medians of rounds. CPU seconds of all threads tell more than the clock where others use the machine."""

    seconds: float
    cpu_seconds: float


def timed(work: Callable[[], Any], rounds: int) -> tuple[Times, Any]:
    """Times, and the last answer."""
    clock, cpu, answer = [], [], None
    for _ in range(rounds):
        started, cpu_started = time.perf_counter(), time.process_time()
        answer = work()
        clock.append(time.perf_counter() - started)
        cpu.append(time.process_time() - cpu_started)
    return Times(statistics.median(clock), statistics.median(cpu)), answer


def has(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def megabytes_of(texts: list[str]) -> float:
    return sum(len(text.encode()) for text in texts) / 1e6


def memory_mib(field: str) -> float:
    return int(Path("/proc/self/status").read_text().split(f"{field}:")[1].split()[0]) / 1024


def extra_memory(work: Callable[[], Any]) -> float:
    """Peak memory above what was there before, in MiB (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    before = memory_mib("VmRSS")
    work()
    return memory_mib("VmHWM") - before


class Table:
    """Rows of results, printed as they come."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def row(self, what: str, **numbers: Any) -> None:
        rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in numbers.items()}
        self.rows.append({"what": what, **rounded})
        print(json.dumps(self.rows[-1]), flush=True)

    def speed(self, what: str, times: Times, megabytes: float, **more: Any) -> None:
        cpu = round(megabytes / times.cpu_seconds, 1)
        self.row(what, **times._asdict(), megabytes_a_second=round(megabytes / times.seconds, 1),
                 megabytes_a_cpu_second=cpu, **more)  # fmt: skip

    def unit(self, what: str, times: Times, nanoseconds_a: str, count: int) -> None:
        self.row(what, **times._asdict(), **{f"cpu_nanoseconds_a_{nanoseconds_a}": times.cpu_seconds * 1e9 / count})


def signatures(table: Table, texts: list[str], rounds: int) -> None:
    arrow, size = pa.array(texts, pa.large_string()), megabytes_of(texts)
    checked = min(range(len(texts)), key=lambda index: abs(len(texts[index]) - 2000))
    for num_perm in (112, 128, 256):
        for threads in (1, 2):
            minhash = tf.dedup.MinHash(num_perm)
            times, made = timed(lambda m=minhash, t=threads: m.signatures(arrow, threads=t), rounds)
            assert made[checked].tolist() == reference.signature(texts[checked], num_perm, 5, 1)
            table.speed(f"signatures, k={num_perm}, {threads} thread(s)", times, size)
    part = arrow.slice(0, max(len(texts) // 4, 1))
    part_size = megabytes_of(part.to_pylist())
    for scheme, words in (
        ("datasketch", None), ("datasketch-legacy", None),
        ("datatrove", None), ("datatrove-32", None), ("datatrove", "whitespace"),
    ):  # fmt: skip
        minhash = tf.dedup.MinHash(112, scheme=scheme, words=words)
        times, _ = timed(lambda m=minhash: m.signatures(part, threads=1), rounds)
        table.speed(f"signatures as {scheme}, words {words or 'as it does'}, 1 thread", times, part_size)
    few = texts[: max(len(texts) // 60, 1)]
    if has("datasketch"):
        import datasketch

        def by_datasketch() -> np.ndarray:
            out = []
            for text in few:
                words = reference.words(text)
                tokens = [" ".join(words[at : at + 5]).encode() for at in range(len(words) - 4)]
                sketch = datasketch.MinHash(num_perm=112)
                sketch.update_batch(tokens)
                out.append(sketch.hashvalues)
            return np.array(out)

        times, theirs = timed(by_datasketch, 1)
        assert (tf.dedup.MinHash(112, scheme="datasketch").signatures(few) == theirs).all()
        table.speed("datasketch 2: words, n-grams and signatures, equal to ours", times, megabytes_of(few))
    if has("datatrove") and has("spacy"):
        by_datatrove(table, few)
    if has("gaoya"):
        import gaoya

        def by_gaoya(threads: int) -> None:
            index = gaoya.minhash.MinHashStringIndex(
                hash_size=32, jaccard_threshold=0.8, num_bands=14, band_size=8, analyzer="word", lowercase=True,
                ngram_range=(5, 5),
            )  # fmt: skip
            if threads == 1:
                for number, text in enumerate(part_texts):
                    index.insert_document(number, text)
            else:
                index.par_bulk_insert_docs(list(range(len(part_texts))), part_texts)

        part_texts = part.to_pylist()
        for threads in (1, 2):
            times, _ = timed(lambda t=threads: by_gaoya(t), 1)
            table.speed(f"gaoya: text into its index, k=112, {threads} thread(s)", times, part_size)
    if has("daft"):
        for processors in (1, 2):
            # It has as many threads as processors that it may use when it starts, so each number is a process of its own.
            code = DAFT.format(processors=processors)
            with tempfile.TemporaryDirectory() as directory:
                path = f"{directory}/texts.parquet"
                pq.write_table(pa.table({"text": arrow}), path)
                done = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True)
            seconds, cpu_seconds = map(float, done.stdout.split()[-2:])
            table.speed(
                f"daft: normalize and minhash, k=128, {processors} processor(s)", Times(seconds, cpu_seconds), size
            )


DAFT = """
import os, statistics, sys, time
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{processors}])
import daft
import pyarrow.parquet as pq
frame = daft.from_arrow(pq.read_table(sys.argv[1]))
text = daft.col("text").normalize(remove_punct=True, lowercase=True, nfd_unicode=False, white_space=True)
sketched = frame.select(text.minhash(num_hashes=128, ngram_size=5, seed=1))
rounds = []
for _ in range(2):
    started, cpu_started = time.perf_counter(), time.process_time()
    sketched.to_arrow()
    rounds.append((time.perf_counter() - started, time.process_time() - cpu_started))
print(*min(rounds))
"""


def by_datatrove(table: Table, texts: list[str]) -> None:
    """Its first step without its files: words by spaCy, 5-grams, 112 slots of 64 bits."""
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.text import simplify_text

    with tempfile.TemporaryDirectory() as directory:
        step = MinhashDedupSignature(directory, config=MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8))
        step.word_tokenizer.word_tokenize("loads its model")
        # Of a text without an n-gram it makes no signature.
        texts = [text for text in texts if step.get_shingles(text).size]
        times, theirs = timed(lambda: [step.get_signature(step.get_shingles(text)) for text in texts], 1)
        table.speed("datatrove 0.10: words, n-grams and signatures", times, megabytes_of(texts))
        ours = tf.dedup.MinHash(
            112, scheme="datatrove", words=lambda text: step.word_tokenizer.word_tokenize(simplify_text(text))
        ).signatures(texts)
        assert ours.tolist() == [[slot for band in signature for slot in band] for signature in theirs]
        assert (tf.dedup.MinHash(112, scheme="datatrove").signatures(texts) == ours).all()
        blanks = tf.dedup.MinHash(112, scheme="datatrove", words="whitespace").signatures(texts)
        table.row("datatrove's slots that words between blanks give too", share=float((blanks == ours).mean()))


def kernels(table: Table, texts: list[str], rounds: int) -> None:
    """From ready 64-bit hashes, one thread."""
    sets = [np.array(core.shingle_set(text.encode(), 5, "words"), np.uint64) for text in texts[:1200]]
    hashes, offsets = np.concatenate(sets), np.cumsum([0, *map(len, sets)]).astype(np.int64)
    for num_perm in (128, 256):
        minhash = tf.dedup.MinHash(num_perm)
        # Of a millisecond or two: many, or one wake-up of another process decides.
        times, made = timed(lambda m=minhash: m.signatures_of_hashes(hashes, offsets, threads=1), 5 * rounds)
        assert (made[:5] == minhash.signatures(texts[:5])).all()
        table.unit(f"kernel, k={num_perm}", times, "shingle", len(hashes))
        if has("rensa"):
            import rensa

            arguments = (hashes, offsets.astype(np.uint64), num_perm, 42)
            times, _ = timed(lambda a=arguments: rensa.RMinHash.digest_matrix_from_flat_token_hashes(*a), 5 * rounds)
            table.unit(f"kernel of rensa, k={num_perm}", times, "shingle", len(hashes))


def meeting(table: Table, rounds: int) -> None:
    """The stage between signatures and candidates: 400,000 random signatures, a tenth of them copies."""
    count = 400_000
    made = np.random.default_rng(0).integers(0, 1 << 32, (count, 120), dtype=np.uint32)
    made[-count // 10 :] = made[: count // 10]
    for threads in (1, 2):
        times, found = timed(lambda t=threads: tf.dedup.buckets(made, threads=t), rounds)
        assert len(found) >= 20 * count // 10 and found[0].tolist()[1] - found[0].tolist()[0] == count - count // 10
        table.unit(f"bands of {count:,} signatures to buckets, 20x6, {threads} thread(s)", times, "document", count)
    if has("rensa"):
        import rensa

        hashes = np.random.default_rng(0).integers(0, 1 << 63, (count, 8), dtype=np.uint64)
        hashes[-count // 10 :] = hashes[: count // 10]
        ends = np.arange(0, 8 * count + 1, 8).astype(np.uint64)
        matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(hashes.ravel(), ends, 120, 42)

        def flags() -> Any:
            return rensa.RMinHashLSH(0.8, 120, 20).query_duplicate_flags_matrix_one_shot(matrix)

        times, _ = timed(flags, rounds)
        table.unit("rensa: one-shot duplicate flags, 20x6", times, "document", count)


TEXT_DEDUP = """
import json, sys
from datasets import load_from_disk
kept = load_from_disk(sys.argv[1])
print(json.dumps(list(kept["number"])))
"""


def by_text_dedup(table: Table, texts: list[str], pairs: list[tuple[int, int, float]], python: Path) -> None:
    """Its command as a user runs it, 14 bands of 8, with and without its verification; quality of what it keeps."""
    for verified in (False, True):
        with tempfile.TemporaryDirectory() as directory:
            source, output = Path(directory) / "texts.parquet", Path(directory) / "kept"
            pq.write_table(pa.table({"text": texts, "number": range(len(texts))}), source)
            settings = {
                "input": {"input_type": "local_files", "file_type": "parquet",
                          "read_arguments": {"path": "parquet", "data_files": [str(source)], "split": "train"}},
                "algorithm": {"algorithm_name": "minhash", "text_column": "text", "num_perm": 112, "bands": 14, "rows": 8,
                              "ngram_size": 5, "threshold": 0.8, "num_proc": 2, "check_false_positive": verified},
                "output": {"output_dir": str(output)},
                "debug": {},
            }  # fmt: skip
            lines = []
            for name, values in settings.items():
                lines.append(f"[{name}]")
                for key, value in values.items():
                    inner = (
                        [f"{of} = {json.dumps(what)}" for of, what in value.items()] if isinstance(value, dict) else []
                    )
                    lines.append(f"{key} = " + ("{" + ", ".join(inner) + "}" if inner else json.dumps(value)))
            (Path(directory) / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
            command = [str(python), "-m", "text_dedup.minhash"]
            home = {**os.environ, "HF_HOME": f"{directory}/home"}
            started = time.perf_counter()
            subprocess.run(
                command, cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=home
            )
            seconds = time.perf_counter() - started
            kept = subprocess.run([python, "-c", TEXT_DEDUP, str(output)], check=True, capture_output=True, text=True)
            keep = np.zeros(len(texts), bool)
            keep[json.loads(kept.stdout)] = True
            table.row(f"text-dedup, 14x8, {'verified' if verified else 'not verified'}, 2 processes", seconds=seconds,
                      **quality(texts, keep, pairs))  # fmt: skip


def scores(table: Table, texts: list[str], text_dedup: Path | None, *, planted: bool = False) -> None:
    """Quality, not timed: against the exact all-pairs join."""
    pairs = truth(texts, 0.8)
    expected = greedy(texts, pairs)
    result = tf.dedup.near_duplicates(texts)
    table.row(f"ours, {megabytes_of(texts):.0f} MB", **quality(texts, result.keep, pairs),
              equals_the_join=bool((result.keep == expected).all()))  # fmt: skip
    found = [tf.dedup.near_duplicates(texts, seed=seed).pairs for seed in (1, 2)]
    one, other = (set(zip(of["left"].tolist(), of["right"].tolist(), strict=True)) for of in found)
    table.row("agreement of two seeds", pairwise_f1=2 * len(one & other) / max(len(one) + len(other), 1))
    if text_dedup:
        by_text_dedup(table, texts, pairs, text_dedup)
    usual = components(tf.dedup.MinHash(112).signatures(texts), 14, 8)
    table.row("the usual recipe: 14x8, components, not verified", **quality(texts, usual, pairs))
    for name, keeps in rivals():
        if planted and "datatrove" in name:
            continue  # Planted words are numbered, and it takes all numbers for one.
        first, second = (keeps(texts, seed) for seed in (1, 2))
        both = 2 * int((~first & ~second).sum()) / max(int((~first).sum() + (~second).sum()), 1)
        table.row(name, **quality(texts, first, pairs), equals_the_join=bool((first == expected).all()),
                  removals_f1_of_two_seeds=None if "gaoya" in name else both)  # fmt: skip


def decisions(table: Table, texts: list[str], originals: list[str], rounds: int) -> None:
    arrow, size = pa.array(texts, pa.large_string()), megabytes_of(texts)
    for threads in (1, 2):
        times, result = timed(lambda t=threads: tf.dedup.near_duplicates(arrow, threads=t), rounds)
        table.speed(f"raw text to verified clusters, {threads} thread(s)", times, size, removed=int((~result.keep).sum()),
                    verified=result.stats["verified"], skipped=result.stats["skipped"])  # fmt: skip
    # Of each part a tenth are copies of the part's own: an eighth of all documents would have an eighth of an original's copies
    # and so an eighth of the pairs a document, and cost less a document.
    first = None
    for eighths in (1, 2, 4, 8):
        part = with_copies(originals[: len(originals) * eighths // 8])
        arrow, size = pa.array(part, pa.large_string()), megabytes_of(part)
        times, result = timed(lambda p=arrow: tf.dedup.near_duplicates(p, threads=2), 2 * rounds)
        first = first or times.cpu_seconds / size
        table.speed(f"growth: {eighths}/8 of the documents", times, size, candidates=result.stats["candidates"],
                    verified=result.stats["verified"], cost_of_a_byte=times.cpu_seconds / size / first)  # fmt: skip


def small_things(table: Table, texts: list[str], rounds: int) -> None:
    short = [line for text in texts for line in text.split("\n") if 30 < len(line) < 120][:44_000]
    array = pa.array(short, pa.large_string())
    for threads in (1, 2):
        times, _ = timed(lambda t=threads: tf.dedup.near_duplicates(array, threads=t), rounds)
        table.row(f"{len(short):,} short texts to clusters, {threads} thread(s)", **times._asdict())
    if has("rensa"):
        import rensa

        def by_rensa() -> Any:
            grams = []
            for text in short:
                words = text.lower().split()
                grams.append([" ".join(words[at : at + 5]) for at in range(len(words) - 4)])
            matrix = rensa.RMinHash.digest_matrix_from_token_sets(grams, 120, 42)
            return rensa.RMinHashLSH(0.8, 120, 20).query_duplicate_flags_matrix_one_shot(matrix)

        times, _ = timed(by_rensa, rounds)
        table.row(f"rensa: {len(short):,} short texts to flags, not verified", **times._asdict())
    with tempfile.TemporaryDirectory() as directory, tf.dedup.Index.open(directory) as index:
        ids = [number.to_bytes(16, "big") for number in range(len(short))]
        start = time.perf_counter()
        index.add(short, ids)
        seconds = time.perf_counter() - start
        table.row(f"index: {len(short):,} texts added", seconds=seconds,
                  bytes_a_document=round(index.stats()["bytes"] / len(index), 1))  # fmt: skip
    arrow, size = pa.array(texts, pa.large_string()), megabytes_of(texts)
    times, _ = timed(lambda: tf.dedup.exact(arrow, threads=2), rounds)
    table.speed("identical texts, 2 threads", times, size)
    times, _ = timed(lambda: tf.dedup.substrings(arrow, minimum_bytes=100), 1)
    table.speed("repeated substrings of 100 bytes, 1 thread", times, size)
    times, _ = timed(lambda: tf.dedup.lines(arrow, minimum_bytes=20, threads=2), 1)
    table.speed("repeated lines, 2 threads", times, size)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--corpus", type=Path)
    arguments.add_argument("--megabytes", type=float, default=114)
    arguments.add_argument("--truth-megabytes", type=float, default=28)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--text-dedup", type=Path, metavar="PYTHON")
    chosen = arguments.parse_args()
    most = chosen.megabytes / 1.1
    originals = of_file(chosen.corpus, most) if chosen.corpus else of_this_machine(most)
    base = with_copies(originals)
    texts = multiplied(base, chosen.megabytes)
    checked = multiplied(base, min(chosen.truth_megabytes, megabytes_of(base)))
    table = Table()
    table.row("corpus", documents=len(texts), megabytes=megabytes_of(texts), checked=len(checked))
    arrow = pa.array(texts, pa.large_string())
    # First, while there is no freed memory that would hide it.
    table.row("extra peak memory, 2 threads", mib=extra_memory(lambda: tf.dedup.near_duplicates(arrow, threads=2)))
    signatures(table, texts, chosen.rounds)
    kernels(table, texts, chosen.rounds)
    meeting(table, chosen.rounds)
    small_things(table, base, chosen.rounds)
    decisions(table, texts, multiplied(originals, most), chosen.rounds)
    if checked:
        scores(table, checked, chosen.text_dedup)
        table.row("planted edits of all kinds, at similarities of 0.5 to 1")
        scores(table, planted_corpus(4000).texts, chosen.text_dedup, planted=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(table.rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
