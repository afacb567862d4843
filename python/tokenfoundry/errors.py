"""The exceptions of tokenfoundry, one tree.

Every message names the thing, its place, and what to do next. Each class is also the built-in exception that a caller
who has never heard of tokenfoundry would catch.
"""

__all__ = [
    "GateError",
    "InputError",
    "RecipeError",
    "ShardError",
    "TokenFoundryError",
    "VocabularyError",
]


class TokenFoundryError(Exception):
    """The root: catches everything that tokenfoundry raises on purpose."""


class InputError(TokenFoundryError, ValueError):
    """An argument is out of its range, or data handed in is not what it claims to be."""


class VocabularyError(TokenFoundryError, ValueError):
    """A vocabulary is damaged, contradicts itself, or is of a kind tokenfoundry does not read."""


class RecipeError(TokenFoundryError, ValueError):
    """A recipe is wrong; the message starts with the path of the key."""


class ShardError(TokenFoundryError, OSError):
    """A shard is truncated, damaged, foreign or of a future version; the message says where."""


class GateError(TokenFoundryError):
    """The line stopped itself: a conservation check or a quality gate did not hold."""
