"""Finding documents that are the same, or nearly, and deciding which of them stays.

`exact` compares bytes. `near_duplicates` finds candidates by MinHash and bands, compares each candidate exactly by
the Jaccard similarity of its word 5-grams, and removes a document only if one that stays is at least ``threshold``
similar. `lines` and `substrings` find repeated parts of documents. `Index` remembers documents across runs.
`OnDisk` does what `near_duplicates` does for more documents than fit into memory. `MinHash` gives signatures, ours or
datasketch's or datatrove's.

Cost: one pass over the text (hundreds of MB/s a core) plus the candidates; memory 4 bytes a band and document plus
8 bytes a word of the candidates. Not for semantic similarity, and not for finding a short text inside a long one.
"""

from tokenfoundry.dedup.documents import buckets, exact, explain, explain_bands, near_duplicates
from tokenfoundry.dedup.index import Addition, Index
from tokenfoundry.dedup.minhash import MinHash
from tokenfoundry.dedup.on_disk import OnDisk
from tokenfoundry.dedup.pieces import Pieces, lines, substrings
from tokenfoundry.dedup.result import Result

__all__ = [
    "Addition",
    "Index",
    "MinHash",
    "OnDisk",
    "Pieces",
    "Result",
    "buckets",
    "exact",
    "explain",
    "explain_bands",
    "lines",
    "near_duplicates",
    "substrings",
]
