"""`tokenfoundry.compat.tiktoken` beside tiktoken.

    TIKTOKEN_CACHE_DIR=… python benches/compat.py [--encoding cl100k_base] [--rounds 5]

Medians over rounds that alternate between the two, one thread except for batches (two); results are compared first.
"""

import argparse
import statistics
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiktoken

import tokenfoundry.compat.tiktoken as ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoding", default="cl100k_base")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    peers: dict[str, Any] = {"tokenfoundry": ours.get_encoding(arguments.encoding)}
    peers["tiktoken"] = tiktoken.get_encoding(arguments.encoding)
    source = "".join(
        path.read_text("utf-8", "replace") for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    )
    texts = [source[start : start + 4000] for start in range(0, len(source), 4000)]
    short, long = "The quick brown fox can't jump.", source[:1_000_000]
    ids = peers["tiktoken"].encode(long, disallowed_special=())
    cases: list[tuple[str, int, float, Callable[[Any], Any]]] = [
        ("encode, 31 bytes", 2000, 31e-6, lambda e: e.encode(short)),
        ("encode_ordinary, 31 bytes", 2000, 31e-6, lambda e: e.encode_ordinary(short)),
        ("encode(allowed_special='all')", 2000, 31e-6, lambda e: e.encode(short, allowed_special="all")),
        ("encode, 4 kB texts", 1, len(source) / 1e6, lambda e: [e.encode(t, disallowed_special=()) for t in texts]),
        ("encode_ordinary_batch", 1, len(source) / 1e6, lambda e: e.encode_ordinary_batch(texts, num_threads=2)),
        ("encode_batch", 1, len(source) / 1e6, lambda e: e.encode_batch(texts, num_threads=2, disallowed_special=())),
        ("encode_to_numpy, 1 MB", 1, 1.0, lambda e: e.encode_to_numpy(long, disallowed_special=()).tolist()),
        ("decode, 1 MB", 1, 1.0, lambda e: e.decode(ids)),
        ("decode_with_offsets, 1 MB", 1, 1.0, lambda e: e.decode_with_offsets(ids)),
    ]
    print(f"{arguments.encoding}: {'':22}{'tokenfoundry':>18}{'tiktoken':>18}{'ratio':>8}")
    for name, repeats, megabytes, call in cases:
        assert call(peers["tokenfoundry"]) == call(peers["tiktoken"]), name
        seconds: dict[str, list[float]] = {peer: [] for peer in peers}
        for _ in range(arguments.rounds):
            for peer, encoding in peers.items():
                start = time.perf_counter()
                for _ in range(repeats):
                    call(encoding)
                seconds[peer].append((time.perf_counter() - start) / repeats)
        mine, theirs = (statistics.median(seconds[peer]) for peer in peers)
        shown = [f"{s * 1e6:11.2f} µs" if repeats > 1 else f"{megabytes / s:9.1f} MB/s" for s in (mine, theirs)]
        print(f"{name:35}{shown[0]:>18}{shown[1]:>18}{theirs / mine:7.1f}x", flush=True)


if __name__ == "__main__":
    main()
