"""Files that text stages read beside their options: models, word lists, evaluation sets, keys.

They are checked before the work, and what is in them is part of what a stage is: `fingerprint` stands for it in the keys
of finished work.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenfoundry.errors import InputError, RecipeError
from tokenfoundry.io import find_files
from tokenfoundry.pipeline.text_options import DecontaminateStage, FilterStage, LabelStage, RedactStage

if TYPE_CHECKING:
    from tokenfoundry.text import Columns

__all__ = ["WITH_FILES", "check_stage_files", "columns_of", "evaluation_texts", "files_of", "fingerprint"]

WITH_FILES = frozenset({"label", "filter", "redact", "decontaminate"})


def _named(options: Any) -> Iterator[tuple[str, str]]:
    """Place in the options and path of each file."""
    if isinstance(options, LabelStage | FilterStage):
        for key in ("models", "word_lists"):
            yield from ((f"{key}.{name}", path) for name, path in getattr(options, key).items())
    elif isinstance(options, RedactStage) and options.key_file is not None:
        yield "key_file", options.key_file
    elif isinstance(options, DecontaminateStage):
        yield from ((f"files.{name}", path) for name, path in options.files.items())


def _paths(path: str, base: Path) -> list[Path]:
    return [found.path for found in find_files(path, base)]


def files_of(options: Any, base: Path) -> list[Path]:
    """All files that a stage reads beside its options."""
    return [found for _, path in _named(options) for found in _paths(path, base)]


def check_stage_files(options: Any, base: Path, place: str) -> None:
    """Raise RecipeError where a file is missing, no model, or a condition names a column that there is not."""
    for key, path in _named(options):
        if not any(found.is_file() for found in _paths(path, base)):
            raise RecipeError(f"{place}.{key}: {path!r} is no file under {base}")
    if not isinstance(options, LabelStage | FilterStage):
        return
    try:
        columns = columns_of(options, base)
    except (InputError, OSError) as error:
        raise RecipeError(f"{place}: {error}") from None
    if isinstance(options, LabelStage):
        import difflib

        for name in options.columns:
            if name not in columns.schema.names:
                near = difflib.get_close_matches(name, columns.schema.names, 3)
                hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(columns.schema.names)}"
                raise RecipeError(f"{place}.columns: there is no column {name!r}; {hint}")
            if columns.schema.field(name).type == "string":
                raise RecipeError(f"{place}.columns: {name!r} is text; the ledger's signals are numbers")
    elif options.keep is not None:
        from tokenfoundry.expressions import parse

        try:
            parse(options.keep, columns.schema)
        except InputError as error:
            raise RecipeError(f"{place}.keep: {error}") from None


def columns_of(options: LabelStage | FilterStage, base: Path) -> "Columns":
    """The columns that a stage can ask for."""
    from tokenfoundry.text import Columns

    files = {
        key: {name: base / path for name, path in getattr(options, key).items()} for key in ("models", "word_lists")
    }
    return Columns(models=files["models"], word_lists=files["word_lists"])


def fingerprint(options: Any, base: Path) -> str:
    """Stands for the content of a stage's files; empty if it has none."""
    facts = [
        (key, hashlib.sha256(found.read_bytes()).hexdigest())
        for key, path in _named(options)
        for found in _paths(path, base)
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest() if facts else ""


def evaluation_texts(options: DecontaminateStage, base: Path) -> dict[str, list[str]]:
    """The texts of each evaluation set. Raises RecipeError that names the file and the record."""
    from tokenfoundry.text import joined_fields

    sets: dict[str, list[str]] = {}
    for name, path in options.files.items():
        texts: list[str] = []
        for found in _paths(path, base):
            try:
                texts += joined_fields(_records(found), options.fields)
            except (InputError, ValueError, OSError) as error:
                raise RecipeError(f"decontaminate.files.{name}: {found}: {error}") from None
        sets[name] = texts
    return sets


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as source:
            for batch in source.iter_batches():
                yield from batch.to_pylist()
        return
    import gzip

    import orjson

    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    record = orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    raise InputError(f"line {number}: not JSON: {error}") from None
                if not isinstance(record, dict):
                    raise InputError(f"line {number}: a JSON object was expected")
                yield record
