"""Training batches out of shards: shuffled over everything, mixed by weight, packed on the way, resumed exactly.

What a batch holds is a pure function of (sources, seed, step, rank): the only state is how many samples were taken. So a
run that resumes with another number of ranks or workers, another batch size or other weights goes on with the very next
sample, none lost, none twice. No index of samples is kept in memory, and no process is started.
"""

from tokenfoundry.load.loader import Loader, Piece, permute

__all__ = ["Loader", "Piece", "permute"]
