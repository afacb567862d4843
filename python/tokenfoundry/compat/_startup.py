"""``TOKENFOUNDRY_PATCH=1``: `patch_transformers` without a line of code, and without a cost before it is needed.

Imported at the start of Python by ``tokenfoundry_patch.pth`` (which the wheel puts beside the package), and by
``import tokenfoundry``, if the variable is set. It imports nothing of weight: it waits for ``transformers`` to define
``AutoTokenizer``, and the first ``from_pretrained`` then loads the rest.
"""

import importlib.util
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_MODULE = "transformers.models.auto.tokenization_auto"
_NAME = "from_pretrained"
#: On the function that waits in ``AutoTokenizer``: what was there before.
ARMED = "_tokenfoundry_before"


def is_wanted() -> bool:
    """Whether the variable asks for it: set, and not to 0, false, no or off."""
    return os.environ.get("TOKENFOUNDRY_PATCH", "").strip().lower() not in ("", "0", "false", "no", "off")


def armed(auto: type) -> Any:
    """What lay in ``AutoTokenizer`` before it was armed; None if it is not."""
    return getattr(getattr(vars(auto)[_NAME], "__func__", None), ARMED, None)


def arm(auto: type) -> None:
    """Have the first ``from_pretrained`` patch."""
    before = vars(auto)[_NAME]

    def from_pretrained(cls: type, *inputs: Any, **kwargs: Any) -> Any:
        from tokenfoundry.compat.transformers import patch_transformers

        patch_transformers()
        return vars(auto)[_NAME].__get__(None, cls)(*inputs, **kwargs)

    setattr(from_pretrained, ARMED, before)
    setattr(auto, _NAME, classmethod(from_pretrained))


class _Arming(Loader):
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        if is_wanted():
            arm(module.AutoTokenizer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != _MODULE or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Arming(spec.loader)
        return spec


def install() -> None:
    """Arm ``AutoTokenizer`` now if it is loaded, else as soon as it is."""
    if not is_wanted():
        return
    loaded = sys.modules.get(_MODULE)
    auto = getattr(loaded, "AutoTokenizer", None)
    if auto is not None:
        patched = sys.modules.get("tokenfoundry.compat.transformers.auto")
        if armed(auto) is None and not (patched is not None and patched.is_patched()):
            arm(auto)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


install()
