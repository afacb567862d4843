"""A finished run's folder to and from an object store. The manifest goes last: a remote output that has one is whole."""

from pathlib import Path

from tokenfoundry.errors import InputError
from tokenfoundry.io.remote import download, filesystem, list_remote, upload
from tokenfoundry.pipeline.recipe import Recipe
from tokenfoundry.provenance import manifest

__all__ = ["fetch", "fetch_finished", "publish"]

_LAST = ("metrics.json", "run.sha256", "manifest.sig", "manifest.json")


def publish(recipe: Recipe, output: Path) -> None:
    """Copy a finished run to the recipe's remote output, if it has one. Files that are there already stay."""
    target = recipe.remote_output
    if target is None:
        return
    there = {uri: size for uri, size, _ in list_remote(target)}
    if (there_manifest := f"{target}/manifest.json") in there and _digest(there_manifest) == manifest.load(output)[
        "digest"
    ]:
        return
    if not (output / "report.html").exists():
        from tokenfoundry.report import write_html

        write_html(output)
    files = [path for path in sorted(output.rglob("*")) if path.is_file() and not _inside_work(path, output)]
    files.sort(key=lambda path: _LAST.index(path.name) if path.name in _LAST else -1)
    for path in files:
        upload(path, f"{target}/{path.relative_to(output).as_posix()}")


def _inside_work(path: Path, output: Path) -> bool:
    first = path.relative_to(output).parts[0]
    return first == "work" or first.startswith(".")


def _digest(uri: str) -> str:
    import json

    system, path = filesystem(uri)
    with system.open_input_stream(path) as file:
        content = json.loads(file.read())
    return str(content.get("digest"))


def fetch_finished(recipe: Recipe, output: Path) -> None:
    """Where the remote output is finished and this machine has nothing of it: get what says so."""
    target = recipe.remote_output
    if target is None or (output / "manifest.json").exists():
        return
    there = {uri for uri, _, _ in list_remote(target)}
    if f"{target}/manifest.json" not in there:
        return
    fetch(target, output)


def fetch(uri: str, target: Path) -> Path:
    """Copy a remote run to a local folder, its manifest last. Raises InputError if there is none."""
    files = [found for found, _, _ in list_remote(uri)]
    if f"{uri}/manifest.json" not in files:
        raise InputError(f"{uri}: has no manifest.json: not the output of a finished run")
    for found in sorted(files, key=lambda name: name.endswith("/manifest.json")):
        path = target / found.removeprefix(f"{uri}/")
        if not path.exists() or found.endswith("/manifest.json"):
            download(found, path)
    return target
