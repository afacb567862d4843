"""What `tokenfoundry.compat.tokenizers` hands on from `tokenizers`, or builds of its parts, against the originals."""

import copy
import importlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from tests.corpus import SCRIPTS, documents
from tokenizers import decoders, models, pre_tokenizers

import tokenfoundry as tf
from tokenfoundry.compat import tokenizers as ours
from tokenfoundry.compat.tokenizers.decoders import DecodeStream

TEXTS = [*SCRIPTS, "", "a", "  lead and trail ", "my name is john <s>"]


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        return type(error).__name__, str(error)


def seen(encoding: Any) -> Any:
    return encoding.ids, encoding.tokens, encoding.offsets, encoding.word_ids, encoding.special_tokens_mask


@pytest.mark.parametrize("name", ["ByteLevelBPETokenizer", "CharBPETokenizer", "SentencePieceBPETokenizer"])
def test_tokenizers_that_are_built(name: str, tmp_path: Path) -> None:
    mine = getattr(ours, name)()
    mine.train_from_iterator(documents()[:20], vocab_size=800, show_progress=False)
    assert isinstance(mine, getattr(tokenizers, name))
    assert isinstance(mine._tokenizer, ours.Tokenizer)
    # Not trained likewise: which of equally frequent ones it takes is another each time.
    theirs = tokenizers.Tokenizer.from_str(mine.to_str())
    assert theirs.get_vocab() == mine.get_vocab()
    for text in TEXTS:
        assert seen(theirs.encode(text)) == seen(mine.encode(text))
        assert theirs.decode(theirs.encode(text).ids) == mine.decode(mine.encode(text).ids)
    files = mine.save_model(str(tmp_path))
    again = [getattr(library, name).from_file(*files) for library in (tokenizers, ours)]
    assert type(again[1]) is type(mine)
    assert again[0].encode("some text").ids == again[1].encode("some text").ids


def test_tokenizers_of_other_models_say_so() -> None:
    for name, model in {"BertWordPieceTokenizer": "WordPiece", "SentencePieceUnigramTokenizer": "Unigram"}.items():
        with pytest.raises(AttributeError, match=f"{name}: tokenfoundry has BPE only, not {model}"):
            getattr(ours, name)
    with pytest.raises(AttributeError, match="has no attribute 'nonesuch'"):
        _ = ours.implementations.nonesuch


@pytest.mark.parametrize("name", ["decoders", "models", "normalizers", "pre_tokenizers", "processors", "trainers"])
def test_parts_are_imported_by_their_names(name: str) -> None:
    mine = importlib.import_module(f"tokenfoundry.compat.tokenizers.{name}")
    theirs = importlib.import_module(f"tokenizers.{name}")
    assert getattr(ours, name) is mine
    for part in dir(theirs):
        if not part.startswith("_") and part != "DecodeStream":
            assert getattr(mine, part) is getattr(theirs, part)


@pytest.mark.parametrize(
    "options", [{}, {"byte_fallback": True}, {"ignore_merges": True}, {"end_of_word_suffix": "</w>"}]
)
@pytest.mark.parametrize("pre_tokenizer", [None, pre_tokenizers.Metaspace(), pre_tokenizers.Whitespace()])
def test_a_model_that_is_not_trained_has_its_added_tokens(options: dict[str, Any], pre_tokenizer: Any) -> None:
    made = [library.Tokenizer(models.BPE(**options)) for library in (tokenizers, ours)]
    for tokenizer in made:
        tokenizer.pre_tokenizer = pre_tokenizer
        assert tokenizer.add_tokens(["my", "name", "is", "john"]) == 4
        assert tokenizer.add_special_tokens(["<s>"]) == 1
    theirs, mine = made
    for text in [*TEXTS, "é<s>my 日本"]:
        assert seen(theirs.encode(text)) == seen(mine.encode(text))
        assert theirs.decode(theirs.encode(text).ids) == mine.decode(mine.encode(text).ids)
    assert repr(mine) == repr(theirs)
    assert str(mine) == str(theirs)


def test_a_file_without_a_vocabulary_is_no_tokenizer(tmp_path: Path) -> None:
    for added in ([], ["<s>", "</s>"]):
        tokenizer = tokenizers.Tokenizer(models.BPE())
        tokenizer.add_tokens(added)
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        with pytest.raises(tf.VocabularyError, match=r"no vocabulary under model\.vocab"):
            tf.Tokenizer.from_file(tmp_path / "tokenizer.json")


def test_a_trainer_takes_our_added_tokens() -> None:
    special = [ours.AddedToken("<a>", lstrip=True), ours.AddedToken("<b>", special=True)]
    trainer = ours.trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    assert [token.content for token in trainer.special_tokens] == ["<a>", "<b>"]
    tokenizer = ours.Tokenizer(ours.models.BPE())
    tokenizer.pre_tokenizer = ours.pre_tokenizers.ByteLevel()
    tokenizer.train_from_iterator(documents()[:5], trainer)
    assert tokenizer.get_added_tokens_decoder()[0] == ours.AddedToken("<a>", lstrip=True, special=True)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("kind", ["bytes", "marked"])
def test_streams_of_ids(kind: str, skip: bool) -> None:
    tokenizer = tokenizers.Tokenizer(models.BPE(byte_fallback=kind == "marked"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel() if kind == "bytes" else pre_tokenizers.Metaspace()
    fused = decoders.Sequence([decoders.Metaspace(), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.decoder = decoders.ByteLevel() if kind == "bytes" else fused
    bytes_of = [] if kind == "bytes" else [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["<s>", *bytes_of],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if kind == "bytes" else [],
        limit_alphabet=300,
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents()[:10], trainer)
    mine = ours.Tokenizer.from_str(tokenizer.to_str())
    for text in [*TEXTS, "x<s>y 👍🏽<s>", "한국어 \u0301 text"]:
        ids = tokenizer.encode(text).ids
        for first in (None, ids[:2]):
            streams = decoders.DecodeStream(first, skip), DecodeStream(first, skip)
            copies = copy.copy(streams[0]), copy.copy(streams[1])
            for pair in (streams, copies):
                for number in [*ids, ids, 10**9, -1, "a"]:
                    given: Any = number
                    assert outcome(lambda: pair[1].step(mine, given)) == outcome(  # noqa: B023
                        lambda: pair[0].step(tokenizer, given)  # noqa: B023
                    )


def test_words_are_deprecated() -> None:
    made = [library.Tokenizer(models.BPE()) for library in (tokenizers, ours)]
    found = []
    for tokenizer in made:
        tokenizer.add_tokens(["my"])
        with pytest.warns(DeprecationWarning) as warned:
            words = tokenizer.encode("my my").words
        found.append((words, [str(warning.message) for warning in warned]))
    assert found[0] == found[1]


def test_encodings_that_outlive_their_batch() -> None:
    """They share their ids, which stay when the others are gone or are changed."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    tokenizer.train_from_iterator(documents()[:5], tokenizers.trainers.BpeTrainer(vocab_size=400, show_progress=False))
    mine = ours.Tokenizer.from_str(tokenizer.to_str())
    texts = documents()[:5]
    batch = mine.encode_batch(texts)
    batch[0].pad(len(batch[0]) + 3)
    batch[1].truncate(2)
    batch[2].ids.append(7)  # The first list of them that is asked for; others are made anew.
    kept = [batch.pop() for _ in range(3)]
    del batch
    expected = tokenizer.encode_batch(texts)
    for encoding, text in zip(kept, reversed(expected), strict=False):
        assert encoding.ids == text.ids
        assert pickle.loads(pickle.dumps(encoding)).offsets == text.offsets


def test_a_text_twice_within_roberta() -> None:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.add_tokens(["my", "name"])
    tokenizer.post_processor = tokenizers.processors.Sequence([
        tokenizers.processors.TemplateProcessing(single="$A $A", pair="$A $B $A", special_tokens=[]),
        tokenizers.processors.RobertaProcessing(("my", 0), ("name", 1)),
    ])  # fmt: skip
    mine = ours.Tokenizer.from_str(tokenizer.to_str())
    for special in (False, True):
        theirs, found = (one.encode("my name", add_special_tokens=special) for one in (tokenizer, mine))
        assert seen(found) == seen(theirs)
        assert found.sequence_ids == theirs.sequence_ids
