# ruff: noqa: B023
# (each lambda is called before its loop goes on)
"""`tokenfoundry.compat.tokenizers` against `tokenizers` itself, column by column."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, documents, standard_library
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

import tokenfoundry as tf
from tokenfoundry.compat import tokenizers as ours

COLUMNS = (
    "ids", "tokens", "type_ids", "offsets", "attention_mask", "special_tokens_mask", "word_ids",
    "sequence_ids", "n_sequences",
)  # fmt: skip
TEXTS = [*SCRIPTS, "x <s> y</s>", "  lead and trail  ", "", "a", "end<mask>", "<s>", "héllo wörld 中文 👍🏽!"]
TEMPLATE = processors.TemplateProcessing(
    single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 1)]
)


def trained(kind: str) -> str:
    """A tokenizer.json of each kind of post-processing."""
    tokenizer = tokenizers.Tokenizer(models.BPE(unk_token="<mask>" if kind == "metaspace" else None))
    cl100k = tf._core.bpe.named_pattern("cl100k")
    assert cl100k is not None
    if kind == "gpt2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    elif kind == "roberta":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=True)
    elif kind == "metaspace":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        tokenizer.post_processor = processors.BertProcessing(("</s>", 1), ("<s>", 0))
    elif kind == "split":
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(cl100k), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ])  # fmt: skip
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), TEMPLATE])
    else:
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        if kind == "template":
            tokenizer.post_processor = TEMPLATE
    tokenizer.decoder = decoders.Metaspace() if kind == "metaspace" else decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=["<s>", "</s>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents()[:60], trainer)
    return str(tokenizer.to_str())


FILES: dict[str, str] = {}
PAIRS: dict[str, tuple[Any, Any]] = {}
UTF8_TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=40)


@pytest.fixture(params=["gpt2", "split", "template", "bare", "roberta", "metaspace"])
def both(request: pytest.FixtureRequest) -> tuple[ours.Tokenizer, tokenizers.Tokenizer]:
    content = FILES.setdefault(request.param, FILES.get(request.param) or trained(request.param))
    return ours.Tokenizer.from_str(content), tokenizers.Tokenizer.from_str(content)


def flat(encoding: Any, deep: bool = True) -> dict[str, Any]:
    columns = {name: getattr(encoding, name) for name in COLUMNS}
    if deep:
        columns["overflowing"] = [flat(part) for part in encoding.overflowing]
    return columns


def agree(both: tuple[Any, Any], call: Callable[[Any], Any]) -> None:
    def shown(result: Any) -> Any:
        if hasattr(result, "special_tokens_mask"):
            return flat(result)
        return [shown(part) for part in result] if isinstance(result, list) else result

    def outcome(tokenizer: Any) -> Any:
        try:
            return shown(call(tokenizer))
        except (KeyboardInterrupt, AssertionError):
            raise
        except BaseException as error:  # `tokenizers` panics where a stride is too long.
            return str(error).removeprefix("Truncation error: ")

    assert outcome(both[0]) == outcome(both[1])


def test_texts(both: tuple[Any, Any]) -> None:
    for text in TEXTS + standard_library()[:1]:
        agree(both, lambda t: t.encode(text))
        agree(both, lambda t: t.encode(text, add_special_tokens=False))
        agree(both, lambda t: t.encode(text, text[:20]))
        agree(both, lambda t: t.encode(text.split(), is_pretokenized=True))
        agree(both, lambda t: t.decode(t.encode(text).ids))
        agree(both, lambda t: t.decode(t.encode(text).ids, skip_special_tokens=False))
    agree(both, lambda t: t.encode_batch(TEXTS))
    agree(
        both,
        lambda t: t.encode_batch([(text, "pair") for text in TEXTS], add_special_tokens=False),
    )
    agree(both, lambda t: t.encode_batch([["two", "words"], (["a"], ["b", "c"])], is_pretokenized=True))
    agree(both, lambda t: [encoding.ids for encoding in t.encode_batch_fast(TEXTS)])
    agree(both, lambda t: t.decode_batch([[5, 900, 0], [], [123_456, 7]]))


@given(UTF8_TEXT, st.none() | UTF8_TEXT)
@settings(max_examples=60, deadline=None)
def test_any_text(text: str, pair: str | None) -> None:
    for kind in ("gpt2", "split", "template", "bare", "roberta", "metaspace"):
        content = FILES.setdefault(kind, FILES.get(kind) or trained(kind))
        pairs = PAIRS.setdefault(kind, (ours.Tokenizer.from_str(content), tokenizers.Tokenizer.from_str(content)))
        agree(pairs, lambda t: t.encode(text, pair))


MARKS = st.text(
    alphabet="ea\u0301\u0308\u0323\u1100\u1161\u11a8\uac00\u00e9\u1e9b\ufb01\u212b\u0958\u09c7\u09be x1", max_size=8
)


@given(MARKS, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
@settings(max_examples=200, deadline=None)
def test_offsets_of_normal_forms(text: str, form: str) -> None:
    if form not in PAIRS:
        FILES.setdefault("bare", FILES.get("bare") or trained("bare"))
        content = json.dumps(json.loads(FILES["bare"]) | {"normalizer": {"type": form}})
        PAIRS[form] = (ours.Tokenizer.from_str(content), tokenizers.Tokenizer.from_str(content))
    agree(PAIRS[form], lambda t: t.encode(text))


@pytest.mark.parametrize("direction", ["left", "right"])
@pytest.mark.parametrize("strategy", ["longest_first", "only_first", "only_second"])
def test_truncation_and_padding(both: tuple[Any, Any], direction: str, strategy: str) -> None:
    text, other = TEXTS[0], TEXTS[1]
    for max_length, stride in [(16, 0), (16, 4), (31, 11), (500, 0)]:
        for tokenizer in both:
            tokenizer.enable_truncation(max_length, stride=stride, strategy=strategy, direction=direction)
        assert both[0].truncation == both[1].truncation
        if strategy == "longest_first":
            agree(both, lambda t: t.encode(text))
            agree(both, lambda t: t.encode_batch([text, other, ""]))
        if strategy != "only_first" or max_length > 60:
            agree(both, lambda t: t.encode(text[:40], other))
        agree(both, lambda t: t.encode(text, "x y") if strategy == "only_first" else t.encode("x y", text))
        for tokenizer in both:
            tokenizer.enable_padding(direction=direction, pad_id=3, pad_token="<p>", pad_type_id=2, length=40)
        assert both[0].padding == both[1].padding
        if strategy == "longest_first":
            agree(both, lambda t: t.encode(text))
            for tokenizer in both:
                tokenizer.enable_padding(direction=direction, pad_to_multiple_of=8)
            agree(both, lambda t: t.encode_batch([text, other, ""]))
            agree(both, lambda t: t.encode_batch([(text, other), ("", "x")]))
        for tokenizer in both:
            tokenizer.no_padding()
    for tokenizer in both:
        tokenizer.no_truncation()
    assert both[0].truncation is both[1].truncation is None


def test_what_cannot_be_truncated(both: tuple[Any, Any]) -> None:
    for tokenizer in both:
        tokenizer.enable_truncation(8, strategy="only_second")
        with pytest.raises(Exception, match="Second sequence not provided"):
            tokenizer.encode(TEXTS[0])
        tokenizer.enable_truncation(8, strategy="only_first")
        with pytest.raises(Exception, match="too short"):
            tokenizer.encode("x", TEXTS[0])


def test_from_one_place_to_another(both: tuple[Any, Any]) -> None:
    text, other = TEXTS[0], "and a  second\n\n one"
    for arguments in ((text,), (text, other)):
        mine, theirs = (tokenizer.encode(*arguments) for tokenizer in both)
        for place in range(len(text) + 3):
            for sequence in range(len(arguments)):
                for name in ("char_to_token", "char_to_word", "word_to_tokens", "word_to_chars"):
                    assert getattr(mine, name)(place, sequence) == getattr(theirs, name)(place, sequence), name
            if place < len(theirs):
                for name in ("token_to_chars", "token_to_word", "token_to_sequence"):
                    assert getattr(mine, name)(place) == getattr(theirs, name)(place), name
        assert repr(mine) == repr(theirs)
        assert len(mine) == len(theirs)


def test_encodings_are_rearranged_alike(both: tuple[Any, Any]) -> None:
    mine, theirs = (tokenizer.encode(TEXTS[0], TEXTS[1]) for tokenizer in both)
    for encoding in (mine, theirs):
        encoding.truncate(20, stride=5)
        encoding.pad(30, pad_id=4, pad_token="<p>", direction="left")
    assert flat(mine) == flat(theirs)
    for growing in (False, True):
        merged = [
            kind.merge([tokenizer.encode(text) for text in TEXTS[:3]], growing)
            for kind, tokenizer in zip((ours.Encoding, tokenizers.Encoding), both, strict=True)
        ]
        assert flat(merged[0]) == flat(merged[1])
    posted = [t.post_process(t.encode(TEXTS[0], add_special_tokens=False), None) for t in both]
    assert flat(posted[0]) == flat(posted[1])


def test_vocabulary(both: tuple[Any, Any]) -> None:
    for with_added in (True, False):
        agree(both, lambda t: t.get_vocab(with_added))
        agree(both, lambda t: t.get_vocab_size(with_added))
    for token in ("<s>", "the", "Ġthe", "nonesuch"):
        agree(both, lambda t: t.token_to_id(token))
    for number in (0, 300, 99_999):
        agree(both, lambda t: t.id_to_token(number))
    for pair in (False, True):
        agree(both, lambda t: t.num_special_tokens_to_add(pair))
    agree(both, lambda t: {k: str(v.content) for k, v in t.get_added_tokens_decoder().items()})


def test_adding_tokens(both: tuple[Any, Any]) -> None:
    found = []
    for kind, tokenizer in zip((ours, tokenizers), both, strict=True):
        counts = [
            tokenizer.add_tokens(["<new>", "brown", "the", ""]),
            tokenizer.add_special_tokens(["<|im|>", kind.AddedToken("<|x|>", lstrip=True, rstrip=True)]),
            tokenizer.add_tokens([kind.AddedToken("fox", single_word=True, normalized=False)]),
            tokenizer.add_tokens(["<new>"]),
        ]
        found.append(counts)
    assert found[0] == found[1]
    agree(both, lambda t: t.get_vocab())
    for text in ("a <new>brown fox foxes  <|x|>  y<|im|>the", *SCRIPTS[:2]):
        agree(both, lambda t: t.encode(text))
        agree(both, lambda t: t.decode(t.encode(text).ids))


def test_encodings_stay_as_they_were(both: tuple[Any, Any]) -> None:
    text = "a brown <s> fox<new>"
    found = []
    for kind, tokenizer in zip((ours, tokenizers), both, strict=True):
        before = [tokenizer.encode(text), *tokenizer.encode_batch([text, "<new>"])]
        tokenizer.add_tokens(["<new>", kind.AddedToken("fox", lstrip=True)])
        between = tokenizer.encode(text)
        tokenizer.encode_special_tokens = True
        after = [tokenizer.encode(text), *tokenizer.encode_batch([text])]
        tokenizer.add_tokens(["brown"])
        tokenizer.encode_special_tokens = False
        found.append([flat(one) for one in (*before, between, *after, tokenizer.encode(text))])
    assert found[0] == found[1]


def test_lists_of_ids_are_the_callers(both: tuple[Any, Any]) -> None:
    for encoding in (both[0].encode(TEXTS[0]), *both[0].encode_batch([TEXTS[0]])):
        expected = both[1].encode(TEXTS[0]).ids
        first = encoding.ids
        assert first == expected and first is not encoding.ids
        first.clear()
        assert encoding.ids == expected and len(encoding) == len(expected)


def test_special_tokens_as_text(both: tuple[Any, Any]) -> None:
    for tokenizer in both:
        tokenizer.encode_special_tokens = True
    agree(both, lambda t: t.encode_special_tokens)
    agree(both, lambda t: t.encode("a <s> b").ids)
    agree(both, lambda t: t.encode_batch(["a <s> b"]))


def test_keeping(both: tuple[Any, Any], tmp_path: Path) -> None:
    mine, theirs = both
    mine.enable_padding(length=20)
    mine.add_tokens(["<new>"])
    theirs.enable_padding(length=20)
    theirs.add_tokens(["<new>"])
    mine.save(tmp_path / "tokenizer.json")
    assert json.loads(mine.to_str()) == json.loads(theirs.to_str())
    loaded = (
        pickle.loads(pickle.dumps(mine)),
        ours.Tokenizer.from_pretrained(str(tmp_path)),
        ours.Tokenizer.from_buffer((tmp_path / "tokenizer.json").read_bytes()),
        tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json")),
    )
    for other in loaded:
        assert flat(other.encode("a <new> b")) == flat(theirs.encode("a <new> b"))


def test_ids_alone_make_nothing_else(both: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    mine = both[0]

    def fail(text: str) -> None:
        raise AssertionError("details were made")

    monkeypatch.setattr(mine, "_details", fail)
    encodings = mine.encode_batch([*TEXTS, (TEXTS[0], TEXTS[1])])
    assert [encoding.ids for encoding in encodings[:2]] == [both[1].encode(text).ids for text in TEXTS[:2]]
    assert encodings[0].attention_mask == both[1].encode(TEXTS[0]).attention_mask
    with pytest.raises(AssertionError):
        _ = encodings[0].tokens


def test_what_is_not_supported_says_so(both: tuple[Any, Any]) -> None:
    parsed = json.loads(both[1].to_str())
    parsed["post_processor"] = {"type": "Unheard", "sep": ["</s>", 1], "cls": ["<s>", 0]}
    with pytest.raises(tf.VocabularyError, match=r"Unheard.*use"):
        ours.Tokenizer.from_str(json.dumps(parsed)).encode("a")
    parsed["model"] = {"type": "WordPiece", "vocab": {}}
    with pytest.raises(tf.VocabularyError, match="WordPiece"):
        ours.Tokenizer.from_str(json.dumps(parsed))
    for bad in (3, None, ["a", "b"]):
        with pytest.raises(TypeError):
            both[0].encode(bad)
    with pytest.raises(TypeError):
        both[0].encode("text", is_pretokenized=True)


WRONG = [
    "t.encode(None)", "t.encode('a', 1)", "t.encode(['a'])", "t.encode('a', is_pretokenized=True)",
    "t.encode(['a', 1], is_pretokenized=True)", "t.encode_batch([('a', 'b', 'c')])", "t.encode_batch([1])",
    "t.encode_batch(5)", "t.encode_batch({'a'})", "t.encode_batch('abc')", "t.encode_batch(x for x in 'ab')",
    "t.encode_batch([['a', 'b'], 'c'], is_pretokenized=True)", "t.encode_batch([['a', 1]], is_pretokenized=True)",
    "t.encode('a\\ud800')", "t.encode_batch(['a\\ud800'])", "t.encode('a', 'b\\ud800')",
    "t.encode(['a\\ud800'], is_pretokenized=True)", "t.decode(-1)", "t.decode([-1])", "t.decode([2**40])",
    "t.decode(['a'])", "t.decode([1.5])", "t.decode([None])", "t.decode(None)", "t.decode(iter([70]))", "t.decode('ab')",
    "t.decode_batch([70])", "t.decode_batch([[70], [-1]])", "t.decode_batch(5)", "t.id_to_token(-1)",
    "t.id_to_token(2**40)", "t.id_to_token('a')", "t.token_to_id(1)", "t.enable_truncation(-1)",
    "t.enable_truncation('a')", "t.enable_truncation(3, strategy='x')", "t.enable_truncation(3, direction='x')",
    "t.enable_truncation(3, stride=5)", "t.enable_padding(direction='x')", "t.enable_padding(length=-3)",
    "t.enable_padding(pad_id='a')", "t.add_tokens('abc')", "t.add_tokens([1])", "t.add_tokens(('q',))",
    "t.add_special_tokens([None])", "setattr(t, 'encode_special_tokens', 1)", "t.num_special_tokens_to_add(1)",
    "t.token_to_id('a\\ud800')", "t.enable_padding(pad_token=None)", "t.enable_padding(direction=5)",
    "t.enable_padding(pad_to_multiple_of=1.5)", "t.enable_truncation(3, strategy=None)", "t.decode({70: 1})",
    "t.decode({70})", "t.decode(np.array([True]))", "t.decode(np.array([1.5]))", "t.decode(np.array([[1, 2]]))",
    "t.decode(np.array(7))", "t.encode_batch([('a', ('b',))])", "t.encode_batch([['a', None]])",
    "t.encode('a b').word_to_chars('a')", "t.encode('a b').char_to_token(-1)", "t.encode('a b').token_to_chars(2**64)",
    "t.encode('a b').char_to_token(0, None)", "t.encode('a b').pad(5, pad_id=2**32)", "t.encode('a b').truncate(-1)",
    "t.encode('a b').pad(9, direction='x')", "type(t)(5)", "t.encode('a', add_special_tokens=1)",
    "t.encode('a', None, 0)", "t.encode_batch(['a'], add_special_tokens=None)", "t.encode_batch(['a'], 1)",
    "t.encode('a b').word_to_chars(-1)", "t.encode('a b').word_to_tokens(2**32)", "t.encode('a b').char_to_word(-1)",
]  # fmt: skip


@pytest.mark.parametrize("call", WRONG)
def test_wrong_arguments(call: str, both: tuple[Any, Any]) -> None:
    found = []
    for tokenizer in both:
        with pytest.raises(Exception) as error:
            eval(call, {"t": tokenizer, "np": np})
        found.append((error.type.__name__, str(error.value)))
    assert found[0] == found[1]


def test_truncation_to_almost_nothing(both: tuple[Any, Any]) -> None:
    for max_length in range(5):
        for tokenizer in both:
            tokenizer.enable_truncation(max_length)
        for special in (True, False):
            agree(both, lambda t: t.encode(TEXTS[0], add_special_tokens=special))
            agree(both, lambda t: t.encode_batch(TEXTS[:2], add_special_tokens=special))


def test_encodings_are_pickled(both: tuple[Any, Any]) -> None:
    for tokenizer in both:
        tokenizer.enable_truncation(20, stride=3)
    mine, theirs = (tokenizer.encode(TEXTS[0], TEXTS[1]) for tokenizer in both)
    assert flat(pickle.loads(pickle.dumps(mine))) == flat(theirs)
    both[0].no_truncation()
    mine = pickle.loads(pickle.dumps(both[0].encode(TEXTS[0])))
    both[1].no_truncation()
    assert flat(mine) == flat(both[1].encode(TEXTS[0]))


def test_asynchronous_names(both: tuple[Any, Any]) -> None:
    import asyncio

    async def run() -> None:
        mine = both[0]
        assert flat(await mine.async_encode("a b")) == flat(both[1].encode("a b"))
        batch = await mine.async_encode_batch(["a b", ("c", "d")])
        assert [flat(one) for one in batch] == [flat(one) for one in both[1].encode_batch(["a b", ("c", "d")])]
        assert await mine.async_decode_batch([[70]]) == both[1].decode_batch([[70]])

    asyncio.run(run())


def public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


#: Names that `tokenizers` imports for itself.
ITS_OWN = {"Enum", "List", "Tuple", "Union", "tokenizers"}


def test_every_public_name() -> None:
    for kind in ("Tokenizer", "Encoding", "AddedToken"):
        mine: Any = getattr(ours, kind)
        mine = mine("x") if kind == "AddedToken" else mine
        assert public(getattr(tokenizers, kind)) - public(mine) == set()
    missing = {name for name in public(tokenizers) - ITS_OWN if not hasattr(ours, name)}
    assert missing == set(ours.NOT_SUPPORTED)
    documentation = (Path(__file__).parents[2] / "docs" / "compat.md").read_text()
    for name in ours.NOT_SUPPORTED:
        assert f"`{name}`" in documentation
        with pytest.raises(AttributeError, match=f"{name}: tokenfoundry has BPE only"):
            getattr(ours, name)
    assert ours.Regex is tokenizers.Regex


def test_added_tokens_are_alike() -> None:
    for options in ({}, {"special": True}, {"lstrip": True, "normalized": False}):
        assert repr(ours.AddedToken("<x>", **options)) == repr(tokenizers.AddedToken("<x>", **options))
    assert ours.AddedToken("<x>") == ours.AddedToken("<x>", normalized=True)
    assert len({ours.AddedToken("<x>"), ours.AddedToken("<x>"), ours.AddedToken("<y>")}) == 2


def test_special_tokens_of_added_tokens(both: tuple[Any, Any]) -> None:
    found = []
    for kind, tokenizer in zip((ours, tokenizers), both, strict=True):
        token = kind.AddedToken("<q>", lstrip=True)
        counts = [tokenizer.add_special_tokens([token, kind.AddedToken("<r>", normalized=True)])]
        found.append([counts, token.special, token.normalized, tokenizer.add_tokens([token])])
    assert found[0] == found[1]
    agree(both, lambda t: json.loads(t.to_str())["added_tokens"])


def changed(tokenizer: Any, library: Any) -> list[Any]:
    """The parts of a tokenizer changed one after the other, and what it gives."""
    before = tokenizer.encode("a <s> b")
    tokenizer.post_processor = library.processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 0)]
    )
    found: list[Any] = [flat(before), flat(tokenizer.encode("a b")), flat(tokenizer.encode("a", "b"))]
    tokenizer.normalizer = library.normalizers.Lowercase()
    found.append(flat(tokenizer.encode("A B \u00c9")))
    tokenizer.normalizer = None
    tokenizer.pre_tokenizer = library.pre_tokenizers.Sequence([
        library.pre_tokenizers.Digits(), library.pre_tokenizers.ByteLevel(add_prefix_space=True)
    ])  # fmt: skip
    tokenizer.decoder = library.decoders.ByteLevel()
    found += [flat(tokenizer.encode("A B C 123")), tokenizer.decode([70, 71])]
    return [*found, type(tokenizer.model), type(tokenizer.pre_tokenizer), tokenizer.normalizer]


@pytest.mark.parametrize("kind", ["gpt2", "template", "roberta"])
def test_parts_are_those_of_tokenizers(kind: str) -> None:
    content = FILES.setdefault(kind, FILES.get(kind) or trained(kind))
    both = ours.Tokenizer.from_str(content), tokenizers.Tokenizer.from_str(content)
    assert changed(both[0], ours) == changed(both[1], tokenizers)
    with pytest.raises(tf.VocabularyError, match="Unigram"):
        both[0].model = models.Unigram()
    agree(both, lambda t: t.encode("as before"))


def test_building_and_training() -> None:
    found = []
    for library in (ours, tokenizers):
        tokenizer = library.Tokenizer(library.models.BPE())
        tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel()
        tokenizer.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(vocab_size=500, show_progress=False, special_tokens=["<s>"])
        tokenizer.train_from_iterator(documents()[:20], trainer)
        encoding = tokenizer.encode("the quick <s> fox")
        found.append([flat(encoding), tokenizer.decode(encoding.ids), tokenizer.get_vocab_size()])
    assert found[0] == found[1]
    with pytest.raises(tf.VocabularyError, match=r"WordPiece model.*use tokenizers"):
        ours.Tokenizer(models.WordPiece())


def test_overflow_of_processors_in_a_sequence() -> None:
    parsed = json.loads(FILES.setdefault("metaspace", FILES.get("metaspace") or trained("metaspace")))
    for first in ("BertProcessing", "RobertaProcessing"):
        older: dict[str, Any] = {"type": first, "sep": ["</s>", 1], "cls": ["<s>", 0]}
        if first == "RobertaProcessing":
            older |= {"trim_offsets": True, "add_prefix_space": True}
        parsed["post_processor"] = {"type": "Sequence", "processors": [older, json.loads(TEMPLATE.__getstate__())]}
        content = json.dumps(parsed)
        both = ours.Tokenizer.from_str(content), tokenizers.Tokenizer.from_str(content)
        for tokenizer in both:
            tokenizer.enable_truncation(9, stride=2)
        for special in (True, False):
            agree(both, lambda t: t.encode(TEXTS[0], add_special_tokens=special))
            agree(both, lambda t: t.encode_batch([TEXTS[0], TEXTS[1]], add_special_tokens=special))
            agree(both, lambda t: t.encode(TEXTS[0], TEXTS[1], add_special_tokens=special))


def test_templates_with_the_text_twice_or_not_at_all() -> None:
    parsed = json.loads(FILES.setdefault("bare", FILES.get("bare") or trained("bare")))
    special = [("<s>", 0), ("</s>", 1)]
    for single, pair in (
        ("<s> $A </s> $A:2", "$A $B:1 $A </s>:1"),
        ("<s> </s>", "<s> $A $B"),
        ("$A:3", "$B $A"),
    ):
        made = processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)
        content = json.dumps(parsed | {"post_processor": json.loads(made.__getstate__())})
        both = ours.Tokenizer.from_str(content), tokenizers.Tokenizer.from_str(content)
        for length in (None, 9):
            for tokenizer in both:
                if length:
                    tokenizer.enable_truncation(length, stride=2)
                assert json.loads(tokenizer.to_str())["post_processor"] == json.loads(made.__getstate__())
            for special_tokens in (True, False):
                agree(both, lambda t: t.encode(TEXTS[0], add_special_tokens=special_tokens))
                agree(both, lambda t: t.encode(TEXTS[0], TEXTS[1], add_special_tokens=special_tokens))
                agree(both, lambda t: t.encode_batch(TEXTS[:4], add_special_tokens=special_tokens))


def test_older_kinds_forget_what_an_encoding_was(both: tuple[Any, Any]) -> None:
    """What has been processed and padded is processed again, as a text and as one of a pair."""
    for tokenizer in both:
        tokenizer.enable_padding(length=12, pad_id=2, pad_token="<mask>")
    parts = [[t.encode(text) for text in ("a b", "c d e")] for t in both]
    for first, second in ((0, None), (0, 1)):
        for special in (True, False):
            made = [
                t.post_process(p[first], None if second is None else p[second], special)
                for t, p in zip(both, parts, strict=True)
            ]
            assert flat(made[0]) == flat(made[1])


@pytest.mark.parametrize("kind", ["BertProcessing", "RobertaProcessing"])
def test_older_kinds_before_another(kind: str) -> None:
    parsed = json.loads(FILES.setdefault("bare", FILES.get("bare") or trained("bare")))
    older: dict[str, Any] = {"type": kind, "sep": ["</s>", 1], "cls": ["<s>", 0]}
    if kind == "RobertaProcessing":
        older |= {"trim_offsets": True, "add_prefix_space": True}
    levels = json.loads(processors.ByteLevel(trim_offsets=True).__getstate__())
    parsed["post_processor"] = {"type": "Sequence", "processors": [older, levels]}
    both = ours.Tokenizer.from_str(json.dumps(parsed)), tokenizers.Tokenizer.from_str(json.dumps(parsed))
    agree(both, lambda t: t.encode(TEXTS[0]))
    agree(both, lambda t: t.encode(TEXTS[0], TEXTS[1]))
    for tokenizer in both:
        tokenizer.enable_truncation(13, stride=2)
    agree(both, lambda t: t.encode(TEXTS[0], TEXTS[1]))


def test_merging_what_overflows(both: tuple[Any, Any]) -> None:
    for tokenizer in both:
        tokenizer.enable_truncation(7, stride=1)
    for growing in (True, False):
        merged = [
            kind.merge([tokenizer.encode(text) for text in (" ", TEXTS[0][:30], "a b")], growing)
            for kind, tokenizer in zip((ours.Encoding, tokenizers.Encoding), both, strict=True)
        ]
        assert flat(merged[0]) == flat(merged[1])


def test_what_is_left_of_a_pickle_and_a_fast_batch(both: tuple[Any, Any]) -> None:
    for tokenizer in both:
        tokenizer.encode_special_tokens = True
    both = pickle.loads(pickle.dumps(both))
    agree(both, lambda t: (t.encode_special_tokens, t.encode("<s> a").ids))
    agree(both, lambda t: [(e.ids, e.type_ids) for e in t.encode_batch_fast([("a", "b"), ("c", "d e")])])


def test_ids_of_added_tokens_are_normalized() -> None:
    parsed = json.loads(FILES.setdefault("metaspace", FILES.get("metaspace") or trained("metaspace")))
    parsed["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "_"}
    both = ours.Tokenizer.from_str(json.dumps(parsed)), tokenizers.Tokenizer.from_str(json.dumps(parsed))
    for tokenizer in both:
        assert tokenizer.add_tokens(["a  b", "e"]) == 2
    agree(both, lambda t: [t.id_to_token(t.token_to_id(token)) for token in ("a  b", "e", "<s>")])
    agree(both, lambda t: t.encode("x a  b e"))
    agree(both, lambda t: t.get_vocab())


def test_a_pair_of_one_encoding(both: tuple[Any, Any]) -> None:
    for tokenizer in both:
        tokenizer.enable_truncation(9, stride=2)

    def twice(tokenizer: Any) -> Any:
        encoding = tokenizer.encode(TEXTS[0], add_special_tokens=False)
        return [tokenizer.post_process(encoding, encoding), encoding]

    agree(both, twice)
