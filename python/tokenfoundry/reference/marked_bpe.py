"""BPE whose symbols say where in a word they stand: ``##b`` after the first, ``r</w>`` at the end.

Twin of ``rust/bpe/src/tokenizer/marked.rs``. Quadratic in a piece. Source: the BPE model of Hugging Face's `tokenizers` with
``continuing_subword_prefix`` and ``end_of_word_suffix``, as GPT-1 and CLIP use it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise


def encode_piece(
    piece: str,
    vocabulary: Mapping[str, int],
    merges: Sequence[tuple[str, str]],
    *,
    prefix: str = "",
    suffix: str = "",
    unknown: str | None = None,
    fuse_unknown: bool = False,
) -> list[str]:
    """The tokens of a piece; what is not in the vocabulary is ``unknown``, or left out."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    parts: list[str] = []
    for index, character in enumerate(piece):
        marked = (prefix if index else "") + character + (suffix if index == len(piece) - 1 else "")
        if marked in vocabulary:
            parts.append(marked)
        elif unknown is not None and not (fuse_unknown and parts[-1:] == [unknown]):
            parts.append(unknown)
    while candidates := [(ranks[pair], at) for at, pair in enumerate(pairwise(parts)) if pair in ranks]:
        _, at = min(candidates)
        parts[at : at + 2] = [parts[at] + parts[at + 1][len(prefix) :]]
    return parts
