"""The report on a terminal."""

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tokenfoundry.progress import human_bytes
from tokenfoundry.report.summary import Summary

__all__ = ["render"]

_BAR_CELLS = 22


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 or column in ("", "for example") else "right")
    return table


def _bar(share: float) -> Text:
    filled = round(share * _BAR_CELLS)
    return Text("█" * filled, style="cyan") + Text("░" * (_BAR_CELLS - filled), style="dim")


def render(summary: Summary, *, reasons: int = 12) -> RenderableType:
    """Tables for a rich console: the run at a glance, its stages, and why documents were dropped."""
    s = summary
    glance = Text.assemble(
        (f"{s.tokens:,} tokens", "bold green"),
        f" from {s.kept:,} of {s.documents:,} documents ({human_bytes(s.bytes_in)} of text)\n",
        (f"{s.density:.2%} dense", "bold green"),
        f": {s.rows:,} rows of {s.sequence_length:,} tokens in {s.shards} shard{'s' * (s.shards != 1)}, ",
        f"{s.rows - s.lower_bound_rows:,} more than the fewest possible; {s.documents_cut:,} documents cut\n",
        f"vocabulary of {s.vocab_size:,}, {s.bytes_per_token:.2f} bytes a token\n",
        f"{s.seconds:.1f} s on {s.threads} threads, {human_bytes(s.bytes_in / max(s.seconds, 1e-9))}/s, ",
        f"peak memory {human_bytes(s.peak_memory_bytes)}",
    )
    stages = _table(
        "Through the line", "stage", "documents", "", "text", "tokens", "dropped", "edits", "seconds", "speed"
    )
    for stage in s.stages:
        dropped = sum(stage.dropped.values())
        stages.add_row(
            stage.name,
            f"{stage.documents_out:,}",
            _bar(stage.documents_out / s.documents if s.documents else 0.0),
            human_bytes(stage.bytes_out),
            f"{stage.tokens_out:,}" if stage.tokens_out else "",
            Text(f"{dropped:,}", style="yellow") if dropped else "",
            f"{sum(stage.edits.values()):,}" if stage.edits else "",
            f"{stage.seconds:.2f}",
            f"{human_bytes(stage.bytes_per_second)}/s" if stage.seconds >= 0.005 else "",
        )
    parts: list[RenderableType] = [
        Panel(glance, title=s.name, title_align="left", border_style="cyan", expand=False),
        stages,
    ]
    if s.reasons:
        dropped_table = _table("Dropped", "verdict", "documents", "text", "for example")
        for reason in s.reasons[:reasons]:
            example = Text(reason.examples[0], overflow="ellipsis", no_wrap=True)
            dropped_table.add_row(reason.verdict, f"{reason.documents:,}", human_bytes(reason.bytes), example)
        if len(s.reasons) > reasons:
            rest = s.reasons[reasons:]
            dropped_table.add_row(f"{len(rest)} more", f"{sum(reason.documents for reason in rest):,}", "", "")
        parts.append(dropped_table)
    for title, groups in [("Sources", s.sources), ("Languages", s.languages)]:
        table = _table(title, title.lower()[:-1], "documents", "kept", "tokens", "")
        for group in groups[:8]:
            table.add_row(
                group.name, f"{group.documents:,}", f"{group.kept:,}", f"{group.tokens:,}",
                _bar(group.tokens / s.tokens if s.tokens else 0.0),
            )  # fmt: skip
        parts.append(table)
    if s.redacted:
        parts.append(
            Text("Redacted in kept documents: " + ", ".join(f"{count:,} {kind}" for kind, count in s.redacted.items()))
        )
    return Group(*parts)
