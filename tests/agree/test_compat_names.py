"""What `docs/compat.md` says: every public name is in it, and each class that it says is covered is."""

import functools
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiktoken.core
import tiktoken.load
import tiktoken.model
import tiktoken.registry
import tokenizers
import transformers
from tests.agree.transformers_directories import TEXTS, deeply, outcome, shown
from tests.vocabularies import vocabulary
from tokenizers import decoders, models, pre_tokenizers, trainers
from transformers.models.auto import tokenization_auto

import tokenfoundry as tf
from tokenfoundry.compat import transformers as ours

DOCUMENTATION = (Path(__file__).parents[2] / "docs" / "compat.md").read_text()
NAMES = set(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", DOCUMENTATION))
transformers.logging.set_verbosity_error()


def public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


#: What the modules import for themselves.
IMPORTED = {
    "AbstractSet", "Any", "Callable", "Collection", "Enum", "List", "Literal", "NoReturn", "TYPE_CHECKING",
    "ThreadPoolExecutor", "Tuple", "Union", "annotations", "base64", "functools", "hashlib", "importlib", "os",
    "pkgutil", "regex", "threading", "tiktoken", "tokenizers", "np", "Sequence", "warnings",
}  # fmt: skip


#: Those that the page is about; others may have other names.
OTHER_VERSIONS = pytest.mark.skipif(
    not (tokenizers.__version__.startswith("0.23.") and transformers.__version__.startswith("5.24.")),
    reason="docs/compat.md lists the names of tokenizers 0.23 and transformers 5.24",
)


@OTHER_VERSIONS
@pytest.mark.parametrize(
    "thing",
    [
        tiktoken, tiktoken.Encoding, tiktoken.core, tiktoken.load, tiktoken.model, tiktoken.registry,
        tokenizers, tokenizers.Tokenizer, tokenizers.Encoding, tokenizers.AddedToken,
        transformers.PreTrainedTokenizerFast, transformers.AutoTokenizer,
    ],
    ids=lambda thing: thing.__name__,
)  # fmt: skip
def test_every_name_is_listed(thing: Any) -> None:
    assert public(thing) - IMPORTED - NAMES == set()


@OTHER_VERSIONS
def test_every_name_of_a_batch_is_listed() -> None:
    assert public(transformers.BatchEncoding) - public(dict) - NAMES == set()


def row(beginning: str) -> list[str]:
    """The classes that a line of the table of what is covered names."""
    line = next(line for line in DOCUMENTATION.splitlines() if line.startswith(f"| {beginning}"))
    return sorted(set(re.findall(r"`(\w+Tokenizer)`", line)))


@functools.cache
def trained(kind: str) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A vocabulary and merges, of bytes or of characters."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    is_bytes = kind == "bytes"
    tokenizer.pre_tokenizer = (
        pre_tokenizers.ByteLevel(add_prefix_space=False) if is_bytes else pre_tokenizers.Metaspace()
    )
    tokenizer.decoder = decoders.ByteLevel() if is_bytes else decoders.Metaspace()
    special = ["<s>", "</s>", "<unk>", "<pad>", "<mask>", "<|endoftext|>", "<|startoftext|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=special + ([] if is_bytes else [f"<0x{byte:02X}>" for byte in range(256)]),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if is_bytes else [],
        show_progress=False,
        limit_alphabet=300,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


CALLS = (
    lambda t: [shown(t(text)) for text in TEXTS],
    lambda t: deeply(t(TEXTS, padding=True, truncation=True, max_length=12)),
    lambda t: shown(t(TEXTS, TEXTS[::-1], truncation=True, max_length=16)),
    lambda t: shown(t(TEXTS, padding=True, return_tensors="np")),
    lambda t: [t.tokenize(text) for text in TEXTS],
    lambda t: [t.decode(t.encode(text), skip_special_tokens=skip) for text in TEXTS for skip in (True, False)],
)


def class_of(name: str) -> Any:
    found = tokenization_auto.tokenizer_class_from_name(name)
    if found is None:
        pytest.skip(f"transformers {transformers.__version__} has no {name}")
    return found


@OTHER_VERSIONS
@pytest.mark.parametrize("name", row("all classes over `tokenizers`"))
def test_classes_that_are_covered(name: str) -> None:
    """Each with a vocabulary of bytes, or one of characters, whichever it takes."""
    kind = class_of(name)
    equal = 0
    for parts in ("bytes", "pieces"):
        vocab, merges = trained(parts)
        made = [kind(vocab=dict(vocab), merges=list(merges), pad_token="<pad>") for _ in range(2)]
        assert isinstance(made[0]._tokenizer.model, models.BPE)
        try:
            mine = ours.convert(made[1])
        except tf.VocabularyError:
            continue  # The class reads other pieces than these.
        equal += 1
        for call in CALLS:
            assert outcome(call, mine) == outcome(call, made[0])
    assert equal


@OTHER_VERSIONS
@pytest.mark.parametrize("name", row("classes over a `SentencePieceProcessor`"))
def test_classes_over_sentencepiece(name: str, tmp_path: Path) -> None:
    pytest.importorskip("sentencepiece")
    shutil.copy(vocabulary("mistral_v1"), tmp_path / "tokenizer.model")
    kind = class_of(name)
    theirs, mine = (kind(vocab_file=str(tmp_path / "tokenizer.model")) for _ in range(2))
    mine = ours.convert(mine)
    for call in CALLS:
        assert str(outcome(call, mine)) == str(outcome(call, theirs))


@OTHER_VERSIONS
@pytest.mark.parametrize("name", row("Unigram, WordPiece, WordLevel"))
def test_classes_that_are_not(name: str) -> None:
    tokenizer = class_of(name)()
    with pytest.raises(tf.VocabularyError, match=r"(Unigram|WordPiece|WordLevel) model.*untouched"):
        ours.convert(tokenizer)
