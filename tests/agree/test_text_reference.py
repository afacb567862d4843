"""The Rust text room equals its readable twins on the standard library's sources and on anything Hypothesis thinks of."""

import pathlib
import sysconfig
import unicodedata
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS as SCRIPTS_TEXTS

import tokenfoundry as tf
from tokenfoundry.reference.c4 import c4, keep_lines
from tokenfoundry.reference.characters import characters
from tokenfoundry.reference.dclm import clear, dclm
from tokenfoundry.reference.dolma import dolma
from tokenfoundry.reference.fineweb import fineweb
from tokenfoundry.reference.gopher import gopher
from tokenfoundry.reference.ngrams import overlap
from tokenfoundry.reference.normalize import normalize
from tokenfoundry.reference.quality import ByteModel
from tokenfoundry.reference.words import words

SOURCES = sorted(pathlib.Path(sysconfig.get_path("stdlib")).glob("*.py"))[::4]


def is_assigned(text: str) -> bool:
    """Python's tables are older than ours: characters it does not know are left out. Those of `regex` are newer: U+3006
    is Han there."""
    return all(unicodedata.category(character) != "Cn" and character != "\u3006" for character in text)


# Letters, marks, digits and punctuation of thirty writing systems, with the blanks that make words and lines of them.
SCRIPTS = " \n.,-'" + "".join(
    chr(code)
    for start in (
        *(
            0x00C0,
            0x0370,
            0x0400,
            0x0531,
            0x05D0,
            0x0620,
            0x0710,
            0x0780,
            0x07C0,
            0x0904,
            0x0985,
            0x0A05,
            0x0A85,
            0x0B05,
            0x0B85,
        ),
        *(
            0x0C05,
            0x0C85,
            0x0D05,
            0x0D85,
            0x0E01,
            0x0E81,
            0x0F40,
            0x1000,
            0x10D0,
            0x1200,
            0x13A0,
            0x1780,
            0x1820,
            0x2D30,
            0x3001,
        ),
        *(0x3041, 0x30A0, 0x3105, 0x4E00, 0xA000, 0xAC00, 0xFF01, 0x10330, 0x1F600),
    )
    for code in range(start, start + 40)
    if unicodedata.category(chr(code)) not in ("Cn", "Cs") and code != 0x3006
)
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
    st.text(alphabet=SCRIPTS, max_size=80),
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


TWINS = {
    "gopher": gopher,
    "c4": c4,
    "fineweb": fineweb,
    "dclm": dclm,
    "dolma": dolma,
    "characters": characters,
}
FURNITURE = [
    "3 likes",
    "(1.2k Views)",
    "SIGN UP",
    "Sign-in",
    "log in to",
    "Read more...",
    "items in cart",
    "42",
    "Home",
    "²34",
    "A\u2028B",
    "3.4K liKes".replace("K", "\u212a"),
    "12k followers!",
    "x read more now",
    "read more...",
    "READ MORE… …",
    "ſIGN-İN now",
    "a items in cart b ITEMS IN CART",
    " 77",
    "\u00a0word of",
    "sign-in",
    "x\0y",
]


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
@given(st.lists(st.one_of(st.sampled_from(FURNITURE), TEXTS), max_size=8).map("\n".join))
def test_furniture_of_pages(text: str) -> None:
    row = tf.text.signals([text], families=("dclm",)).to_pylist()[0]
    assert row == {f"dclm.{name}": value for name, value in dclm(text).items()}
    assert tf.text.drop_lines([text], rules=("refinedweb",)).texts[0].as_py() == clear(text)


@settings(deadline=None)
@given(st.lists(BYTES, max_size=4), BYTES, st.integers(2, 7), st.integers(1, 3))
def test_byte_model(training: list[bytes], text: bytes, order: int, least: int) -> None:
    model = tf.text.ByteModel.train(training, order=order, least=least)
    twin = ByteModel(training, order, least)
    assert len(model) == len(twin.counts)
    for asked in (text, *training):
        assert model.bits_per_byte([asked])[0].as_py() == pytest.approx(twin.bits_per_byte(asked), rel=1e-5, abs=1e-6)


def test_compression_is_deflates() -> None:
    texts = [path.read_text("utf-8", "replace") for path in SOURCES[:30]]
    ratios = tf.text.signals(texts, families=("compression",)).column(0).to_pylist()
    for text, ratio in zip(texts, ratios, strict=True):
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = len(packer.compress(text.encode()) + packer.flush())
        assert ratio == pytest.approx(len(text.encode()) / packed, rel=0.05)
    assert tf.text.signals(["", "a" * 100_000], families=("compression",)).column(0).to_pylist()[0] == 0


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


@pytest.mark.parametrize("text", SCRIPTS_TEXTS, ids=range(len(SCRIPTS_TEXTS)))
def test_real_text_in_thirty_languages(text: str) -> None:
    several = "\n".join([text, text.upper(), text * 3, *SCRIPTS_TEXTS[:3]])
    for one in (text, several):
        assert tf.text.words(one) == words(one)
        assert tf.text.signals([one], families=tuple(TWINS)).to_pylist()[0] == expected_signals(one)
        cleaned = tf.text.normalize([one])
        assert (cleaned.texts[0].as_py(), cleaned.edits.to_pylist()[0]) == normalize(one.encode())


@pytest.mark.parametrize("mark", ["", "é"])
def test_documents_of_many_words(mark: str) -> None:
    """What is kept of each word of others would be too much for these: n-grams are found in another way."""
    text = ""
    for path in SOURCES:
        text += path.read_text("utf-8", "replace") + mark
        if len(text) > 300_000:
            break
    text += text[:20_000] + "{ab} " * 8_000 + "a b c d e " * 3_000
    assert len(words(text)) > 1 << 16
    families = ("gopher", "dclm", "dolma")
    expected = {f"{name}.{signal}": value for name in families for signal, value in TWINS[name](text).items()}
    assert tf.text.signals([text], families=families).to_pylist()[0] == expected


@pytest.mark.parametrize("preset", ["dclm", "dolma"])
def test_presets_ask_their_rules_in_order(preset: str) -> None:
    texts = [path.read_text("utf-8", "replace") for path in SOURCES[::3]]
    prose = [" ".join(text.split()) for text in texts]
    texts += prose + [f"{text[:2000]}\nSIGN UP\nHome\n3 likes\n" * 2 for text in prose]
    texts += [f"It was the case that line {number} of the text be with it.\n" * 8 for number in range(9)]
    found = tf.text.filter(texts, preset=preset).to_pylist()
    for text, row in zip(texts, found, strict=True):
        signals = {f"{preset}.{name}": value for name, value in TWINS[preset](text).items()}
        failing = (
            rule
            for rule in tf.text.rules(preset)
            if not (
                signals[rule.signal] >= rule.threshold
                if rule.comparison == ">="
                else signals[rule.signal] <= rule.threshold
            )
        )
        rule = next(failing, None)
        assert row == ({"verdict": rule.verdict, "value": signals[rule.signal]} if rule else dict.fromkeys(row))
    assert len({row["verdict"] for row in found}) > 3


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_real_text(path: pathlib.Path) -> None:
    data = path.read_bytes()
    text = data.decode("utf-8", "replace")
    assert tf.text.words(text) == words(text)
    assert tf.text.signals([data], families=tuple(TWINS)).to_pylist()[0] == expected_signals(text)
    assert tf.text.drop_lines([data]).texts[0].as_py() == keep_lines(text)
    cleaned = tf.text.normalize([data])
    assert (cleaned.texts[0].as_py(), cleaned.edits.to_pylist()[0]) == normalize(data)
