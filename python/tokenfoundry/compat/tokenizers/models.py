"""The `models` of `tokenizers`, which has to be installed."""

from tokenizers.models import *  # noqa: F403
