"""Models of other packages, asked by our code, answer as they do in those packages."""

import contextlib
import json
import pathlib
import struct
import sys
import types
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library

import tokenfoundry as tf

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "text"
MODELS = ["fasttext-softmax.bin", "fasttext-tree.bin", "fasttext-ova.bin", "fasttext-packed.ftz"]


def assert_equal(found: pa.RecordBatch, expected: list[tuple[list[str], list[float]]]) -> None:
    """The same labels in the same order, where probabilities differ by more than rounding."""
    for labels, values, (names, probabilities) in zip(
        found.column("labels").to_pylist(), found.column("probabilities").to_pylist(), expected, strict=True
    ):
        assert values == pytest.approx(probabilities, rel=2e-4, abs=2e-6)
        for one, other, value, probability in zip(labels, names, values, probabilities, strict=True):
            assert one == other or value == pytest.approx(probability, rel=1e-3), (labels, names)


@pytest.mark.parametrize("name", MODELS)
def test_predictions_are_those_that_fasttext_made(name: str) -> None:
    golden = json.loads((GOLDEN / "fasttext-predictions.json").read_text("utf-8"))
    found = tf.text.FastText(GOLDEN / name).predict(golden["texts"], k=3)
    assert_equal(found, golden["predictions"][name])
    best = [labels[0] for labels, _ in golden["predictions"][name] if labels]
    assert len(set(best)) >= 2


@pytest.mark.parametrize("name", MODELS)
def test_predictions_are_fasttexts_on_any_text(name: str) -> None:
    fasttext = pytest.importorskip("fasttext")
    theirs = fasttext.load_model(str(GOLDEN / name))
    ours = tf.text.FastText(GOLDEN / name)
    words = st.sampled_from(
        ["def", "self", "import", "the", "list", "of", "</s>", "__label__code", "é", "中文", "\t", "<x>"]
    )

    def lines(texts: list[str]) -> list[str]:
        return [" ".join(text.split("\n")) for text in texts]

    def check(texts: list[str]) -> None:
        expected = [theirs.predict(text, k=3) for text in texts]
        assert_equal(ours.predict(texts, k=3), [(list(labels), list(values)) for labels, values in expected])

    check(lines([*SCRIPTS, *(text[:20_000] for text in standard_library(500_000))]))

    @given(st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.lists(words).map(" ".join))))
    def anything(texts: list[str]) -> None:
        check(lines(texts))

    anything()


def test_a_model_trained_now(tmp_path: pathlib.Path) -> None:
    fasttext = pytest.importorskip("fasttext")
    if not hasattr(fasttext, "train_supervised"):
        pytest.skip("this build of fasttext only predicts")
    lines = [
        f"__label__{index % 3} {text[:300]}"
        for index, text in enumerate(" ".join(one.split()) for one in standard_library(400_000))
    ]
    (tmp_path / "train.txt").write_text("\n".join(lines), "utf-8")
    for loss in ("softmax", "hs", "ova", "ns"):
        model = fasttext.train_supervised(
            str(tmp_path / "train.txt"),
            loss=loss,
            dim=10,
            minn=2,
            maxn=5,
            bucket=2000,
            wordNgrams=2,
            epoch=2,
            thread=1,
            verbose=0,
        )
        model.save_model(str(tmp_path / "model.bin"))
        texts = [line.split(" ", 1)[1] for line in lines]
        expected = [model.predict(text, k=2) for text in texts]
        found = tf.text.FastText(tmp_path / "model.bin").predict(texts, k=2)
        assert_equal(found, [(list(labels), list(values)) for labels, values in expected])


def test_probability_of_a_label() -> None:
    model = tf.text.FastText(GOLDEN / "fasttext-softmax.bin")
    texts = ["def f(self): return 1", "This is the list of names that are returned.", ""]
    values = model.probability(texts, "code").to_pylist()
    assert values[0] > values[1] > 0 and 0 <= values[2] <= 1
    with pytest.raises(tf.InputError, match="has no label 'poem'; it has"):
        model.probability(texts, "poem")


@pytest.mark.parametrize("name", MODELS)
def test_a_damaged_model_is_told(name: str, tmp_path: pathlib.Path) -> None:
    content = (GOLDEN / name).read_bytes()
    path = tmp_path / "model.bin"
    for length in [0, 3, 8, 60, 91, 92, 100, len(content) // 2, len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(tf.InputError, match=r"model\.bin: not a fastText model: byte \d+: "):
            tf.text.FastText(path)
    # Any word of the head may hold anything: an error or a model, never a panic or all memory.
    for at in range(0, 160, 4):
        for value in (-1, 0, 2**31 - 1, 77):
            path.write_bytes(content[:at] + struct.pack("<i", value) + content[at + 4 :])
            with contextlib.suppress(tf.InputError):
                tf.text.FastText(path).predict(["def self import", ""], k=3)


def test_perplexities_are_kenlms() -> None:
    golden = json.loads((GOLDEN / "small-arpa-kenlm.json").read_text("utf-8"))
    model = tf.text.ArpaModel(GOLDEN / "small.arpa")
    assert model.perplexity(golden["texts"]).to_pylist() == pytest.approx(golden["perplexity"], rel=1e-4)
    assert tf.text.load_model(GOLDEN / "small.arpa").perplexity(["", " \n"]).to_pylist() == [float("inf")] * 2  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["kenlm-probing.bin", "kenlm-trie.bin", "kenlm-packed.bin"])
def test_binary_models_are_scored_by_kenlm(name: str) -> None:
    kenlm = pytest.importorskip("kenlm")
    texts = json.loads((GOLDEN / "small-arpa-kenlm.json").read_text("utf-8"))["texts"]
    model = tf.text.load_model(GOLDEN / name)
    assert isinstance(model, tf.text.KenlmModel)
    original = kenlm.Model(str(GOLDEN / name))
    lines = [text for text in texts if text.split() and "\n" not in text]
    assert model.perplexity(lines).to_pylist() == pytest.approx([original.perplexity(line) for line in lines])
    if "packed" not in name:
        expected = tf.text.ArpaModel(GOLDEN / "small.arpa").perplexity(texts)
        assert model.perplexity(texts).to_pylist() == pytest.approx(expected.to_pylist(), rel=1e-4)
    assert model.perplexity(["", " \n", None]).to_pylist() == [float("inf")] * 3
    assert model.perplexity(pa.array([b"\xff a\0b\nc"], pa.large_binary())).to_pylist()[0] > 1
    columns = tf.text.Columns(models={"wiki": GOLDEN / name})
    assert columns.compute(pa.array(texts), ["wiki.perplexity"])["wiki.perplexity"].equals(model.perplexity(texts))


class LineModel:
    """What is used of kenlm's model: a score of -1 a word and its end."""

    order = 2

    def __init__(self, path: str) -> None:
        if pathlib.Path(path).stat().st_size < 80:
            raise OSError("the file is cut short")

    def score(self, line: bytes, *, bos: bool, eos: bool) -> float:
        return -float(len(line.split()) + (bos and eos))


def test_binary_models_are_read_line_by_line(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(100))
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(ImportError, match=r"tokenfoundry\[kenlm\]"):
        tf.text.load_model(path)
    monkeypatch.setitem(sys.modules, "kenlm", types.SimpleNamespace(Model=LineModel))
    model = tf.text.load_model(path)
    assert isinstance(model, tf.text.KenlmModel)
    assert model.perplexity(["a b\n\nc", ""]).to_pylist() == pytest.approx([10.0, float("inf")])
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(tf.InputError, match=r"x\.bin: the file is cut short"):
        tf.text.KenlmModel(path)
    path.write_bytes(b"hello")
    with pytest.raises(tf.InputError, match="binary format"):
        tf.text.KenlmModel(path)


def test_a_damaged_arpa_file_is_told(tmp_path: pathlib.Path) -> None:
    lines = (GOLDEN / "small.arpa").read_text("utf-8").splitlines()
    path = tmp_path / "x.arpa"
    for broken, message in (
        (lines[:-1], "cut short"),
        ([*lines[:8], "x\tthe", *lines[8:]], "line 9: not an n-gram of 1 words"),
        ([line.replace("<s>", "<q>") for line in lines], "it has no word <s>"),
    ):
        path.write_text("\n".join(broken), "utf-8")
        with pytest.raises(tf.InputError, match=message):
            tf.text.ArpaModel(path)
    path.write_bytes(b"\x1f\x8b\x08broken")
    with pytest.raises(tf.InputError, match=r"x\.arpa: "):
        tf.text.load_model(path)
    path.write_bytes(b"\x00\x01")
    with pytest.raises(tf.InputError, match="is no quality model"):
        tf.text.load_model(path)


def test_languages_are_py3langids() -> None:
    identifier: Any = pytest.importorskip("py3langid.langid")
    theirs = identifier.LanguageIdentifier.from_model_file(identifier.MODEL_FILE, norm_probs=True)
    from tokenfoundry.text.labels import _TWO_LETTERS

    texts = [*SCRIPTS, *(one.upper() for one in SCRIPTS), *standard_library(300_000)]
    labels = tf.text.label(texts)
    compared = 0
    for text, row in zip(texts, labels.to_pylist(), strict=True):
        if row["script"] == "Zyyy":
            assert row["language"] == "und"
            continue
        language, confidence = theirs.classify(text[:2000])
        if row["language_confidence"] == 0:
            # Nothing of the text is known; theirs names the first language with the same chance as all others.
            assert confidence < 0.02
            continue
        assert row["language_confidence"] == pytest.approx(confidence, abs=2e-3)
        if confidence > 0.05:
            assert row["language"] == _TWO_LETTERS.get(language, language)
            compared += 1
    assert compared > 50
