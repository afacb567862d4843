"""tokenfoundry: raw documents in, training-ready tokens out, every token traceable.

    import tokenfoundry as tf

Names are loaded when they are first used, so that ``import tokenfoundry`` costs milliseconds and importing one room
never pays for another.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from tokenfoundry._core import runtime as _runtime
from tokenfoundry.errors import (
    GateError,
    InputError,
    RecipeError,
    ShardError,
    TokenFoundryError,
    VocabularyError,
)

if TYPE_CHECKING:
    from tokenfoundry import dedup, load, pack, shard, text
    from tokenfoundry.load import Loader
    from tokenfoundry.pipeline import run
    from tokenfoundry.ragged import Ragged
    from tokenfoundry.tokenizer import StreamDecoder, Tokenizer

__version__: str = _runtime.VERSION

__all__ = [
    "GateError",
    "InputError",
    "Loader",
    "Ragged",
    "RecipeError",
    "ShardError",
    "StreamDecoder",
    "TokenFoundryError",
    "Tokenizer",
    "VocabularyError",
    "__version__",
    "dedup",
    "load",
    "pack",
    "run",
    "shard",
    "text",
]

_ROOMS = frozenset({"dedup", "load", "pack", "shard", "text"})
_HOME_OF = {
    "Loader": "tokenfoundry.load",
    "Ragged": "tokenfoundry.ragged",
    "StreamDecoder": "tokenfoundry.tokenizer",
    "Tokenizer": "tokenfoundry.tokenizer",
    "run": "tokenfoundry.pipeline",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        _runtime.load_numpy()
        return importlib.import_module(f"tokenfoundry.{name}")
    if name in _HOME_OF:
        _runtime.load_numpy()
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'tokenfoundry' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


if not _runtime.OPTIMIZED:
    import warnings

    warnings.warn(
        "tokenfoundry was built without optimisation and is many times slower; build it with `make build`",
        RuntimeWarning,
        stacklevel=2,
    )

if "TOKENFOUNDRY_PATCH" in os.environ:
    from tokenfoundry.compat import _startup as _startup  # See docs/compat.md.
