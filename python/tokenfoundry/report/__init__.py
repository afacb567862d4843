"""What a run did, for people: `summary` gathers it from the output, `text` prints it, `html` writes report.html."""

from tokenfoundry.report.html import write_html
from tokenfoundry.report.summary import Summary, summarize
from tokenfoundry.report.text import render

__all__ = ["Summary", "render", "summarize", "write_html"]
