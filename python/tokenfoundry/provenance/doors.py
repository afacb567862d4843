"""What goes through each stage, and the law that nothing gets lost on the way.

A door counts documents, bytes of text and tokens: in = out + dropped, by reason (bytes also by how much edits took
away). The runner counts what it hands in and what it gets back itself; a stage is never asked. Where the law does not
hold the line stops with a `GateError`.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tokenfoundry.errors import GateError

__all__ = ["Door", "check", "check_chain"]

_COUNTS = ("documents", "bytes", "tokens")


@dataclass
class Door:
    """Counts of one stage."""

    name: str
    documents_in: int = 0
    documents_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    dropped_documents: Counter[str] = field(default_factory=Counter)
    dropped_bytes: Counter[str] = field(default_factory=Counter)
    dropped_tokens: Counter[str] = field(default_factory=Counter)
    bytes_edited: int = 0
    """Bytes that edits of kept documents took away, less those they added."""
    edits: Counter[str] = field(default_factory=Counter)
    """What was edited, by kind."""

    def add(self, other: "Door") -> None:
        """Count what another worker counted too."""
        for name in (
            "documents_in",
            "documents_out",
            "bytes_in",
            "bytes_out",
            "tokens_in",
            "tokens_out",
            "bytes_edited",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("dropped_documents", "dropped_bytes", "dropped_tokens", "edits"):
            getattr(self, name).update(getattr(other, name))

    def to_dict(self) -> dict[str, Any]:
        plain: dict[str, Any] = {"name": self.name}
        for name in _COUNTS:
            dropped: Counter[str] = getattr(self, f"dropped_{name}")
            plain[name] = {
                "in": getattr(self, f"{name}_in"),
                "out": getattr(self, f"{name}_out"),
                "dropped": dict(sorted(dropped.items())),
            }
        plain["bytes_edited"] = self.bytes_edited
        plain["edits"] = dict(sorted(self.edits.items()))
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Door":
        door = cls(plain["name"], bytes_edited=plain["bytes_edited"], edits=Counter(plain["edits"]))
        for name in _COUNTS:
            counts = plain[name]
            setattr(door, f"{name}_in", counts["in"])
            setattr(door, f"{name}_out", counts["out"])
            setattr(door, f"dropped_{name}", Counter(counts["dropped"]))
        return door


def check(door: Door) -> None:
    """Raise GateError unless in = out + dropped for documents, bytes (with edits) and tokens."""
    for name in _COUNTS:
        entered, left = getattr(door, f"{name}_in"), getattr(door, f"{name}_out")
        dropped = sum(getattr(door, f"dropped_{name}").values())
        edited = door.bytes_edited if name == "bytes" else 0
        if entered != left + dropped + edited:
            lost = entered - left - dropped - edited
            raise GateError(
                f"stage {door.name}: {abs(lost):,} {name} {'lost' if lost > 0 else 'out of nowhere'}: {entered:,} in, {left:,} out, "
                f"{dropped:,} dropped{f', {edited:,} edited away' if edited else ''}; the line stops"
            )


def check_chain(doors: list[Door]) -> None:
    """Check each door, and that what leaves one enters the next."""
    for door in doors:
        check(door)
    for before, after in pairwise(doors):
        for name in _COUNTS:
            left, entered = getattr(before, f"{name}_out"), getattr(after, f"{name}_in")
            # Text has no tokens before the tokenizer makes them.
            if left != entered and not (name == "tokens" and after.name == "tokenize"):
                raise GateError(
                    f"{left:,} {name} left {before.name} and {entered:,} entered {after.name}; the line stops"
                )
