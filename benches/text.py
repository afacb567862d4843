"""The text room and datatrove on the same documents in one run: `python benches/text.py [folder of texts]`.

CPU seconds of one thread, so that a busy machine changes little; the median of three. Every row checks its answer: the
verdicts of both are compared, and their agreement with datatrove's own words (spaCy's) is a result.
"""

import argparse
import html
import pathlib
import random
import statistics
import sysconfig
import time
import warnings
from collections.abc import Callable
from typing import Any

import pyarrow as pa

import tokenfoundry as tf

MOST_RIVAL_BYTES = 600_000
"""datatrove does half a megabyte a second; a part is enough for a rate."""


def rate(texts: list[str], work: Callable[[], Any], rounds: int = 3) -> float:
    """MB of UTF-8 a CPU second."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return sum(len(text.encode()) for text in texts) / 1e6 / statistics.median(seconds)


def documents(folder: pathlib.Path | None) -> list[str]:
    """Text files of a folder, or the prose that Python carries: the topics of `help()` and the longest docstrings."""
    if folder is not None:
        return [path.read_text("utf-8", "replace") for path in sorted(folder.rglob("*.txt"))]
    from pydoc_data.topics import topics

    sources = [path.read_text("utf-8", "replace") for path in pathlib.Path(sysconfig.get_path("stdlib")).glob("*.py")]
    docstrings = [part for source in sources for part in source.split('"""')[1::2] if len(part) > 1000]
    return sorted(topics.values()) + docstrings


def random_words(ngrams: int) -> list[str]:
    """Texts with about so many n-grams of 13 words, none of which is in any text."""
    dice = random.Random(3)
    return [" ".join(f"w{dice.getrandbits(40)}" for _ in range(10_012)) for _ in range(ngrams // 10_000)]


def extraction() -> None:
    """HTML extraction by our workers and by the library underneath alone: the same texts, and the overhead."""
    from resiliparse.extract.html2text import extract_plain_text

    body = "".join(
        f"<h2>{name}</h2><p>{html.escape(text)}</p>" for name, text in zip("abc", documents(None), strict=False)
    )
    pages = [
        f"<html><body><nav><a href='/'>Home</a></nav><main><p>{number}</p>{body}</main></body></html>"
        for number in range(400)
    ]
    column = pa.array(pages, pa.large_string())
    alone, ours = [], []
    for _ in range(5):
        start = time.perf_counter()
        expected = [extract_plain_text(page, main_content=True, alt_texts=False) for page in pages]
        alone.append(time.perf_counter() - start)
        start = time.perf_counter()
        found = tf.text.extract(column, format="html", workers=1)
        ours.append(time.perf_counter() - start)
        assert found.texts.to_pylist() == expected
    size = sum(map(len, pages)) / 1e6
    ratio = statistics.median(ours) / statistics.median(alone)
    print(f"  extract: {size / statistics.median(ours):.1f} MB/s (wall), {ratio:.3f} times the library's time alone")


def rivals(texts: list[str]) -> dict[str, tuple[float, float]]:
    """datatrove's rate and the share of documents on which it keeps or drops as we do, by preset."""
    warnings.simplefilter("ignore")
    from datatrove.data import Document
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )
    from datatrove.utils import text as splitting

    measured = {}
    for preset, judge in (
        ("gopher_quality", GopherQualityFilter()),
        ("gopher_repetition", GopherRepetitionFilter()),
        ("c4", C4QualityFilter()),
        ("fineweb", FineWebQualityFilter()),
    ):
        splitting.split_into_parts.cache_clear()
        judge.filter(Document(text="Warm the tokenizer.", id=""))
        kept: list[bool] = []

        def work(judge: Any = judge, kept: list[bool] = kept) -> None:
            kept.extend(judge.filter(Document(text=text, id="")) is True for text in texts)

        speed = rate(texts, work, rounds=1)
        ours = tf.text.filter(texts, preset=preset).column("verdict").to_pylist()
        same = sum(one == (verdict is None) for one, verdict in zip(kept, ours, strict=True))
        measured[preset] = (speed, same / len(texts))
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    texts = documents(parser.parse_args().folder)
    size = sum(len(text.encode()) for text in texts)
    texts *= max(1, 8_000_000 // size)
    column = pa.array(texts, pa.large_string())
    families = list(tf.text.FAMILIES)
    print(f"{len(texts)} documents, {sum(map(len, texts)) / 1e6:.1f} MB, one thread ({tf.text.__name__})")
    rows: list[tuple[str, Callable[[], Any]]] = [
        (
            "gopher + c4 + fineweb, one pass",
            lambda: tf.text.signals(column, families=("gopher", "c4", "fineweb"), threads=1),
        ),
        *(
            (f"signals {family}", lambda family=family: tf.text.signals(column, families=(family,), threads=1))
            for family in families
        ),
        *(
            (f"filter {name}", lambda name=name: tf.text.filter(column, preset=name, threads=1))
            for name in tf.text.PRESETS
        ),
        ("normalize", lambda: tf.text.normalize(column, threads=1)),
        ("drop_lines c4", lambda: tf.text.drop_lines(column, threads=1)),
        ("redact, all kinds", lambda: tf.text.redact(column, kinds=tf.text.KINDS, threads=1)),
        *(
            (f"redact {kind}", lambda kind=kind: tf.text.redact(column, kinds=(kind,), threads=1))
            for kind in tf.text.KINDS
        ),
    ]
    rows.append(("label", lambda: tf.text.label(column, threads=1)))
    model = tf.text.ByteModel.train(column.slice(0, len(column) // 4))
    rows.append(("byte model, bits_per_byte", lambda: model.bits_per_byte(column, threads=1)))
    index = tf.text.ngram_index({"questions": [text[:400] for text in texts[:2000:2]]})
    rows.append(("ngram_overlap", lambda: tf.text.ngram_overlap(column, index, threads=1)))
    large = tf.text.ngram_index({"random": random_words(10_000_000)})
    print(f"  an index of {len(large):,} n-grams: {large.nbytes / 1e6:.1f} MB")
    rows.append(("ngram_overlap, 10 M n-grams", lambda: tf.text.ngram_overlap(column, large, threads=1)))
    clean = tf.text.normalize(column).texts
    rows.append(("normalize, clean already", lambda: tf.text.normalize(clean, threads=1)))
    assert tf.text.normalize(clean).texts.equals(clean)
    for name, work in rows:
        print(f"  {name:32} {rate(texts, work):9.1f} MB/s")
    extraction()
    few: list[str] = []
    for text in dict.fromkeys(texts):
        if sum(map(len, few)) < MOST_RIVAL_BYTES:
            few.append(text)
    try:
        others = rivals(few)
    except ImportError as error:  # datatrove, or what it splits words with.
        print(f"  datatrove left out: {error}")
        return
    for preset, (speed, same) in others.items():
        print(f"  datatrove {preset:18} {speed:9.2f} MB/s, keeps and drops as we do: {same:.1%}")


if __name__ == "__main__":
    main()
