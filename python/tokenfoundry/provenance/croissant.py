"""A run as a Croissant 1.0 dataset (MLCommons): JSON-LD that names every file with its sha256, and the ledger's records.

Source: "Croissant Format Specification", mlcommons.org/croissant/1.0. Validated by mlcroissant in the tests.
"""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from tokenfoundry.io.atomic import write_atomic
from tokenfoundry.provenance import ledger, manifest

__all__ = ["croissant", "write_croissant"]

_CONTEXT = {
    "@language": "en", "equivalentProperty": "cr:equivalentProperty", "samplingRate": "cr:samplingRate", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract",
    "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet",
    "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath",
    "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet",
    "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace",
    "sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
    "transform": "cr:transform",
}  # fmt: skip
_FORMATS = {
    ".parquet": "application/x-parquet", ".json": "application/json", ".yaml": "application/yaml",
    ".jsonl": "application/jsonlines",
}  # fmt: skip


def croissant(
    output: str | os.PathLike[str], *, url: str, description: str = "", published: str = "1970-01-01"
) -> dict[str, Any]:
    """The JSON-LD of a finished run. ``url``: where the data is, or will be. Raises InputError if there is no run."""
    folder = Path(output)
    content = manifest.load(folder)
    licences = sorted(_licences(folder))
    files = [
        {
            "@type": "cr:FileObject", "@id": entry["path"], "name": entry["path"], "contentUrl": f"{url.rstrip('/')}/{entry['path']}",
            "contentSize": f"{entry['size']} B", "sha256": entry["sha256"],
            "encodingFormat": _FORMATS.get(Path(entry["path"]).suffix, "application/octet-stream"),
        }
        for entry in content["files"]
    ]  # fmt: skip
    # One record set a file: readers of today take records of single files, not of sets of them.
    record_sets = [
        _record_set(entry["path"]) for entry in content["files"] if entry["path"].startswith("ledger/")
    ]  # fmt: skip
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": content["name"],
        "description": description
        or f"{content['tokens']:,} training tokens in {content['rows']:,} rows of {content['sequence_length']:,}, made by "
        f"tokenfoundry {content['versions']['tokenfoundry']}; recipe {content['recipe_digest'][:12]}.",
        "license": licences or "unknown",
        "url": url,
        "version": "1.0.0",
        "datePublished": published,
        "citeAs": f"{content['name']}, tokenfoundry manifest {content['digest']}",
        "distribution": files,
        "recordSet": record_sets,
    }


def _record_set(path: str) -> dict[str, Any]:
    name = Path(path).stem
    fields = [
        {
            "@type": "cr:Field", "@id": f"{name}/{field.name}", "name": field.name, "description": f"Column {field.name} of the ledger.",
            "dataType": kind, "source": {"fileObject": {"@id": path}, "extract": {"column": field.name}},
        }
        for field in ledger.SCHEMA
        if (kind := _type(field.type)) is not None
    ]  # fmt: skip
    return {
        "@type": "cr:RecordSet", "@id": name, "name": name,
        "description": "Records of the input, with their fate.", "field": fields,
    }  # fmt: skip


def _licences(folder: Path) -> set[str]:
    found: set[str] = set()
    for batch in ledger.scan(folder, ["licence", "tokens"]):
        kept = batch.filter(pa.compute.greater(batch.column("tokens"), 0))
        found.update(value for value in kept.column("licence").unique().to_pylist() if value)
    return found


def _type(kind: pa.DataType) -> str | None:
    if pa.types.is_string(kind):
        return "sc:Text"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else None


def write_croissant(output: str | os.PathLike[str], target: str | os.PathLike[str], *, url: str) -> Path:
    """Write a run's Croissant description; its path."""
    write_atomic(Path(target), json.dumps(croissant(output, url=url), indent=1, ensure_ascii=False) + "\n")
    return Path(target)
