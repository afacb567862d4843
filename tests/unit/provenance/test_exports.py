"""Exports: Croissant as mlcroissant reads it, OpenLineage as a server receives it, the EU's summary."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.unit.pipeline.runs import checked, write_corpus

import tokenfoundry as tf
from tokenfoundry.provenance import croissant, eu_summary, ledger, openlineage


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exports")
    write_corpus(path)
    return tf.run(checked(path)).output


@pytest.mark.filterwarnings("ignore")
def test_croissant_is_valid_and_reads_the_ledger(output: Path, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    path = croissant.write_croissant(output, output.parent / "croissant.json", url=str(output))
    dataset = mlcroissant.Dataset(jsonld=str(path))
    assert not dataset.metadata.ctx.issues.errors
    content = json.loads(path.read_text())
    assert content["license"] == ["CC-BY-4.0", "CC0"]
    named = {entry["@id"]: entry for entry in content["distribution"]}
    assert {"shards/shard-00000.bin", "ledger/documents-00000.parquet"} <= named.keys()
    records = list(dataset.records("documents-00000"))
    assert len(records) == len(ledger.read(output))
    uris = {record["documents-00000/uri"] for record in records}
    assert b"data/a.jsonl" in uris or "data/a.jsonl" in uris


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}", received
        made.shutdown()
        thread.join()


def test_openlineage_to_an_endpoint_and_to_a_file(
    output: Path, tmp_path: Path, server: tuple[str, list[dict[str, Any]]]
) -> None:
    pytest.importorskip("openlineage")
    url, received = server
    assert openlineage.emit(output, url=url, namespace="team") == 2
    assert openlineage.emit(output, file=str(tmp_path / "events.jsonl"), namespace="team") == 2
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    for events in (received, lines):
        assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
        assert {event["run"]["runId"] for event in events} == {events[0]["run"]["runId"]}
        assert {dataset["name"] for dataset in events[0]["inputs"]} == {"web", "tables", "books"}
        statistics = events[1]["outputs"][0]["outputFacets"]["outputStatistics"]
        assert statistics["rowCount"] == len(tf.shard.open(output / "shards"))
    with pytest.raises(tf.InputError, match="could not be sent"):
        openlineage.emit(output, url="http://127.0.0.1:1")


def test_eu_summary(output: Path) -> None:
    text = eu_summary.eu_summary(output)
    assert text.startswith("# Public summary of training content: test\n")
    for heading in (
        "## 1. General information",
        "## 2. List of data sources",
        "## 3. Data processing",
        "### 3.3 Takedowns",
    ):
        assert heading in text
    rows = [row for row in ledger.read(output).to_pylist() if row["tokens"] and row["source"] == "tables"]
    assert f"| tables | CC0 | 20 | {len(rows)} | {sum(row['tokens'] for row in rows):,} |" in text
    assert "1 email" in text
    assert "gopher.too_few_words" in text
