"""The `decoders` of `tokenizers`, which has to be installed."""

from tokenizers.decoders import *  # noqa: F403
