"""Encodings by name: OpenAI's, and those that plug-ins in the ``tiktoken_ext`` namespace define."""

import functools
import importlib
import importlib.util
import pkgutil
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tokenfoundry.compat.tiktoken import openai_public
from tokenfoundry.compat.tiktoken.core import Encoding

#: tiktoken's module of OpenAI's encodings, whose place `openai_public` takes (it would import tiktoken itself).
_OWN_PLUGIN = "tiktoken_ext.openai_public"

_lock = threading.RLock()
ENCODINGS: dict[str, Encoding] = {}
ENCODING_CONSTRUCTORS: dict[str, Callable[[], dict[str, Any]]] | None = None


@functools.lru_cache
def _available_plugin_modules() -> Sequence[str]:
    names = [_OWN_PLUGIN]
    # A namespace package: each distribution may add modules to it.
    if importlib.util.find_spec("tiktoken_ext") is not None:
        path = importlib.import_module("tiktoken_ext").__path__
        names += [module.name for module in pkgutil.iter_modules(path, "tiktoken_ext.") if module.name != _OWN_PLUGIN]
    return names


def _find_constructors() -> dict[str, Callable[[], dict[str, Any]]]:
    """All constructors by name. Nothing is kept where a plug-in fails, so that each call raises the same."""
    global ENCODING_CONSTRUCTORS
    with _lock:
        if ENCODING_CONSTRUCTORS is None:
            found: dict[str, Callable[[], dict[str, Any]]] = {}
            for module_name in _available_plugin_modules():
                module = openai_public if module_name == _OWN_PLUGIN else importlib.import_module(module_name)
                try:
                    constructors = module.ENCODING_CONSTRUCTORS
                except AttributeError as error:
                    raise ValueError(f"tiktoken plugin {module_name} does not define ENCODING_CONSTRUCTORS") from error
                for name, constructor in constructors.items():
                    if name in found:
                        raise ValueError(f"Duplicate encoding name {name} in tiktoken plugin {module_name}")
                    found[name] = constructor
            ENCODING_CONSTRUCTORS = found
        return ENCODING_CONSTRUCTORS


def get_encoding(encoding_name: str) -> Encoding:
    """The encoding of a name, made on first use and kept. ValueError if there is none."""
    if not isinstance(encoding_name, str):
        raise ValueError(f"Expected a string in get_encoding, got {type(encoding_name)}")
    if encoding_name in ENCODINGS:
        return ENCODINGS[encoding_name]
    with _lock:
        if encoding_name in ENCODINGS:
            return ENCODINGS[encoding_name]
        constructors = _find_constructors()
        if encoding_name not in constructors:
            from tokenfoundry.compat.tiktoken import __version__

            raise ValueError(
                f"Unknown encoding {encoding_name}.\n"
                f"Plugins found: {_available_plugin_modules()}\n"
                f"tiktoken version: {__version__} (are you on latest?)"
            )
        encoding = Encoding(**constructors[encoding_name]())
        ENCODINGS[encoding_name] = encoding
        return encoding


def list_encoding_names() -> list[str]:
    """Names that `get_encoding` knows."""
    return list(_find_constructors())
