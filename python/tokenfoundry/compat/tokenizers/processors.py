"""The `processors` of `tokenizers`, which has to be installed."""

from tokenizers.processors import *  # noqa: F403
