"""tokenize: a tokenizer from a file or trained on the corpus, and every document's tokens with an end mark.

Text is never read as special tokens: a page that quotes ``<|endoftext|>`` does not end its document.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry._core.bpe import kind_of_file
from tokenfoundry.errors import RecipeError
from tokenfoundry.pipeline.corpus import Corpus
from tokenfoundry.pipeline.recipe import Recipe, TokenizeStage, TrainTokenizer
from tokenfoundry.ragged import Ragged
from tokenfoundry.tokenizer import Tokenizer

__all__ = [
    "VERSION",
    "encode",
    "end_of_text_id",
    "known_tokenizer",
    "load_ahead",
    "make_tokenizer",
    "sample",
    "tokenizer_text",
]

VERSION = 1


def make_tokenizer(
    recipe: Recipe, options: TokenizeStage, corpus: Corpus, keep: NDArray[np.bool_], threads: int | None
) -> Tokenizer:
    """The recipe's tokenizer: loaded, or trained on (a sample of) the documents that are kept."""
    if isinstance(options.tokenizer, str):
        return Tokenizer.from_file(Path(recipe.base / options.tokenizer))
    train = options.tokenizer.train
    chosen = sample(corpus.lengths, keep, train, recipe.seed)
    return Tokenizer.train(
        corpus.selected(chosen),
        vocab_size=train.vocab_size,
        pattern=train.pattern,
        special_tokens=train.special_tokens,
        min_frequency=train.min_frequency,
        threads=threads,
    )


_known: dict[str, Tokenizer] = {}
_knowing = threading.Lock()
_MOST_KNOWN = 2


def known_tokenizer(key: str, make: Callable[[], Tokenizer]) -> Tokenizer:
    """The tokenizer of a key, made or loaded once a process: the key stands for all that it depends on."""
    with _knowing:
        if key not in _known:
            made = make()
            while len(_known) >= _MOST_KNOWN:
                del _known[next(iter(_known))]
            _known[key] = made
        return _known[key]


def load_ahead(recipe: Recipe, key: str) -> None:
    """Load a recipe's tokenizer file in a thread, while documents are read and judged. What is wrong with the file is
    said when it is used."""

    def load() -> None:
        with suppress(Exception):
            path = Path(recipe.base / recipe.stage("tokenize").tokenizer)
            _ = known_tokenizer(key, lambda: Tokenizer.from_file(path)).digest

    # Where there is no room for another thread, it is loaded when it is used.
    with suppress(RuntimeError):
        threading.Thread(target=load, name="tokenfoundry-tokenizer").start()


def tokenizer_text(recipe: Recipe, options: TokenizeStage, tokenizer: Tokenizer) -> str:
    """The tokenizer as a tokenizer.json: its file as it is, where it is one."""
    if isinstance(options.tokenizer, str):
        content = Path(recipe.base / options.tokenizer).read_bytes()
        if kind_of_file(content) == "tokenizer.json":
            return content.decode("utf-8")
    return tokenizer.to_json()


def sample(lengths: NDArray[np.int64], keep: NDArray[np.bool_], train: TrainTokenizer, seed: int) -> NDArray[np.bool_]:
    """Which documents to train on: all kept ones, or as many drawn at random as make about ``sample_bytes``."""
    total = int(lengths[keep].sum())
    if total <= train.sample_bytes:
        return keep
    draws = np.random.Generator(np.random.PCG64(seed)).random(len(keep))
    chosen: NDArray[np.bool_] = keep & (draws < train.sample_bytes / total)
    return chosen


def end_of_text_id(tokenizer: Tokenizer, options: TokenizeStage) -> int | None:
    """Id of the token at each document's end; None for none."""
    if options.end_of_text is None:
        return None
    token = tokenizer.special_tokens.get(options.end_of_text)
    if token is None:
        known = ", ".join(tokenizer.special_tokens) or "(none)"
        raise RecipeError(
            f"tokenize.end_of_text: {options.end_of_text!r} is no special token of the tokenizer; it has {known}"
        )
    return token


def encode(
    texts: Iterable[pa.LargeStringArray], tokenizer: Tokenizer, end_id: int | None, threads: int | None
) -> Iterator[Ragged]:
    """Tokens of batches of texts."""
    for batch in texts:
        tokens = tokenizer.encode_batch(batch, threads, allowed_special=())
        yield tokens if end_id is None else _with_end(tokens, end_id)


def _with_end(tokens: Ragged, end_id: int) -> Ragged:
    """A token appended to each row."""
    rows = len(tokens)
    offsets = tokens.offsets + np.arange(rows + 1, dtype=np.int64)
    values = np.full(len(tokens.values) + rows, end_id, np.uint32)
    is_token = np.ones(len(values), np.bool_)
    is_token[offsets[1:] - 1] = False
    values[is_token] = tokens.values
    return Ragged(values, offsets)
