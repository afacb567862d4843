"""The Rust text room equals its readable twins on the standard library's sources and on anything Hypothesis thinks of."""

import pathlib
import sysconfig
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry.reference.gopher import gopher
from tokenfoundry.reference.normalize import normalize
from tokenfoundry.reference.words import words

SOURCES = sorted(pathlib.Path(sysconfig.get_path("stdlib")).glob("*.py"))[::4]


def is_assigned(text: str) -> bool:
    """Python's tables are older than ours: characters it does not know are left out."""
    return all(unicodedata.category(character) != "Cn" for character in text)


PIECES = st.sampled_from(
    [
        *(
            "the",
            "of",
            "a",
            "b",
            "ab",
            "n't",
            "'s",
            "’s",
            "'re",
            "U.S.",
            "e.g.",
            "www.x.y",
            "a@b.org",
            "://",
            "中文",
            "カナ",
            "ー",
        ),
        *(
            "\n",
            "\n\n",
            " ",
            "\t",
            "\r\n",
            "\x0c",
            "\u2028",
            "\u3000",
            "\u00a0",
            "\u200b",
            "\ufeff",
            "e\u0301",
            "é",
            "🏴\U000e0067\U000e007f",
        ),
        *(
            ".",
            "..",
            "...",
            "…",
            "-",
            "--",
            "•",
            "#",
            ",",
            ":",
            "/",
            "%",
            "$",
            "5",
            "+",
            "(",
            ")",
            "«",
            "☃",
            "A",
            "AB",
            "aB",
        ),
    ]
)
TEXTS = st.one_of(
    st.lists(PIECES, max_size=60).map("".join),
    st.lists(st.sampled_from(["a", "b", "ab", " ", "\n", " a b"]), max_size=80).map("".join),
    st.text(max_size=60).filter(is_assigned),
)
BYTES = st.one_of(
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(st.sampled_from([b"a", b" ", b"\n", b"\xff", b"\xe4\xb8", b"\xf0\x9f", b"\xc3\xa9", b"\xed\xa0\x80"])).map(
        b"".join
    ),
)


@settings(deadline=None)
@given(TEXTS)
def test_words(text: str) -> None:
    assert tf.text.words(text) == words(text)
    assert "".join(words(text)) == "".join(text.split())


@settings(deadline=None)
@given(TEXTS)
def test_gopher(text: str) -> None:
    row = tf.text.signals([text]).to_pylist()[0]
    assert row == {f"gopher.{name}": value for name, value in gopher(text).items()}


@settings(deadline=None)
@given(BYTES, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD", None]))
def test_normalize(data: bytes, form: str | None) -> None:
    cleaned = tf.text.normalize([data], form=form)  # type: ignore[arg-type]
    text, edits = cleaned.texts[0].as_py(), cleaned.edits.to_pylist()[0]
    assert (text, edits) == normalize(data, form)
    again = tf.text.normalize(cleaned.texts, form=form)  # type: ignore[arg-type]
    assert again.texts[0].as_py() == text
    assert not any(again.edits.to_pylist()[0].values())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_real_text(path: pathlib.Path) -> None:
    data = path.read_bytes()
    text = data.decode("utf-8", "replace")
    assert tf.text.words(text) == words(text)
    assert tf.text.signals([data]).to_pylist()[0] == {f"gopher.{name}": value for name, value in gopher(text).items()}
    cleaned = tf.text.normalize([data])
    assert (cleaned.texts[0].as_py(), cleaned.edits.to_pylist()[0]) == normalize(data)
