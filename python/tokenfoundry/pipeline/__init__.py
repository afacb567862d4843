"""The line: a recipe in, packed token shards and their history out.

`recipe` says what to do, `runner` does it, `stages` has a module a stage, `store` keeps what is finished, `events`
tells whoever wants to watch. What passed through each stage is counted by `tokenfoundry.provenance.doors`.
"""

from tokenfoundry.pipeline.runner import RunResult, run

__all__ = ["RunResult", "run"]
