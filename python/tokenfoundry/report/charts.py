"""The charts of report.html, as plotly figures in plain data: `{"data": […], "layout": {…}}`, drawn by plotly.js in the page."""

from __future__ import annotations

from typing import Any

from tokenfoundry.report.distributions import Distributions
from tokenfoundry.report.summary import Group, Summary

__all__ = ["Chart", "charts"]

Chart = dict[str, Any]
_KEPT, _LOST, _OTHER = "#2f7ed8", "#e5a13a", "#8795ab"
_GROUPS = 20
_FLOW_NAME = 11
"""Height of the names in the flow, in pixels"""


def _figure(traces: list[dict[str, Any]], height: int = 300, **layout: Any) -> Chart:
    return {"data": traces, "layout": {"height": height, **layout}}


def charts(summary: Summary, found: Distributions) -> dict[str, Chart]:
    """Figures by the id of their place in the page; one that has nothing to show is left out."""
    made = {"flow": _flow(summary), "reasons": _reasons(summary), "sizes": _sizes(summary, found)}
    made.update(sources=_groups(summary.sources), languages=_groups(summary.languages))
    made.update(clusters=_clusters(found), density=_density(found), costs=_costs(summary), speed=_speed(summary))
    return {name: figure for name, figure in made.items() if figure is not None}


def _flow(s: Summary) -> Chart | None:
    """Documents through the line: a Sankey diagram, each stage's losses going off."""
    if not s.documents:
        return None
    labels: list[str] = []
    colours: list[str] = []
    source: list[int] = []
    target: list[int] = []
    value: list[int] = []
    link: list[str] = []

    def node(label: str, colour: str) -> int:
        labels.append(label)
        colours.append(colour)
        return len(labels) - 1

    def flow(a: int, b: int, count: int, colour: str) -> None:
        if count:
            source.append(a)
            target.append(b)
            value.append(count)
            link.append(colour)

    # A stage that dropped nothing is in the table below; here it would only take room from names.
    here = node(f"input<br>{s.documents:,}", _KEPT)
    for stage in s.stages:
        if not any(stage.dropped.values()):
            continue
        following = node(f"{stage.name}<br>{stage.documents_out:,}", _KEPT)
        flow(here, following, stage.documents_out, "rgba(47,126,216,.35)")
        reasons = sorted(stage.dropped.items(), key=lambda entry: -entry[1])
        for reason, count in reasons[:4]:
            flow(here, node(f"{reason}: {count:,}", _LOST), count, "rgba(229,161,58,.45)")
        if rest := sum(count for _, count in reasons[4:]):
            flow(
                here,
                node(f"{stage.name}, {len(reasons) - 4} other reasons: {rest:,}", _LOST),
                rest,
                "rgba(229,161,58,.45)",
            )
        here = following
    flow(here, node(f"in shards<br>{s.kept:,}", _KEPT), s.kept, "rgba(47,126,216,.35)")
    # Whatever leaves the line stands on the right, one below the other: a node of one document is as high as a hair, so the
    # room for its name is what lies between nodes.
    ends = len(labels) - len(set(source))
    trace = {
        "type": "sankey", "arrangement": "snap", "textfont": {"size": _FLOW_NAME},
        "node": {"label": labels, "color": colours, "pad": 2 * _FLOW_NAME, "thickness": 14},
        "link": {"source": source, "target": target, "value": value, "color": link},
    }  # fmt: skip
    return _figure([trace], 320 + 3 * _FLOW_NAME * ends)


def _reasons(s: Summary) -> Chart | None:
    shown = s.reasons[:20][::-1]
    if not shown:
        return None
    trace = {
        "type": "bar", "orientation": "h", "x": [reason.documents for reason in shown], "y": [reason.verdict for reason in shown],
        "marker": {"color": _LOST},
    }  # fmt: skip
    return _figure([trace], 80 + 24 * len(shown), xaxis={"title": {"text": "documents"}}, yaxis={"automargin": True})


def _sizes(s: Summary, found: Distributions) -> Chart | None:
    """Sizes before and after each stage that dropped something, and at last what was kept."""
    edges = found.size_edges
    stages = found.entering([stage.name for stage in s.stages])
    if not stages:
        return None
    traces = []
    for number, (stage, (before, after)) in enumerate(stages.items(), 1):
        axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"} if number > 1 else {}
        for name, counts, colour in [("before", before, _OTHER), ("after", after, _KEPT)]:
            traces.append({
                "type": "scatter", "mode": "lines", "line": {"shape": "hvh", "color": colour}, "fill": "tozeroy", "name": name,
                "legendgroup": name, "showlegend": number == 1, "x": edges, "y": counts, **axes,
            })  # fmt: skip
        traces[-1]["text"] = [f"{stage}: {count:,} documents" for count in after]
    layout: dict[str, Any] = {"grid": {"rows": len(stages), "columns": 1, "pattern": "independent", "ygap": 0.35}}
    for number, stage in enumerate(stages, 1):
        suffix = "" if number == 1 else str(number)
        layout[f"xaxis{suffix}"] = {"type": "log", "dtick": 1}
        layout[f"yaxis{suffix}"] = {"title": {"text": stage}, "automargin": True}
    layout[f"xaxis{'' if len(stages) == 1 else len(stages)}"]["title"] = {"text": "bytes of a document as it was read"}
    return _figure(traces, 110 + 150 * len(stages), **layout)


def _groups(groups: list[Group]) -> Chart | None:
    shown = groups[:_GROUPS][::-1]
    if not shown:
        return None
    names = [group.name for group in shown]
    traces = [
        {
            "type": "bar", "orientation": "h", "y": names, "x": [group.kept for group in shown], "name": "kept",
            "marker": {"color": _KEPT}, "text": [f"{group.tokens:,} tokens" for group in shown], "textposition": "auto",
        },
        {
            "type": "bar", "orientation": "h", "y": names, "x": [group.documents - group.kept for group in shown],
            "name": "dropped", "marker": {"color": _LOST},
        },
    ]  # fmt: skip
    return _figure(
        traces, 110 + 26 * len(shown), barmode="stack", xaxis={"title": {"text": "documents"}},
        yaxis={"automargin": True, "type": "category"},
    )  # fmt: skip


def _clusters(found: Distributions) -> Chart | None:
    if not found.clusters:
        return None
    trace = {
        "type": "bar", "x": [str(size) for size in found.clusters], "y": list(found.clusters.values()), "marker": {"color": _LOST}
    }  # fmt: skip
    return _figure(
        [trace], xaxis={"title": {"text": "documents in a group, of which one stays"}, "type": "category"},
        yaxis={"title": {"text": "groups"}, "type": "log" if max(found.clusters.values()) > 50 else "linear"},
    )  # fmt: skip


def _density(found: Distributions) -> Chart | None:
    if not any(found.fill):
        return None
    steps = [100 * (index + 1) / len(found.fill) for index in range(len(found.fill))]
    trace = {"type": "bar", "x": steps, "y": found.fill, "marker": {"color": _KEPT}}
    return _figure(
        [trace], xaxis={"title": {"text": "% of a row's tokens that are used, up to"}, "range": [0, 102]},
        yaxis={"title": {"text": "rows"}, "type": "log"},
    )  # fmt: skip


def _costs(s: Summary) -> Chart | None:
    names = list(s.costs)
    if not names:
        return None
    traces = [
        {
            "type": "bar",
            "x": names,
            "y": [s.costs[name][key] for name in names],
            "name": label,
            "marker": {"color": colour},
        }
        for key, label, colour in [("seconds", "seconds", _OTHER), ("cpu_seconds", "CPU seconds", _KEPT)]
    ]
    return _figure(traces, barmode="group", yaxis={"title": {"text": "seconds"}})


def _speed(s: Summary) -> Chart | None:
    shown = [stage for stage in s.stages if stage.seconds >= 0.001 and stage.bytes_in]
    if not shown:
        return None
    trace = {
        "type": "bar", "x": [stage.name for stage in shown], "y": [stage.bytes_per_second / 1e6 for stage in shown],
        "marker": {"color": _KEPT},
    }  # fmt: skip
    return _figure([trace], yaxis={"title": {"text": "MB/s"}, "type": "log"})
