"""`tf.pack.Streaming` against its twins; its state; its densities."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry.reference import packing as reference

CHUNKS = st.lists(st.lists(st.integers(0, 70), max_size=15), max_size=6)
Row = list[tuple[int, int, int]]


def listed(rows: tf.pack.Rows) -> list[Row]:
    pieces = list(zip(rows.document.tolist(), rows.start.tolist(), rows.length.tolist(), strict=True))
    return [pieces[first:last] for first, last in pairwise(rows.row_offsets.tolist())]


@given(CHUNKS, st.integers(1, 40), st.integers(1, 6), st.booleans(), st.sampled_from(["split", "truncate", "drop"]))
@settings(max_examples=300)
def test_rows_equal_the_twin_and_a_state_goes_on(
    chunks: list[list[int]], capacity: int, held: int, ahead: bool, long: str
) -> None:
    options = {"lookahead": held} if ahead else {"open_rows": held}
    packer = tf.pack.Streaming(capacity, long=long, **options)  # type: ignore[arg-type]
    rows: list[Row] = []
    for chunk in chunks:
        rows += listed(packer.push(chunk))
        state = json.loads(json.dumps(packer.state_dict()))
        packer = tf.pack.Streaming(capacity, long=long, **options)  # type: ignore[arg-type]
        packer.load_state_dict(state)
    rows += listed(packer.finish())
    pieces = reference.split([length for chunk in chunks for length in chunk], capacity, long)
    twin = reference.oldest_first if ahead else reference.bounded_best_fit
    assert rows == twin(pieces, capacity, held)
    assert packer.rows == len(rows)
    assert packer.tokens + packer.dropped == sum(map(sum, chunks))


@given(st.lists(st.integers(1, 30), max_size=80), st.integers(30, 40), st.integers(1, 8))
@settings(max_examples=100)
def test_nothing_waits_longer_than_the_lookahead(lengths: list[int], capacity: int, lookahead: int) -> None:
    packer = tf.pack.Streaming(capacity, lookahead=lookahead)
    entered: dict[int, int] = {}
    given_out = 0
    for document, length in enumerate(lengths):
        entered[document] = given_out
        for row in listed(packer.push([length])):
            given_out += 1
            for waited, _, _ in row:
                assert given_out - entered[waited] <= lookahead + 1


def test_densities() -> None:
    source = np.random.default_rng(0)
    lengths = np.maximum(source.lognormal(np.log(400), 1.1, 50_000).astype(int), 1)
    for options, least in (({"open_rows": 64}, 0.9955), ({"lookahead": 1024}, 0.9985)):
        packer = tf.pack.Streaming(2048, **options)  # type: ignore[arg-type]
        packer.push(lengths)
        assert packer.density > least
        state = json.dumps(packer.state_dict())
        assert len(state) < 40_000


def test_states_that_do_not_fit_are_errors() -> None:
    packer = tf.pack.Streaming(10, open_rows=2)
    packer.push([3, 4])
    state = packer.state_dict()
    with pytest.raises(tf.InputError, match="capacity"):
        tf.pack.Streaming(11, open_rows=2).load_state_dict(state)
    with pytest.raises(tf.InputError, match="lookahead"):
        tf.pack.Streaming(10, lookahead=2).load_state_dict(state | {"open_rows": None})
    for damaged in (
        {},
        state | {"version": 2},
        state | {"held": [[[0, 0]]]},
        state | {"held": [[[0, 0, 10]]]},
        state | {"held": [[[0, 0, -1]]]},
        state | {"held": [[[0, 0, 1]]] * 3},
        state | {"held": [[]]},
        state | {"held": 7},
    ):
        with pytest.raises(tf.InputError):
            tf.pack.Streaming(10, open_rows=2).load_state_dict(damaged)


def test_bad_arguments() -> None:
    for options in ({"open_rows": 1, "lookahead": 1}, {"open_rows": 0}, {"lookahead": 0}, {"long": "keep"}):
        with pytest.raises(tf.InputError):
            tf.pack.Streaming(10, **options)
    with pytest.raises(tf.InputError, match=r"lengths\[1\] is negative"):
        tf.pack.Streaming(10).push([1, -1])
    with pytest.raises(tf.InputError, match="pieces"):
        tf.pack.Streaming(10).push([1 << 62])
