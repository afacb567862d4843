"""Lists of ids: written directly where Python's layout is known, through the C API elsewhere. Both must be lists of ints like
any other, whatever is done to them, and neither may lose or keep a reference."""

import copy
import gc
import json
import marshal
import os
import pickle
import subprocess
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from tests.corpus import SCRIPTS

import tokenfoundry as tf

TEXTS = [*SCRIPTS, "", "a", "\0", "<far>", " ".join(SCRIPTS) * 40]
FAR = (1 << 20) + 5


def trained() -> tf.Tokenizer:
    return tf.Tokenizer.train(SCRIPTS, vocab_size=600, min_frequency=1, special_tokens=["<|end|>"])


def with_a_great_id() -> tf.Tokenizer:
    ranks = {bytes([byte]): byte for byte in range(256)}
    return tf.Tokenizer.from_tiktoken(ranks, pattern="gpt2", special_tokens={"<far>": FAR})


def lists_are_what_arrays_are() -> None:
    for tokenizer in (trained(), with_a_great_id()):
        lists = tokenizer.encode_batch_lists(TEXTS, 1, allowed_special="all")
        for text, row in zip(TEXTS, lists, strict=True):
            expected = tokenizer.encode_array(text, allowed_special="all").tolist()
            one = tokenizer.encode(text, allowed_special="all")
            assert one == row == expected
            assert type(one) is type(row) is list
            assert all(type(number) is int for number in one + row)
            assert list(map(hash, one)) == expected and list(map(str, one)) == list(map(str, expected))
            assert [number + 1 for number in one] == [number + 1 for number in expected]
            assert sys.getsizeof(one) <= sys.getsizeof([]) + 8 * (len(one) + 8)
            for made in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one), marshal.loads(marshal.dumps(one))):
                assert made == expected
            assert json.loads(json.dumps(one)) == expected
            assert np.array(one, np.int64).tolist() == expected
    assert with_a_great_id().encode("<far>", allowed_special="all") == [FAR]


def lists_can_be_changed() -> None:
    tokenizer = trained()
    expected = tokenizer.encode_array(TEXTS[-1]).tolist()
    for change in (
        lambda row: row.append(7),
        lambda row: row.extend(row),
        lambda row: row.sort(),
        lambda row: row.clear(),
        lambda row: row.__delitem__(slice(3, None, 2)),
        lambda row: row.__setitem__(slice(None), [None]),
        lambda row: [row.pop() for _ in range(len(row))],
        lambda row: row.insert(0, row),
        lambda row: row.__imul__(3),
    ):
        ours, plain = tokenizer.encode(TEXTS[-1]), list(expected)
        change(ours)
        change(plain)
        assert len(ours) == len(plain) and ours[1:50] == plain[1:50] and ours[-50:] == plain[-50:]
        assert tokenizer.encode(TEXTS[-1]) == expected


def references_are_kept_in_order() -> None:
    tokenizer = trained()
    text = SCRIPTS[0]
    seen = tokenizer.encode(text)

    def counts() -> list[int]:
        return [sys.getrefcount(number) for number in seen]

    before = counts()
    for _ in range(3000):
        tokenizer.encode(text)
        tokenizer.encode_batch_lists([text, text], 1)
    after = counts()
    alive = [tokenizer.encode(text) for _ in range(100)]
    assert all(count > 1 for count in before + after + counts())
    # Either they are counted, and all that was taken is given back, or they are as good as immortal.
    for first, last in zip(before, after, strict=True):
        assert first == last or (first > 1 << 30 and last > 1 << 30)
    assert all(row == seen for row in alive)


def nothing_is_kept() -> None:
    tokenizer = trained()
    tokenizer.encode_batch_lists(TEXTS * 3, 1)
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(4):
            for _ in range(200):
                tokenizer.encode(SCRIPTS[1])
            tokenizer.encode_batch_lists(TEXTS * 3, 1)
            tokenizer.encode_batch_lists(TEXTS * 3, 2)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[-1] - sizes[1] < 20_000, sizes


class Sentinel:
    pass


def the_collector_still_finds_cycles() -> None:
    tokenizer = trained()
    makers: list[Callable[[], list[int]]] = [
        lambda: tokenizer.encode(SCRIPTS[0]),
        lambda: tokenizer.encode(TEXTS[-1]),
        lambda: tokenizer.encode_batch_lists([SCRIPTS[0]], 1)[0],
        lambda: tokenizer.encode_batch_lists([SCRIPTS[0]], 1),  # type: ignore[list-item, return-value]
    ]
    for make in makers:
        row: list[object] = make()  # type: ignore[assignment]
        assert gc.is_tracked(row)
        sentinel = Sentinel()
        row += [row, sentinel]
        gone = weakref.ref(sentinel)
        del row, sentinel
        gc.collect()
        assert gone() is None


def lists_that_others_have_hold_of_are_not_used() -> None:
    tokenizer = trained()
    expected = tokenizer.encode_array(TEXTS[-1]).tolist()
    assert len(expected) > 256
    tokenizer.encode(TEXTS[-1])
    # Among them those that are kept ahead.
    found = [one for one in gc.get_objects() if type(one) is list and not one]
    rows = [tokenizer.encode(TEXTS[-1]) for _ in range(1500)]
    assert all(row == expected for row in rows) and not any(found)
    assert len({id(row) for row in rows} | {id(one) for one in found}) == 1500 + len(found)


def the_collector_is_left_as_it_was() -> None:
    tokenizer = trained()
    was = gc.isenabled()
    try:
        for enabled in (True, False, True):
            (gc.enable if enabled else gc.disable)()
            tokenizer.encode_batch_lists(SCRIPTS * 200, 1)
            assert gc.isenabled() is enabled
            with pytest.raises(TypeError):
                tokenizer.encode_batch_lists(["a", 3], 1)
            assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


def ids_outlive_their_tokenizer() -> None:
    rows = []
    for _ in range(5):
        rows.append(trained().encode(SCRIPTS[2]))
        gc.collect()
    assert all(row == rows[0] for row in rows) and sum(rows[0]) == sum(int(str(number)) for number in rows[0])


def threads_share_them() -> None:
    tokenizer = trained()
    expected = [tokenizer.encode_array(text).tolist() for text in TEXTS]
    wrong = []

    def work() -> None:
        for _ in range(30):
            if [tokenizer.encode(text) for text in TEXTS] != expected:
                wrong.append(1)
            if tokenizer.encode_batch_lists(TEXTS, 2) != expected:
                wrong.append(2)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def ids_are_read_out_of_lists() -> None:
    tokenizer = trained()
    for text in TEXTS[:-1]:
        row = tokenizer.encode(text)
        foreign = [int(str(number)) for number in row]
        for ids in (row, foreign, row + foreign, [np.int64(number) for number in row], tuple(row)):
            assert tokenizer.decode_bytes(ids).startswith(text.encode())
    assert tokenizer.decode_bytes([0, False, 1, True, 0]) == b"".join(
        tokenizer.token_bytes(number) for number in (0, 0, 1, 1, 0)
    )
    for wrong in (-1, 1 << 30, 1 << 32, 1 << 64, -(1 << 64)):
        for before in ([], [0, 1, 1000 - 999]):
            with pytest.raises(tf.errors.InputError, match=rf"ids\[{len(before)}\]"):
                tokenizer.decode([*before, wrong])
    with pytest.raises(TypeError):
        tokenizer.decode([1, "2"])  # type: ignore[list-item]


def batches_are_the_same_with_threads() -> None:
    tokenizer = trained()
    texts = [text * (1 + index % 7) for index, text in enumerate(SCRIPTS * 150)]
    expected = [row.tolist() for row in tokenizer.encode_batch(texts, 1)]
    for threads in (None, 1, 2, 5):
        assert tokenizer.encode_batch_lists(texts, threads) == expected
    assert tokenizer.encode_batch_lists([], 2) == []


CHECKS = [
    lists_are_what_arrays_are,
    lists_can_be_changed,
    references_are_kept_in_order,
    nothing_is_kept,
    the_collector_still_finds_cycles,
    lists_that_others_have_hold_of_are_not_used,
    the_collector_is_left_as_it_was,
    ids_outlive_their_tokenizer,
    threads_share_them,
    ids_are_read_out_of_lists,
    batches_are_the_same_with_threads,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_lists(check: Callable[[], None]) -> None:
    check()


def everything() -> None:
    for check in CHECKS:
        check()


@pytest.mark.parametrize("way", ["api", ""])
@pytest.mark.parametrize("allocator", ["", "debug"])
def test_lists_in_a_process_of_their_own(way: str, allocator: str) -> None:
    code = (
        "import sys; from tests.unit.bpe import test_lists; test_lists.everything();"
        "print(sys.getrefcount(max(test_lists.trained().encode(test_lists.SCRIPTS[0]))) > 1 << 30)"
    )
    environment = {**os.environ, "TOKENFOUNDRY_LISTS": way, "PYTHONMALLOC": allocator or "default"}
    done = subprocess.run(
        [sys.executable, "-X", "dev" if allocator else "utf8", "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # That it is the way that was asked for.
    assert done.stdout.strip() == str(way != "api")
