"""Every code block of the README and the docs runs, in order, one folder a page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
# Of kinds that cannot be run; everything else is.
NOT_RUN = {"text", "rust", "toml", "json"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def blocks(page: Path) -> list[tuple[str, str]]:
    return [(kind, content) for kind, content in BLOCK.findall(page.read_text(encoding="utf-8"))]


def environment(folder: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "NO_COLOR": "1", "DEMO_OUT": str(folder / "demo"), "PYTHONWARNINGS": "error"}


def run_shell(content: str, folder: Path) -> None:
    for line in content.splitlines():
        command = line.partition("#")[0].strip() if " #" in line else line.strip()
        where = folder
        if command.startswith("make "):
            where = REPOSITORY
            if command == "make test":
                command = "make --dry-run test"  # this test is part of it
        done = subprocess.run(
            ["bash", "-euc", command], cwd=where, env=environment(folder), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_run(page: Path, tmp_path: Path) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        for kind, content in blocks(page):
            if kind == "python":
                exec(compile(content, str(page), "exec"), namespace)
            elif kind == "sh":
                run_shell(content, tmp_path)
            elif kind == "yaml":
                name = re.match(r"# (\S+\.yaml)\n", content)
                assert name, f"{page.name}: a yaml block begins with '# NAME.yaml', or nothing can use it"
                (tmp_path / name[1]).write_text(content, encoding="utf-8")
            else:
                assert kind in NOT_RUN, (
                    f"{page.name}: a block of kind {kind!r} is not run; use sh, python, yaml or text"
                )
    finally:
        os.chdir(before)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
