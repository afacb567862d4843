"""Arguments as `tokenizers` takes them: what it refuses, with its errors and its words."""

import operator
from typing import Any

import numpy as np


def check_sequence(value: Any) -> None:
    if isinstance(value, str):
        raise TypeError("Can't extract `str` to `Vec`")
    if isinstance(value, dict) or not hasattr(type(value), "__getitem__"):
        raise not_an_instance(value, "Sequence")


def not_an_instance(value: object, wanted: str) -> TypeError:
    shown = "'None'" if value is None else f"{type(value).__name__!r} object"
    return TypeError(f"{shown} is not an instance of {wanted!r}")


def as_bool(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise not_an_instance(value, "bool")
    return bool(value)


def as_unsigned(value: Any) -> int:
    value = operator.index(value)
    if value < 0:
        raise OverflowError("can't convert negative int to unsigned")
    return int(value)


def check_direction(direction: str, end: str) -> None:
    if not isinstance(direction, str):
        raise not_an_instance(direction, "str")
    if direction not in ("left", "right"):
        raise ValueError(f"Unknown `direction`: `{direction}`. Use one of `left` or `right`{end}")


def as_place(value: Any) -> int:
    """An index or a length."""
    index = as_unsigned(value)
    if index >= 1 << 64:
        raise OverflowError("int too big to convert")
    return index


def as_number(value: Any) -> int:
    """A token's id or type."""
    value = operator.index(value)
    if value < 0:
        raise OverflowError("number too small to fit in target type")
    if value >= 1 << 32:
        raise OverflowError("number too large to fit in target type")
    return int(value)
