"""The demonstration: the whole line on the text that every Python installation carries, nothing downloaded.

The standard library's sources (in the encodings they declare), their docstrings, and the documentation, metadata and
licences of installed packages: tens of MB with real near-duplicates, real e-mail addresses and files that no encoding
fits. `prepare` writes a recipe for them; running it is `tokenfoundry.run`.
"""

import ast
import json
import os
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

import yaml

from tokenfoundry.io.atomic import write_atomic

__all__ = ["prepare"]

_MOST_SOURCE_BYTES = 32 << 20
_SHORTEST_DOCSTRING = 200
_DOCUMENTS = ("*.dist-info/METADATA", "**/*LICEN[CS]E*", "**/*.md", "**/*.rst", "**/*.txt")


def prepare(folder: str | os.PathLike[str], *, vocab_size: int = 16_000, sequence_length: int = 2048) -> Path:
    """Write ``recipe.yaml`` and the docstrings it reads into ``folder``; returns the recipe's path."""
    target = Path(folder).resolve()
    target.mkdir(parents=True, exist_ok=True)
    library = Path(sysconfig.get_paths()["stdlib"])
    packages = Path(sysconfig.get_paths()["purelib"])
    sources = _source_globs(library)
    lines = [json.dumps(entry, ensure_ascii=False) for entry in _docstrings(library)]
    write_atomic(target / "docstrings.jsonl", "".join(f"{line}\n" for line in lines))
    inputs = [
        {"path": pattern, "format": "text", "encoding": "auto", "source": "standard library", "licence": "PSF-2.0"}
        for pattern in sources
    ]
    inputs.append({"path": "docstrings.jsonl", "source": "docstrings", "licence": "PSF-2.0", "id_field": "name"})
    inputs += [
        {"path": str(packages / pattern), "format": "text", "encoding": "auto", "source": "package documents"}
        for pattern in _DOCUMENTS
        if next(packages.glob(pattern), None)
    ]
    recipe = {
        "name": "demo: the text of a Python installation",
        "output": "out",
        "input": inputs,
        "stages": [
            {"clean": {}},
            {"label": {}},
            {
                "filter": {
                    "preset": "gopher",
                    "sources": ["docstrings", *(["package documents"] if len(inputs) > len(sources) + 1 else [])],
                }
            },
            {"redact": {"kinds": ["email", "ip"]}},
            {"dedup": {"threshold": 0.8}},
            {"tokenize": {"tokenizer": {"train": {"vocab_size": vocab_size, "pattern": "cl100k"}}}},
            {"pack": {"sequence_length": sequence_length}},
            {"shard": {"rows_per_shard": 1024}},
        ],
    }
    heading = "# Written by `tokenfoundry demo`; run it again with `tokenfoundry run`, or change it and see.\n"
    write_atomic(target / "recipe.yaml", heading + yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True))
    return target / "recipe.yaml"


def _source_globs(library: Path) -> list[str]:
    """Globs for the standard library's sources, its packages in order of name, up to a size; without site-packages."""
    globs = [str(library / "*.py")]
    total = sum(path.stat().st_size for path in library.glob("*.py"))
    for package in sorted(path for path in library.iterdir() if path.is_dir()):
        if package.name in ("site-packages", "dist-packages", "__pycache__"):
            continue
        size = sum(path.stat().st_size for path in package.rglob("*.py"))
        if 0 < size <= _MOST_SOURCE_BYTES - total:
            total += size
            globs.append(str(package / "**" / "*.py"))
    return globs


def _docstrings(library: Path) -> Iterator[dict[str, str]]:
    """Docstrings of the top-level modules, of some length, with their names."""
    for path in sorted(library.glob("*.py")):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                text = ast.get_docstring(node)
                if text and len(text) >= _SHORTEST_DOCSTRING:
                    name = path.stem if isinstance(node, ast.Module) else f"{path.stem}.{node.name}:{node.lineno}"
                    yield {"name": name, "text": text}
