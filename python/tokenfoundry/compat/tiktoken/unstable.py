"""`CoreBPE`: single tokens, single pieces, bytes, and what the end of an unfinished text may become.

These are the calls of tiktoken that work on less than a text; programs reach some of them as ``encoding._core_bpe``.
None is meant for long input: a single piece costs n log n in Python, and `CoreBPE.encode_with_unstable` encodes each
token that could straddle the end.
"""

import bisect
import functools
import heapq
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
import numpy.typing as npt

from tokenfoundry._core.bpe import pieces
from tokenfoundry.tokenizer import Tokenizer

#: What an all-space token may hold, to tiktoken.
_SPACES = b" \n\t"


def not_an_instance(value: object, wanted: str) -> TypeError:
    """In the words of tiktoken's core."""
    shown = "'None'" if value is None else f"{type(value).__name__!r} object"
    return TypeError(f"{shown} is not an instance of {wanted!r}")


def checked_sequence(value: Any) -> Any:
    """What tiktoken's core takes as a sequence: anything that can be indexed but a str and a dict."""
    if isinstance(value, str):
        raise TypeError("Can't extract `str` to `Vec`")
    if isinstance(value, dict) or not hasattr(type(value), "__getitem__"):
        raise not_an_instance(value, "Sequence")
    return value


def _u32(token: int) -> int:
    number = operator.index(token)
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError("Python int too large to convert to C long")
    if not 0 <= number < 1 << 32:
        raise OverflowError("out of range integral type conversion attempted")
    return number


class CoreBPE:
    """tiktoken's inner class, by the same names."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        ranks: Mapping[bytes, int],
        specials: dict[str, int],
        pattern: str,
        alias_of: Mapping[int, int],
    ) -> None:
        self._tokenizer = tokenizer
        self._alias_of = alias_of
        self._ranks = ranks
        self._specials = specials
        self._pattern = pattern

    @functools.cached_property
    def _bytes_of(self) -> dict[int, bytes]:
        ordinary = {rank: token for token, rank in self._ranks.items()}
        # Of special tokens with one id, the first.
        return {rank: special.encode() for special, rank in reversed(self._specials.items())} | ordinary

    @functools.cached_property
    def _sorted_tokens(self) -> list[bytes]:
        return sorted(self._ranks)

    def encode_ordinary(self, text: str) -> list[int]:
        """Tokens of a text in which special tokens are plain text."""
        return self._tokenizer.encode(text, allowed_special="none")

    def encode(self, text: str, allowed_special: AbstractSet[str]) -> list[int]:
        """Tokens of a text with some special tokens allowed, none disallowed."""
        known = frozenset(self._specials).intersection(allowed_special)
        tokens = self._tokenizer.encode(text, allowed_special=known)
        return self.real(tokens) if self._alias_of else tokens

    def encode_to_tiktoken_buffer(self, text: str, allowed_special: AbstractSet[str]) -> npt.NDArray[np.uint32]:
        """`encode` as something with the buffer protocol."""
        return np.array(self.encode(text, allowed_special), np.uint32)

    def real(self, tokens: list[int]) -> list[int]:
        """Tokens with the ids that special tokens have in place of those that stand in for them."""
        return [self._alias_of.get(token, token) for token in tokens]

    def encode_single_token(self, piece: bytes) -> int:
        """The id of a token or special token. KeyError if it is none."""
        if not isinstance(piece, bytes):
            raise not_an_instance(piece, "bytes")
        rank = self._ranks.get(piece)
        if rank is None:
            rank = self._specials.get(piece.decode("utf-8", "surrogateescape"))
        if rank is None:
            raise KeyError(piece)
        return rank

    def encode_single_piece(self, piece: bytes) -> list[int]:
        """Tokens of bytes that the pattern does not cut."""
        if not isinstance(piece, bytes):
            raise not_an_instance(piece, "bytes")
        rank = self._ranks.get(piece)
        return [rank] if rank is not None else self._merged(piece)

    def _merged(self, piece: bytes) -> list[int]:
        """Merge the pair of lowest rank, the leftmost first, until no pair is a token."""
        ends = list(range(1, len(piece) + 1))  # By where a part starts; 0 once it was merged into the one before.
        before = list(range(-1, len(piece) - 1))
        queue: list[tuple[int, int, int]] = []

        def consider(start: int) -> None:
            middle = ends[start]
            if middle < len(piece):
                rank = self._ranks.get(piece[start : ends[middle]])
                if rank is not None:
                    heapq.heappush(queue, (rank, start, ends[middle]))

        for start in range(len(piece)):
            consider(start)
        while queue:
            _, start, end = heapq.heappop(queue)
            middle = ends[start]
            if middle == 0 or middle == len(piece) or ends[middle] != end:
                continue
            ends[start], ends[middle] = end, 0
            if end < len(piece):
                before[end] = start
            consider(start)
            if start > 0:
                consider(before[start])
        return [self._ranks[piece[start:end]] for start, end in enumerate(ends) if end]

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Bytes of tokens. KeyError names the first that does not exist."""
        parts = []
        for token in [_u32(token) for token in tokens]:
            part = self._bytes_of.get(token)
            if part is None:
                raise KeyError(f"Invalid token for decoding: {token}")
            parts.append(part)
        return b"".join(parts)

    def decode_single_token_bytes(self, token: int) -> bytes:
        """Bytes of a token or special token. KeyError if there is none."""
        found = self._bytes_of.get(_u32(token))
        if found is None:
            raise KeyError(str(token))
        return found

    def token_byte_values(self) -> list[bytes]:
        """Bytes of all tokens that are not special, sorted."""
        return self._sorted_tokens.copy()

    # The unfinished end of a text

    def _last_piece(self, text: str, allowed_special: AbstractSet[str]) -> bytes:
        """The last piece after the last special token; nothing where the text ends with one."""
        known = [token for token in self._specials if token in allowed_special]
        if known:
            known.sort(key=len, reverse=True)
            ends = [match.end() for match in re.finditer("|".join(map(re.escape, known)), text)]
            text = text[ends[-1] :] if ends else text
        spans = pieces(self._pattern, text)
        return text.encode()[slice(*spans[-1])] if spans else b""

    def _unstable_count(self, tokens: list[int], last_piece: bytes) -> int:
        """How many tokens at the end may change: those of the last piece, and where they are white space, all white
        space before them (a newline after it could make one piece of it all)."""
        count = len(self.encode_single_piece(last_piece)) if last_piece else 0
        special_ids = set(self._specials.values())

        def is_space(token: int) -> bool:
            return token not in special_ids and all(byte in _SPACES for byte in self._bytes_of[token])

        if count > 0 and is_space(tokens[-count]):
            while count < len(tokens) and is_space(tokens[-count - 1]):
                count += 1
        return count

    def _starting_with(self, prefix: bytes) -> Iterator[bytes]:
        for index in range(bisect.bisect_left(self._sorted_tokens, prefix), len(self._sorted_tokens)):
            if not self._sorted_tokens[index].startswith(prefix):
                return
            yield self._sorted_tokens[index]

    def encode_with_unstable(self, text: str, allowed_special: AbstractSet[str]) -> tuple[list[int], list[list[int]]]:
        """Stable tokens, and all that the rest may become."""
        tokens = self.encode(text, allowed_special)
        count = self._unstable_count(tokens, self._last_piece(text, allowed_special))
        if count == 0:
            return tokens, []
        unstable = self.decode_bytes(tokens[-count:])
        stable = tokens[:-count]

        # The rest may be the beginning of one token,
        completions: set[tuple[int, ...]] = {(self._ranks[token],) for token in self._starting_with(unstable)}
        # or tokens of which the last straddles the end, wherever that one begins,
        for cut in range(1, len(unstable)):
            for token in self._starting_with(unstable[cut:]):
                possible = unstable[:cut] + token
                try:
                    encoded = self.encode_ordinary(possible.decode())
                except UnicodeDecodeError:
                    encoded = self._merged(possible)
                length = 0
                for index, token_id in enumerate(encoded):
                    length += len(self._bytes_of[token_id])
                    if length >= len(unstable):
                        encoded = encoded[: index + 1]
                        break
                completions.add(tuple(encoded))
        # or, where it ends in white space, be cut before that: "\n\n" is two pieces once a letter follows.
        last = _last_character(unstable)
        if last is not None and len(last) < len(unstable) and last.decode().isspace():
            completions.add((*self._merged(unstable[: -len(last)]), *self._merged(last)))
        return stable, [list(completion) for completion in completions]

    def _encode_bytes(self, text: bytes) -> list[int]:
        """Tokens of bytes: of the valid beginning as a text, then of the rest as one piece with the last of it."""
        if not isinstance(text, bytes):
            raise not_an_instance(text, "bytes")
        try:
            return self.encode_ordinary(text.decode())
        except UnicodeDecodeError as error:
            valid = text[: error.start].decode()
        tokens = self.encode_ordinary(valid)
        count = self._unstable_count(tokens, self._last_piece(valid, frozenset()))
        stable = tokens[: len(tokens) - count]
        rest = self.decode_bytes(tokens[len(stable) :]) + text[len(valid.encode()) :]
        return stable + self.encode_single_piece(rest)


def _last_character(text: bytes) -> bytes | None:
    """The last character's bytes; None where the end is no UTF-8."""
    for length in range(1, 5):
        try:
            if len(text[-length:].decode()) == 1:
                return text[-length:]
        except UnicodeDecodeError:
            continue
    return None
