"""The plan on disk equals the one in memory, however it is cut, and keeps to its memory."""

import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from tests.corpus import SCRIPTS, standard_library

import tokenfoundry as tf
from tokenfoundry.dedup import OnDisk, near_duplicates
from tokenfoundry.testing import planted_near_duplicates


def assert_same(left: tf.dedup.Result, right: tf.dedup.Result) -> None:
    for name in ("keep", "cluster", "duplicate_of", "pairs"):
        assert (getattr(left, name) == getattr(right, name)).all(), name
    assert np.array_equal(left.jaccard, right.jaccard, equal_nan=True)
    names = ("documents", "identical", "candidates", "verified", "confirmed", "skipped", "removed")
    assert [left.stats[name] for name in names] == [right.stats[name] for name in names]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    planted, _ = planted_near_duplicates(300, seed=6)
    return planted + standard_library(300_000) + planted[:40] + SCRIPTS + ["", "", "x y"]


def test_equal_to_memory(tmp_path: Path, texts: list[str]) -> None:
    expected = near_duplicates(texts)
    plan = OnDisk(tmp_path, memory_bytes=1 << 20, threads=2)
    assert_same(plan.run([texts[:500], [], texts[500:]]), expected)
    order = np.argsort([-len(text.encode()) for text in texts], kind="stable")
    assert_same(plan.decide(order=order), near_duplicates(texts, keep="longest"))
    plan.remove()
    assert list(tmp_path.iterdir()) == []


def test_parts_and_bands_in_any_order(tmp_path: Path, texts: list[str]) -> None:
    cuts = [0, 100, 101, 400, len(texts)]
    for part in (2, 0, 3, 1):
        plan = OnDisk(tmp_path)
        assert plan.sketch(part, cuts[part], [texts[cuts[part] : cuts[part + 1]]]) == cuts[part + 1] - cuts[part]
    for band in reversed(range(plan.bands)):
        OnDisk(tmp_path).merge_band(band)
    assert_same(plan.decide(), near_duplicates(texts))
    plan.sketch(1, 100, [texts[100:101]])
    assert_same(plan.decide(), near_duplicates(texts))


def test_missing_and_damaged_parts_are_named(tmp_path: Path, texts: list[str]) -> None:
    plan = OnDisk(tmp_path)
    plan.sketch(0, 0, [texts[:50]])
    plan.sketch(1, 60, [texts[50:90]])
    with pytest.raises(tf.InputError, match="part-00001 begins with document 60, not 50"):
        plan.merge_band(0)
    plan.sketch(1, 50, [texts[50:90]])
    with pytest.raises(tf.InputError, match="band is 30"):
        plan.merge_band(30)
    runs = tmp_path / "part-00001" / "runs"
    runs.write_bytes(runs.read_bytes()[:-3])
    with pytest.raises(tf.ShardError, match=r"part-00001/runs is damaged: .* a run of it ends at"):
        plan.merge_band(29)
    with pytest.raises(FileNotFoundError):
        plan.decide()
    with pytest.raises(tf.InputError, match="memory_bytes"):
        OnDisk(tmp_path, memory_bytes=10)


MILLION = textwrap.dedent(
    """
    import sys
    import numpy as np
    import pyarrow as pa
    from tokenfoundry.dedup import OnDisk

    count, chunk = int(sys.argv[2]), 20_000
    words = np.array([f"word{index}" for index in range(5000)])

    def batches():
        for start in range(0, count, chunk):
            random = np.random.default_rng(start)
            rows = random.integers(0, len(words), (chunk, 20))
            # Each tenth text is the one before it with another last word; each hundredth is the same as that.
            rows[9::10] = rows[8::10]
            rows[19::20, -1] = 7
            yield pa.array([" ".join(row) for row in words[rows]])

    def peak_memory():
        # Not ru_maxrss: a child begins with its parent's.
        return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])

    before = peak_memory()
    result = OnDisk(sys.argv[1], memory_bytes=128 << 20).run(batches())
    peak = peak_memory()
    print(len(result.keep), int((~result.keep).sum()), result.stats["identical"], before, peak)
    """
)


def run_million(directory: Path, count: int) -> tuple[int, int, int, int, int]:
    done = subprocess.run(
        [sys.executable, "-c", MILLION, str(directory), str(count)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr}"
    documents, removed, identical, before, peak = map(int, done.stdout.split())
    return documents, removed, identical, before, peak


def test_memory_stays_bounded_on_a_hundred_thousand(tmp_path: Path) -> None:
    documents, removed, _, _, peak = run_million(tmp_path, 100_000)
    assert documents == 100_000
    assert 9_900 < removed <= 10_000
    assert peak < 400 * 1024


@pytest.mark.long
def test_a_million_documents_within_500_megabytes(tmp_path: Path) -> None:
    documents, removed, _, _, peak = run_million(tmp_path, 1_000_000)
    assert documents == 1_000_000
    assert 99_000 < removed <= 100_000
    assert peak * 1024 < 500 * 10**6, f"{peak} KiB, limit of the machine {resource.getrlimit(resource.RLIMIT_AS)}"
