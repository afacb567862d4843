"""The drop-in names beside the originals and beside the drop-in modes of gigatoken and fastokens, in one run.

    taskset -c 1 python benches/compat.py [--vocabularies qwen2 llama3] [--rounds 5] [--apis tiktoken tokenizers transformers]

Medians over rounds in which all take turns, of wall time, each after a call that is not measured. Each answer is compared with
the original's first; a rival whose answer differs is named and left out. Rivals that are not installed, or that refuse a
vocabulary, are left out too.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import numpy as np
from tests.agree.transformers_directories import directory
from tests.corpus import standard_library
from tests.vocabularies import SOURCES, vocabulary

import tokenfoundry as tf

SHORT = "The quick brown fox can't jump."
#: A name, how often it is done in a round, and what is done.
Case = tuple[str, int, Callable[[Any], Any]]
OURS = "tokenfoundry"


def texts(each: int, characters: int) -> list[str]:
    source = "".join(standard_library(characters))[:characters]
    return [source[start : start + each] for start in range(0, len(source), each)]


LONG, BRIEF = texts(2000, 2_000_000), texts(60, 300_000)


def have(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"  {name} is not installed", flush=True)
        return None


def tiktoken_peers(name: str) -> dict[str, Any]:
    import tiktoken

    import tokenfoundry.compat.tiktoken as ours

    pattern = SOURCES[name].pattern
    if pattern is None:
        return {}
    from tiktoken.load import load_tiktoken_bpe

    ranks = load_tiktoken_bpe(str(vocabulary(name)))
    regex = tf._core.bpe.named_pattern(pattern)
    parts: dict[str, Any] = {
        "pat_str": regex,
        "mergeable_ranks": ranks,
        "special_tokens": {"<|endoftext|>": max(ranks.values()) + 1},
    }
    peers = {"tiktoken": tiktoken.Encoding(name, **parts), OURS: ours.Encoding(name, **parts)}
    if gigatoken := have("gigatoken"):
        line = {"llama3": "gpt4"}.get(pattern, pattern)
        try:
            loaded = gigatoken.Tokenizer.from_tiktoken(vocabulary(name), line, parts["special_tokens"])
            peers["gigatoken"] = loaded.as_tiktoken()
        except BaseException as error:  # It panics on some files.
            print(f"  gigatoken refuses {name}: {str(error)[:80]!r}")
    return peers


def tiktoken_cases(original: Any) -> list[Case]:
    ids = original.encode_ordinary("".join(LONG)[:500_000])
    rows = [original.encode_ordinary(text) for text in LONG]
    return [
        ("encode, 31 bytes", 1000, lambda e: e.encode(SHORT)),
        ("encode_ordinary, 31 bytes", 1000, lambda e: e.encode_ordinary(SHORT)),
        ("encode_ordinary, 2 kB each", 3, lambda e: [e.encode_ordinary(text) for text in LONG]),
        ("encode_ordinary_batch, 2 kB", 3, lambda e: e.encode_ordinary_batch(LONG, num_threads=2)),
        ("encode_ordinary_batch, 60 bytes", 3, lambda e: e.encode_ordinary_batch(BRIEF, num_threads=2)),
        ("encode_batch, 2 kB", 3, lambda e: e.encode_batch(LONG, num_threads=2, disallowed_special=())),
        ("encode_to_numpy, 2 kB each", 3, lambda e: [e.encode_to_numpy(t, disallowed_special=()) for t in LONG]),
        ("decode, 500 kB", 3, lambda e: e.decode(ids)),
        ("decode, 8 ids", 1000, lambda e: e.decode(ids[:8])),
        ("decode_with_offsets, 500 kB", 3, lambda e: e.decode_with_offsets(ids)),
        ("encode_batch, 60 bytes", 3, lambda e: e.encode_batch(BRIEF, num_threads=2, disallowed_special=())),
        ("decode_batch, 2 kB", 3, lambda e: e.decode_batch(rows, num_threads=2)),
        ("decode_bytes, 8 ids", 1000, lambda e: e.decode_bytes(ids[:8])),
        ("decode_tokens_bytes, 8 ids", 1000, lambda e: e.decode_tokens_bytes(ids[:8])),
        ("decode_single_token_bytes", 1000, lambda e: e.decode_single_token_bytes(300)),
        ("encode_single_token", 1000, lambda e: e.encode_single_token("the")),
        ("encode_to_numpy, 31 bytes", 1000, lambda e: e.encode_to_numpy(SHORT)),
    ]


def tokenizers_peers(name: str) -> dict[str, Any]:
    import tokenizers

    from tokenfoundry.compat.tokenizers import Tokenizer

    path = str(DIRECTORIES / name / "tokenizer.json")
    peers: dict[str, Any] = {"tokenizers": tokenizers.Tokenizer.from_file(path), OURS: Tokenizer.from_file(path)}
    if have("fastokens"):
        peers["fastokens"] = importlib.import_module("fastokens._compat")._TokenizerShim.from_file(path)
    return peers


def tokenizers_cases(original: Any) -> list[Case]:
    rows = [encoding.ids for encoding in original.encode_batch(LONG)]
    return [
        ("encode().ids, 31 bytes", 1000, lambda t: t.encode(SHORT).ids),
        ("encode_batch, ids, 2 kB", 3, lambda t: [e.ids for e in t.encode_batch(LONG)]),
        ("encode_batch, ids, 60 bytes", 3, lambda t: [e.ids for e in t.encode_batch(BRIEF)]),
        ("encode_batch_fast, ids, 2 kB", 3, lambda t: [e.ids for e in t.encode_batch_fast(LONG)]),
        ("encode_batch, offsets, 2 kB", 3, lambda t: [e.offsets for e in t.encode_batch(LONG[:200])]),
        ("decode_batch, 2 kB", 3, lambda t: t.decode_batch(rows)),
        ("decode, 8 ids", 1000, lambda t: t.decode(rows[0][:8])),
        ("encode_batch_fast, ids, 60 bytes", 3, lambda t: [e.ids for e in t.encode_batch_fast(BRIEF)]),
        ("encode().tokens, 31 bytes", 300, lambda t: t.encode(SHORT).tokens),
        ("encode().offsets, 31 bytes", 300, lambda t: t.encode(SHORT).offsets),
        ("id_to_token", 1000, lambda t: t.id_to_token(300)),
        ("token_to_id", 1000, lambda t: t.token_to_id("the")),
    ]


def transformers_peers(name: str) -> dict[str, Any]:
    import transformers

    from tokenfoundry.compat.transformers import AutoTokenizer

    path = DIRECTORIES / name
    peers: dict[str, Any] = {
        "transformers": transformers.AutoTokenizer.from_pretrained(path),
        OURS: AutoTokenizer.from_pretrained(path),
    }
    if gigatoken := have("gigatoken"):
        try:
            # Made of the loaded tokenizer, so that it knows the special tokens by their names.
            peers["gigatoken"] = gigatoken.Tokenizer(transformers.AutoTokenizer.from_pretrained(path)).as_hf()
        except RuntimeError as error:
            print(f"  gigatoken refuses {name}: {str(error)[:80]}")
    if fastokens := have("fastokens"):
        fastokens.patch_transformers()
        peers["fastokens"] = transformers.AutoTokenizer.from_pretrained(path)
        fastokens.unpatch_transformers()
    for tokenizer in peers.values():
        tokenizer.model_max_length = 10**9
    return peers


def transformers_cases(original: Any) -> list[Case]:
    rows = original(LONG)["input_ids"]
    padded: dict[str, Any] = {"padding": True, "truncation": True, "max_length": 512}
    cases: list[Case] = [
        ("__call__, 31 bytes", 1000, lambda t: t(SHORT)["input_ids"]),
        ("encode, 31 bytes", 1000, lambda t: t.encode(SHORT)),
        ("batch, 2 kB", 3, lambda t: t(LONG)),
        ("batch, 60 bytes", 3, lambda t: t(BRIEF)),
        ("batch truncated, lists", 3, lambda t: t(LONG, truncation=True, max_length=512)),
        ("batch padded, numpy", 3, lambda t: t(LONG, return_tensors="np", **padded)),
        ("batch_decode, 2 kB", 3, lambda t: t.batch_decode(rows)),
        ("decode, 8 ids", 1000, lambda t: t.decode(rows[0][:8])),
        ("__call__ with np, 31 bytes", 1000, lambda t: t(SHORT, return_tensors="np")["input_ids"]),
        ("__call__ truncated, 31 bytes", 1000, lambda t: t(SHORT, truncation=True, max_length=5)["input_ids"]),
        ("tokenize, 31 bytes", 300, lambda t: t.tokenize(SHORT)),
        ("convert_ids_to_tokens, 8 ids", 1000, lambda t: t.convert_ids_to_tokens(rows[0][:8])),
        ("convert_tokens_to_ids, 2 tokens", 1000, lambda t: t.convert_tokens_to_ids(["the", "a"])),
        ("batch_decode, 1 x 8 ids", 1000, lambda t: t.batch_decode([rows[0][:8]])),
        ("apply_chat_template, 31 bytes", 300, lambda t: t.apply_chat_template([{"role": "user", "content": SHORT}])),
        ("batch with offsets", 3, lambda t: t(LONG[:200], return_offsets_mapping=True)["offset_mapping"]),
    ]
    if importlib.util.find_spec("torch"):
        cases.append(("batch padded, torch", 3, lambda t: t(LONG, return_tensors="pt", **padded)))
    return cases


def comparable(answer: Any) -> Any:
    if hasattr(answer, "items"):
        return {name: comparable(column) for name, column in answer.items()}
    if hasattr(answer, "tolist"):
        return answer.tolist()
    if isinstance(answer, tuple):
        return [comparable(one) for one in answer]
    if isinstance(answer, list) and answer and isinstance(answer[0], (np.ndarray, tuple, list)):
        return [comparable(one) for one in answer]
    return answer


def run(api: str, name: str, peers: dict[str, Any], cases: list[Case], rounds: int) -> None:
    original = next(iter(peers))
    print(
        f"\n{api}, {name}: {'':12}"
        + "".join(f"{peer:>22}" for peer in peers)
        + f"{'x original':>12}{'x best peer':>12}"
    )
    for case, repeats, call in cases:
        expected = comparable(call(peers[original]))
        taking_part = {}
        for peer, tokenizer in peers.items():
            try:
                agrees = comparable(call(tokenizer)) == expected
            except Exception as error:
                print(f"  {case}: {peer} fails: {type(error).__name__}: {str(error)[:80]}")
                continue
            if not agrees:
                print(f"  {case}: {peer} gives another answer")
                assert peer != OURS
                continue
            taking_part[peer] = tokenizer
        seconds: dict[str, list[float]] = {peer: [] for peer in taking_part}
        for _ in range(rounds):
            for peer, tokenizer in taking_part.items():
                # Else each pays for what the one before it has left to the garbage collector, and in the caches.
                gc.collect()
                call(tokenizer)
                start = time.perf_counter()
                for _ in range(repeats):
                    call(tokenizer)
                seconds[peer].append((time.perf_counter() - start) / repeats)
        median = {peer: statistics.median(taken) for peer, taken in seconds.items()}
        mine = median[OURS]
        shown = "".join(f"{median[peer] * 1e6:19.1f} µs" if peer in median else f"{'-':>22}" for peer in peers)
        others = [taken for peer, taken in median.items() if peer != OURS]
        print(f"{case:34}{shown}{median[original] / mine:11.1f}x{min(others) / mine:11.2f}x", flush=True)


APIS = {
    "tiktoken": (tiktoken_peers, tiktoken_cases),
    "tokenizers": (tokenizers_peers, tokenizers_cases),
    "transformers": (transformers_peers, transformers_cases),
}
DIRECTORIES = Path(tempfile.mkdtemp(prefix="tokenfoundry-bench-"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabularies", nargs="*", default=["qwen2", "llama3"], choices=list(SOURCES))
    parser.add_argument("--apis", nargs="*", default=list(APIS), choices=list(APIS))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.vocabularies:
        directory(name, DIRECTORIES)
        for api in arguments.apis:
            make_peers, make_cases = APIS[api]
            peers = make_peers(name)
            if peers:
                run(api, name, peers, make_cases(next(iter(peers.values()))), arguments.rounds)


if __name__ == "__main__":
    main()
