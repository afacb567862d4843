"""Random tokenizer.json files encode and decode as `tokenizers` has them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.tokenizer_configurations import TEXTS, Part, configuration, wide_configuration

import tokenfoundry as tf
from tokenfoundry._core import bpe

hf = pytest.importorskip("tokenizers")


def of_one_spelling(theirs: hf.Tokenizer) -> bool:
    """Whether two added tokens are normalized to the same text: which of them stands for it changes there from run to run."""
    if theirs.normalizer is None:
        return False
    tokens = [token.content for token in theirs.get_added_tokens_decoder().values() if token.normalized]
    return len({theirs.normalizer.normalize_str(content) for content in tokens}) < len(tokens)


def differences(seed: int, make: Callable[[int], Part] = configuration) -> list[str]:
    file = make(seed)
    content = json.dumps(file)
    theirs = hf.Tokenizer.from_str(content)
    if of_one_spelling(theirs):
        return []
    try:
        ours = tf.Tokenizer(bpe.read_tokenizer_json(content.encode(), True))
    except tf.VocabularyError as error:
        # What has no meaning there either is refused by name.
        assert any(part in str(error) for part in ("template after another that makes", "byte_fallback for")), (
            seed,
            error,
        )
        return []
    again = tf.Tokenizer(bpe.read_tokenizer_json(ours.to_json().encode(), True))
    starts = "first" in json.dumps(file["pre_tokenizer"]) and "Regex" in json.dumps(file["normalizer"])
    found = []
    for text in TEXTS:
        try:
            expected = theirs.encode(text)
        except BaseException:
            continue  # some texts make it panic
        if starts and expected.ids != ours.encode(text):
            continue  # where a text starts that a regex replaced the start of, nobody can say
        where = f"seed {seed}, {text!r}"
        if ours.encode(text) != expected.ids:
            found.append(f"{where}: {expected.ids} is not {ours.encode(text)}")
        if again.encode(text) != ours.encode(text):
            found.append(f"{where}: saved and read it is {again.encode(text)}")
        if ours.count(text) != len(ours.encode(text)):
            found.append(f"{where}: counts {ours.count(text)}")
        for skip in (True, False):
            try:
                decoded = theirs.decode(expected.ids, skip_special_tokens=skip)
            except BaseException:
                continue
            if ours.decode(expected.ids, skip_special_tokens=skip) != decoded:
                found.append(f"{where}: decodes to {ours.decode(expected.ids, skip_special_tokens=skip)!r}")
    return found


@pytest.mark.parametrize("first", range(0, 160, 20))
def test_random_files(first: int) -> None:
    assert [found for seed in range(first, first + 20) for found in differences(seed)] == []


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_files_of_rarer_parts(first: int) -> None:
    assert [found for seed in range(first, first + 20) for found in differences(seed, wide_configuration)] == []


def test_a_token_whose_form_is_that_of_a_special_one() -> None:
    assert differences(62329) == []


@pytest.mark.long
@pytest.mark.parametrize("first", range(1000, 4000, 100))
def test_many_random_files(first: int) -> None:
    assert [found for seed in range(first, first + 100) for found in differences(seed)] == []


@pytest.mark.long
@pytest.mark.parametrize("first", range(1000, 3000, 100))
def test_many_random_files_of_rarer_parts(first: int) -> None:
    assert [found for seed in range(first, first + 100) for found in differences(seed, wide_configuration)] == []
