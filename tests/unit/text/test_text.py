"""The doors of the text room: types, columns, errors, broken and hostile input."""

import pathlib

import pyarrow as pa
import pytest

import tokenfoundry as tf


def test_normalize_gives_large_strings_and_counts() -> None:
    cleaned = tf.text.normalize([b"\xef\xbb\xbfa\r\n", "e\u0301 \n\n\n\n\nb", b"\xff"])
    assert cleaned.texts.type == pa.large_string()
    assert cleaned.texts.to_pylist() == ["a\n", "é\n\n\nb", "\ufffd"]
    assert set(cleaned.edits.schema.types) == {pa.int64()}
    assert cleaned.edits.to_pylist()[0] == dict.fromkeys(cleaned.edits.schema.names, 0) | {
        "zero_width": 1,
        "line_ends": 1,
    }
    assert cleaned.edits.column("normalized_lines").to_pylist() == [0, 1, 0]
    assert cleaned.edits.column("blank_lines").to_pylist() == [0, 2, 0]
    assert cleaned.edits.column("invalid_bytes").to_pylist() == [0, 0, 1]


def test_code_is_left_as_it_is() -> None:
    source = 'class A:\n\tdef f(self):\n\t\treturn  {1:   "x"}\n\n\ndef g():\n    pass\n'
    cleaned = tf.text.normalize([source])
    assert cleaned.texts.to_pylist() == [source]
    assert not any(cleaned.edits.to_pylist()[0].values())


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b c"],
        pa.array(["a", "b c"]),
        pa.array(["a", "b c"], pa.large_string()),
        pa.array(["a", "b c"], pa.string_view()),
        pa.array([b"a", b"b c"]),
        pa.chunked_array([["a"], ["b c"]]),
    ],
    ids=lambda texts: str(getattr(texts, "type", "list")),
)
def test_every_function_takes_every_holder_of_texts(texts: object) -> None:
    assert tf.text.normalize(texts).texts.to_pylist() == ["a", "b c"]
    assert tf.text.signals(texts).column("gopher.words").to_pylist() == [1.0, 2.0]
    assert tf.text.filter(texts).column("verdict").to_pylist() == ["gopher.too_few_words"] * 2
    assert [text if isinstance(text, str) else text.decode() for text in tf.text.redact(texts).texts.to_pylist()] == [
        "a",
        "b c",
    ]
    assert tf.text.label(texts).column("script").to_pylist() == ["Latn", "Latn"]


def test_no_texts_are_no_rows() -> None:
    assert len(tf.text.normalize([]).texts) == 0
    assert tf.text.signals([]).num_rows == tf.text.filter([]).num_rows == tf.text.label([]).num_rows == 0
    assert tf.text.signals([]).schema.names == list(tf.text.FAMILIES["gopher"])


def test_unknown_names_are_named() -> None:
    with pytest.raises(tf.InputError, match=r"form must be .*NFX"):
        tf.text.normalize([], form="NFX")  # type: ignore[arg-type]
    with pytest.raises(tf.InputError, match=r"no preset .*the presets are gopher"):
        tf.text.filter([], preset="goffer")
    with pytest.raises(tf.InputError, match="families has"):
        tf.text.signals([], families=("gofer",))
    with pytest.raises(tf.InputError, match="twice"):
        tf.text.signals([], families=("gopher", "gopher"))
    with pytest.raises(tf.InputError, match="kinds has"):
        tf.text.redact([], kinds=("emails",))
    with pytest.raises(tf.InputError, match="action must be"):
        tf.text.redact([], action="burn")  # type: ignore[arg-type]


def test_redaction_replaces_counts_and_reports() -> None:
    texts = ["from ann@example.org and 8.8.8.8 or 10.0.0.1", "nothing"]
    redacted = tf.text.redact(texts)
    assert redacted.texts.to_pylist() == ["from <EMAIL_ADDRESS> and <IP_ADDRESS> or 10.0.0.1", "nothing"]
    assert redacted.counts.to_pylist() == [{"email": 1, "ip": 1}, {"email": 0, "ip": 0}]
    reported = tf.text.redact(texts, action="report", public_addresses_only=False)
    assert reported.texts.to_pylist() == texts
    assert reported.counts.column("ip").to_pylist() == [2, 0]


def test_results_do_not_depend_on_threads() -> None:
    texts = [f"line {number} of the text\n" * (number % 7 + 1) for number in range(500)]
    one, four = tf.text.signals(texts, threads=1), tf.text.signals(texts, threads=4)
    assert one.equals(four)


@pytest.mark.parametrize(
    "unit",
    [
        b"a",
        b" ",
        b"\n",
        b".",
        b"-",
        b"'",
        b"@",
        b"1.",
        b":",
        b"a@b.",
        b"\xff",
        b"\xcc\x81",
        "中".encode(),
        b"a b ",
        b"((",
        b"[1",
        b"4111 ",
        b"+1 ",
        b"token=",
        b"password: '",
        b"-----BEGIN PRIVATE KEY-----",
        b"eyJabcdefghij.",
        b"DE89 ",
        b"AKIA",
        b"lorem ipsu",
    ],
)
def test_a_hostile_document_costs_linear_time_and_breaks_nothing(unit: bytes) -> None:
    data = unit * (2_000_000 // len(unit))
    assert len(tf.text.normalize([data]).texts) == 1
    assert tf.text.signals([data], families=tuple(tf.text.FAMILIES)).num_rows == 1
    assert tf.text.redact([data], kinds=tf.text.KINDS).counts.num_rows == 1
    assert len(tf.text.drop_lines([data], rules=tf.text.LINE_RULES).texts) == 1
    index = tf.text.ngram_index({"set": [data[:1000]]}, ngram=5, short_ngram=2)
    assert tf.text.ngram_overlap([data], index, cut=True).table.num_rows == 1
    assert tf.text.label([data]).num_rows == 1


def test_rules_name_signals() -> None:
    for preset in tf.text.PRESETS:
        for rule in tf.text.rules(preset):
            assert rule.signal in tf.text.FAMILIES[rule.signal.split(".")[0]]
            assert rule.comparison in (">=", "<=")


def test_an_index_refuses_sizes_out_of_range() -> None:
    for ngram, short in ((0, 0), (65, 8), (8, 8), (5, 7)):
        with pytest.raises(tf.InputError, match="ngram must be"):
            tf.text.ngram_index({}, ngram=ngram, short_ngram=short)


def test_an_index_names_the_set_and_counts_what_was_too_short() -> None:
    index = tf.text.ngram_index({"one": ["a b c d e"], "two": ["f g h i j", "k"]}, ngram=4, short_ngram=2)
    assert (len(index), index.skipped) == (4, 1)
    found = tf.text.ngram_overlap(["x F, g H i! y", "nothing"], index, cut=True)
    assert found.table.column("set").to_pylist() == ["two", None]
    assert found.spans.to_pylist() == [[{"start": 2, "end": 10, "set": "two"}], []]
    assert found.texts is not None and found.texts.to_pylist() == ["x ! y", "nothing"]
    with pytest.raises(tf.InputError, match=r"record 1 has none of input, label; it has text"):
        tf.text.joined_fields([{"input": "a"}, {"text": "b"}])


def test_lines_are_dropped_rule_by_rule() -> None:
    text = "Menu\nA line that is kept.\nMenu\nhttps://a.b\nann@example.org\n"
    kept = tf.text.drop_lines([text], rules=("repeated", "url", "email"))
    assert kept.texts.to_pylist() == ["Menu\nA line that is kept.\n"]
    assert {name: count for name, count in kept.dropped.to_pylist()[0].items() if count} == dict.fromkeys(
        ("repeated", "url", "email"), 1
    )
    with pytest.raises(tf.InputError, match="rules has"):
        tf.text.drop_lines([text], rules=("urls",))


def test_signals_of_asked_columns_are_those_of_whole_families() -> None:
    texts = [path.read_text("utf-8") for path in sorted(pathlib.Path(__file__).parent.glob("*.py"))]
    texts += ["", "a", "the same of it\n" * 60, "Слово и дело. " * 30]
    whole = tf.text.signals(texts, families=tuple(tf.text.FAMILIES))
    for name in whole.schema.names:
        assert tf.text.signals(texts, columns=[name]).column(0).equals(whole.column(name)), name
    some = ["fineweb.lines", "gopher.duplicate_7_grams", "c4.sentences", "gopher.top_3_gram", "gopher.bullet_lines"]
    assert tf.text.signals(texts, columns=some).equals(whole.select(some))
    with pytest.raises(tf.InputError, match=r"gopher\.word"):
        tf.text.signals(texts, columns=["gopher.word"])
    with pytest.raises(tf.InputError, match="twice"):
        tf.text.signals(texts, columns=["gopher.words", "gopher.words"])


def test_several_presets_are_asked_one_after_another() -> None:
    texts = [path.read_text("utf-8") for path in sorted(pathlib.Path(__file__).parent.glob("*.py"))]
    texts += ["", "a", "the same of it\n" * 60, "It was that of the day, and they have to be with it. " * 8]
    texts += ["The day of it. " * 30, "It was that of the day, and they have to be with it.\n" * 8]
    names = ("gopher_quality", "c4", "fineweb", "gopher_repetition")
    found = tf.text.filter(texts, preset=names)
    each = [tf.text.filter(texts, preset=name).to_pylist() for name in names]
    expected = [next((row for row in rows if row["verdict"]), rows[0]) for rows in zip(*each, strict=True)]
    assert found.to_pylist() == expected
    assert len(set(found.column("verdict").to_pylist())) > 2
    rules = [rule for name in names for rule in tf.text.rules(name)]
    values = tf.text.signals(texts, families=("gopher", "c4", "fineweb")).to_pylist()
    for row, verdict in zip(values, found.column("verdict").to_pylist(), strict=True):
        failing = (
            rule.verdict
            for rule in rules
            if not (
                row[rule.signal] >= rule.threshold if rule.comparison == ">=" else row[rule.signal] <= rule.threshold
            )
        )
        assert verdict == next(failing, None)
    with pytest.raises(tf.InputError, match="gopher2"):
        tf.text.filter(texts, preset=("gopher", "gopher2"))
