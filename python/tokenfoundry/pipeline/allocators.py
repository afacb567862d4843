"""What allocators keep for later, held small where a run has a budget.

glibc gives threads heaps of their own, up to eight a core, and what one freed no other uses: in a run of many threads
that is as much as all else. Both functions do nothing where the C library is another.
"""

import ctypes
import os
from typing import Any

import pyarrow as pa

__all__ = ["give_back", "limit_arenas"]

_M_ARENA_MAX = -8
_LEAST_ARENAS = 2


def _libc(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None


def limit_arenas(threads: int) -> None:
    """No more heaps than threads that work at a time. For this process, from now on."""
    mallopt = _libc("mallopt")
    # Others that have mallopt give its options other numbers.
    if mallopt is not None and _libc("gnu_get_libc_version") is not None:
        mallopt(_M_ARENA_MAX, max(threads, _LEAST_ARENAS))


def give_back() -> None:
    """Hand what is free to the system: the next phase needs memory in other places."""
    pa.default_memory_pool().release_unused()
    trim = _libc("malloc_trim")
    if trim is not None:
        trim(0)
