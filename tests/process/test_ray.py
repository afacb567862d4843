"""The Ray executor: the same bytes as the local one, also when a node dies in the middle. Slow to start: `long`, but for one."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.pipeline.runs import prose, recipe, result_bytes, write_corpus

import tokenfoundry as tf
from tokenfoundry.pipeline.events import Silent
from tokenfoundry.pipeline.recipe import load_recipe
from tokenfoundry.provenance import verify

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    # Ray's own processes and sockets, at its exit.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def many_files(folder: Path) -> dict[str, Any]:
    """A recipe over enough files, each a unit of its own, for a cluster to be at work for a while."""
    data = folder / "data"
    data.mkdir()
    inputs = []
    for number in range(24):
        (data / f"{number:02d}.txt").write_text("\n\n".join(prose(1000 * number + part) for part in range(40)))
        inputs.append({"path": f"data/{number:02d}.txt", "source": f"shelf {number % 3}"})
    return {
        "name": "many", "output": "local", "input": inputs,
        "stages": [
            {"clean": {}}, {"label": {}}, {"dedup": {}}, {"redact": {}}, {"filter": {"keep": "bytes > 100"}},
            {"tokenize": {"tokenizer": {"train": {"vocab_size": 600}}}}, {"pack": {"sequence_length": 128}},
            {"shard": {"rows_per_shard": 64}},
        ],
    }  # fmt: skip


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head node without CPUs for tasks, and two nodes of one CPU."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        yield made
    finally:
        ray.shutdown()
        with contextlib.suppress(Exception):
            made.shutdown()
        os.environ.pop("RAY_ADDRESS", None)


def workers_alive() -> list[dict[str, Any]]:
    """The nodes that run tasks, as the cluster sees them now."""
    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]


def test_a_node_that_dies_in_the_middle_changes_nothing(tmp_path: Path, cluster: Any) -> None:
    plain = many_files(tmp_path)
    expected = result_bytes(tf.run(load_recipe(plain, base=tmp_path)).output)
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cluster.wait_for_nodes()
    os.environ["RAY_ADDRESS"] = cluster.address

    class Killer(Silent):
        finished = 0
        killed_at: int | None = None

        def stage_advanced(self, name: str, documents: int, bytes: int, tokens: int) -> None:
            if name == "read":
                self.finished += documents
                if self.killed_at is None and self.finished >= 5:
                    self.killed_at = self.finished
                    cluster.remove_node(nodes[1], allow_graceful=False)

    killer = Killer()
    budget = {"memory": "512MiB", "output": "ray", "executor": "ray"}
    result = tf.run(load_recipe({**plain, **budget}, base=tmp_path), progress=killer)
    assert killer.killed_at is not None and killer.killed_at < 24, "a node was killed while text units were at work"
    # The cluster learns of the death from a missed heartbeat, which may come after the run's own end.
    ray.init(address=cluster.address, log_to_driver=False)
    deadline = time.monotonic() + 600
    while len(workers_alive()) != 1 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert len(workers_alive()) == 1
    assert result_bytes(result.output) == expected
    assert verify(result.output).ok


@pytest.mark.long
def test_one_node_started_here(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    expected = result_bytes(tf.run(load_recipe(recipe(tmp_path, "local"), base=tmp_path)).output)
    result = tf.run(load_recipe(recipe(tmp_path, "ray", executor="ray"), base=tmp_path))
    assert not ray.is_initialized(), "what we started we stop"
    assert result_bytes(result.output) == expected
    assert result.metrics["stages"]["tokenize"]["cpu_seconds"] > 0


@pytest.mark.long
def test_nodes_that_join_get_work_and_errors_come_back(tmp_path: Path, cluster: Any) -> None:
    plain = many_files(tmp_path)
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    os.environ["RAY_ADDRESS"] = cluster.address
    (tmp_path / "data" / "07.txt").write_bytes(b"\xff\xfe broken")
    stopping = {**plain, "output": "stopped", "executor": "ray", "on_error": "stop"}
    with pytest.raises(tf.InputError, match=r"data/07\.txt.*on_error: stop"):
        tf.run(load_recipe(stopping, base=tmp_path))
    expected = result_bytes(tf.run(load_recipe(plain, base=tmp_path)).output)
    cluster.add_node(num_cpus=1)
    result = tf.run(load_recipe({**plain, "output": "ray", "executor": "ray"}, base=tmp_path))
    assert result_bytes(result.output) == expected
