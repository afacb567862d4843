"""`tokenfoundry.compat.transformers` against ``transformers`` itself."""

import copy
import inspect
import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agree.transformers_directories import CALLS, CHAT, TEXTS, deeply, directory, outcome, shown
from tests.vocabularies import SOURCES, vocabulary
from tokenizers import AddedToken, decoders, models, pre_tokenizers, processors, trainers

import tokenfoundry as tf
from tokenfoundry.compat import transformers as ours
from tokenfoundry.compat.transformers.backend import Backend

transformers.logging.set_verbosity_error()
SMALL = ("r50k", "qwen2", "mistral_v1", "deepseek")
LOADED: dict[str, tuple[Any, Any]] = {}


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokenizers")


def load(name: str, root: Path, **options: Any) -> tuple[Any, Any]:
    """Theirs and ours."""
    path = directory(name, root)
    return transformers.AutoTokenizer.from_pretrained(path, **options), ours.AutoTokenizer.from_pretrained(
        path, **options
    )


@pytest.mark.parametrize("name", SOURCES)
def test_all_calls(name: str, root: Path) -> None:
    theirs, mine = load(name, root)
    assert isinstance(mine._tokenizer, Backend)
    for call in CALLS.values():
        expected = outcome(call, theirs)
        assert outcome(call, mine) == expected
    assert mine._tokenizer.failure is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("qwen2", "Qwen2Tokenizer"),
        pytest.param("gemma3", "GemmaTokenizer", marks=pytest.mark.long),
        ("r50k", "GPT2Tokenizer"),
        ("r50k", "RobertaTokenizer"),
        ("llama3", "LlamaTokenizerFast"),
        ("mistral_v3", "LlamaTokenizerFast"),
    ],
)
def test_classes_of_models(name: str, kind: str, root: Path, tmp_path: Path) -> None:
    shutil.copytree(directory(name, root), tmp_path / kind)
    path = tmp_path / kind / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tokenizer_class": kind}))
    theirs = transformers.AutoTokenizer.from_pretrained(path.parent)
    mine = ours.AutoTokenizer.from_pretrained(path.parent)
    assert isinstance(mine, type(theirs))
    for call in CALLS.values():
        assert outcome(call, mine) == outcome(call, theirs)


def test_sentencepiece_model(tmp_path: Path) -> None:
    pytest.importorskip("google.protobuf")
    shutil.copy(vocabulary("mistral_v1"), tmp_path / "tokenizer.model")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer", "pad_token": "</s>"}')
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    mine = ours.AutoTokenizer.from_pretrained(tmp_path)
    for call in CALLS.values():
        assert outcome(call, mine) == outcome(call, theirs)


UTF8_TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)


@pytest.fixture(scope="module", autouse=True)
def _loaded(root: Path) -> None:
    LOADED.update((name, load(name, root)) for name in SMALL)


@given(st.lists(UTF8_TEXT, min_size=1, max_size=4), st.integers(1, 12), st.data())
@settings(max_examples=25, deadline=None)
def test_any_text(texts: list[str], max_length: int, data: st.DataObject) -> None:
    for name in SMALL:
        theirs, mine = LOADED[name]
        options: dict[str, Any] = {
            "truncation": data.draw(st.booleans()),
            "padding": data.draw(st.sampled_from([False, True, "max_length"])),
            "add_special_tokens": data.draw(st.booleans()),
            "padding_side": data.draw(st.sampled_from(["left", "right"])),
            "return_tensors": data.draw(st.sampled_from([None, "np"])),
        }
        if options["truncation"]:
            options["max_length"] = max_length
        for tokenizer in (theirs, mine):
            tokenizer.truncation_side = data.draw(st.shared(st.sampled_from(["left", "right"]), key="side"))
        call = lambda t: deeply(t(texts, **options))  # noqa: E731, B023
        assert outcome(call, mine) == outcome(call, theirs)
        ids = data.draw(st.lists(st.integers(0, len(theirs) + 5), max_size=20))
        assert mine.decode(ids) == theirs.decode(ids)
        assert mine.decode(ids, skip_special_tokens=True) == theirs.decode(ids, skip_special_tokens=True)


def template(single: str, pair: str) -> Any:
    special = [("<s>", 0), ("</s>", 1), ("<pad>", 2)]
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)


PROCESSORS = {
    "llama3": lambda: processors.Sequence([
        processors.ByteLevel(trim_offsets=True), template("<s> $A", "<s> $A <s>:1 $B:1")
    ]),
    "the text twice": lambda: template("<s> $A <pad> $A </s>", "<s> $A $B:1 $A </s>:1"),
    "no text": lambda: template("<s> </s>", "<s> $A </s> $B"),
    "types": lambda: template("<s>:2 $A:1 </s>:3 <pad>", "$B:1 <s> $A:0 </s>"),
    "two texts before": lambda: template("<pad> <s> $A", "<pad> <s> $A $B:1"),
    "roberta in a sequence": lambda: processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=False, add_prefix_space=False),
    ]),
    "roberta and a template": lambda: processors.Sequence([
        processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=True, add_prefix_space=False),
        template("<pad> $A", "<pad> $A <pad> $B:1"),
    ]),
    "bert": lambda: processors.BertProcessing(("</s>", 1), ("<s>", 0)),
}  # fmt: skip


def small(processor: Any, **options: Any) -> tuple[Any, Any]:
    """Theirs and ours, of a little vocabulary with what a model puts around texts."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<s>", "</s>", "<pad>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processor
    options = {"pad_token": "<pad>", "model_max_length": 20, "chat_template": CHAT} | options
    made = [transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **options) for _ in range(2)]
    return made[0], ours.convert(made[1])


@pytest.mark.parametrize("kind", PROCESSORS)
def test_what_is_put_around_texts(kind: str) -> None:
    theirs, mine = small(PROCESSORS[kind]())
    for call in CALLS.values():
        assert outcome(call, mine) == outcome(call, theirs)
    options = {"truncation": True, "stride": 2, "return_overflowing_tokens": True, "return_offsets_mapping": True}
    for strategy in ("longest_first", "only_first", "only_second"):
        options["truncation"] = strategy
        call = lambda t: deeply(t(TEXTS, TEXTS[::-1], max_length=13, **options))  # noqa: E731
        assert outcome(call, mine) == outcome(call, theirs)
    mine, theirs = copy.deepcopy((mine, theirs))
    names = ["input_ids", "token_type_ids", "attention_mask"]
    for tokenizer in (mine, theirs):
        tokenizer.model_input_names = names
    for options in ({}, {"padding": True}, {"padding": True, "return_tensors": "np", "padding_side": "left"}):
        assert deeply(mine(TEXTS, **options)) == deeply(theirs(TEXTS, **options))


UNUSUAL = [
    "t('a', add_special_tokens=None)", "t('a', add_special_tokens=1)", "t(['a'], add_special_tokens=0)",
    "t(['a b'], max_length=2.5, truncation=False)", "t(['a b'], max_length=2.5, truncation=True)",
    "t(['a b'], padding=True, pad_to_multiple_of=-2)", "t(['a'], pad_to_multiple_of='x', padding=True)",
    "t('a b', max_length=10**30, return_tensors='np')", "t('a b', truncation=True, max_length=10**30)",
    "t(['a b c'], max_length=np.int64(2), truncation=True)", "t('a', truncation=True, stride=None)",
    "t('a', text_pair=np.array(['a', 'b']))", "t('a', text_pair='')", "t(['a'], text_pair=[])",
    "t.batch_decode(np.array(3))", "t.batch_decode(np.array([3, 4]))", "t.batch_decode([3, 4])", "t.decode({1, 2})",
    "t.batch_decode([])", "t.batch_decode([[]])", "t.decode(np.array([[3, 4], [5, 6]]))", "t.decode([[3, 4], [5]])",
    "t('a', padding='foo')", "t('a', truncation='foo')", "t('a', return_tensors='foo')", "t('a', padding_side='up')",
    "t(['a', 'b c d e f'], padding=True, padding_side='up')", "t('a', nonsense=1)", "t.encode('a', nonsense=1)",
    "t('a b').word_to_chars(-1)", "t('a b').char_to_token(-1)", "t('a b').token_to_word(-2)", "t()", "t(b'a')",
    "t(('a', 'b'))", "t([['a', 'b']])", "t([['a', 'b', 'c']])", "t({'a': 1})", "t(['a', None])", "t(np.array(['a']))",
    "t.convert_ids_to_tokens(10**9)", "t.convert_ids_to_tokens([1.5])", "t.convert_ids_to_tokens(-1)",
    "t.convert_tokens_to_ids(None)", "t.convert_tokens_to_ids([5])", "t.pad([t('a')], padding='foo')",
    "t.apply_chat_template([{'role': 'user'}])", "t.apply_chat_template('x')", "t.padding_side_of",
    "t.add_special_tokens({'foo': 'x'})", "t.add_tokens([5])", "setattr(t, 'pad_token', 5)",
]  # fmt: skip


@pytest.mark.parametrize("call", UNUSUAL)
def test_unusual_arguments(call: str) -> None:
    theirs, mine = LOADED.setdefault("small", small(PROCESSORS["llama3"]()))
    said = [outcome(lambda t: shown(eval(call, {"t": t, "np": np})), tokenizer) for tokenizer in (theirs, mine)]
    assert said[0] == said[1]


def test_warnings_tell_the_padded_length(caplog: pytest.LogCaptureFixture) -> None:
    said = []
    transformers.logging.set_verbosity_warning()
    transformers.logging.enable_propagation()
    try:
        for options in ({}, {"return_tensors": "np"}, {"return_special_tokens_mask": True}):
            for tokenizer in small(PROCESSORS["llama3"](), model_max_length=6):
                caplog.clear()
                tokenizer(["a", "a b c d e f g h"], padding=True, pad_to_multiple_of=16, **options)
                said.append([record.message for record in caplog.records])
    finally:
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_propagation()
    assert said[::2] == said[1::2]
    assert all("16 > 6" in messages[0] for messages in said)


def test_copies_find_special_tokens_again() -> None:
    theirs, mine = small(PROCESSORS["llama3"]())
    for tokenizer in (theirs, mine):
        tokenizer(["a</s>"], split_special_tokens=True)
    theirs, mine = copy.deepcopy(theirs), copy.deepcopy(mine)
    assert deeply(mine("a</s>", max_length=3)) == deeply(theirs("a</s>", max_length=3))


def test_added_tokens_in_a_normalized_text() -> None:
    theirs, mine = small(None)
    for tokenizer in (theirs, mine):
        tokenizer.backend_tokenizer.normalizer = tokenizers.normalizers.Prepend("a")
        tokenizer.add_tokens(["b", "\u4e2d"])
    texts = ["b", "cb b \u4e2d", "a\u4e2d"]
    assert deeply(mine(texts)) == deeply(theirs(texts))
    numbers = theirs.convert_tokens_to_ids(["b", "\u4e2d"])
    assert mine.convert_ids_to_tokens(numbers) == theirs.convert_ids_to_tokens(numbers)


@pytest.fixture
def both(root: Path) -> tuple[Any, Any]:
    return load("r50k", root)


def test_it_is_what_it_was(both: tuple[Any, Any]) -> None:
    theirs, mine = both
    assert isinstance(mine, transformers.PreTrainedTokenizerBase)
    assert isinstance(mine, type(theirs))
    assert type(mine).__name__ == type(theirs).__name__
    assert type(mine).__module__ == type(theirs).__module__
    assert ours.is_converted(mine)
    assert not ours.is_converted(theirs)
    assert ours.convert(mine) is mine
    with pytest.raises(OSError, match="designed to be instantiated"):
        ours.AutoTokenizer()


def test_chat_templates(both: tuple[Any, Any]) -> None:
    messages = [
        {"role": "user", "content": "What's the weather?"},
        {"role": "assistant", "content": "It's na\u00efve \u4e2d."},
        {"role": "user", "content": "<|endoftext|>"},
        {"role": "assistant", "content": "Bye."},
    ]

    def weather(city: str) -> str:
        """
        Tell the weather.

        Args:
            city: where
        """
        return city

    calls = [
        lambda t: t.apply_chat_template(messages, tokenize=False),
        lambda t: shown(t.apply_chat_template(messages)),
        lambda t: shown(t.apply_chat_template(messages, tools=[weather], add_generation_prompt=True)),
        lambda t: shown(t.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)),
        lambda t: shown(
            t.apply_chat_template(
                [messages, messages[:2]],
                return_dict=True,
                return_assistant_tokens_mask=True,
                padding=True,
                truncation=True,
                max_length=24,
                return_tensors="np",
            )
        ),
        lambda t: t.apply_chat_template(messages, continue_final_message=True, tokenize=False),
        lambda t: shown(t.apply_chat_template(messages, return_dict=True, return_tensors="np")),
        lambda t: t.apply_chat_template([]),
    ]
    for call in calls:
        assert outcome(call, both[1]) == outcome(call, both[0])
    masked = both[1].apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    assert 0 < sum(masked["assistant_masks"]) < len(masked["assistant_masks"])
    if hasattr(both[0], "chat_control_tokens"):
        call = lambda t: shown(t.apply_chat_template(messages, sanitize_control_tokens=True))  # noqa: E731
        assert outcome(call, both[1]) == outcome(call, both[0])


def test_adding_tokens(both: tuple[Any, Any]) -> None:
    for tokenizer in both:
        assert tokenizer.add_tokens(["<new>", "brown", "\u00e9", "\u4e2d\u6587"]) == 4
    text = "a <new>brown fox \u00e9 \u4e2d\u6587 <x> b"
    assert deeply(both[1](text)) == deeply(both[0](text))
    assert both[1].decode(both[1].encode(text)) == both[0].decode(both[0].encode(text))
    for tokenizer in both:
        tokenizer.add_special_tokens({"bos_token": "<x>", "pad_token": AddedToken("<p>", lstrip=True)})
        tokenizer.add_tokens([AddedToken("fox", single_word=True, normalized=False)])
    assert shown(both[1]([text, "foxes  <p> fox"], padding=True)) == shown(
        both[0]([text, "foxes  <p> fox"], padding=True)
    )
    for skip in (True, False):
        assert both[1].decode(both[1].encode(text), skip_special_tokens=skip) == both[0].decode(
            both[0].encode(text), skip_special_tokens=skip
        )
    assert len(both[1]) == len(both[0])
    assert both[1].get_added_vocab() == both[0].get_added_vocab()


def test_saving(both: tuple[Any, Any], tmp_path: Path) -> None:
    for tokenizer, place in zip(both, ("theirs", "ours"), strict=True):
        tokenizer.add_tokens(["<new>"])
        tokenizer(TEXTS, padding=True, truncation=True, max_length=5)
        written = tokenizer.save_pretrained(tmp_path / place)
        assert {Path(file).name for file in written} >= {"tokenizer.json", "tokenizer_config.json"}
    for file in (tmp_path / "theirs").iterdir():
        assert (tmp_path / "ours" / file.name).read_bytes() == file.read_bytes()
    again = ours.AutoTokenizer.from_pretrained(tmp_path / "ours")
    assert shown(again(TEXTS)) == shown(transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")(TEXTS))


def test_copies(both: tuple[Any, Any]) -> None:
    theirs, mine = both
    theirs.add_tokens(["<new>"])
    mine.add_tokens(["<new>"])
    for copied in (pickle.loads(pickle.dumps(mine)), copy.deepcopy(mine)):
        assert ours.is_converted(copied)
        assert type(copied) is type(mine)
        assert deeply(copied("a <new> b")) == deeply(theirs("a <new> b"))
        copied.add_tokens(["<other>"])
        assert copied.encode("<other>") != mine.encode("<other>") == theirs.encode("<other>")


def test_encodings_come_out_of_pickles(both: tuple[Any, Any]) -> None:
    theirs, mine = both
    for options in ({}, {"padding": True, "truncation": True, "max_length": 9}, {"return_overflowing_tokens": True}):
        for text in (TEXTS[0], TEXTS):
            loaded = pickle.loads(pickle.dumps(mine(text, **options)))
            assert deeply(loaded) == deeply(theirs(text, **options))


def test_parts_may_be_changed(both: tuple[Any, Any]) -> None:
    template = processors.TemplateProcessing(single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 50256)])
    texts = ["a b", "<|endoftext|>x", "\u4e2d 12"]

    def agree() -> None:
        assert deeply(both[1](texts)) == deeply(both[0](texts))

    for tokenizer in both:
        tokenizer.backend_tokenizer.post_processor = template
    agree()
    for tokenizer in both:
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    agree()
    held = [tokenizer.backend_tokenizer.pre_tokenizer for tokenizer in both]
    agree()
    for part in held:
        part.add_prefix_space = True
    agree()
    for tokenizer in both:
        tokenizer.backend_tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    agree()
    for tokenizer in both:
        tokenizer.backend_tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
    agree()
    assert both[1].backend_tokenizer.failure is None
    for tokenizer in both:
        tokenizer.backend_tokenizer.normalizer = None
    agree()
    assert both[1].backend_tokenizer.failure is None
    both[1].backend_tokenizer.model.dropout = 0.5
    assert both[1]("a")["input_ids"]
    assert "dropout" in both[1].backend_tokenizer.failure


def test_fingerprints_of_datasets(root: Path) -> None:
    hashed = pytest.importorskip("datasets.fingerprint").Hasher.hash
    first, second = load("r50k", root)[1], load("r50k", root)[1]
    before = hashed(first)
    first(TEXTS, padding=True, truncation=True, max_length=5)
    assert hashed(first) == before == hashed(second)
    second.add_tokens(["<new>"])
    assert hashed(second) != before


def test_training_another(both: tuple[Any, Any]) -> None:
    made = [tokenizer.train_new_from_iterator([TEXTS[:5]], 400) for tokenizer in both]
    assert made[0].get_vocab() == made[1].get_vocab()


@pytest.mark.parametrize("kind", ["Unigram", "WordPiece", "WordLevel"])
def test_what_is_not_covered_says_so(kind: str, tmp_path: Path) -> None:
    vocab = {"[UNK]": 0, "a": 1}
    model = (
        models.Unigram([("a", 0.0), ("b", 0.0)], 0)
        if kind == "Unigram"
        else getattr(models, kind)(vocab, unk_token="[UNK]")
    )
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizers.Tokenizer(model)).save_pretrained(tmp_path)
    with pytest.raises(tf.VocabularyError, match=f"{kind} model.*use tokenizers.*patch_transformers leaves"):
        ours.AutoTokenizer.from_pretrained(tmp_path)
    with ours.patch_transformers():
        loaded = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert not ours.is_converted(loaded)
    assert loaded.encode("a") == transformers.AutoTokenizer.from_pretrained(tmp_path).encode("a")
    with pytest.raises(tf.VocabularyError, match="no transformers tokenizer"):
        ours.convert(tokenizers.Tokenizer(model))


def test_patching(root: Path) -> None:
    path = directory("r50k", root)
    auto = transformers.AutoTokenizer
    before = vars(auto)["from_pretrained"]
    assert not ours.is_patched()
    ours.patch_transformers()
    ours.patch_transformers()
    assert ours.is_patched()
    assert ours.is_converted(auto.from_pretrained(path))
    ours.unpatch_transformers()
    ours.unpatch_transformers()
    assert vars(auto)["from_pretrained"] is before
    assert not ours.is_converted(auto.from_pretrained(path))
    with ours.patch_transformers():
        inside = auto.from_pretrained(path)
        with ours.patch_transformers():
            pass
        assert ours.is_patched()
    assert not ours.is_patched()
    assert ours.is_converted(inside)


ENVIRONMENT = """
import os, site, sys
if sys.argv[1] == "import tokenfoundry":
    import tokenfoundry
elif sys.argv[1] == "import transformers first":
    from transformers import AutoTokenizer
    import tokenfoundry
else:
    site.addsitedir(sys.argv[1])
from transformers import AutoTokenizer
assert "tokenfoundry.compat.transformers" not in sys.modules
tokenizer = AutoTokenizer.from_pretrained(sys.argv[2])
found = type(tokenizer._tokenizer).__module__ == "tokenfoundry.compat.transformers.backend"
assert found == (os.environ["TOKENFOUNDRY_PATCH"] == "1")
if found:
    from tokenfoundry.compat.transformers import is_patched, unpatch_transformers
    assert is_patched()
    unpatch_transformers()
    assert not hasattr(AutoTokenizer.from_pretrained(sys.argv[2])._tokenizer, "failure")
"""


@pytest.mark.parametrize(
    ("way", "value"), [("import tokenfoundry", "1"), ("import transformers first", "1"), ("pth", "1"), ("pth", "0")]
)
def test_patching_by_a_variable(way: str, value: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENFOUNDRY_PATCH", value)
    if way == "pth":
        way = str(Path(tf.__file__).parents[1] / "tokenfoundry.data" / "purelib")
    command = [sys.executable, "-c", ENVIRONMENT, way, str(directory("r50k", root))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr


def slow_directory(kind: str, path: Path) -> Path:
    name, file, source = {
        "qwen": ("QWenTokenizer", "qwen.tiktoken", "qwen2"),
        "pieces": ("PiecesTokenizer", "tokenizer.model", "mistral_v1"),
    }[kind]
    shutil.copy(vocabulary(source), path / file)
    shutil.copy(Path(__file__).parent / "remote_code" / f"tokenization_{kind}.py", path)
    configuration = {"tokenizer_class": name, "auto_map": {"AutoTokenizer": [f"tokenization_{kind}.{name}", None]}}
    (path / "tokenizer_config.json").write_text(
        json.dumps(configuration | ({"pad_token": "</s>"} if kind == "pieces" else {}))
    )
    return path


@pytest.mark.parametrize("kind", ["qwen", "pieces"])
def test_tokenizers_in_python(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = slow_directory(kind, tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(path, trust_remote_code=True)
    mine = ours.AutoTokenizer.from_pretrained(path, trust_remote_code=True)
    assert isinstance(mine, type(theirs)) or type(mine).__name__ == type(theirs).__name__
    engine = mine.tokenizer if kind == "qwen" else mine.sp_model
    assert type(engine).__module__.startswith("tokenfoundry.")
    texts = [text for text in TEXTS if text]
    calls = [
        lambda t: [shown(t(text)) for text in texts],
        lambda t: shown(t(texts)),
        lambda t: shown(t([*texts, ""])),
        lambda t: shown(t("")),
        lambda t: shown(t(texts, truncation=True, max_length=7)),
        lambda t: shown(t(texts[:9], texts[9:18])),
        lambda t: shown(t([text.split() for text in texts], is_split_into_words=True)),
        lambda t: shown(t(texts[0], return_tensors="np")),
        lambda t: shown(t(texts, padding=True)),
        lambda t: [t.tokenize(text) for text in TEXTS],
        lambda t: [t.decode(t.encode(text), skip_special_tokens=skip) for text in texts for skip in (True, False)],
        lambda t: pickle.loads(pickle.dumps(t)).encode(texts[0]),
        lambda t: copy.deepcopy(t).encode(texts[0]),
        lambda t: t.apply_chat_template(
            [{"role": "user", "content": "<|endoftext|>"}], chat_template=CHAT, tokenize=True
        ),
        lambda t: t.encode("x <|endoftext|>", allowed_special=set()) if kind == "qwen" else None,
        lambda t: (t.add_tokens(["<new>"]), t.encode("a <new> b")) if kind == "pieces" else None,
        lambda t: t.convert_tokens_to_ids(["a", "b"]),
    ]
    for call in calls:
        assert shown(outcome(call, mine)) == shown(outcome(call, theirs))
    assert ours.is_converted(pickle.loads(pickle.dumps(mine)))
    mine.save_pretrained(tmp_path / "saved")
    assert {file.name for file in (tmp_path / "saved").iterdir()} >= {
        f"tokenization_{kind}.py",
        "tokenizer_config.json",
    }


def test_python_without_an_engine_is_not_covered() -> None:
    class Letters(transformers.PreTrainedTokenizer):
        @property
        def vocab_size(self) -> int:
            return 256

        def get_vocab(self) -> dict[str, int]:
            return {chr(number): number for number in range(256)}

    with pytest.raises(tf.VocabularyError, match=r"Letters: .* keeps neither .* patch_transformers leaves"):
        ours.convert(Letters())


def test_a_different_answer_is_not_taken(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = transformers.AutoTokenizer.from_pretrained(directory("r50k", root))
    monkeypatch.setattr("tokenfoundry.compat.transformers.backend._Engine.encode", lambda *_, **__: [1])
    with pytest.raises(tf.VocabularyError, match=r"do not agree on .*Hello"):
        ours.convert(theirs)
    assert not ours.is_converted(theirs)
    assert theirs.encode("a") != [1]


def test_methods_that_were_replaced() -> None:
    theirs, mine = small(None)
    for before in (True, False):
        converted = [theirs, mine]
        if before:  # As `CLIPTokenizer` does when it is made.
            tokenizer = tokenizers.Tokenizer.from_str(theirs.backend_tokenizer.to_str())
            converted = [transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer) for _ in range(2)]
        for tokenizer in converted:
            original = tokenizer.backend_tokenizer.decode
            tokenizer.backend_tokenizer.decode = lambda *a, _original=original, **o: _original(*a, **o).upper()
        if before:
            converted[1] = ours.convert(converted[1])
        assert converted[1].decode([70, 80]) == converted[0].decode([70, 80]) == converted[0].decode([70, 80]).upper()
        assert converted[1].batch_decode([[70, 80]]) == converted[0].batch_decode([[70, 80]])
    for tokenizer in (theirs, mine):
        encode = tokenizer.backend_tokenizer.encode_batch
        tokenizer.backend_tokenizer.encode_batch = lambda _texts, *a, _encode=encode, **o: _encode(["x y"], *a, **o)
        assert tokenizer("a")["input_ids"] == tokenizer.encode("b") == tokenizer(["c"])["input_ids"][0]
    assert mine.encode("a") == theirs.encode("a")
    with pytest.raises(tf.VocabularyError, match="encode_batch was replaced"):
        ours.convert(theirs)


def test_what_the_original_cannot_encode_is_left_to_it() -> None:
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab={"a": 0}, merges=[], unk_token="<missing>"))
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    with pytest.raises(tf.VocabularyError, match=r"itself cannot encode .*<missing>.* untouched"):
        ours.convert(theirs)
    assert theirs.encode("a") == [0]


def test_added_tokens_that_look_like_bytes(tmp_path: Path) -> None:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        TEXTS[:6], trainers.BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    )
    tokenizer.add_tokens(["\u00e9\u00e9", "\u0120x", "\u4e2d"])
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    mine = ours.convert(transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer))
    for number in range(len(theirs)):
        assert mine.decode([70, number, 71]) == theirs.decode([70, number, 71])


def test_long_inputs_are_warned_about_once(both: tuple[Any, Any], caplog: pytest.LogCaptureFixture) -> None:
    messages = []
    transformers.logging.set_verbosity_warning()
    transformers.logging.enable_propagation()
    try:
        for tokenizer in both:
            caplog.clear()
            tokenizer.model_max_length = 5
            for _ in range(2):
                tokenizer(["a b c d e f g h", "a"])
                tokenizer("a b c d e f g h i")
            messages.append([record.message for record in caplog.records])
    finally:
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_propagation()
    assert messages[0] == messages[1]
    assert messages[0]


def test_ids_alone_make_no_encodings(both: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    mine = both[1]

    def fail(*_: Any) -> None:
        raise AssertionError("encodings were made")

    monkeypatch.setattr("tokenfoundry.compat.transformers.backend.Engine.again", fail)
    monkeypatch.setattr("tokenfoundry.compat.transformers.backend.Engine._encoded", fail)
    encoded = mine(TEXTS, padding=True, truncation=True, max_length=8, return_tensors="np")
    assert encoded["input_ids"].dtype == np.int64
    assert encoded.is_fast
    with pytest.raises(AssertionError):
        encoded.word_ids(0)


def test_every_public_name(both: tuple[Any, Any]) -> None:
    def public(thing: Any) -> set[str]:
        return {name for name in dir(thing) if not name.startswith("_")}

    assert public(both[0]) - public(both[1]) == set()
    assert public(both[0]._tokenizer) - public(both[1]._tokenizer) == set()
    for name in ("__call__", "encode"):
        assert inspect.signature(getattr(both[1], name)) == inspect.signature(getattr(both[0], name))


def test_short_calls_see_what_was_set(both: tuple[Any, Any]) -> None:
    """A text alone takes a short way, which must notice all that may be otherwise by then."""

    def agree() -> None:
        for call in (
            lambda t: deeply(t(text)),
            lambda t: t.encode(text),
            lambda t: t.encode(text, max_length=3),
            lambda t: t.tokenize(text),
        ):
            assert outcome(call, both[1]) == outcome(call, both[0])

    text = "a <|endoftext|> caf\u00e9 \ud83d\udc4d"
    agree()
    text = "a <|endoftext|> caf\u00e9 <new> b"
    agree()
    for name, value in (
        ("split_special_tokens", True),
        ("split_special_tokens", False),
        ("model_max_length", 2),
        ("model_input_names", ["input_ids"]),
        ("model_input_names", ["input_ids", "token_type_ids", "attention_mask"]),
    ):
        for tokenizer in both:
            setattr(tokenizer, name, value)
        agree()
    for tokenizer in both:
        tokenizer.add_tokens(["<new>"])
    agree()
    for tokenizer in both:
        tokenizer.backend_tokenizer.enable_truncation(3)
    agree()


def test_classes_that_do_it_themselves() -> None:
    class Shouting(transformers.PreTrainedTokenizerFast):  # type: ignore[misc]
        def _encode_plus(self, text: Any, *arguments: Any, **options: Any) -> Any:
            return super()._encode_plus(text.upper() if isinstance(text, str) else text, *arguments, **options)

    original = LOADED["r50k"][0]._tokenizer
    theirs = Shouting(tokenizer_object=original)
    mine = ours.convert(Shouting(tokenizer_object=original))
    assert mine("loud")["input_ids"] == theirs("loud")["input_ids"] == theirs.encode("LOUD") == mine.encode("loud")
