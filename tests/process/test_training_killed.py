"""A training process killed with SIGKILL at any moment: with its last state it loses and repeats nothing."""

import contextlib
import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import tokenfoundry as tf

RANKS = textwrap.dedent("""
    import json, os, sys
    from pathlib import Path
    import tokenfoundry as tf
    folder, mode, world, batch, steps = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
    state = json.loads((folder / "state.json").read_text()) if (folder / "state.json").exists() else None
    sources = [(folder / "a", 3.0), (folder / "b", 1.0)]
    loaders = [
        tf.Loader(sources, 32, batch, mode=mode, seed=7, rank=rank, world_size=world, block_pieces=50)
        for rank in range(world)
    ]
    for loader in loaders:
        if state:
            loader.load_state_dict(state)
    with open(folder / "log.jsonl", "a") as log:
        while loaders[0].state_dict()["samples"] < steps:
            for loader in loaders:
                made = next(loader)
                for sample, row in zip(made["sample"].tolist(), made["tokens"].tolist()):
                    log.write(json.dumps([sample, row]) + "\\n")
            # What the step did is on disk before the state says so, as with a checkpoint.
            log.flush()
            os.fsync(log.fileno())
            (folder / "state.new").write_text(json.dumps(loaders[0].state_dict()))
            os.replace(folder / "state.new", folder / "state.json")
            print("step", flush=True)
            # Whoever kills says how far it may go: it cannot end before, however long that one takes.
            sys.stdin.readline()
""")


@pytest.mark.parametrize("mode", ["rows", "pack"])
def test_killed_and_resumed_with_other_ranks_and_batches(tmp_path: Path, mode: str) -> None:
    for number, name in enumerate("ab"):
        rows = [[1000 * number + index] * (1 + index % 30) for index in range(90)]
        tf.shard.write(tmp_path / name, tf.Ragged.from_lists(rows), document_ids=bytes(16 * 90), vocabulary_size=2000)
    source = np.random.default_rng(0)
    total = 600
    killed = 0
    for _ in range(20):
        world, batch = (int(number) for number in source.integers(1, 4, 2))
        arguments = [str(tmp_path), mode, str(world), str(batch), str(total)]
        process = subprocess.Popen(
            [sys.executable, "-c", RANKS, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert process.stdin is not None and process.stdout is not None
        steps = int(source.integers(1, 12))
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("\n" * (steps + 3))
            process.stdin.flush()
        for _ in range(steps):
            if not process.stdout.readline():
                break
        # Anywhere in the next steps.
        time.sleep(float(source.uniform(0, 0.003)))
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        killed += process.wait() == -signal.SIGKILL
        if json.loads((tmp_path / "state.json").read_text())["samples"] >= total:
            break
    assert killed > 2, "it was killed several times"
    taken: dict[int, list[int]] = {}
    for line in (tmp_path / "log.jsonl").read_text().splitlines():
        try:
            sample, row = json.loads(line)
        except ValueError:
            continue
        # A step whose state was not saved is done again, with the same samples.
        assert taken.setdefault(sample, row) == row
    reached = json.loads((tmp_path / "state.json").read_text())["samples"]
    alone = tf.Loader([(tmp_path / "a", 3.0), (tmp_path / "b", 1.0)], 32, 1, mode=mode, seed=7, block_pieces=50)  # type: ignore[arg-type]
    assert [taken[sample] for sample in range(reached)] == [next(alone)["tokens"][0].tolist() for _ in range(reached)]
