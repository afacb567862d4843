"""How far `tokenfoundry encode|count|train` are: a bar on a terminal, a line now and then elsewhere, all on stderr."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tokenfoundry.token_files import Totals

__all__ = ["TokenProgress"]

_PLAIN_EVERY_SECONDS = 5.0
_REJECTIONS_SHOWN = 8


class TokenProgress:
    """Call it with the totals so far."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.said = time.monotonic()
        self.rejections = 0
        self.bar = Progress(
            BarColumn(bar_width=30), TextColumn("{task.percentage:>3.0f}%  {task.description}"), TimeRemainingColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self.task = self.bar.add_task("", total=None)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def __call__(self, totals: Totals) -> None:
        for reason in totals.rejected[self.rejections : _REJECTIONS_SHOWN]:
            self.console.print(f"rejected: {reason}", style="yellow", highlight=False, markup=False, soft_wrap=True)
        self.rejections = len(totals.rejected)
        # Within a file that is larger than a batch, its text is as good a measure as there is.
        done = min(max(totals.bytes_read, totals.bytes), totals.file_bytes)
        self.bar.update(self.task, description=str(totals), completed=done, total=totals.file_bytes)
        if not self.console.is_terminal and time.monotonic() - self.said >= _PLAIN_EVERY_SECONDS:
            self.said = time.monotonic()
            self.console.print(str(totals), highlight=False, markup=False, soft_wrap=True)
