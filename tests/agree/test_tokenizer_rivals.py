"""Our encoding and training against the originals: `tiktoken` and Hugging Face's `tokenizers`."""

import tiktoken
from tests.corpus import SCRIPTS, documents, standard_library
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as HuggingFaceTokenizer

import tokenfoundry as tf
from tokenfoundry._core import bpe as core


def hugging_face_trained(pattern: str, vocab_size: int, min_frequency: int) -> HuggingFaceTokenizer:
    tokenizer = HuggingFaceTokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(core.named_pattern(pattern) or pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents(), trainer)
    return tokenizer


def test_training_equals_tokenizers() -> None:
    for pattern, vocab_size, min_frequency in [("cl100k", 6000, 2), ("gpt2", 2000, 2), ("o200k", 60_000, 3)]:
        theirs = hugging_face_trained(pattern, vocab_size, min_frequency)
        ours = tf.Tokenizer.train(documents(), vocab_size=vocab_size, pattern=pattern, min_frequency=min_frequency)
        assert ours.vocab_size == theirs.get_vocab_size()
        for text in documents():
            assert ours.encode(text) == theirs.encode(text).ids


def test_tokenizers_loads_what_we_save_and_we_load_what_it_saves(tmp_path) -> None:  # type: ignore[no-untyped-def]
    theirs = hugging_face_trained("cl100k", 3000, 2)
    theirs.save(str(tmp_path / "theirs.json"))
    ours = tf.Tokenizer.from_file(tmp_path / "theirs.json")
    ours.save(tmp_path / "ours.json")
    back = HuggingFaceTokenizer.from_file(str(tmp_path / "ours.json"))
    for text in documents():
        ids = theirs.encode(text).ids
        assert ours.encode(text) == ids
        assert back.encode(text).ids == ids
        assert ours.decode(ids) == back.decode(ids, skip_special_tokens=False) == text


def test_encoding_equals_tiktoken() -> None:
    trained = tf.Tokenizer.train(documents(), vocab_size=5000, special_tokens=[])
    ranks = {trained.token_bytes(id): id for id in range(trained.vocab_size)}
    for name in ("cl100k_tiktoken", "o200k", "gpt2"):
        pattern = core.named_pattern(name)
        assert pattern is not None
        theirs = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 9000})
        ours = tf.Tokenizer.from_tiktoken(ranks, pattern=pattern, special_tokens={"<|endoftext|>": 9000})
        for text in [*SCRIPTS, *standard_library(), "a\ud800b", "a" * 5000]:
            assert ours.encode(text) == theirs.encode_ordinary(text)
        text = "x<|endoftext|>y"
        assert ours.encode(text, allowed_special="all") == theirs.encode(text, allowed_special="all")
