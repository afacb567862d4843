"""Corpora made to hurt, in a child process each, so that its memory can be told."""

import subprocess
import sys
import textwrap

import pytest

PRELUDE = textwrap.dedent(
    """
    import pyarrow as pa
    import tokenfoundry as tf

    def peak():
        return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024

    def measured(texts, **options):
        before = int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0]) / 1024
        result = tf.dedup.near_duplicates(texts, **options)
        print(len(result.keep), int(result.keep.sum()), result.stats["verified"], result.stats["skipped"], peak() - before)
    """
)


def run(code: str) -> list[tuple[int, int, int, int, float]]:
    """documents, kept, pairs compared, pairs skipped, and extra peak memory in MiB, for each call of ``measured``."""
    done = subprocess.run([sys.executable, "-c", PRELUDE + textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    return [(int(row[0]), int(row[1]), int(row[2]), int(row[3]), float(row[4])) for row in rows]


def test_a_million_identical_documents() -> None:
    [(documents, kept, compared, _, extra)] = run(
        'measured(pa.array(["one and the same document, many words long"] * 1_000_000))'
    )
    assert (documents, kept, compared) == (1_000_000, 1, 0)
    assert extra < 250


def test_a_million_copies_that_differ_in_case_and_spacing() -> None:
    [(documents, kept, compared, _, extra)] = run(
        """
        text = "one and the same document many words long and a few more of them to be sure"
        texts = [" ".join(word.upper() if number >> place & 1 else word for place, word in enumerate(text.split()))
                 for number in range(1 << 16)]
        measured(pa.array(texts))
        """
    )
    assert (documents, kept) == (1 << 16, 1)
    assert compared < documents
    assert extra < 250


def test_all_empty_and_all_short() -> None:
    empty, short, blank = run(
        """
        measured(pa.array([""] * 300_000))
        measured(pa.array([f"{number} words" for number in range(300_000)]))
        measured(pa.array([" " * (number % 700) for number in range(100_000)]))
        """
    )
    assert empty[:3] == (300_000, 1, 0)
    assert short[:3] == (300_000, 300_000, 0), "too short for an n-gram and different: never merged"
    assert blank[:2] == (100_000, 700)


@pytest.mark.parametrize("kind", ["words", "one word", "one word again and again", "no word", "characters"])
def test_one_document_of_fifty_megabytes(kind: str) -> None:
    make = {
        "words": '" ".join(f"word{number % 800_000}" for number in range(5_000_000))[:50_000_000]',
        "one word": '"a" * 50_000_000',
        "one word again and again": '"ab " * 16_000_000',
        "no word": '"-" * 50_000_000',
        "characters": '"字é" * 10_000_000',
    }[kind]
    [(documents, kept, _, _, extra)] = run(
        f'huge = {make}\nmeasured(pa.array([huge, huge + " x", "y"], pa.large_string()))'
    )
    assert documents == 3
    # The one more word is one 5-gram more: of 800,000, or of one or two; or there is no 5-gram.
    assert kept == (2 if kind == "words" else 3)
    # The sets of both, 8 bytes a different shingle, while they are compared; one word is folded whole.
    assert extra < 300


def test_one_shingle_shared_by_all_stays_linear() -> None:
    first, second = run(
        """
        for count in (40_000, 80_000):
            measured(pa.array([f"one shingle shared by all x{number}" for number in range(count)]), ngram=5)
        """
    )
    assert first[1] == 40_000 and second[1] == 80_000
    assert second[2] < 2.2 * first[2], "comparisons grow with the documents"
    assert first[2] <= 128 * 20 * 40_000 and first[3] > 0, "the bound was reached and is told"
