"""The `trainers` of `tokenizers`, which has to be installed."""

from tokenizers.trainers import *  # noqa: F403
