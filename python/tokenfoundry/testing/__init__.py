"""Generators of corpora with known properties, for tests of this library and of what is built on it."""

from tokenfoundry.testing.planted import (
    EDITS,
    Planted,
    edited_copy,
    jaccard_of_words,
    planted_corpus,
    planted_near_duplicates,
)

__all__ = ["EDITS", "Planted", "edited_copy", "jaccard_of_words", "planted_corpus", "planted_near_duplicates"]
