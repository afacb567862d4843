"""report.html: one page that needs nothing from elsewhere: it opens anywhere, without a network, and can be mailed.

The charts are plotly's, whose script (about 5 MB) is in the page; without it, or with scripts off, the tables have the
same facts.
"""

import importlib.resources
import json
import os
from html import escape
from pathlib import Path

from tokenfoundry.io.atomic import write_atomic
from tokenfoundry.progress import human_bytes
from tokenfoundry.provenance import manifest
from tokenfoundry.report.charts import Chart, charts
from tokenfoundry.report.distributions import Distributions, distributions
from tokenfoundry.report.summary import Group, Summary, summarize

__all__ = ["write_html"]

_STYLE = """
:root { --ink: #1c2430; --soft: #68758a; --line: #dfe5ee; --bar: #2f7ed8; --lost: #e5a13a; --paper: #fff; --back: #f4f6fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf2; --soft: #94a1b8; --line: #2c3648; --bar: #5aa2f0; --lost: #d9a04a; --paper: #161d2a; --back: #0f141d; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem; background: var(--back); color: var(--ink);
       font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: auto; }
h1 { margin: 0 0 .2rem; font-size: 1.7rem; } h2 { margin: 0 0 .8rem; font-size: 1.1rem; }
p.soft, .soft { color: var(--soft); margin: 0 0 1.4rem; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 1.2rem 1.4rem; margin: 0 0 1.2rem; overflow-x: auto; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 1rem; margin: 0 0 1.2rem; }
.figure { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1.1rem; }
.figure b { display: block; font-size: 1.45rem; font-variant-numeric: tabular-nums; } .figure span { color: var(--soft); font-size: .85rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: .85rem; } th, td { padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); }
td.n, th.n { text-align: right; white-space: nowrap; } td:first-child code { white-space: nowrap; } tr:last-child td { border-bottom: 0; }
.track { display: flex; min-width: 9rem; height: .8rem; border-radius: 4px; background: var(--line); overflow: hidden; }
.track i { display: block; background: var(--bar); } .track u { display: block; background: var(--lost); }
code { font: .85rem ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; } .examples code { display: block; color: var(--soft); }
"""


def _track(share: float, lost: float = 0.0) -> str:
    return f'<div class="track"><i style="width:{share:.3%}"></i><u style="width:{lost:.3%}"></u></div>'


def _table(headings: list[str], rows: list[list[str]]) -> str:
    """Cells are HTML; a heading that begins with # is of a column of numbers."""
    number = [heading.startswith("#") for heading in headings]

    def cells(tag: str, values: list[str]) -> str:
        kinds = [' class="n"' if right else "" for right in number]
        return "".join(f"<{tag}{kind}>{value}</{tag}>" for kind, value in zip(kinds, values, strict=True))

    head = cells("th", [heading.removeprefix("#") for heading in headings])
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cost_table(s: Summary) -> str:
    rows = [
        ["CPU seconds", f"{s.cpu_seconds:,.1f}", f"{s.seconds:,.1f} s on {s.threads} threads"],
        ["energy", f"{s.energy['joules']:,.0f} J", escape(s.energy["measured_by"])],
        ["carbon", f"{s.energy['grams_co2']:,.3f} g CO2", f"{s.energy['grams_co2_per_kwh']:g} g/kWh, {escape(s.energy['grams_co2_per_kwh_from'])}"],
        ["cost", f"{s.cost['price']:,.4f} {escape(s.cost['currency'])}", f"at {s.cost['price_per_core_hour']:g} a core-hour"],
        ["cost of a billion tokens", f"{s.price_per_billion_tokens:,.2f} {escape(s.cost['currency'])}", "at this run's speed"],
    ]  # fmt: skip
    by_source = [
        [
            escape(source), f"{sum(cost['cpu_seconds'] for cost in costs.values()):,.2f}",
            f"{sum(cost['joules'] for cost in costs.values()):,.0f}",
        ]
        for source, costs in s.source_costs.items()
    ]  # fmt: skip
    return _table(["", "#", "how it is known"], rows) + _table(["source", "#CPU seconds", "#joules"], by_source)


def _script(made: dict[str, Chart]) -> str:
    """plotly.js and the figures; nothing if plotly is not installed."""
    try:
        library = (
            importlib.resources.files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
        )
    except (ModuleNotFoundError, FileNotFoundError):
        return ""
    # "<" could end the script element from within a string.
    figures = json.dumps(made).replace("<", "\\u003c")
    return f"<script>{library}</script><script>const figures = {figures};\n{_DRAW}</script>"


_DRAW = """
const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--ink").trim();
for (const [name, figure] of Object.entries(figures)) {
  const axis = { gridcolor: style.getPropertyValue("--line").trim(), zeroline: false };
  const layout = Object.assign({ margin: { l: 60, r: 20, t: 16, b: 44 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, sans-serif", size: 12 } }, figure.layout);
  for (const key of Object.keys(layout)) if (/^[xy]axis/.test(key)) layout[key] = Object.assign({}, axis, layout[key]);
  Plotly.newPlot("chart-" + name, figure.data, layout, { responsive: true, displayModeBar: false });
}
document.documentElement.dataset.charts = Object.keys(figures).length;
"""


def _page(s: Summary, found: Distributions) -> str:
    whole = max(s.documents, 1)
    figures = [
        (f"{s.tokens:,}", "tokens in shards"),
        (f"{s.kept:,}", f"of {s.documents:,} documents kept ({s.kept / whole:.1%})"),
        (f"{s.density:.2%}", f"packing density, {s.rows:,} rows of {s.sequence_length:,}"),
        (f"+{s.rows - s.lower_bound_rows:,}", f"rows above the lower bound of {s.lower_bound_rows:,}"),
        (f"{s.bytes_per_token:.2f}", f"bytes a token, vocabulary of {s.vocab_size:,}"),
        (f"{human_bytes(s.bytes_in / max(s.seconds, 1e-9))}/s", f"{s.seconds:.1f} s on {s.threads} threads"),
    ]
    stages = _table(
        ["stage", "documents that went on, and were dropped", "#documents", "#text", "#tokens", "#dropped", "#seconds"],
        [
            [
                escape(stage.name),
                _track(stage.documents_out / whole, (stage.documents_in - stage.documents_out) / whole),
                f"{stage.documents_out:,}", human_bytes(stage.bytes_out), f"{stage.tokens_out:,}" if stage.tokens_out else "",
                f"{sum(stage.dropped.values()):,}", f"{stage.seconds:.2f}",
            ]
            for stage in s.stages
        ],
    )  # fmt: skip
    most = max((reason.documents for reason in s.reasons), default=1)
    reasons = _table(
        ["verdict", "", "#documents", "#text", "for example"],
        [
            [
                f"<code>{escape(reason.verdict)}</code>", _track(0, reason.documents / most), f"{reason.documents:,}",
                human_bytes(reason.bytes),
                f'<span class="examples">{"".join(f"<code>{escape(example)}</code>" for example in reason.examples)}</span>',
            ]
            for reason in s.reasons
        ],
    )  # fmt: skip
    edits = _table(
        ["stage", "edit", "#count"],
        [[escape(stage.name), escape(name), f"{count:,}"] for stage in s.stages for name, count in stage.edits.items()],
    )

    def groups(what: str, entries: list[Group]) -> str:
        return _table(
            [what, "share of tokens", "#documents", "#kept", "#tokens"],
            [
                [
                    escape(group.name), _track(group.tokens / max(s.tokens, 1)), f"{group.documents:,}", f"{group.kept:,}",
                    f"{group.tokens:,}",
                ]
                for group in entries
            ],
        )  # fmt: skip

    made = charts(s, found)

    def place(name: str) -> str:
        return f'<div class="chart" id="chart-{name}"></div>' if name in made else ""

    clusters = _table(
        ["kept document", "#documents in its group"],
        [[f"<code>{escape(name)}</code>", f"{count:,}"] for name, count in found.largest_clusters],
    )
    gates = _table(
        ["gate", "action"], [[escape(entry["message"]), escape(entry["action"])] for entry in s.gates]
    )  # fmt: skip
    sections = [
        ("Through the line", place("flow") + stages),
        *([("Gates that spoke", gates)] if s.gates else []),
        ("Why documents were dropped", place("reasons") + reasons if s.reasons else "<p>None was.</p>"),
        ("Sizes before and after each stage", place("sizes") or "<p>No stage dropped a document.</p>"),
        ("What was edited", edits),
        ("Sources", place("sources") + groups("source", s.sources)),
        ("Languages", place("languages") + groups("language", s.languages)),
        ("Duplicates", place("clusters") + clusters if found.clusters else "<p>None was found.</p>"),
        ("Packing", place("density")),
        ("Time", place("costs") + place("speed")),
        ("Energy and cost", _cost_table(s)),
    ]
    cards = "".join(
        f'<div class="figure"><b>{escape(value)}</b><span>{escape(what)}</span></div>' for value, what in figures
    )
    body = "".join(f"<section><h2>{title}</h2>{content}</section>" for title, content in sections)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(s.name)} - tokenfoundry</title>'
        f'<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body><main>'
        f'<h1>{escape(s.name)}</h1><p class="soft">A tokenfoundry run. Everything below is counted from its manifest and '
        f'ledger.</p><div class="figures">{cards}</div>{body}</main>{_script(made)}</body></html>\n'
    )


def write_html(output: str | os.PathLike[str]) -> Path:
    """Write report.html into a finished run's folder; returns its path. Raises InputError if there is no run."""
    folder = Path(output)
    page = _page(summarize(folder), distributions(folder))
    write_atomic(folder / "report.html", page)
    manifest.update_run_checksums(folder)
    return folder / "report.html"
