"""Signatures of texts."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core import dedup as _dedup
from tokenfoundry.dedup.options import Unit, as_texts, check_ngram, in_units
from tokenfoundry.errors import InputError
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["MinHash"]

Scheme = Literal["tokenfoundry", "datasketch", "datasketch-legacy", "datatrove", "datatrove-32"]
Words = Literal["english", "whitespace"] | Callable[[str], Iterable[str]]
_FOREIGN = {"datasketch": np.uint32, "datasketch-legacy": np.uint64, "datatrove": np.uint64, "datatrove-32": np.uint32}


class MinHash:
    """MinHash signatures of texts: two agree in a share of slots that estimates their Jaccard similarity.

    ``scheme``:

    * "tokenfoundry", version 3: pinned by golden values; may be stored.
    * "datasketch" (2.0's affine32) and "datasketch-legacy" (1.x): equal to ``datasketch.MinHash(num_perm, seed)``
      updated with each n-gram, its lower-cased words joined by blanks, as UTF-8.
    * "datatrove" and "datatrove-32": equal to datatrove 0.10's signatures of 64 and 32 bits with xxhash.

    ``words``: for the foreign schemes, another way to words. For datatrove's, whose default is the same as its own, "english"
    (as spaCy 3.8 splits English), also "whitespace": at the blanks of the simplified text, as its ``WhitespaceTokenizer`` does.
    Or a function from a text to its words: with ``word_tokenize(simplify_text(text))`` of datatrove's tokenizer for
    another language signatures are equal to its own there too; it runs in Python, a text at a time.
    ``unit``: as in `near_duplicates` (a `Tokenizer` too), for the scheme "tokenfoundry".
    """

    def __init__(
        self,
        num_perm: int = 112,
        ngram: int = 5,
        seed: int = 1,
        scheme: Scheme = "tokenfoundry",
        *,
        unit: Unit | Tokenizer = "words",
        words: Words | None = None,
    ) -> None:
        if scheme != "tokenfoundry" and scheme not in _FOREIGN:
            raise InputError(f'scheme must be "tokenfoundry" or one of {", ".join(_FOREIGN)}, not {scheme!r}')
        if not 1 <= num_perm <= 4096:
            raise InputError(f"num_perm is {num_perm}; it must be between 1 and 4096")
        check_ngram(ngram)
        most = 2**64 if scheme == "tokenfoundry" else 2**32
        if not 0 <= seed < most:
            raise InputError(f"seed is {seed}; it must be between 0 and {most - 1}")
        if scheme == "tokenfoundry" and words is not None:
            raise InputError("words is for the schemes of other libraries; the scheme tokenfoundry takes unit")
        if isinstance(words, str):
            if not scheme.startswith("datatrove"):
                raise InputError(f"words is {words!r}; scheme {scheme!r} takes a function")
            if words not in ("english", "whitespace"):
                raise InputError(f'words must be "english", "whitespace" or a function, not {words!r}')
        if scheme != "tokenfoundry" and unit != "words":
            raise InputError(f"scheme {scheme!r} is made of words; unit is for the scheme tokenfoundry")
        self.num_perm = num_perm
        self.ngram = ngram
        self.seed = seed
        self.scheme = scheme
        self.unit = unit
        self.words = words

    def signatures(self, texts: Any, *, bits: int | None = None, threads: int | None = None) -> NDArray[Any]:
        """Signatures (n, num_perm) of uint32, or of uint64 for "datatrove" and "datasketch-legacy".

        A text of fewer than ``ngram`` words has 2^32 - 1 in every slot (2^64 - 1 for "datatrove", which itself makes
        no signature then). ``bits``: 8 or 16 to keep only the low bits of each slot, as uint8 or uint16; 1, 2 or 4 for several
        slots a byte, the first lowest (n, num_perm * bits / 8). Slots then agree by chance once in 2^bits, which
        `jaccard_estimate` takes back (Li and König 2010).
        """
        if self.scheme == "tokenfoundry":
            texts, unit = in_units(texts, self.unit, threads)
            made: NDArray[Any] = _dedup.signatures(as_texts(texts), self.num_perm, unit, self.ngram, self.seed, threads)
        else:
            split = "blanks" if self.words == "whitespace" else "scheme"
            if callable(self.words):
                split, texts = "prepared", ["\n".join(self.words(text)) for text in texts]
            made = _dedup.foreign_signatures(
                texts, self.scheme, split, self.num_perm, self.ngram, self.seed, threads
            ).astype(_FOREIGN[self.scheme], copy=False)
        return _low_bits(made, bits)

    def signatures_of_hashes(
        self,
        hashes: NDArray[np.uint64],
        offsets: NDArray[np.int64],
        *,
        bits: int | None = None,
        threads: int | None = None,
    ) -> NDArray[Any]:
        """Signatures (n, num_perm) of sets that were hashed elsewhere, for the scheme "tokenfoundry".

        ``hashes``: 64-bit hashes of the elements, well mixed; set i is
        ``hashes[offsets[i]:offsets[i + 1]]``. Order and repeats make no difference. ``bits`` as in `signatures`.
        """
        if self.scheme != "tokenfoundry":
            raise InputError(f"scheme {self.scheme!r} hashes n-grams itself; give texts to signatures")
        hashes = np.ascontiguousarray(hashes, np.uint64)
        offsets = np.ascontiguousarray(offsets, np.int64)
        made = _dedup.signatures_of_hashes(hashes, offsets, self.num_perm, self.seed, threads)
        return _low_bits(made, bits)

    @staticmethod
    def jaccard_estimate(left: NDArray[Any], right: NDArray[Any], *, bits: int | None = None) -> NDArray[np.float64]:
        """Estimated Jaccard similarity of signatures (…, num_perm), slot against slot; of the same dtype.

        ``bits``: what the signatures were made with; needed for 1, 2 and 4 only, whose bytes hold several slots.
        """
        if left.dtype != right.dtype:
            raise InputError(f"signatures of {left.dtype} and {right.dtype} cannot be compared")
        width = 8 * left.dtype.itemsize
        if bits in _PACKED:
            if left.dtype != np.uint8:
                raise InputError(f"signatures of {bits} bits a slot are uint8, not {left.dtype}")
            width = bits
            left, right = _unpacked(left, bits), _unpacked(right, bits)
        elif bits is not None and bits != width:
            raise InputError(f"signatures of {left.dtype} have {width} bits a slot, not {bits}")
        equal = np.mean(left == right, axis=-1)
        by_chance = 2.0**-width
        return np.asarray(np.maximum((equal - by_chance) / (1 - by_chance), 0.0))


_PACKED = (1, 2, 4)


def _low_bits(signatures: NDArray[Any], bits: int | None) -> NDArray[Any]:
    if bits is None:
        return signatures
    if bits in _PACKED:
        slots = 8 // bits
        if signatures.shape[1] % slots:
            raise InputError(
                f"num_perm is {signatures.shape[1]}; with {bits} bits a slot it must be a multiple of {slots}"
            )
        low = (signatures & ((1 << bits) - 1)).astype(np.uint8).reshape(len(signatures), -1, slots)
        return np.asarray((low << np.arange(0, 8, bits, dtype=np.uint8)).sum(axis=2, dtype=np.uint8))
    if bits not in (8, 16):
        raise InputError(f"bits is {bits}; it must be 1, 2, 4, 8 or 16, or None for all")
    return signatures.astype(np.uint8 if bits == 8 else np.uint16)


def _unpacked(signatures: NDArray[Any], bits: int) -> NDArray[Any]:
    """One slot a byte, of several."""
    slots = signatures[..., None] >> np.arange(0, 8, bits, dtype=np.uint8) & (1 << bits) - 1
    return slots.reshape(*signatures.shape[:-1], signatures.shape[-1] * (8 // bits))
