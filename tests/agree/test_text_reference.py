"""The Rust text room equals its readable twins on the standard library's sources and on anything Hypothesis thinks of."""

import pathlib
import sysconfig
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry.reference.c4 import c4, keep_lines
from tokenfoundry.reference.fineweb import fineweb
from tokenfoundry.reference.gopher import gopher
from tokenfoundry.reference.ngrams import overlap
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


TWINS = {"gopher": gopher, "c4": c4, "fineweb": fineweb}


def expected_signals(text: str) -> dict[str, float]:
    return {f"{family}.{name}": value for family, twin in TWINS.items() for name, value in twin(text).items()}


@settings(deadline=None)
@given(TEXTS)
def test_signals(text: str) -> None:
    assert tf.text.signals([text], families=tuple(TWINS)).to_pylist()[0] == expected_signals(text)


@settings(deadline=None)
@given(TEXTS)
def test_c4_lines(text: str) -> None:
    assert tf.text.drop_lines([text]).texts[0].as_py() == keep_lines(text)
    kept = tf.text.drop_lines([text], rules=("c4_without_punctuation",))
    assert kept.texts[0].as_py() == keep_lines(text, terminal_punctuation=False)


@settings(deadline=None)
@given(BYTES, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD", None]))
def test_normalize(data: bytes, form: str | None) -> None:
    cleaned = tf.text.normalize([data], form=form)  # type: ignore[arg-type]
    text, edits = cleaned.texts[0].as_py(), cleaned.edits.to_pylist()[0]
    assert (text, edits) == normalize(data, form)
    again = tf.text.normalize(cleaned.texts, form=form)  # type: ignore[arg-type]
    assert again.texts[0].as_py() == text
    assert not any(again.edits.to_pylist()[0].values())


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=3), TEXTS, st.sampled_from([(2, 0), (3, 1), (5, 2)]))
def test_ngram_overlap(evaluation: list[str], text: str, sizes: tuple[int, int]) -> None:
    ngram, short = sizes
    index = tf.text.ngram_index({"set": evaluation}, ngram=ngram, short_ngram=short)
    found = tf.text.ngram_overlap([text], index, cut=True)
    number, share, spans = overlap(text, evaluation, ngram, short)
    row = found.table.to_pylist()[0]
    assert row == {"ngrams": number, "share": share, "set": "set" if spans else None}
    data = text.encode()
    assert [data[span["start"] : span["end"]].decode() for span in found.spans[0].as_py()] == spans
    assert found.texts is not None
    assert len(found.texts[0].as_py()) == len(text) - sum(map(len, spans))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_real_text(path: pathlib.Path) -> None:
    data = path.read_bytes()
    text = data.decode("utf-8", "replace")
    assert tf.text.words(text) == words(text)
    assert tf.text.signals([data], families=tuple(TWINS)).to_pylist()[0] == expected_signals(text)
    assert tf.text.drop_lines([data]).texts[0].as_py() == keep_lines(text)
    cleaned = tf.text.normalize([data])
    assert (cleaned.texts[0].as_py(), cleaned.edits.to_pylist()[0]) == normalize(data)
