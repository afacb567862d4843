"""Forked children, and Ctrl-C in the middle of long work: the extension's threads must survive the one and heed the other."""

import multiprocessing
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from tests.corpus import SCRIPTS

import tokenfoundry as tf

TOKENIZER = tf.Tokenizer.train(SCRIPTS, vocab_size=400, min_frequency=1)


def everything() -> list[object]:
    """A call of each room that uses threads."""
    ragged = TOKENIZER.encode_batch(SCRIPTS * 20, 2)
    return [
        ragged.tolist(),
        TOKENIZER.encode_batch_lists(SCRIPTS * 20, 2),
        tf.text.normalize(SCRIPTS, threads=2).texts.to_pylist(),
        tf.text.filter(SCRIPTS, threads=2).to_pylist(),
        tf.dedup.near_duplicates(SCRIPTS * 2, threads=2).keep.tolist(),
        tf.pack.pack(ragged, 64, threads=2).tokens.tolist(),
    ]


def test_forked_children_work_after_the_parent_did() -> None:
    expected = everything()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = [pool.apply_async(everything) for _ in range(4)]
        for one in found:
            assert one.get(timeout=500) == expected
    assert everything() == expected


LONG_WORK = {
    "encode": "tokenizer.encode_batch([text] * 400, 2)",
    "lists": "tokenizer.encode_batch_lists([text] * 400, 2)",
    "lists on one thread": "tokenizer.encode_batch_lists([text] * 400, 1)",
    "encode one": "tokenizer.encode_array(text * 200)",
    "count": "tokenizer.count_batch([text] * 600, 2)",
    "train": "tf.Tokenizer.train([text] * 400, vocab_size=30000)",
    "dedup": "tf.dedup.near_duplicates([text + str(n) for n in range(300)], threads=2)",
    "signals": "tf.text.signals([text] * 400)",
    "redact": "tf.text.redact([text] * 600)",
}


@pytest.mark.parametrize("work", LONG_WORK)
def test_ctrl_c_stops_long_work(work: str) -> None:
    code = textwrap.dedent(f"""
        import random, sys, time
        import tokenfoundry as tf
        source = random.Random(0)
        text = " ".join("".join(source.choices("abcdefgh", k=7)) for _ in range(60_000))
        tokenizer = tf.Tokenizer.train(["some text"] * 3, vocab_size=260, min_frequency=1)
        try:
            print("ready", flush=True)
            while True:
                {LONG_WORK[work]}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=500)
    assert output == "interrupted\n", errors
    assert process.returncode == 0


def test_arrays_outlive_what_made_them() -> None:
    values = tf.Tokenizer.train(SCRIPTS, vocab_size=300, min_frequency=1).encode_array("hello" * 1000)
    copy = values.copy()
    everything()
    assert np.array_equal(values, copy)
