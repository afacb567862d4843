"""The whole line: JSON Lines in, Gopher and C4 filters, MinHash dedup, tokens of a large vocabulary, packed Megatron shards.

    python benches/pipeline.py [--megabytes 100] [--tokenizer tokenizer.json] [--input 'FOLDER/*.jsonl'] [--ray] [--datatrove 4]

In one run: the line on one thread and on all (equal bytes), the same kernels called bare, resume of the finished run, growth from an
eighth of the files to all of them, the Ray executor on one node (--ray), and datatrove's local pipeline on a sample of some MB
(--datatrove). Seconds are wall clock; rounds are interleaved and medians shown. Without --input the corpus is made of paragraphs of
prose that this machine carries (docs, licences, docstrings), put together anew into documents of about 5 kB until there is enough.
"""

import argparse
import hashlib
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

import tokenfoundry as tf
from tokenfoundry._core import io as _io
from tokenfoundry.pipeline import run
from tokenfoundry.pipeline.recipe import Recipe, load_recipe

PROSE = re.compile(r"[A-Z][^{}<>|\\=_#*`]{200,1500}\.")


def paragraphs() -> list[str]:
    """Different paragraphs of prose under /usr/share/doc and this Python's packages."""
    seen: dict[int, str] = {}
    for root in (Path("/usr/share/doc"), Path("/usr/share/perl"), Path(sys.prefix) / "lib", Path(os.__file__).parent):
        for path in sorted(root.rglob("*")):
            if path.suffix not in (".txt", ".md", ".rst", ".py", ".pod", ".pyi", "") or not path.is_file():
                continue
            if path.stat().st_size > 2_000_000:
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except (UnicodeDecodeError, OSError):
                continue
            for block in re.split(r"\n\s*\n", text):
                flat = " ".join(block.split())
                if PROSE.fullmatch(flat):
                    seen.setdefault(hash(flat), flat)
    return list(seen.values())


def write_corpus(folder: Path, megabytes: float, files: int = 8) -> None:
    """Documents of shuffled paragraphs; one in twenty is an earlier one with a sentence more."""
    source = random.Random(0)
    pool = paragraphs()
    print(f"{len(pool):,} paragraphs, {sum(map(len, pool)) / 1e6:.1f} MB of prose")
    total, number = 0, 0
    earlier: list[str] = []
    outs = [(folder / f"part-{index}.jsonl").open("wb") for index in range(files)]
    while total < megabytes * 1e6:
        if earlier and source.random() < 0.05:
            text = source.choice(earlier) + "\nThis sentence was added to a copy."
        else:
            text = "\n".join(source.choices(pool, k=source.randint(4, 14)))
            earlier = [*earlier[-999:], text]
        outs[int(total / (megabytes * 1e6) * files)].write(orjson.dumps({"id": f"d{number}", "text": text}) + b"\n")
        total += len(text.encode())
        number += 1
    for out in outs:
        out.close()


def recipe_for(folder: Path, pattern: str, tokenizer: str | None, **more: Any) -> Recipe:
    tokenize = {"tokenizer": tokenizer or {"train": {"vocab_size": 32_000}}}
    return load_recipe(
        {
            "name": "bench", "output": "out", "input": [{"path": pattern, "source": "web", "id_field": "id"}],
            "stages": [
                {"filter": {"preset": ["gopher", "c4"]}}, {"dedup": {}}, {"tokenize": tokenize},
                {"pack": {"sequence_length": 2048}}, {"shard": {}},
            ],
            **more,
        },
        base=folder,
    )  # fmt: skip


def line(recipe: Recipe, threads: int, name: str) -> tuple[float, Any]:
    shutil.rmtree(recipe.base / name, ignore_errors=True)
    began = time.perf_counter()
    result = run(recipe.model_copy(update={"output": name}), threads=threads)
    return time.perf_counter() - began, result


def bare(paths: list[Path], tokenizer: tf.Tokenizer, threads: int, folder: Path) -> tuple[float, float, int]:
    """The same kernels without the runner: everything in memory, no ledger, no checks, no resume."""
    began, cpu = time.perf_counter(), time.process_time()
    kept = []
    for path in paths:
        arrays, declined = _io.json_lines(
            [path.read_bytes()], first=1, text=b"text", id=None, licence=None, most_bytes=1 << 25, prefix=b""
        )
        assert not declined
        batch = pa.array(arrays[0])
        verdict = tf.text.filter(batch, preset=("gopher", "c4"), threads=threads).column("verdict")
        batch = batch.filter(verdict.is_null())
        kept.append(batch)
    whole = pa.concat_arrays(kept)
    exact = tf.dedup.exact(whole, threads=threads)
    whole = whole.filter(pa.array(exact.keep))
    near = tf.dedup.near_duplicates(whole, threads=threads)
    whole = whole.filter(pa.array(near.keep))
    tokens = tokenizer.encode_batch(whole, threads, allowed_special=())
    plan = tf.pack.plan(tokens.lengths, 2048)
    tf.shard.write(
        folder / "bare", tokens, plan, document_ids=bytes(16 * len(tokens)), vocabulary_size=tokenizer.vocab_size
    )
    return time.perf_counter() - began, time.process_time() - cpu, len(whole)


def datatrove(
    paths: list[Path], megabytes: float, folder: Path, workers: int, tokenizer: str
) -> tuple[float, int, int]:
    """datatrove's own stages on the first documents; seconds for a megabyte of text, documents kept, tokens made. Its work is
    cut into as many tasks as there are workers; none of its stages is done twice.
    """
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.tokens import DocumentTokenizer
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.hashing import HashConfig

    # Its default, xxhash, is called with what xxhash 4 no longer takes.
    config = MinhashConfig(hash_config=HashConfig(precision=64, hash_fc="sha1"))
    folder.mkdir()
    sample = folder / "sample"
    sample.mkdir()
    size = 0
    outs = [(sample / f"{number}.jsonl").open("wb") for number in range(workers)]
    rows = (row for path in paths for row in path.open("rb"))
    for number, row in enumerate(rows):
        outs[number % workers].write(row)
        size += len(orjson.loads(row)["text"].encode())
        if size >= megabytes * 1e6:
            break
    for out in outs:
        out.close()
    steps: list[list[Any]] = [
        [JsonlReader(str(sample)), GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False),
         JsonlWriter(str(folder / "filtered"), compression=None)],
        [JsonlReader(str(folder / "filtered")), MinhashDedupSignature(str(folder / "signatures"), config)],
        [MinhashDedupBuckets(str(folder / "signatures"), str(folder / "buckets"), config=config)],
        [MinhashDedupCluster(str(folder / "buckets"), str(folder / "removed"), config=config)],
        [JsonlReader(str(folder / "filtered")), MinhashDedupFilter(str(folder / "removed")),
         DocumentTokenizer(str(folder / "tokens"), tokenizer_name_or_path=tokenizer, eos_token=None, shuffle_documents=False)],
    ]  # fmt: skip
    began = time.perf_counter()
    for number, pipeline in enumerate(steps):
        # Its buckets are a task each; one task makes its clusters.
        tasks = {2: config.num_buckets, 3: 1}.get(number, workers)
        logs = str(folder / f"log-{number}")
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=min(workers, tasks), logging_dir=logs).run()
    seconds = time.perf_counter() - began
    metadata = [path.read_text().splitlines() for path in (folder / "tokens").glob("*.metadata")]
    tokens = sum(int(lines[1]) for lines in metadata)
    kept = sum(path.stat().st_size // 8 for path in (folder / "tokens").glob("*.ds.index"))
    return seconds / (size / 1e6), kept, tokens


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--input")
    parser.add_argument("--tokenizer", help="tokenizer.json; default: one of 32,000 that is trained first")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--datatrove", type=float, default=0, metavar="MB")
    options = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        pattern = options.input or "data/*.jsonl"
        if not options.input:
            (folder / "data").mkdir()
            write_corpus(folder / "data", options.megabytes)
        tokenizer = options.tokenizer and str(Path(options.tokenizer).resolve())
        recipe = recipe_for(folder, pattern, tokenizer)
        _, first = line(recipe, threads, "warm")
        if tokenizer is None:
            tokenizer = str(first.output / "tokenizer.json")
            recipe = recipe_for(folder, pattern, tokenizer)
        loaded = tf.Tokenizer.from_file(tokenizer)
        paths = sorted(Path("/").glob(pattern[1:]) if pattern.startswith("/") else folder.glob(pattern))
        size = first.manifest["doors"][0]["bytes"]["in"] / 1e6

        seconds: dict[str, list[float]] = {}
        digests = set()
        for _ in range(options.rounds):
            for name, count in [("one thread", 1), (f"{threads} threads", threads)]:
                took, result = line(recipe, count, f"out-{count}")
                seconds.setdefault(name, []).append(took)
                digests.add(hashlib.sha256((result.output / "manifest.json").read_bytes()).hexdigest())
                seconds.setdefault(f"{name} CPU", []).append(result.metrics["cpu_seconds"])
                if count == threads:
                    stages, peak = result.metrics["stages"], result.metrics["peak_memory_bytes"]
            took, cpu, kept = bare(paths, loaded, threads, folder)
            seconds.setdefault("bare CPU", []).append(cpu)
            seconds.setdefault("bare kernels", []).append(took)
            assert abs(kept - result.manifest["doors"][3]["documents"]["in"]) == 0, (
                "bare and line keep the same documents"
            )
        assert len(digests) == 1, "one thread and all must give the same bytes"
        medians = {name: statistics.median(values) for name, values in seconds.items()}

        print(f"{size:.1f} MB, {result.manifest['tokens']:,} tokens, vocabulary {loaded.vocab_size:,}; equal bytes")
        for name, value in medians.items():
            print(f"{name:<16}{value:8.2f} s {size / value:8.1f} MB/s")
        print(f"{'MB/s a core':<16}{size / medians[f'{threads} threads'] / threads:8.1f}")
        print(
            f"{'overhead, CPU':<16}{medians[f'{threads} threads CPU'] / medians['bare CPU'] - 1:8.1%} over the bare kernels"
        )
        print(
            f"{'overhead':<16}{medians[f'{threads} threads'] / medians['bare kernels'] - 1:8.1%} over the bare kernels"
        )
        print(f"{'peak memory':<16}{peak / 1e6:8.0f} MB")
        for name, cost in stages.items():
            print(f"  {name:<14}{cost['seconds']:8.2f} s wall, {cost['cpu_seconds']:.2f} s CPU")
        began = time.perf_counter()
        assert run(recipe.model_copy(update={"output": f"out-{threads}"})).reused
        print(f"{'resume':<16}{time.perf_counter() - began:8.3f} s, of the finished run")

        for parts in (1, 2, 4, 8):
            chosen = folder / f"growth-{parts}"
            chosen.mkdir()
            for path in paths[: len(paths) * parts // 8]:
                (chosen / path.name).symlink_to(path)
            took, result = line(recipe_for(folder, f"growth-{parts}/*.jsonl", tokenizer), threads, f"grown-{parts}")
            much = result.manifest["doors"][0]["bytes"]["in"] / 1e6
            print(
                f"{f'growth x{parts}':<16}{took:8.2f} s, {result.metrics['cpu_seconds'] / much * 1000:6.2f} CPU ms a MB, "
                f"peak {result.metrics['peak_memory_bytes'] / 1e6:.0f} MB"
            )
        if options.ray:
            # By default Ray's workers are nicer than everybody else, and wait where the machine is shared.
            os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  (Ray reads it so)
            import ray

            ray.init(num_cpus=threads, log_to_driver=False, include_dashboard=False)
            line(recipe.model_copy(update={"executor": "ray"}), threads, "warm-ray")
            took, result = line(recipe.model_copy(update={"executor": "ray"}), threads, "ray")
            digests.add(hashlib.sha256((result.output / "manifest.json").read_bytes()).hexdigest())
            assert len(digests) == 1, "ray must give the same bytes"
            print(f"{'ray':<16}{took:8.2f} s, {medians[f'{threads} threads'] / took:.0%} of local's speed; equal bytes")
            ray.shutdown()
        if options.datatrove:
            for workers, name in {1: "one thread", threads: f"{threads} threads"}.items():
                # To start its processes takes seconds; what counts for a large corpus is a megabyte more.
                small, large = options.datatrove / 4, options.datatrove
                few, _, _ = datatrove(paths, small, folder / f"datatrove-{workers}-few", workers, tokenizer)
                many, kept, tokens = datatrove(paths, large, folder / f"datatrove-{workers}", workers, tokenizer)
                each = (many * large - few * small) / (large - small)
                ours = medians[name] / size
                print(
                    f"{'datatrove':<16}{1 / each:8.2f} MB/s from {small:g} to {large:g} MB ({1 / many:.2f} with its start), workers "
                    f"{workers} ({kept:,} documents kept, {tokens:,} tokens): tokenfoundry with as many threads is "
                    f"{each / ours:.0f} x as fast"
                )


if __name__ == "__main__":
    main()
