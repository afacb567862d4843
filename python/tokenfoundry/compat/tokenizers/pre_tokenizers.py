"""The `pre_tokenizers` of `tokenizers`, which has to be installed."""

from tokenizers.pre_tokenizers import *  # noqa: F403
