"""Language models that say how well they expect a text: a quality signal that is trained in seconds, offline."""

import gzip
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tokenfoundry._core import text as _core
from tokenfoundry.errors import InputError
from tokenfoundry.io.atomic import write_atomic
from tokenfoundry.text.classifiers import FastText

__all__ = ["ArpaModel", "ByteModel", "KenlmModel", "WordLists", "load_model"]

_KENLM = b"mmap lm http://kheafield.com/code format version"
"""How a model in KenLM's binary format begins."""


class ByteModel:
    """An n-gram model over bytes: how many bits a byte a text costs that is like the training text, and one that is not.

    Interpolated as by Witten and Bell (1991, "The zero-frequency problem"). Needs no words, so it works for every
    language and for code. The readable twin is ``tokenfoundry.reference.quality``.
    """

    def __init__(self, model: _core.ByteModel) -> None:
        self._model = model

    @classmethod
    def train(cls, texts: Any, *, order: int = 5, least: int = 2) -> "ByteModel":
        """Learn from texts (see the module ``tokenfoundry.text`` for what may hold them).

        Args:
            order: bytes of the longest n-gram, 2 to 7.
            least: n-grams that are there less often are forgotten; more for smaller models.

        Raises:
            InputError: ``order`` is out of range.

        Cost: about 0.1 µs a byte; memory 30 bytes for each distinct n-gram.
        """
        return cls(_core.ByteModel.train(texts, order=order, least=least))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "ByteModel":
        """A model that `save` wrote. Raises InputError where the file is damaged or something else."""
        try:
            return cls(_core.ByteModel(Path(path).read_bytes()))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model, whole or not at all. Equal models are equal bytes."""
        write_atomic(Path(path), self._model.to_bytes())

    def __len__(self) -> int:
        return len(self._model)

    def __repr__(self) -> str:
        return f"ByteModel(order {self.order}, {len(self):,} n-grams, {self._model.nbytes:,} bytes in memory)"

    @property
    def order(self) -> int:
        """Bytes of the longest n-gram."""
        return self._model.order

    def bits_per_byte(self, texts: Any, *, threads: int | None = None) -> pa.DoubleArray:
        """float64, one a text: the less, the more a text is like the training text; 0 for an empty one."""
        return pa.array(self._model.bits_per_byte(texts, threads=threads))


class ArpaModel:
    """A user's language model over words in ARPA's format (KenLM's ``lmplz``, SRILM …; ``.arpa`` or ``.arpa.gz``).

    Scores are KenLM's. Words are what white space parts: give the texts the form that the model was trained on.

    Raises:
        InputError: the file is no ARPA model; the message names the line.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        content = self.path.read_bytes()
        try:
            if content.startswith(b"\x1f\x8b"):
                content = gzip.decompress(content)
            self._model = _core.ArpaModel(content)
        except (InputError, OSError, EOFError) as error:
            raise InputError(f"{self.path}: {error}") from None

    def __len__(self) -> int:
        return len(self._model)

    def __repr__(self) -> str:
        return f"ArpaModel({str(self.path)!r}, order {self._model.order}, {len(self):,} n-grams)"

    def perplexity(self, texts: Any, *, threads: int | None = None) -> pa.DoubleArray:
        """float64, one a text: over the words and line ends of its lines that are not blank (CCNet, Wenzek et al. 2020);
        infinite for a blank text."""
        return pa.array(self._model.perplexity(texts, threads=threads))


class KenlmModel:
    """A user's language model in KenLM's binary format (``build_binary``: probing or trie, quantized or not), scored by KenLM.

    The format is KenLM's memory, so KenLM itself reads it: `pip install 'tokenfoundry[kenlm]'`. Where the ARPA file is at hand,
    `ArpaModel` needs nothing and gives the same numbers.

    Raises:
        InputError: the file is no such model, damaged, or of another version.
        ImportError: kenlm is not installed.

    Cost: about 1 µs a word of one thread; the file is mapped, not read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        with self.path.open("rb") as file:
            if not file.read(len(_KENLM)) == _KENLM:
                raise InputError(f"{self.path}: is not in KenLM's binary format")
        try:
            import kenlm
        except ImportError as missing:
            raise ImportError(
                f"{self.path} is in KenLM's binary format, which kenlm reads: pip install 'tokenfoundry[kenlm]'; "
                "an ARPA file needs nothing"
            ) from missing
        try:
            self._model = kenlm.Model(str(self.path))
        except (OSError, RuntimeError) as error:
            raise InputError(f"{self.path}: {error}") from None

    def __repr__(self) -> str:
        return f"KenlmModel({str(self.path)!r}, order {self._model.order})"

    def perplexity(self, texts: Any, *, threads: int | None = None) -> pa.DoubleArray:
        """float64, one a text, as `ArpaModel.perplexity`. KenLM's Python takes a line at a time, so ``threads`` changes nothing."""
        column = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else pa.array(texts)
        return pa.array([self._of(value.as_py()) for value in column], pa.float64())

    def _of(self, text: str | bytes | None) -> float:
        data = (text or "").encode("utf-8", "surrogatepass") if not isinstance(text, bytes) else text
        score, words = 0.0, 0
        for line in data.replace(b"\0", b" ").split(b"\n"):
            if line.split():
                score += self._model.score(line, bos=True, eos=True)
                words += len(line.split()) + 1
        return math.inf if words == 0 else 10.0 ** (-score / words)


class WordLists:
    """Words and phrases of a user's lists, counted in one pass: licences, insults, names of products.

    A phrase counts where no letter, mark or number touches it, in any case.

    Args:
        lists: phrases by the name of their list, or the path of a file with one a line (``#`` begins a comment line).

    Raises:
        InputError: a list is empty, or all are too long together.
    """

    def __init__(self, lists: Mapping[str, Sequence[str] | str | os.PathLike[str]]) -> None:
        self.lists = {name: _phrases(name, phrases) for name, phrases in lists.items()}
        self._lists = _core.WordLists(list(self.lists.items()))

    def count(self, texts: Any, *, threads: int | None = None) -> pa.RecordBatch:
        """One int64 column a list, a row a text."""
        return pa.RecordBatch.from_struct_array(pa.array(self._lists.count(texts, threads=threads)))


def _phrases(name: str, phrases: Sequence[str] | str | os.PathLike[str]) -> list[str]:
    lines: Iterable[str] = phrases if not isinstance(phrases, str | os.PathLike) else _lines(Path(phrases))
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise InputError(f"the list {name!r} has no words")
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 (byte {error.start})") from None


def load_model(path: str | os.PathLike[str]) -> ByteModel | ArpaModel | KenlmModel | FastText:
    r"""A quality model from a file, of the kind that its content says: ours, ARPA, KenLM's binary format, or fastText.

    Raises:
        InputError: it is none of them, or damaged.
        OSError: it cannot be read.
        ImportError: KenLM's binary format needs kenlm.
    """
    with Path(path).open("rb") as file:
        head = file.read(64)
    if head.startswith(b"TFbytes"):
        return ByteModel.load(path)
    if head.startswith(b"\x1f\x8b") or head.lstrip().startswith(b"\\data\\"):
        return ArpaModel(path)
    if head.startswith(b"\xba\x16\x4f\x2f"):
        return FastText(path)
    if head.startswith(_KENLM):
        return KenlmModel(path)
    raise InputError(
        f"{path}: is no quality model; known are those of `tokenfoundry quality train`, ARPA files (also .gz), "
        "KenLM's binary files and fastText classifiers"
    )
