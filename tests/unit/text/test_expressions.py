"""Conditions: what they keep, and where they point when they are wrong."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry.expressions import parse

TABLE = pa.table(
    {
        "lang": ["en", "de", None, "en"],
        "gopher.mean_word_length": [4.5, 5.5, 6.0, 11.0],
        "words": [10, 20, 30, 0],
        "odd name!": [True, False, True, False],
        "text": ["abc", "xyz1", "", "abcd"],
    }
)


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("lang == 'en' and gopher.mean_word_length between 3 and 10", [0]),
        ('lang != "en"', [1]),
        ("lang is null or lang in ('de', 'fr')", [1, 2]),
        ("lang is not null and not (lang == 'en')", [1]),
        ("words not between 10 and 20", [2, 3]),
        ("words not in (10, 1_0, 30)", [1, 3]),
        ("`odd name!`", [0, 2]),
        ("`odd name!` == false and true", [1, 3]),
        ("text matches '[0-9]$'", [1]),
        ("text starts with 'ab' and not text matches 'd'", [0]),
        ("length(text) >= 4", [1, 3]),
        ("words / 4 - 2.5 * 2 == -words + 20", [1]),
        ("words / 4 > 2", [0, 1, 2]),
        ("1 + 2 * 3 == 7 and -words < 0", [0, 1, 2]),
        ("words > 1e1\n  or words < 1", [1, 2, 3]),
        ("true or false and false", [0, 1, 2, 3]),
    ],
)
def test_what_is_kept(condition: str, rows: list[int]) -> None:
    parsed = parse(condition, TABLE.schema)
    assert TABLE.filter(parsed.expression).to_pylist() == [TABLE.to_pylist()[row] for row in rows]


def test_columns_are_listed_once() -> None:
    assert parse("a < 1 or b.c > 2 and a > 0").columns == ("a", "b.c")


@pytest.mark.parametrize(
    ("condition", "place", "message"),
    [
        ("gopher.mean_wrd_length < 10", 0, "did you mean 'gopher.mean_word_length'"),
        ("lang == 'en' and wrds > 1", 17, "did you mean 'words'"),
        ("lang = 'en'", 5, "compare with '=='"),
        ("lang == 5", 8, "a text is compared with this number"),
        ("words in (1, 'x')", 13, "a number is compared with this text"),
        ("words", 0, "this is a number, but a condition is a truth"),
        ("1 < words < 3", 10, "between A and B"),
        ("lang == 'en", 8, "not closed"),
        ("words > ", 7, "missing at the end"),
        ("(words > 1", 10, "expected ')'"),
        ("words > 1 words", 10, "unexpected 'words'"),
        ("text matches '['", 13, "not a regular expression"),
        ("__import__('os').system('x')", 16, "'.' has no meaning"),
        ("words & 1", 6, "'&' has no meaning"),
        ("", 0, "empty"),
        ("words > 1 and\n  langg == 'en'", 2, "did you mean 'lang'"),
    ],
)
def test_errors_point_at_the_place(condition: str, place: int, message: str) -> None:
    with pytest.raises(tf.InputError) as error:
        parse(condition, TABLE.schema)
    pointer = str(error.value).splitlines()[-1]
    assert pointer.index("^") == place + 4
    assert message in str(error.value)


def test_depth_is_bounded() -> None:
    for deep in ("(" * 5000 + "words > 1" + ")" * 5000, "not " * 5000 + "words > 1", "-" * 5000 + "1 > 0"):
        with pytest.raises(tf.InputError, match="levels deep"):
            parse(deep)


WORDS = [
    "lang",
    "words",
    "and",
    "or",
    "not",
    "(",
    ")",
    "==",
    "<",
    "'en'",
    "5",
    "between",
    "in",
    "is",
    "null",
    ",",
    "-",
    "`",
    "'",
    "=",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=20))
def test_anything_parses_or_is_an_input_error(condition: str) -> None:
    try:
        parsed = parse(condition, TABLE.schema)
    except tf.InputError:
        return
    TABLE.filter(parsed.expression)
