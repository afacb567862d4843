"""Train a very small GPT on a finished run, die in the middle, resume with other batches: the same loss curve.

    pip install torch
    python examples/train_gpt.py build/demo/out [--steps 50]

The first process takes steps of 8 x 1 rows and kills itself after 20 (SIGKILL, no clean-up). The second takes the same 8
rows of each step as 2 ranks of 4, one after the other, which is what another world size sees; its losses go on where the
first stopped. A third trains without interruption and the two curves are compared.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import tokenfoundry as tf

LENGTH, GLOBAL_BATCH, WIDTH, HEADS, LAYERS = 128, 8, 64, 4, 2


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.mix, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.grow, self.shrink = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        batch, length, _ = hidden.shape
        parts = self.mix(self.norms[0](hidden)).reshape(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*parts, attn_mask=mask)
        hidden = hidden + self.out(seen.transpose(1, 2).reshape(batch, length, WIDTH))
        return hidden + self.shrink(functional.gelu(self.grow(self.norms[1](hidden))))


class Gpt(nn.Module):
    """Attends within documents only: the mask comes from the loader's document ids."""

    def __init__(self, vocabulary_size: int) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary_size, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        for table in (self.tokens, self.positions):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        documents = batch["document_ids"]
        same = documents[:, :, None] == documents[:, None, :]
        mask = (same & torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril())[:, None]
        hidden = self.tokens(batch["tokens"]) + self.positions(batch["position_ids"].long())
        for block in self.blocks:
            hidden = block(hidden, mask)
        logits = self.norm(hidden) @ self.tokens.weight.T
        return functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), reduction="sum")


def train(shards: str, folder: Path, ranks: int, steps: int, die_after: int | None) -> None:
    """Train from the checkpoint in the folder, where there is one; losses are appended to ``losses.jsonl``."""
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    model = Gpt(tf.shard.open(shards).vocabulary_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loaders = [
        tf.Loader(shards, LENGTH, GLOBAL_BATCH // ranks, mode="pack", seed=1, rank=rank, world_size=ranks)
        for rank in range(ranks)
    ]
    first = 0
    if (folder / "checkpoint.pt").exists():
        saved = torch.load(folder / "checkpoint.pt")
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        for loader in loaders:
            loader.load_state_dict(saved["loader"])
        first = saved["step"]
        print(f"resumed at step {first} with {ranks} ranks of {GLOBAL_BATCH // ranks} rows: {saved['loader']}")
    batches = [iter(loader.torch()) for loader in loaders]
    for step in range(first, steps):
        parts = [next(rank) for rank in batches]
        learned = sum(int((part["labels"] != -100).sum()) for part in parts)
        optimizer.zero_grad()
        total = 0.0
        for part in parts:
            loss = model(part) / learned
            loss.backward()
            total += loss.item()
        optimizer.step()
        with (folder / "losses.jsonl").open("a") as log:
            log.write(json.dumps([step, total]) + "\n")
        checkpoint = {
            "step": step + 1,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "loader": loaders[0].state_after(parts[0]),
        }
        torch.save(checkpoint, folder / "checkpoint.new")
        (folder / "checkpoint.new").replace(folder / "checkpoint.pt")
        if step + 1 == die_after:
            print(f"step {step}: loss {total:.4f}; killing myself", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)


def losses(folder: Path) -> dict[int, float]:
    return dict(map(json.loads, (folder / "losses.jsonl").read_text().splitlines()))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("output", nargs="?", default="build/demo/out", help="a run's output, or a folder of shards")
    options.add_argument("--steps", type=int, default=50)
    options.add_argument("--part", nargs=4, help=argparse.SUPPRESS)
    given = options.parse_args()
    shards = f"{given.output}/shards" if Path(given.output, "shards").is_dir() else given.output
    if given.part:
        folder, ranks, steps, die_after = given.part
        train(shards, Path(folder), int(ranks), int(steps), int(die_after) or None)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        broken, whole = Path(scratch, "broken"), Path(scratch, "whole")
        broken.mkdir()
        whole.mkdir()
        for folder, ranks, die_after in ((broken, 1, min(20, given.steps // 2)), (broken, 2, 0), (whole, 1, 0)):
            part = ["--part", str(folder), str(ranks), str(given.steps), str(die_after)]
            code = subprocess.run([sys.executable, __file__, given.output, *part], check=False).returncode
            if code != (-signal.SIGKILL if die_after else 0):
                return 1
        one, other = losses(broken), losses(whole)
    worst = max(abs(one[step] - other[step]) for step in other)
    for step in sorted(other)[:: max(given.steps // 10, 1)]:
        print(f"step {step:3}   killed and resumed {one[step]:.4f}   undisturbed {other[step]:.4f}")
    print(f"{len(one)} steps each; the curves differ by at most {worst:.1e} (sums of floats in another order)")
    return 0 if len(one) == len(other) == given.steps and worst < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
