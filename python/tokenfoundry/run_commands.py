"""Commands about whole runs: plan, diff, takedown, sign, export. `cli.py` registers them; results go to stdout."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

__all__ = ["register"]

Output = Annotated[Path, typer.Argument(help="Folder of a finished run.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Key = Annotated[Path | None, typer.Option(help="Ed25519 private key (PEM) to sign the new manifest with.")]


def register(app: typer.Typer, guarded: Callable[[Any], Any], stdout: Callable[[], Console]) -> None:
    """Add the commands to ``app``; ``guarded`` turns errors into messages."""

    @app.command()
    @guarded
    def plan(
        recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.", show_default=False)],
        threads: Annotated[int | None, typer.Option(help="Threads; default all.", min=1)] = None,
        sample: Annotated[bool, typer.Option(help="Estimate time and memory from a sample.")] = True,
        as_json: AsJson = False,
    ) -> None:
        """Say what a run would do, what is done already, and what the rest would take."""
        from tokenfoundry.pipeline.estimate import make_plan

        made = make_plan(recipe, threads=threads, sample=sample)
        if as_json:
            sys.stdout.write(json.dumps(made.to_dict(), indent=1) + "\n")
            return
        _print_plan(made, stdout())

    @app.command()
    @guarded
    def diff(
        before: Annotated[Path, typer.Argument(help="A finished run.", show_default=False)],
        after: Annotated[Path, typer.Argument(help="Another.", show_default=False)],
        as_json: AsJson = False,
    ) -> None:
        """Compare two runs stage by stage."""
        from tokenfoundry.report.diff import diff as compare

        found = compare(before, after)
        if as_json:
            sys.stdout.write(json.dumps(found.to_dict(), indent=1, ensure_ascii=False) + "\n")
            return
        _print_diff(found, stdout())

    @app.command()
    @guarded
    def takedown(
        output: Output,
        uri: Annotated[
            str | None, typer.Option(help="All documents of a uri, or one: uri#record, or a page's address.")
        ] = None,
        source: Annotated[str | None, typer.Option(help="All of a source.")] = None,
        licence: Annotated[str | None, typer.Option(help="All of a licence.")] = None,
        document: Annotated[str | None, typer.Option(help="One, by its id.")] = None,
        reason: Annotated[str, typer.Option(help="Why; goes on record.")] = "",
        duplicates: Annotated[
            bool, typer.Option(help="Also documents that stay and have the text of one that goes.")
        ] = False,
        key: Key = None,
        finish: Annotated[bool, typer.Option("--finish", help="Only finish one that was interrupted.")] = False,
        cache: Annotated[Path | None, typer.Option(help="Also remove what a cache has of the documents.")] = None,
    ) -> None:
        """Remove documents from a finished run, on record."""
        from tokenfoundry.provenance import takedowns as module

        console = stdout()
        if finish:
            found = module.finish_pending(output)
            console.print("finished" if found else "there was nothing to finish", highlight=False)
            return
        done = module.takedown(
            output, uri=uri, source=source, licence=licence, document=document, reason=reason, duplicates=duplicates, key=key
        )  # fmt: skip
        console.print(
            f"{done.removed:,} of {done.documents:,} documents were in the shards and are out: {done.tokens:,} tokens, "
            f"{len(done.shards):,} shards written anew. {output / module.RECORD} says so", highlight=False, markup=False,
        )  # fmt: skip
        if done.copies_left:
            console.print(
                f"still there, with the same text or nearly: {', '.join(done.copies_left[:5])}"
                + (f" and {len(done.copies_left) - 5} more" if len(done.copies_left) > 5 else "")
                + "; --duplicates takes them too", style="yellow", highlight=False, markup=False,
            )  # fmt: skip
        if done.unsigned:
            console.print("the run was signed and no longer is; `tokenfoundry sign` signs it", style="yellow")
        if cache is not None:
            gone = module.purge(cache, output / module.RECORD)
            console.print(f"{gone:,} results removed from {cache}", highlight=False, markup=False)

    @app.command()
    @guarded
    def sign(
        output: Output, key: Annotated[Path, typer.Option(help="Ed25519 private key (PEM).", show_default=False)]
    ) -> None:
        """Sign a finished run."""
        from tokenfoundry.provenance.signing import sign as sign_output

        stdout().print(f"wrote {sign_output(output, key)}", highlight=False, markup=False)

    @app.command("new-key")
    @guarded
    def new_key(
        path: Annotated[Path, typer.Argument(help="File to write; PATH.pub gets the public key.", show_default=False)],
    ) -> None:
        """Make an Ed25519 key to sign runs with."""
        from tokenfoundry.provenance.signing import new_key as make

        private, public = make(path)
        stdout().print(f"private key {private}, public key {public}", highlight=False, markup=False)

    @app.command()
    @guarded
    def export(
        output: Output,
        format: Annotated[Literal["croissant", "openlineage", "eu-summary"], typer.Option(help="What to write.")],
        to: Annotated[Path | None, typer.Option(help="File to write; stdout if left out.")] = None,
        url: Annotated[
            str | None, typer.Option(help="croissant: where the data is. openlineage: the endpoint.")
        ] = None,
        namespace: Annotated[str, typer.Option(help="OpenLineage's namespace.")] = "tokenfoundry",
    ) -> None:
        """Describe a run in a format that others read."""
        _export(output, format, to, url, namespace)


def _export(output: Path, format: str, to: Path | None, url: str | None, namespace: str) -> None:
    from tokenfoundry.io.atomic import write_atomic

    if format == "openlineage":
        from tokenfoundry.provenance.openlineage import emit

        target = str(to) if to is not None else None
        emit(output, file=None if url else target or "/dev/stdout", url=url, namespace=namespace)
        return
    if format == "croissant":
        from tokenfoundry.provenance.croissant import croissant

        content = croissant(output, url=url or output.resolve().as_uri())
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    else:
        from tokenfoundry.provenance.eu_summary import eu_summary

        text = eu_summary(output)
    if to is None:
        sys.stdout.write(text)
    else:
        write_atomic(to, text)


def _print_plan(made: Any, console: Console) -> None:
    from tokenfoundry.progress import human_bytes

    console.print(
        f"{made.name}: {made.files:,} files, {human_bytes(made.bytes)} -> {made.output}"
        + (f", cache {made.cache}" if made.cache else "") + f"; {made.executor}, {made.threads} threads",
        highlight=False, markup=False,
    )  # fmt: skip
    table = Table("phase", "stages", "units", "done", "to do", "estimate", box=None, pad_edge=False)
    for phase in made.phases:
        table.add_row(
            phase.name, ", ".join(phase.stages), f"{phase.units:,}", "?" if phase.done is None else f"{phase.done:,}",
            human_bytes(phase.bytes_to_do), "" if phase.seconds is None else _duration(phase.seconds),
        )  # fmt: skip
    console.print(table)
    if made.finished:
        console.print("the output has this run already; nothing to do")
    elif made.seconds is not None:
        console.print(
            f"about {_duration(made.seconds)} and {human_bytes(made.memory_bytes)} of memory, estimated from "
            f"{made.sample_documents:,} documents ({human_bytes(made.sample_bytes)})", highlight=False,
        )  # fmt: skip


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _print_diff(found: Any, console: Console) -> None:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.6g}"

    console.print(f"{found.before} -> {found.after}", highlight=False, markup=False)
    if found.same_bytes:
        console.print("the files are the same to the byte")
    for line in found.recipe:
        console.print(f"recipe  {line}", highlight=False, markup=False)
    for name, changes in [
        *found.stages.items(),
        *((f"metrics of {source}", part) for source, part in found.metrics.items()),
    ]:
        console.print(name.replace("metrics of *", "metrics of the whole run"), style="bold", markup=False)
        for change in changes:
            console.print(
                f"  {change.name}: {number(change.before)} -> {number(change.after)}", highlight=False, markup=False
            )
    if found.only_before or found.only_after:
        console.print(
            f"documents only before: {found.only_before:,}; only after: {found.only_after:,}", highlight=False
        )
    for move in found.moves:
        console.print(
            f"{move.documents:,} documents: {move.before} -> {move.after}, for example {', '.join(move.examples)}",
            highlight=False, markup=False,
        )  # fmt: skip
