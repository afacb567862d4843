"""The slow, obvious answers in plain Python: to read, and for the tests to believe.

Nothing here is used by the library itself. Each module is the twin of a Rust room and says what is right; the
differential tests in ``tests/`` hold the two together.
"""
