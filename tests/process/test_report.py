"""report.html in a real browser: the charts are there, the console is quiet, and nothing is fetched."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.pipeline.runs import checked, write_corpus

import tokenfoundry as tf
from tokenfoundry.report import summarize, write_html
from tokenfoundry.report.charts import charts
from tokenfoundry.report.distributions import distributions

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report")
    write_corpus(path)
    gate = {"metric": "filter.yield", "min": 1.0, "action": "warn", "sources": ["web"]}
    result = tf.run(checked(path, gates=[gate], name="a </script><b>name"))
    write_html(result.output)
    return result.output


def browse(page: Path, profile: Path) -> tuple[str, str]:
    """The page's content after its scripts ran, and what the browser said, console included."""
    assert BROWSER is not None
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
        "--enable-logging=stderr", "--v=0", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000",
        "--window-size=1200,4000", "--dump-dom", page.resolve().as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    return done.stdout, done.stderr


@pytest.mark.skipif(BROWSER is None, reason="no chromium on PATH (Debian: apt-get install chromium)")
def test_in_a_browser(output: Path, tmp_path: Path) -> None:
    dom, said = browse(output / "report.html", tmp_path / "profile")
    expected = charts(summarize(output), distributions(output))
    assert set(expected) == {
        "flow", "reasons", "sizes", "sources", "languages", "clusters", "density", "costs", "speed"
    }  # fmt: skip
    assert f'data-charts="{len(expected)}"' in dom, said[-2000:]
    for name in expected:
        place = dom.index(f'id="chart-{name}"')
        assert "main-svg" in dom[place : place + 3000], f"chart {name} was not drawn"
    console = [line for line in said.splitlines() if "CONSOLE" in line]
    assert not [line for line in console if re.search(r"error|uncaught|failed", line, re.IGNORECASE)], console
    assert dom.count("sankey-node") > 8
    nodes = [label.partition("<br>")[0] for label in expected["flow"]["data"][0]["node"]["label"]]
    assert nodes[0] == "input" and nodes[-1] == "in shards" and len(set(nodes)) == len(nodes)


@pytest.mark.skipif(BROWSER is None, reason="no chromium on PATH (Debian: apt-get install chromium)")
def test_the_browser_test_sees_errors(output: Path, tmp_path: Path) -> None:
    page = (output / "report.html").read_text()
    broken = tmp_path / "broken.html"
    broken.write_text(page.replace("Plotly.newPlot", "Plotly.nothing"))
    dom, said = browse(broken, tmp_path / "profile")
    assert "data-charts" not in dom.partition("<script>")[0]
    assert [line for line in said.splitlines() if "CONSOLE" in line and "Uncaught" in line]


def test_the_page_needs_nothing_from_elsewhere(output: Path) -> None:
    page = (output / "report.html").read_text()
    ours = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=.(?!data:)", ours)
    assert "<b>name" not in page
    assert len(page) < 8_000_000
    assert "gopher.too_few_words" in ours and "cost of a billion tokens" in ours
    assert "filter.yield of source web is" in ours
    assert "data/c.jsonl.zst#8" in ours, "an example of a drop"


def test_json(output: Path) -> None:
    facts = json.loads(json.dumps(summarize(output).to_dict()))
    assert facts["energy"]["joules"] > 0
    assert facts["energy"]["measured_by"].startswith(("RAPL", "estimate: 10 W"))
    assert facts["cost"]["price"] == pytest.approx(facts["cpu_seconds"] / 3600 * 0.04, abs=1e-5)
    assert facts["price_per_billion_tokens"] == pytest.approx(facts["cost"]["price"] * 1e9 / facts["tokens"])
    assert set(facts["source_costs"]) == {"web", "tables", "books"}
    assert facts["source_costs"]["web"]["filter"]["bytes"] > 0


def test_distributions_add_up(output: Path) -> None:
    found = distributions(output)
    summary = summarize(output)
    assert sum(found.kept_sizes) == summary.kept
    assert sum(map(sum, found.dropped_sizes.values())) == summary.documents - summary.kept
    assert sum(found.fill) == summary.rows
    assert sum((size - 1) * count for size, count in found.clusters.items()) == sum(
        reason.documents for reason in summary.reasons if reason.verdict.startswith("dedup")
    )
    before, after = found.entering([stage.name for stage in summary.stages])["clean"]
    assert (sum(before), sum(after)) == (summary.documents, summary.documents - 1)
