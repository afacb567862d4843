"""The commands `tokenfoundry quality` and `tokenfoundry sample`: bodies of what `cli.py` registers."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["quality_app", "sample_command"]

quality_app = typer.Typer(no_args_is_help=True, help="Models that say how good a text is.")


def _texts(inputs: list[str], text_field: str, most_bytes: int) -> Any:
    """Texts of files, up to a size, as an Arrow array; what cannot be read is passed over and counted."""
    import pyarrow as pa

    from tokenfoundry.errors import InputError
    from tokenfoundry.io import find_files, format_of, records
    from tokenfoundry.pipeline.recipe import Input

    texts: list[str] = []
    size = rejected = 0
    for pattern in inputs:
        files = find_files(pattern, Path.cwd())
        if not files:
            raise InputError(f"{pattern!r} matches no file")
        for file in files:
            for record in records(
                file, format_of(file.path), Input.model_validate({"path": pattern, "text_field": text_field})
            ):
                if size >= most_bytes:
                    break
                if record.text is None:
                    rejected += 1
                    continue
                texts.append(record.text)
                size += record.size
    if not texts:
        raise InputError(f"there is no text in {', '.join(inputs)}")
    return pa.array(texts, pa.large_string()), size, rejected


@quality_app.command("train")
def train(
    inputs: Annotated[list[str], typer.Argument(help="Files, folders or globs of good text.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model to write.")] = Path("quality.tfq"),
    order: Annotated[int, typer.Option(min=2, max=7, help="Bytes of the longest n-gram.")] = 5,
    least: Annotated[int, typer.Option(min=1, help="Forget n-grams that are there less often.")] = 2,
    text_field: Annotated[str, typer.Option(help="Field or column that holds the text.")] = "text",
    most_bytes: Annotated[int, typer.Option(min=1, help="Train on about so much text.")] = 64_000_000,
) -> None:
    """Train a byte n-gram model: text like the given one costs it fewer bits a byte."""
    from tokenfoundry.text import ByteModel

    texts, size, rejected = _texts(inputs, text_field, most_bytes)
    model = ByteModel.train(texts, order=order, least=least)
    model.save(output)
    passed = f", {rejected:,} records that are no text passed over" if rejected else ""
    sys.stdout.write(
        f"{output}: order {model.order}, {len(model):,} n-grams from {len(texts):,} documents, {size:,} bytes{passed}\n"
    )


@quality_app.command("score")
def score(
    model: Annotated[Path, typer.Argument(help="A model of `quality train`, an ARPA or a fastText file.")],
    inputs: Annotated[list[str], typer.Argument(help="Files, folders or globs.", show_default=False)],
    text_field: Annotated[str, typer.Option(help="Field or column that holds the text.")] = "text",
    most_bytes: Annotated[int, typer.Option(min=1, help="Score about so much text.")] = 64_000_000,
) -> None:
    """Print what a model says of each document, tab-separated: to choose a threshold by looking."""
    from tokenfoundry.text import Columns

    columns = Columns(models={"model": model})
    names = [name for name in columns.schema.names if name.startswith("model.")][:2]
    texts, _, _ = _texts(inputs, text_field, most_bytes)
    found = columns.compute(texts, names)
    sys.stdout.write("\t".join([*(name.removeprefix("model.") for name in names), "text"]) + "\n")
    for *values, text in zip(*(found[name].to_pylist() for name in names), texts.to_pylist(), strict=True):
        shown = [f"{value:.4f}" if isinstance(value, float) else str(value) for value in values]
        sys.stdout.write("\t".join([*shown, " ".join(text[:200].split())[:80]]) + "\n")


def sample_command(
    output: Path, where: str | None, count: int, seed: int, characters: int, base: Path | None, console: Console
) -> None:
    """Print examples side by side."""
    from tokenfoundry.inspect import visible
    from tokenfoundry.text.sampling import sample

    examples = sample(output, where, count=count, seed=seed, base=base)
    if not examples:
        console.print("no document fits", style="yellow")
        return
    side = 2 if console.width >= 100 else 1
    table = Table(box=None, padding=(0, 2, 1, 0), show_header=False, expand=True)
    for _ in range(side):
        table.add_column(ratio=1, overflow="fold")
    cells = [_cell(example.row, example.text, characters, visible) for example in examples]
    for start in range(0, len(cells), side):
        table.add_row(*cells[start : start + side])
    console.print(table)


def _cell(row: dict[str, Any], text: str | None, characters: int, visible: Any) -> Text:
    cell = Text()
    cell.append(f"{row['uri']}#{row['record']}", style="bold")
    cell.append(f"  {row['source']}, {row['bytes_in']:,} bytes")
    if row["language"]:
        cell.append(f", {row['language']}")
    cell.append("\n")
    if row["verdict"] is not None:
        value = "" if row["value"] is None else f" (value {row['value']:.4g})"
        cell.append(f"{row['verdict']}{value}\n", style="yellow")
    else:
        cell.append("kept\n", style="green")
    if text is None:
        cell.append("(its input is not here; give --base, the folder of the recipe)", style="dim")
    else:
        more = f" … {len(text) - characters:,} characters more" if len(text) > characters else ""
        cell.append(visible(text[:characters]))
        cell.append(more, style="dim")
    return cell
