"""Verdicts equal datatrove's, document for document, when its filters are given the same words.

datatrove takes its words from spaCy; how often that changes a verdict is measured in ``benches/text.py`` and told in
``docs/text.md``. Here its word and sentence splitters are replaced by ours, and everything else is its own code.
"""

import importlib
import itertools
import pathlib
import random
import re
import sysconfig
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from tests.corpus import SCRIPTS

import tokenfoundry as tf
from tokenfoundry.reference.c4 import sentences

STDLIB = pathlib.Path(sysconfig.get_path("stdlib"))
VERDICTS = {
    "gopher_short_doc": "gopher.too_few_words",
    "gopher_long_doc": "gopher.too_many_words",
    "gopher_below_avg_threshold": "gopher.short_words",
    "gopher_above_avg_threshold": "gopher.long_words",
    "gopher_too_many_hashes": "gopher.too_many_hashes",
    "gopher_too_many_ellipsis": "gopher.too_many_ellipses",
    "gopher_too_many_bullets": "gopher.too_many_bullet_lines",
    "gopher_too_many_end_ellipsis": "gopher.too_many_ellipsis_lines",
    "gopher_below_alpha_threshold": "gopher.too_few_alphabetic_words",
    "gopher_enough_stop_words": "gopher.too_few_stop_words",
    "dup_para_frac": "gopher.duplicate_paragraphs",
    "dup_para_char_frac": "gopher.duplicate_paragraph_characters",
    "dup_line_frac": "gopher.duplicate_lines",
    "dup_line_char_frac": "gopher.duplicate_line_characters",
    **{f"top_{n}_gram": f"gopher.top_{n}_gram" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"gopher.duplicate_{n}_grams" for n in range(5, 11)},
    "line_punct_ratio": "fineweb.unpunctuated_lines",
    "short_line_ratio": "fineweb.short_lines",
    "char_dup_ratio": "fineweb.duplicate_line_characters",
    "list_ratio": "fineweb.list",
    "lorem_ipsum": "c4.lorem_ipsum",
    "curly_bracket": "c4.curly_bracket",
    "too_few_sentences": "c4.too_few_sentences",
}
FILTERS = {
    "gopher_quality": ("gopher_quality_filter", "GopherQualityFilter"),
    "gopher_repetition": ("gopher_repetition_filter", "GopherRepetitionFilter"),
    "fineweb": ("fineweb_quality_filter", "FineWebQualityFilter"),
    "c4": ("c4_filters", "C4QualityFilter"),
}


def filter_module(stem: str) -> Any:
    pytest.importorskip("datatrove")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"datatrove.pipeline.filters.{stem}")


def documents() -> Iterator[str]:
    """Prose and code of the standard library, and each damaged in ways that the rules are there for."""
    dice = random.Random(5)
    texts = [path.read_text("utf-8", "replace") for path in sorted(STDLIB.glob("*.py"))[::7]]
    prose = [match for text in texts for match in re.findall(r'"""(.*?)"""', text, re.DOTALL) if len(match) > 400]
    for text in itertools.chain(texts[:6], prose[:40]):
        lines = text.split("\n")
        yield text
        yield "\n".join(lines * 3)
        yield "\n".join(f"- {line}" for line in lines)
        yield "\n".join(f"{line}..." for line in lines)
        yield "\n\n".join([*lines[:4], *lines])
        yield re.sub(r"\w+", lambda match: match[0][:2], text)
        yield text.replace(" ", "#", len(text) // 20)
        yield re.sub("[aeiou]", "1", text)
        yield "\n".join(text.split())
        yield text[:3000] + " the cat sat on the mat" * dice.randrange(5, 40)
        yield " ".join(text.split()[:90]) + "."
        yield "\n".join(f"Sentence {number} says {line.strip()}." for number, line in enumerate(lines))
        yield text.replace("\n", " ").replace(". ", ".\n")
        yield "".join(chr(ord(character) + 0x3B1 - 97) if character.islower() else character for character in text)
    # Thirty languages.
    for text in SCRIPTS:
        sentences_of = re.split(r"(?<=[.!?。।؟])\s*", text)
        yield text
        yield "\n".join([text, text.upper(), *sentences_of[:3], text])
        yield "\n\n".join(f"- {part}" for part in sentences_of)
        yield "\n".join(f"{part}…" for part in sentences_of * 3)
        yield " ".join([text] * 4) + "\n" + " the cat sat with that and of" * 9
    yield from ("", "\n", " \n ", "a", "中文。" * 80, "Lorem ipsum is a filler text.\n" * 6)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return list(documents())


@pytest.mark.parametrize("preset", FILTERS)
def test_verdicts_are_datatroves(preset: str, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    stem, name = FILTERS[preset]
    module = filter_module(stem)
    document = importlib.import_module("datatrove.data").Document
    if hasattr(module, "split_into_words"):
        monkeypatch.setattr(module, "split_into_words", lambda text, language: tf.text.words(text))
    if hasattr(module, "split_into_sentences"):
        monkeypatch.setattr(module, "split_into_sentences", lambda text, language: [text] * sentences(text))
    judge = getattr(module, name)()
    expected, left = [], []
    for text in texts:
        one = document(text=text, id="")
        verdict = judge.filter(one)
        left.append(one.text)
        reason = None if verdict is True else verdict[1]
        expected.append(f"{preset.split('_')[0]}.empty" if reason == "empty" else VERDICTS.get(reason, reason))
    verdicts = tf.text.filter(texts, preset=preset).column("verdict").to_pylist()
    assert verdicts == expected
    assert len(set(verdicts)) >= {"gopher_quality": 7, "gopher_repetition": 9, "fineweb": 5, "c4": 4}[preset]
    if preset == "c4":
        kept = tf.text.drop_lines(texts).texts.to_pylist()
        assert [k for k, v in zip(kept, verdicts, strict=True) if v is None] == [
            one for one, verdict in zip(left, verdicts, strict=True) if verdict is None
        ]


def test_both_lists_of_gopher_are_the_preset(texts: list[str]) -> None:
    quality, repetition, both = (
        tf.text.filter(texts, preset=preset).column("verdict").to_pylist()
        for preset in ("gopher_quality", "gopher_repetition", "gopher")
    )
    assert both == [one or two for one, two in zip(quality, repetition, strict=True)]
