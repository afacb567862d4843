"""Training a vocabulary: tokenfoundry beside `tokenizers` and gigabpe, in one run, each result checked.

    python benches/train.py [--megabytes 100] [--vocabulary 32000] [--rounds 3] [--without tokenizers]

The text is what the machine carries (sources, documentation, translations of programs), cut into documents of up to
20 kB, the same for all; name folders of your own with ``--text``. Wall-clock medians; every trainer may use all cores.
gigabpe reads a file line by line and takes no initial alphabet, so it has a run of ours of its own, on lines.
"""

import argparse
import gettext
import itertools
import json
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tokenfoundry._core.bpe import Trainer

SUFFIXES = {".py", ".md", ".rst", ".txt", ".html", ".c", ".h", ".rs", ".js", ".mo"}
DOCUMENT_CHARACTERS = 20_000
Merges = list[tuple[int, int]]


def texts_of(path: Path) -> Iterator[str]:
    """A file's text; of a compiled catalogue, the translations."""
    if path.suffix == ".mo":
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        text = "\n".join(value for key, value in catalogue.items() if key and isinstance(value, str))
    else:
        text = path.read_text(encoding="utf-8", errors="replace")
    for start in range(0, len(text), DOCUMENT_CHARACTERS):
        yield text[start : start + DOCUMENT_CHARACTERS]


def corpus(folders: list[Path], limit_bytes: int) -> list[str]:
    """Documents from all folders in turn, none twice, up to a limit."""
    seen: set[str] = set()
    streams = [
        (path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES and path.is_file()) for folder in folders
    ]
    size = 0
    for path in (path for row in itertools.zip_longest(*streams) for path in row if path is not None):
        try:
            found = list(texts_of(path))
        except (OSError, ValueError, UnicodeDecodeError):
            continue
        for text in found:
            if text not in seen:
                seen.add(text)
                size += len(text.encode())
        if size >= limit_bytes:
            break
    return sorted(seen)


def ours(texts: list[Any], vocabulary: int, alphabet: bytes | None = None) -> Merges:
    trainer = Trainer("gpt2")
    trainer.feed(texts, None)
    return trainer.finish(vocabulary, 2, [], alphabet, None)[1]


def hugging_face(texts: list[str], vocabulary: int) -> Merges:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, min_frequency=2, initial_alphabet=alphabet, special_tokens=[], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return [(model["vocab"][left], model["vocab"][right]) for left, right in model["merges"]]


def gigabpe(path: Path, vocabulary: int) -> Merges:
    import gigabpe

    vocab, merges = gigabpe.train_bpe(
        [str(path)], vocabulary, special_tokens=[], min_frequency=2, pretokenizer="bytelevel"
    )
    return [(vocab[left], vocab[right]) for left, right in merges]


def timed(call: Callable[[], Merges], rounds: int) -> tuple[float, Merges]:
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--vocabulary", type=int, default=32_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--text", type=Path, nargs="*")
    parser.add_argument("--without", nargs="*", default=[], help="rivals to leave out")
    arguments = parser.parse_args()
    standard = [Path(sysconfig.get_paths()["stdlib"]), Path("/usr/share/doc"), Path("/usr/share/locale")]
    texts = corpus(arguments.text or [folder for folder in standard if folder.exists()], arguments.megabytes * 10**6)
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{size:.0f} MB in {len(texts)} documents, {arguments.vocabulary} tokens")

    def row(name: str, seconds: float, base: float, note: str) -> None:
        print(f"{name:28} {seconds:7.2f} s {size / seconds:7.1f} MB/s {seconds / base:6.1f} x  {note}", flush=True)

    base, merges = timed(lambda: ours(texts, arguments.vocabulary), arguments.rounds)
    row("tokenfoundry", base, base, f"{len(merges)} merges")
    if "tokenizers" not in arguments.without:
        seconds, theirs = timed(lambda: hugging_face(texts, arguments.vocabulary), 1)
        row("tokenizers", seconds, base, "equal" if theirs == merges else "DIFFERS")
    if "gigabpe" not in arguments.without:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "corpus.txt"
            path.write_text("\n".join(texts), encoding="utf-8")
            lines = lambda: path.read_bytes().splitlines(keepends=True)  # noqa: E731
            base, merges = timed(lambda: ours(lines(), arguments.vocabulary, b""), arguments.rounds)
            row("tokenfoundry (lines of a file)", base, base, f"{len(merges)} merges")
            try:
                seconds, theirs = timed(lambda: gigabpe(path, arguments.vocabulary), arguments.rounds)
                row("gigabpe (lines of a file)", seconds, base, "equal" if theirs == merges else "DIFFERS")
            except ImportError:
                print("gigabpe is not installed: pip install gigabpe", file=sys.stderr)


if __name__ == "__main__":
    main()
