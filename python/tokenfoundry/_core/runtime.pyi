"""Facts about this build and this machine."""

VERSION: str
OPTIMIZED: bool

def cpu_tier() -> str:
    """The instruction set the kernels use in this process: ``scalar``, ``avx2`` or ``avx512``.

    ``TOKENFOUNDRY_TIER`` forces a lower one; it is read once.
    """

def default_threads() -> int:
    """Threads a call uses where the caller names none: ``TOKENFOUNDRY_THREADS``, else all this process may use."""

def limit_encoder_tables(bytes: int | None) -> None:
    """What encoders remember of pieces they have seen takes at most so many bytes a thread, in tables made from now on.
    None: no limit but ``TOKENFOUNDRY_CACHE_BYTES``."""

def load_numpy() -> None:
    """Make ready to hand out arrays, so that the first call that does so can be interrupted as any other. Imports numpy."""
