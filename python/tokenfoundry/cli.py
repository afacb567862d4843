"""The command `tokenfoundry`.

Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 the data or a check failed, 2 the command or
the recipe is wrong, 130 interrupted. TOKENFOUNDRY_DEBUG=1 shows tracebacks. Heavy imports are inside the commands, so
that `--help` is quick.
"""

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console

from tokenfoundry._core import runtime
from tokenfoundry.errors import RecipeError, TokenFoundryError
from tokenfoundry.run_commands import register

__all__ = ["app", "main"]

FAILED, WRONG, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Raw documents in, training-ready token shards out, every token traceable.",
)  # fmt: skip
recipe_app = typer.Typer(no_args_is_help=True, help="Write and check recipes.")
app.add_typer(recipe_app, name="recipe")

_F = TypeVar("_F", bound=Callable[..., Any])


def _stdout() -> Console:
    return Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 140)


def _stderr() -> Console:
    return Console(stderr=True)


def _complain(message: str) -> None:
    _stderr().print(f"error: {message}", style="bold red", highlight=False, markup=False, soft_wrap=True)


def _guarded(command: _F) -> _F:
    """Errors become one message and an exit code."""

    @functools.wraps(command)
    def guarded(*arguments: Any, **options: Any) -> Any:
        if os.environ.get("TOKENFOUNDRY_DEBUG") == "1":
            return command(*arguments, **options)
        try:
            return command(*arguments, **options)
        except RecipeError as error:
            _complain(str(error))
            raise typer.Exit(WRONG) from None
        except BrokenPipeError:
            # Whoever read our output has seen enough; Python would complain once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except (TokenFoundryError, OSError, MemoryError) as error:
            _complain(str(error) or type(error).__name__)
            raise typer.Exit(FAILED) from None

    return guarded  # type: ignore[return-value]


Output = Annotated[Path, typer.Argument(help="Folder of a finished run.", show_default=False)]
Threads = Annotated[int | None, typer.Option(help="Threads; default all. Never changes the result.", min=1)]


def _run(recipe: Path, threads: int | None, keep_work: bool, quiet: bool) -> Any:
    from tokenfoundry.pipeline import run as run_recipe
    from tokenfoundry.pipeline.events import Silent
    from tokenfoundry.progress import PlainProgress, RichProgress, progress_for

    listener = Silent() if quiet else progress_for(_stderr())
    try:
        return run_recipe(recipe, threads=threads, progress=listener, keep_work=keep_work)
    except KeyboardInterrupt:
        if isinstance(listener, (RichProgress, PlainProgress)):
            listener.close()
        _complain("interrupted; what is finished is kept: run the same command again to go on")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        if isinstance(listener, (RichProgress, PlainProgress)):
            listener.close()


def _report(output: Path) -> None:
    from tokenfoundry.report import render, summarize

    _stdout().print(render(summarize(output)))


@app.command()
@_guarded
def run(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.", show_default=False)],
    threads: Threads = None,
    keep_work: Annotated[bool, typer.Option(help="Leave the work folder in the output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no report.")] = False,
) -> None:
    """Run a recipe; an interrupted run goes on where it stopped."""
    from tokenfoundry.report import write_html

    result = _run(recipe, threads, keep_work, quiet)
    if result.reused:
        _stderr().print(f"{result.output} has this very run already; nothing to do", highlight=False)
    if not (result.output / "report.html").exists():
        write_html(result.output)
    if not quiet:
        _report(result.output)
        _stdout().print(f"report: {result.output / 'report.html'}", highlight=False)


@app.command()
@_guarded
def demo(
    output: Annotated[Path, typer.Option(help="Folder for the demonstration.")] = Path("tokenfoundry-demo"),
    threads: Threads = None,
) -> None:
    """Run the whole line on the text that every Python installation carries."""
    from tokenfoundry.demo import prepare
    from tokenfoundry.provenance import verify as verify_output
    from tokenfoundry.report import write_html

    recipe = prepare(output)
    result = _run(recipe, threads, False, False)
    page = write_html(result.output)
    found = verify_output(result.output)
    _report(result.output)
    console = _stdout()
    if not found.ok:
        for problem in found.problems:
            _complain(problem)
        raise typer.Exit(FAILED)
    shown = _shown(result.output)
    shard, row = _row_of_several_documents(result.output)
    console.print(
        f"[green]verified[/]: {found.files} files re-read, {found.rows:,} rows, {found.tokens:,} tokens, every one traced"
    )
    console.print(f"report:   {_shown(page)}\nrecipe:   {_shown(recipe)}\n", highlight=False)
    console.print(
        "Next, see a row as a model will, ask where a token came from, and read batches for training:\n",
        highlight=False,
    )
    command = _command()
    console.print(f"  {command} inspect {shown} --shard {shard} --row {row}", style="cyan", highlight=False)
    console.print(
        f"  {command} trace {shown} --shard {shard} --row {row} --position 100", style="cyan", highlight=False
    )
    python = _shown(Path(sys.executable)) if sys.prefix != sys.base_prefix else "python"
    console.print(f"  {python} examples/read_batches.py {shown}", style="cyan", highlight=False)


def _row_of_several_documents(output: Path) -> tuple[int, int]:
    """A row in which a person sees how documents meet; the first row if there is none."""
    from tokenfoundry import shard

    shards = shard.open(output / "shards")
    for row in range(len(shards)):
        if len(shards.pieces(row)) >= 3:
            return shards.locate(row)
    return 0, 0


def _shown(path: Path) -> str:
    """A path as short as one can type it from here."""
    # Not resolved: a virtual environment's python is a link to the one it was made from.
    absolute = Path(os.path.abspath(path))  # noqa: PTH100
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def _command() -> str:
    """How the user can call this program: by its path, if that is not on PATH."""
    import shutil

    return "tokenfoundry" if shutil.which("tokenfoundry") else _shown(Path(sys.argv[0]))


@recipe_app.command("new")
@_guarded
def recipe_new(
    path: Annotated[Path | None, typer.Argument(help="File to write; stdout if left out.", show_default=False)] = None,
) -> None:
    """Write a commented recipe to start from."""
    from tokenfoundry.pipeline.recipe import new_recipe_text

    if path is None:
        sys.stdout.write(new_recipe_text())
        return
    if path.exists():
        raise RecipeError(f"{path}: exists already; choose another name")
    path.write_text(new_recipe_text(), encoding="utf-8")
    _stderr().print(f"wrote {path}; change its input, then: tokenfoundry run {path}", highlight=False)


@recipe_app.command("schema")
@_guarded
def recipe_schema_command() -> None:
    """Print the JSON schema of recipes."""
    from tokenfoundry.pipeline.recipe import recipe_schema

    sys.stdout.write(json.dumps(recipe_schema(), indent=1) + "\n")


@recipe_app.command("check")
@_guarded
def recipe_check(recipe: Annotated[Path, typer.Argument(help="The recipe.", show_default=False)]) -> None:
    """Check a recipe without running it."""
    from tokenfoundry.pipeline.recipe import load_recipe

    checked = load_recipe(recipe)
    stages = ", ".join(name for name, _ in checked.stage_list())
    sys.stdout.write(f"{recipe}: sound; {len(checked.input)} inputs, stages {stages}, output {checked.output_path}\n")


@app.command()
@_guarded
def verify(
    output: Output,
    key: Annotated[Path | None, typer.Option(help="Ed25519 public key (PEM) that must have signed it.")] = None,
) -> None:
    """Read everything again and fail on one flipped bit."""
    from tokenfoundry.provenance import verify as verify_output

    found = verify_output(output, lambda what: _stderr().print(f"checking {what}", style="dim"), key=key)
    for problem in found.problems:
        _complain(problem)
    if not found.ok:
        raise typer.Exit(FAILED)
    sys.stdout.write(
        f"{output}: sound; {found.files} files, {found.documents:,} documents, {found.rows:,} rows, {found.tokens:,} tokens\n"
    )


def _print_document(found: Any, text: bool) -> None:
    console = _stdout()
    document = found.document
    fields = [
        ("document", found.id), ("uri", document["uri"]), ("record", document["record"]), ("id there", document["external_id"]),
        ("source", document["source"]), ("licence", document["licence"]), ("language", document["language"]),
        ("content", f"{document['bytes_in']:,} bytes, xxh3-128 {document['content_hash'].hex()}" if document["content_hash"] else None),
    ]  # fmt: skip
    for name, value in fields:
        if value is not None:
            console.print(f"{name:>9}  {value}", highlight=False, markup=False)
    if found.dropped:
        value = "" if document["value"] is None else f" (value {document['value']:.4g})"
        console.print(
            f"  dropped  by {document['stage']}: {document['verdict']}{value}",
            style="yellow",
            markup=False,
            highlight=False,
        )
        if document["reason"]:
            console.print(f"   reason  {document['reason']}", markup=False, highlight=False)
        return
    for place in document["placements"]:
        first, last = place["document_start"], place["document_start"] + place["length"] - 1
        end = place["offset"] + place["length"] - 1
        console.print(
            f"   tokens  {first:,}-{last:,} of {document['tokens']:,}: shard {place['shard']}, row {place['row']}, "
            f"positions {place['offset']}-{end}",
            highlight=False,
        )
    if text:
        console.print("     text", highlight=False)
        from tokenfoundry.inspect import visible

        console.print(visible(found.text or ""), markup=False, highlight=False, soft_wrap=True)


@app.command()
@_guarded
def trace(
    output: Output,
    shard: Annotated[int | None, typer.Option(help="Shard of a token.")] = None,
    row: Annotated[int | None, typer.Option(help="Row in the shard.")] = None,
    position: Annotated[int | None, typer.Option(help="Position in the row.")] = None,
    document: Annotated[
        str | None, typer.Option(help="Or a document: id, uri, uri#record, or its own id (of a page its address).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
    text: Annotated[bool, typer.Option(help="Print the document's text.")] = True,
) -> None:
    """Say which document a token came from, or where a document's tokens are or why it has none."""
    from tokenfoundry import provenance

    place = (shard, row, position)
    if (document is None) == (None in place) and (document is None or any(part is not None for part in place)):
        _complain("give --shard, --row and --position, or --document")
        raise typer.Exit(WRONG)
    if document is not None:
        found = provenance.trace_document(output, document)
        for one in found:
            if as_json:
                _print_json(one, text)
            else:
                _print_document(one, text)
        return
    assert shard is not None and row is not None and position is not None
    token = provenance.trace(output, shard=shard, row=row, position=position)
    if as_json:
        _print_json(
            token.document,
            text,
            token=token.token,
            token_text=token.token_text,
            document_position=token.document_position,
        )
        return
    _stdout().print(
        f"    token  {token.token} {token.token_text!r}, number {token.document_position:,} of its document",
        highlight=False, markup=False,
    )  # fmt: skip
    _print_document(token.document, text)


def _print_json(found: Any, text: bool, **more: Any) -> None:
    plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in found.document.items()}
    plain["redacted"] = dict(found.document["redacted"] or [])
    if text:
        plain["text"] = found.text
    sys.stdout.write(json.dumps({**more, **plain}, ensure_ascii=False) + "\n")


@app.command()
@_guarded
def sample(
    output: Output,
    where: Annotated[str | None, typer.Option(help="Condition on the ledger: verdict = 'fineweb.short_lines'.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Examples.")] = 6,
    seed: Annotated[int, typer.Option(help="Another seed, other examples.")] = 0,
    characters: Annotated[int, typer.Option(min=1, help="Of each text, so many characters.")] = 600,
    base: Annotated[Path | None, typer.Option(help="The recipe's folder, if not the output's parent.")] = None,
) -> None:
    """Show examples of documents side by side, to judge a rule with one's eyes."""
    from tokenfoundry.text.command import sample_command

    sample_command(output, where, count, seed, characters, base, _stdout())


@app.command()
@_guarded
def inspect(
    output: Output,
    shard: Annotated[int, typer.Option(help="Shard.")] = 0,
    row: Annotated[int, typer.Option(help="Row in the shard.")] = 0,
    rows: Annotated[int, typer.Option(help="Rows to show.", min=1)] = 1,
    tokens: Annotated[bool, typer.Option(help="Shade every other token.")] = False,
) -> None:
    """Show a packed row as a model will see it, each document in its colour."""
    from tokenfoundry.inspect import render_row

    console = _stdout()
    for number in range(row, row + rows):
        for line in render_row(output, shard=shard, row=number, token_bounds=tokens):
            console.print(line, soft_wrap=True)


@app.command()
@_guarded
def report(
    output: Output,
    as_json: Annotated[bool, typer.Option("--json", help="The facts as JSON.")] = False,
) -> None:
    """Print a run's report and write its report.html."""
    from tokenfoundry.report import summarize, write_html

    if as_json:
        sys.stdout.write(json.dumps(summarize(output).to_dict(), indent=1, ensure_ascii=False) + "\n")
        return
    page = write_html(output)
    _report(output)
    _stdout().print(f"report: {page}", highlight=False)


@app.command("dedup")
@_guarded
def dedup_command(
    inputs: Annotated[
        list[Path], typer.Argument(help="JSON Lines, Parquet or text files, or folders of them.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the kept documents go.", show_default=False)],
    threshold: Annotated[float, typer.Option(help="Jaccard similarity of word 5-grams.", min=0.05, max=1.0)] = 0.8,
    keep: Annotated[Literal["first", "last", "longest"], typer.Option(help="Which of a group stays.")] = "first",
    exact: Annotated[bool, typer.Option(help="Only identical documents.")] = False,
    lines: Annotated[bool, typer.Option(help="Also repeated lines.")] = False,
    text_column: Annotated[str, typer.Option(help="Field or column with the text.")] = "text",
    report: Annotated[Path | None, typer.Option(help="Where the removals go, with their reasons.")] = None,
    threads: Threads = None,
) -> None:
    """Deduplicate files, without a recipe."""
    from tokenfoundry.dedup import command

    sys.stdout.write(
        command.run(
            inputs, output, threshold=threshold, keep=keep, exact=exact, lines=lines, text_column=text_column,
            report=report, threads=threads,
        )
        + "\n"
    )  # fmt: skip


Inputs = Annotated[
    list[str],
    typer.Argument(help="Files, folders or globs: JSON Lines, Parquet, text (.gz, .zst).", show_default=False),
]
TokenizerName = Annotated[
    str, typer.Option("--tokenizer", "-t", help="A tokenizer's file, folder or name.", show_default=False)
]
Pattern = Annotated[str | None, typer.Option(help="Split pattern of a rank file, e.g. cl100k.")]
TextField = Annotated[str, typer.Option(help="Field or column with the text.")]


def _token_progress() -> Any:
    from tokenfoundry.token_progress import TokenProgress

    return TokenProgress(_stderr())


@app.command("encode")
@_guarded
def encode_command(
    inputs: Inputs,
    tokenizer: TokenizerName,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the arrays.", show_default=False)],
    pattern: Pattern = None,
    text_field: TextField = "text",
    template: Annotated[bool, typer.Option(help="Put BOS and EOS where the tokenizer does.")] = True,
    special: Annotated[bool, typer.Option(help="Find special tokens that documents spell out.")] = False,
    end_token: Annotated[str | None, typer.Option(help="A token to put after each document.")] = None,
    threads: Threads = None,
) -> None:
    """Encode files into tokens.npy and offsets.npy."""
    from tokenfoundry import token_files

    with _token_progress() as progress:
        totals = token_files.encode(
            inputs, output, token_files.load(tokenizer, pattern), text_field=text_field, add_special_tokens=template,
            special_in_text=special, end_token=end_token, threads=threads, report=progress,
        )  # fmt: skip
    sys.stdout.write(f"{output}: {totals}\n")


@app.command("count")
@_guarded
def count_command(
    inputs: Inputs,
    tokenizer: TokenizerName,
    pattern: Pattern = None,
    text_field: TextField = "text",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every file.")] = False,
    threads: Threads = None,
) -> None:
    """Count the tokens of files."""
    from tokenfoundry import token_files

    with _token_progress() as progress:
        totals, by_file = token_files.count(
            inputs, token_files.load(tokenizer, pattern), text_field=text_field, threads=threads, report=progress
        )
    if as_json:
        files = [{"path": path, "documents": some, "tokens": tokens} for path, (some, tokens) in by_file.items()]
        found = {"documents": totals.documents, "bytes": totals.bytes, "tokens": totals.tokens, "files": files}
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return
    for path, (_, tokens) in by_file.items():
        sys.stdout.write(f"{tokens:>15,}  {path}\n")
    sys.stdout.write(f"{totals.tokens:>15,}  tokens in {totals}\n")


@app.command("train")
@_guarded
def train_command(
    inputs: Inputs,
    output: Annotated[Path, typer.Option("--output", "-o", help="The tokenizer.json to write.", show_default=False)],
    vocab_size: Annotated[int, typer.Option(help="Tokens, the special ones included.", min=257)] = 32_000,
    pattern: Annotated[str, typer.Option(help="Split pattern: a name or a regex.")] = "cl100k",
    special_token: Annotated[list[str] | None, typer.Option(help="A special token; may be repeated.")] = None,
    min_frequency: Annotated[int, typer.Option(help="Least occurrences of a pair.", min=0)] = 2,
    text_field: TextField = "text",
    threads: Threads = None,
) -> None:
    """Train a byte-level tokenizer."""
    from tokenfoundry import token_files

    with _token_progress() as progress:
        totals, trained = token_files.train(
            inputs, output, vocab_size=vocab_size, pattern=pattern, min_frequency=min_frequency,
            special_tokens=special_token or ["<|endoftext|>"], text_field=text_field, threads=threads, report=progress,
        )  # fmt: skip
    sys.stdout.write(f"{output}: {trained.vocab_size:,} tokens from {totals}\n")


register(app, _guarded, _stdout)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"tokenfoundry {runtime.VERSION} ({runtime.cpu_tier()})\n")
        raise typer.Exit()


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None: ...


def _quality() -> typer.Typer:
    from tokenfoundry.text.command import quality_app

    for command in quality_app.registered_commands:
        if command.callback is not None:
            command.callback = _guarded(command.callback)
    return quality_app


app.add_typer(_quality(), name="quality")


def _command_line() -> int:
    try:
        app()
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def main() -> None:
    """Entry point of the command."""
    if sys.argv[1:2] in (["run"], ["demo"]):
        from tokenfoundry.supervised import supervised

        sys.exit(supervised(_command_line, _complain))
    sys.exit(_command_line())


if __name__ == "__main__":
    main()
