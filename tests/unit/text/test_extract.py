"""Extraction: text comes out, hostile pages cost themselves only, nothing hangs and no process stays."""

import os
import pathlib
import subprocess
import sys
import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.text.web_pages import HOSTILE, page

import tokenfoundry as tf
from tokenfoundry.text.extraction import pool
from tokenfoundry.text.extraction.worker import looks_like_html

TEXT = "A sentence that is long enough to be the main content of this page, and it says something."


def test_markup_goes_and_everything_else_passes() -> None:
    texts = [page(TEXT), "# A heading\n\nSome *Markdown* with a <br> in it.", "def f(x):\n    return x < 3 > 2\n", TEXT]
    extracted = tf.text.extract(texts)
    found = extracted.texts.to_pylist()
    assert TEXT in found[0] and "<" not in found[0] and "Copyright" not in found[0] and "About us" not in found[0]
    assert found[1:] == texts[1:]
    assert extracted.verdict.null_count == len(texts)
    whole = tf.text.extract(texts[:1], main_content=False).texts[0].as_py()
    assert "About us" in whole and "Copyright" in whole and "var x" not in whole


def test_every_kind_of_input_and_order() -> None:
    texts = [page(f"{TEXT} Number {number}.") for number in range(300)]
    expected = tf.text.extract(texts, workers=1).texts
    for given_texts in (
        [text.encode() for text in texts],
        pa.array(texts),
        pa.array(texts, pa.large_string()),
        pa.chunked_array([texts[:7], texts[7:]]),
    ):
        assert tf.text.extract(given_texts, workers=3).texts.equals(expected)
    assert [f"Number {number}." in text for number, text in enumerate(expected.to_pylist())] == [True] * 300
    assert len(tf.text.extract([]).texts) == 0


def test_equal_to_the_library_underneath() -> None:
    extract_plain_text = pytest.importorskip("resiliparse.extract.html2text").extract_plain_text
    texts = [
        page(TEXT),
        page("x " * 3000),
        *(one for one in HOSTILE.values() if isinstance(one, str) and len(one) < 100_000),
    ]
    expected = [extract_plain_text(text, main_content=True, alt_texts=False) for text in texts]
    assert tf.text.extract(texts, format="html").texts.to_pylist() == expected


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", None), ("utf-8-sig", None), ("utf-16", None), ("latin-1", "latin-1"), ("latin-1", "martian"),
        ("windows-1251", "windows-1251"), ("shift_jis", "shift_jis"), ("euc-kr", None), ("gb18030", None), ("big5", None),
    ],
)  # fmt: skip
def test_encodings(encoding: str, declared: str | None) -> None:
    words = {
        "windows-1251": "Это довольно длинное предложение на русском языке, и оно написано старой кодировкой.",
        "shift_jis": "これは日本語で書かれた、かなり長い文章です。文字コードを見分けるために使います。",
        "euc-kr": "이것은 한국어로 쓰인 꽤 긴 문장입니다. 문자 인코딩을 알아내기 위해 사용합니다. 오늘 아침에는 비가 왔지만 오후에는 날씨가 맑아져서 공원에 산책을 나갔습니다.",
        "gb18030": "这是一个用中文写的相当长的句子，用来检测字符编码。我们需要足够多的文字。",
        "big5": "這是一個用中文寫的相當長的句子，用來檢測字元編碼。我們需要足夠多的文字。",
    }.get(encoding, "Voilà une phrase française assez longue, écrite à l'été, où l'on a mangé des pâtes.")
    extracted = tf.text.extract([page(words).encode(encoding)], encodings=[declared])
    assert words in extracted.texts[0].as_py()


def test_the_page_says_its_encoding() -> None:
    body = page("Это предложение").replace("<head>", "<head><meta charset='koi8-r'>").encode("koi8-r")
    assert "Это предложение" in tf.text.extract([body]).texts[0].as_py()


def test_hostile_pages_cost_themselves_only() -> None:
    names = list(HOSTILE)
    texts: list[str | bytes] = []
    for name in names:
        texts += [HOSTILE[name], page(f"{TEXT} After {name}.")]
    extracted = tf.text.extract(texts, timeout_seconds=1.0, memory_bytes=1 << 29, workers=2)
    found, verdicts = extracted.texts.to_pylist(), extracted.verdict.to_pylist()
    for index, name in enumerate(names):
        assert f"After {name}." in found[2 * index + 1], name
        assert verdicts[2 * index + 1] is None, name
        known = ("extract.timeout", "extract.memory", "extract.empty", "extract.crashed", "extract.failed", None)
        assert verdicts[2 * index] in known, name
        assert (found[2 * index] == "") == (
            verdicts[2 * index] is not None and verdicts[2 * index] != "extract.empty"
        ) or not found[2 * index].strip()


def test_time_and_memory_are_limits() -> None:
    slow = "<html>" + "<div>" * 3_000_000
    start = time.monotonic()
    extracted = tf.text.extract([page(TEXT), slow, page(TEXT)], timeout_seconds=0.3, workers=1)
    assert extracted.verdict.to_pylist() == [None, "extract.timeout", None]
    assert "0.3 CPU seconds" in extracted.reason[1].as_py()
    assert time.monotonic() - start < 60
    large = "<html>" + "<p>x</p>" * 2_000_000
    extracted = tf.text.extract([page(TEXT), large, page(TEXT)], timeout_seconds=60, memory_bytes=1 << 26, workers=1)
    assert extracted.verdict.to_pylist() == [None, "extract.memory", None]


def test_a_worker_that_is_killed_is_followed_by_another() -> None:
    tf.text.extract([page(TEXT)], workers=1)
    victims = [worker for workers in pool._idle.values() for worker in workers if worker.process is not None]
    assert victims
    for worker in victims:
        assert worker.process is not None
        os.kill(worker.process.pid, 9)
        worker.process.wait()
    extracted = tf.text.extract([page(TEXT)] * 3, workers=1)
    assert all(TEXT in text for text in extracted.texts.to_pylist())


def test_no_process_stays(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import tokenfoundry as tf, tokenfoundry.text.extraction.pool as pool\n"
        "assert tf.text.extract(['<html><p>text</p>'] * 600, workers=2).verdict.null_count == 600\n"
        "print(*[worker.process.pid for workers in pool._idle.values() for worker in workers])\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    for pid in done.stdout.split():
        assert not pathlib.Path(f"/proc/{pid}").exists()
    assert done.stderr == ""


def test_options_are_checked() -> None:
    for options in ({"format": "pdf"}, {"library": "lynx"}, {"timeout_seconds": 0}):
        with pytest.raises(tf.InputError):
            tf.text.extract(["x"], **options)  # type: ignore[arg-type]
    with pytest.raises(tf.InputError, match="is null"):
        tf.text.extract(pa.array(["x", None]))


def test_mojibake_is_repaired_when_asked() -> None:
    pytest.importorskip("ftfy")
    broken = "It’s a café".encode().decode("windows-1252")
    assert tf.text.extract([broken], repair=True).texts[0].as_py() == "It’s a café"
    assert tf.text.extract([broken]).texts[0].as_py() == broken


def test_trafilatura_is_an_option() -> None:
    pytest.importorskip("trafilatura")
    text = " ".join([TEXT] * 5)
    extracted = tf.text.extract([page(text), "plain"], library="trafilatura")
    assert text in extracted.texts[0].as_py() and "About us" not in extracted.texts[0].as_py()
    assert extracted.texts[1].as_py() == "plain"


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.lists(st.sampled_from(["<p>", "</p>", "<div", "&", "<!--", "'", ">", "é", "\0", "x"])).map("".join),
        ),
        max_size=20,
    )
)
def test_anything_has_an_answer(texts: list[str | bytes]) -> None:
    extracted = tf.text.extract(texts, format="html", workers=1)
    assert len(extracted.texts) == len(extracted.verdict) == len(texts)
    assert set(extracted.verdict.to_pylist()) <= {None, "extract.empty"}


def test_what_looks_like_html() -> None:
    for text in (
        "<!DOCTYPE html>",
        "  <html lang='x'>",
        "\ufeff<HTML>",
        "<?xml version='1.0'?>\n<html xmlns='x'>",
        "<!-- a --><body>",
    ):
        assert looks_like_html(text)
    for text in ("", "a < b", "# Title\n<br>", "Use the <html> tag", "#include <head.h>", "x = '<body>'" + "y" * 10):
        assert not looks_like_html(text) or "<html" in text or "<body" in text
