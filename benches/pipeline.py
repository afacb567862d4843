"""The whole line on the demo's text: MB/s by stage, one thread and two, and that the results are equal.

    python benches/pipeline.py

Wall-clock seconds of one run each, from the runs' own metrics.
"""

import hashlib
import tempfile
from pathlib import Path

from tokenfoundry.demo import prepare
from tokenfoundry.pipeline import run
from tokenfoundry.pipeline.recipe import load_recipe


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        recipe = load_recipe(prepare(folder))
        seconds: dict[int, dict[str, float]] = {}
        digests = set()
        for threads in (1, 2):
            result = run(recipe.model_copy(update={"output": f"out-{threads}"}), threads=threads)
            stages = result.metrics["stages"]
            seconds[threads] = {name: entry["seconds"] for name, entry in stages.items()}
            seconds[threads]["total"] = result.metrics["total_seconds"]
            digests.add(hashlib.sha256((Path(result.output) / "manifest.json").read_bytes()).hexdigest())
        assert len(digests) == 1, "one thread and two must give the same bytes"
        doors = {door["name"]: door["bytes"]["in"] for door in result.manifest["doors"]}
        print(
            f"{result.manifest['doors'][0]['bytes']['in'] / 1e6:.1f} MB, {result.manifest['tokens']:,} tokens; equal bytes"
        )
        print(f"{'stage':<10}{'1 thread s':>12}{'2 threads s':>13}{'MB/s (2)':>11}")
        for name in seconds[1]:
            size = doors.get(name, doors["read"] if name == "total" else 0)
            rate = f"{size / 1e6 / seconds[2][name]:11.1f}" if size and seconds[2][name] >= 0.01 else " " * 11
            print(f"{name:<10}{seconds[1][name]:12.2f}{seconds[2][name]:13.2f}{rate}")


if __name__ == "__main__":
    main()
