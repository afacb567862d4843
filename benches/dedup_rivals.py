"""What other libraries keep, as their documentation shows how to use them: for the quality table of `dedup.py`.

Each function takes texts and a seed and returns who stays. 112 permutations; 14 bands of 8 where bands are the user's
choice. Those that are not installed are left out.
"""

import importlib.util
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

import tokenfoundry as tf
from dedup_truth import components
from tokenfoundry.reference import dedup as reference

Keeps = Callable[[list[str], int], np.ndarray]


def _ngrams(text: str) -> list[str]:
    words = reference.words(text)
    return [" ".join(words[at : at + 5]) for at in range(len(words) - 4)]


def _with_signature(texts: list[str], signatures: np.ndarray) -> np.ndarray:
    """Components of shared bands; documents without an n-gram have no signature and stay."""
    have = ~(signatures == np.iinfo(signatures.dtype).max).all(axis=1)
    keep = np.ones(len(texts), bool)
    keep[have] = components(signatures[have], 14, 8)
    return keep


def by_rensa(texts: list[str], seed: int) -> np.ndarray:
    import rensa

    matrix = rensa.RMinHash.digest_matrix_from_token_sets([_ngrams(text) for text in texts], 112, seed)
    # Its flags name every document that has a duplicate, the one to keep too; so its signatures go the usual way.
    keep = np.ones(len(texts), bool)
    have = np.array([len(_ngrams(text)) > 0 for text in texts])
    keep[have] = components(np.array(matrix.to_rows(), np.uint32)[have], 14, 8)
    return keep


def by_datasketch(texts: list[str], seed: int) -> np.ndarray:
    import datasketch

    lsh = datasketch.MinHashLSH(threshold=0.8, num_perm=112)
    keep = np.ones(len(texts), bool)
    for number, text in enumerate(texts):
        sketch = datasketch.MinHash(num_perm=112, seed=seed)
        ngrams = _ngrams(text)
        sketch.update_batch([ngram.encode() for ngram in ngrams])
        if ngrams and lsh.query(sketch):
            keep[number] = False
        elif ngrams:
            lsh.insert(number, sketch)
    return keep


def by_gaoya(texts: list[str], seed: int) -> np.ndarray:
    import gaoya

    # Its seed cannot be chosen.
    index = gaoya.minhash.MinHashStringIndex(
        hash_size=32,
        jaccard_threshold=0.8,
        num_bands=14,
        band_size=8,
        analyzer="word",
        lowercase=True,
        ngram_range=(5, 5),
    )
    keep = np.ones(len(texts), bool)
    for number, text in enumerate(texts):
        if index.query(text):
            keep[number] = False
        else:
            index.insert_document(number, text)
    return keep


def by_daft(texts: list[str], seed: int) -> np.ndarray:
    import daft

    text = daft.col("text").normalize(remove_punct=True, lowercase=True, nfd_unicode=False, white_space=True)
    frame = daft.from_arrow(pa.table({"text": pa.array(texts, pa.large_string())}))
    made = frame.select(text.minhash(num_hashes=112, ngram_size=5, seed=seed)).to_arrow().column(0)
    return _with_signature(texts, np.array(made.to_pylist(), np.uint32))


def by_datatrove(texts: list[str], seed: int) -> np.ndarray:
    """Its signatures, which ours are (`dedup.by_datatrove` checks that), and its buckets and components."""
    return _with_signature(texts, tf.dedup.MinHash(112, seed=seed, scheme="datatrove").signatures(texts))


def rivals() -> Iterator[tuple[str, Keeps]]:
    for module, name, keeps in (
        (None, "datatrove: 14x8, components", by_datatrove),
        ("daft", "daft: 14x8, components", by_daft),
        ("rensa", "rensa: 14x8, components", by_rensa),
        ("datasketch", "datasketch: MinHashLSH at 0.8", by_datasketch),
        ("gaoya", "gaoya: 14x8, estimates", by_gaoya),
    ):
        if module is None or importlib.util.find_spec(module):
            yield name, keeps
