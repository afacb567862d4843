"""Generators of corpora with known properties, for tests of this library and of what is built on it."""

from tokenfoundry.testing.planted import planted_near_duplicates

__all__ = ["planted_near_duplicates"]
