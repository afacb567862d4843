"""Examples for people: documents of a finished run that a condition on its ledger picks, with their text."""

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenfoundry.expressions import parse

__all__ = ["Example", "sample"]


@dataclass(frozen=True)
class Example:
    """A document of the ledger.

    Attributes:
        row: the ledger's row.
        text: of a kept document as the shards have it, of a dropped one as it was read; None where its input is gone.
    """

    row: dict[str, Any]
    text: str | None


def sample(
    output: str | os.PathLike[str],
    where: str | None = None,
    *,
    count: int = 6,
    seed: int = 0,
    base: str | os.PathLike[str] | None = None,
) -> list[Example]:
    """Pick documents at random, all with the same chance; the same arguments give the same documents.

    Args:
        output: folder of a finished run.
        where: a condition on the ledger's columns, such as ``verdict == 'fineweb.short_lines' and bytes_in > 1000``;
            ``=`` may be written for ``==``.
        count: how many, at most.
        seed: for the choice.
        base: folder that the recipe's paths are relative to; default: the output's parent, then the working directory.

    Raises:
        InputError: the condition cannot be read, or the output is none.

    Cost: reads the ledger once, and of the input the files that the documents are in.
    """
    from tokenfoundry.provenance import ledger, manifest, trace_document

    folder = Path(output)
    content = manifest.load(folder)
    condition = None if where is None else parse(_with_double_signs(where), ledger.SCHEMA)
    dice = random.Random(seed)
    chosen: list[tuple[int, dict[str, Any]]] = []
    met = 0
    for batch in ledger.scan(folder):
        if condition is not None:
            held = condition.expression
            batch_rows = [one for part in _filtered(batch, held) for one in part.to_pylist()]
        else:
            batch_rows = batch.to_pylist()
        for row in batch_rows:
            # Every document so far is in with the same chance.
            if len(chosen) < count:
                chosen.append((met, row))
            elif (place := dice.randrange(met + 1)) < count:
                chosen[place] = (met, row)
            met += 1
    rows = [row for _, row in sorted(chosen, key=lambda one: one[0])]
    dropped = _read_again(content["recipe"], [row for row in rows if row["verdict"] is not None], folder, base)
    examples = []
    for row in rows:
        if row["verdict"] is None:
            text = trace_document(folder, row["id"].hex())[0].text
        else:
            text = dropped.get((row["source"], row["uri"], row["record"]))
        examples.append(Example(row, text))
    return examples


def _with_double_signs(where: str) -> str:
    """A single ``=`` outside quotation marks means ``==``: people write SQL."""
    parts = []
    quote = ""
    for index, character in enumerate(where):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"`":
            quote = character
        elif (
            character == "="
            and where[index - 1 : index] not in ("=", "!", "<", ">")
            and where[index + 1 : index + 2] != "="
        ):
            parts.append("=")
        parts.append(character)
    return "".join(parts)


def _filtered(batch: Any, expression: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_batches([batch]).filter(expression).to_batches()


def _read_again(
    recipe: dict[str, Any], rows: list[dict[str, Any]], output: Path, base: str | os.PathLike[str] | None
) -> dict[tuple[str, str, int], str]:
    """Texts of documents that did not get into the shards, from the input."""
    from tokenfoundry.io import find_files, format_of, records
    from tokenfoundry.pipeline.recipe import Input

    wanted = {(row["source"], row["uri"]): set[int]() for row in rows}
    for row in rows:
        wanted[row["source"], row["uri"]].add(row["record"])
    found: dict[tuple[str, str, int], str] = {}
    bases = [Path(base)] if base is not None else [output.resolve().parent, Path.cwd()]
    for plain in recipe["input"] if wanted else []:
        entry = Input.model_validate({key: value for key, value in plain.items() if key in Input.model_fields})
        for folder in bases:
            for file in find_files(entry.path, folder):
                numbers = wanted.get((entry.source, file.uri))
                if not numbers:
                    continue
                format = format_of(file.path) if entry.format == "auto" else entry.format
                last = max(numbers)
                for record in records(file, format, entry):
                    if record.record in numbers and record.text is not None:
                        found[entry.source, file.uri, record.record] = record.text
                    if record.record >= last:
                        break
    return found
