"""The `normalizers` of `tokenizers`, which has to be installed."""

from tokenizers.normalizers import *  # noqa: F403
