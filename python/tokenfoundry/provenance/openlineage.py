"""A run as OpenLineage events, to a file or to an HTTP endpoint such as Marquez: what went in, what came out, how much.

Two events, START and COMPLETE, of one job (the recipe's name) and run (from the manifest's digest: sending twice is the same
run). Datasets are the sources and the output. Extra `export` (openlineage-python).
"""

import json
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tokenfoundry.errors import InputError
from tokenfoundry.provenance import manifest

__all__ = ["emit", "events"]

_PRODUCER = "https://pypi.org/project/tokenfoundry"
_NAMESPACE = uuid.UUID("5f6a4c1e-8e0b-5b7e-9a53-70f0d5f1a2c4")


def _library() -> Any:
    try:
        from openlineage import client
        from openlineage.client import event_v2, facet_v2
    except ImportError:
        raise InputError("OpenLineage needs its client; pip install 'tokenfoundry[export]'") from None
    return client, event_v2, facet_v2


def events(output: str | os.PathLike[str], *, namespace: str = "tokenfoundry") -> list[Any]:
    """START and COMPLETE of a finished run, as openlineage-python's RunEvents."""
    _, ol, facets = _library()
    folder = Path(output)
    content = manifest.load(folder)
    metrics = json.loads((folder / "metrics.json").read_text())
    end = datetime.fromtimestamp((folder / "manifest.json").stat().st_mtime, UTC)
    start = end - timedelta(seconds=metrics["total_seconds"])
    run = ol.Run(str(uuid.uuid5(_NAMESPACE, content["digest"])))
    job = ol.Job(
        namespace,
        content["name"],
        {
            "jobType": facets.job_type_job.JobTypeJobFacet("BATCH", "tokenfoundry", "JOB"),
            "documentation": facets.documentation_job.DocumentationJobFacet(
                f"Recipe {content['recipe_digest']}, stages {', '.join(door['name'] for door in content['doors'])}"
            ),
        },
    )
    sources: dict[str, list[str]] = {}
    for entry in content["recipe"]["input"]:
        sources.setdefault(entry["source"], []).append(entry["path"])
    inputs = [
        ol.InputDataset(
            namespace, source,
            facets={"symlinks": facets.symlinks_dataset.SymlinksDatasetFacet(
                [facets.symlinks_dataset.Identifier(namespace, path, "FILES") for path in paths]
            )},
        )
        for source, paths in sources.items()
    ]  # fmt: skip
    size = sum(entry["size"] for entry in content["files"])
    outputs = [
        ol.OutputDataset(
            namespace, str(folder.resolve()),
            outputFacets={
                "outputStatistics": facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                    rowCount=content["rows"], size=size, fileCount=len(content["files"])
                )
            },
            facets={
                "version": facets.dataset_version_dataset.DatasetVersionDatasetFacet(content["digest"]),
                "schema": facets.schema_dataset.SchemaDatasetFacet(
                    fields=[facets.schema_dataset.SchemaDatasetFacetFields("tokens", "uint32", "rows of packed tokens")]
                ),
            },
        )
    ]  # fmt: skip

    def event(state: Any, when: datetime, there: list[Any]) -> Any:
        return ol.RunEvent(
            eventTime=when.isoformat(), producer=_PRODUCER, run=run, job=job, eventType=state, inputs=inputs, outputs=there
        )  # fmt: skip

    return [event(ol.RunState.START, start, []), event(ol.RunState.COMPLETE, end, outputs)]


def emit(
    output: str | os.PathLike[str], *, file: str | None = None, url: str | None = None, namespace: str = "tokenfoundry"
) -> int:
    """Send a run's events to ``file`` (JSON Lines, appended) or to the endpoint at ``url``; how many."""
    client, _, _ = _library()
    if (file is None) == (url is None):
        raise InputError("give a file or a url")
    if file is not None:
        from openlineage.client.transport.file import FileConfig, FileTransport

        transport: Any = FileTransport(FileConfig(log_file_path=file, append=True))
    else:
        from openlineage.client.transport.http import HttpConfig, HttpTransport

        transport = HttpTransport(HttpConfig(url=str(url)))
    made = events(output, namespace=namespace)
    sender = client.OpenLineageClient(transport=transport)
    for one in made:
        try:
            sender.emit(one)
        except Exception as error:
            raise InputError(f"{file or url}: the event could not be sent: {error}") from None
    return len(made)
