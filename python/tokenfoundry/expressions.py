"""Conditions on columns, as a recipe writes them: ``lang == 'en' and gopher.mean_word_length between 3 and 10``.

A condition is parsed here and becomes a pyarrow expression; nothing is ever evaluated as Python, so a recipe cannot run
code. An error shows the place:

    gopher.mean_wrd_length < 10
    ^ there is no column 'gopher.mean_wrd_length'; did you mean 'gopher.mean_word_length'?

What can be written, loosest first: ``or``; ``and``; ``not``; one of ``== != < <= > >=``, ``between A and B`` (both
included), ``in (A, B, …)``, ``is null``, ``matches 'regex'``, ``starts with 'text'``, each but the first six also with ``not``;
``+ -``; ``* /``; ``-``; ``length(column)``; parentheses, numbers, ``'text'`` or ``"text"``, ``true``, ``false`` and names
of columns. A name may have dots; one with other characters goes in backticks. A row whose condition is null is not kept.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tokenfoundry.errors import InputError

__all__ = ["Condition", "Part", "parse"]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:_\d+)*(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)
    | `(?P<quoted>[^`]+)`
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<sign>==|!=|<=|>=|[<>()+\-*/,=])
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = frozenset(
    ["and", "or", "not", "between", "in", "is", "null", "true", "false", "matches", "starts", "with", "length"]
)
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_DEEPEST = 100
"""Parentheses and ``not`` inside each other: a deeper condition was not written by a person."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the conditions that ``and`` joins into a whole.

    Attributes:
        text: as it was written.
        expression: for ``RecordBatch.filter``, ``Table.filter`` and datasets.
        columns: the columns it reads, in the order of their first use.
    """

    text: str
    expression: pc.Expression
    columns: tuple[str, ...]

    def holds(self, batch: pa.RecordBatch | None, rows: int) -> NDArray[np.bool_]:
        """For each row whether it holds; null is no. ``batch`` may be None where no column is read."""
        number = pa.array(np.arange(rows))
        table = pa.table({"#": number}) if batch is None else pa.Table.from_batches([batch]).append_column("#", number)
        found = np.zeros(rows, np.bool_)
        found[table.filter(self.expression).column("#").to_numpy()] = True
        return found


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition.

    Attributes:
        text: as it was written.
        expression: for ``RecordBatch.filter``, ``Table.filter`` and datasets.
        columns: the columns it reads, each once, in the order of their first use.
        parts: the conditions that its outermost ``and`` joins; itself if there is none.
    """

    text: str
    expression: pc.Expression
    columns: tuple[str, ...]
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    value: str
    start: int


@dataclass(frozen=True, slots=True)
class _Value:
    """An expression, what it holds (number, text, truth, or anything), and where it begins."""

    expression: Any
    holds: str
    start: int


def parse(text: str, columns: pa.Schema | Iterable[str] | None = None) -> Condition:
    """Parse a condition.

    Args:
        text: the condition; see the module.
        columns: the columns there are. With names, unknown ones are refused; with a schema, comparing a number with
            text is refused as well. None allows any name.

    Raises:
        InputError: the condition cannot be read; the message shows the place.
    """
    return _Parser(text, columns).condition()


class _Parser:
    def __init__(self, text: str, columns: pa.Schema | Iterable[str] | None) -> None:
        self.text = text
        self.known = None if columns is None else list(columns.names if isinstance(columns, pa.Schema) else columns)
        self.schema = columns if isinstance(columns, pa.Schema) else None
        self.used: dict[str, None] = {}
        self.depth = 0
        self.tokens = self.tokenize()
        self.at = 0

    def error(self, message: str, start: int | None = None) -> InputError:
        place = self.here.start if start is None else start
        line_start = self.text.rfind("\n", 0, place) + 1
        line = self.text[line_start:].split("\n", 1)[0]
        return InputError(f"condition cannot be read\n    {line}\n    {' ' * (place - line_start)}^ {message}")

    def tokenize(self) -> list[_Token]:
        tokens: list[_Token] = []
        at = 0
        end = len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            if match is None or match.lastgroup is None:
                start = at + len(self.text[at:]) - len(self.text[at:].lstrip())
                wrong = self.text[start]
                hint = "text is not closed" if wrong in "'\"`" else f"{wrong!r} has no meaning here"
                raise self.error(hint, start)
            kind = match.lastgroup
            start = match.start(kind) - (kind == "quoted")
            tokens.append(_Token(kind, match[kind], start))
            at = match.end()
        return [*tokens, _Token("end", "", end)]

    @property
    def here(self) -> _Token:
        return self.tokens[self.at]

    def next_is(self, *words: str) -> bool:
        """Whether the next tokens are these words or signs."""
        tokens = self.tokens[self.at : self.at + len(words)]
        return len(tokens) == len(words) and all(
            token.kind in ("name", "sign") and token.value == word for token, word in zip(tokens, words, strict=True)
        )

    def take(self, *words: str) -> bool:
        found = self.next_is(*words)
        self.at += len(words) * found
        return found

    def need(self, word: str, why: str) -> None:
        if not self.take(word):
            raise self.error(f"expected {word!r} {why}")

    def condition(self) -> Condition:
        if self.here.kind == "end":
            raise self.error("it is empty", 0)
        value, parts = self.whole()
        if self.here.kind != "end":
            hint = "compare with '=='" if self.here.value == "=" else f"unexpected {self.here.value!r}"
            raise self.error(hint)
        self.need_kind(value, "truth", "a condition")
        return Condition(self.text, value.expression, tuple(self.used), parts)

    def whole(self) -> tuple[_Value, tuple[Part, ...]]:
        """The condition, and the parts that its outermost ``and`` joins."""
        first = self.at
        parts: list[Part] = []
        while True:
            start, before = self.at, self.used
            self.used = {}
            value = self.negated()
            text = self.text[self.tokens[start].start : self.end_of(self.at - 1)]
            parts.append(Part(text, value.expression, tuple(self.used)))
            self.used = {**before, **self.used}
            if not self.take("and"):
                break
        if len(parts) == 1 and not self.next_is("or"):
            return value, tuple(parts)
        # Once more, now with the rules for `or` and for what may be joined.
        self.at = first
        value = self.either()
        if any(token.value == "or" and token.kind == "name" for token in self.outermost(first, self.at)):
            text = self.text[self.tokens[first].start : self.end_of(self.at - 1)]
            return value, (Part(text, value.expression, tuple(self.used)),)
        return value, tuple(parts)

    def end_of(self, index: int) -> int:
        """Where the text of a token ends."""
        start = self.tokens[index].start
        match = _TOKEN.match(self.text, start)
        return start if match is None else match.end()

    def outermost(self, first: int, end: int) -> list[_Token]:
        """The tokens that no parenthesis encloses."""
        depth = 0
        found = []
        for token in self.tokens[first:end]:
            if token.kind == "sign" and token.value in "()":
                depth += 1 if token.value == "(" else -1
            elif depth == 0:
                found.append(token)
        return found

    def need_kind(self, value: _Value, holds: str, what: str) -> None:
        if value.holds not in (holds, "anything"):
            raise self.error(f"this is a {value.holds}, but {what} is a {holds}", value.start)

    def either(self) -> _Value:
        value = self.both()
        while self.take("or"):
            value = self.joined(value, self.both(), lambda left, right: left | right)
        return value

    def both(self) -> _Value:
        value = self.negated()
        while self.take("and"):
            value = self.joined(value, self.negated(), lambda left, right: left & right)
        return value

    def joined(self, left: _Value, right: _Value, join: Callable[[Any, Any], Any]) -> _Value:
        for side in (left, right):
            self.need_kind(side, "truth", "each side of 'and' and 'or'")
        return _Value(join(left.expression, right.expression), "truth", left.start)

    def negated(self) -> _Value:
        start = self.here.start
        if not self.take("not"):
            return self.compared()
        self.deeper()
        value = self.negated()
        self.depth -= 1
        self.need_kind(value, "truth", "what 'not' denies")
        return _Value(~value.expression, "truth", start)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.error(f"more than {_DEEPEST} levels deep")

    def compared(self) -> _Value:
        left = self.summed()
        if self.here.kind == "sign" and self.here.value in _COMPARISONS:
            sign = self.here.value
            self.at += 1
            right = self.summed()
            self.need_same(left, right)
            if self.here.kind == "sign" and self.here.value in _COMPARISONS:
                raise self.error("comparisons do not chain; write 'between A and B' or join two with 'and'")
            return _Value(_COMPARISONS[sign](left.expression, right.expression), "truth", left.start)
        if self.take("is"):
            denied = self.take("not")
            self.need("null", "after 'is'")
            found = left.expression.is_null()
            return _Value(~found if denied else found, "truth", left.start)
        denied = self.take("not")
        if self.take("between"):
            low = self.summed()
            self.need("and", "between the two ends of 'between'")
            high = self.summed()
            for end in (low, high):
                self.need_same(left, end)
            found = (left.expression >= low.expression) & (left.expression <= high.expression)
        elif self.take("in"):
            found = left.expression.isin(self.members(left))
        elif self.take("matches"):
            found = pc.match_substring_regex(left.expression, self.pattern(left))
        elif self.take("starts"):
            self.need("with", "after 'starts'")
            found = pc.starts_with(left.expression, self.literal_text(left))
        elif denied:
            raise self.error("expected 'between', 'in', 'matches' or 'starts with' after 'not'")
        else:
            return left
        return _Value(~found if denied else found, "truth", left.start)

    def need_same(self, left: _Value, right: _Value) -> None:
        if "anything" not in (left.holds, right.holds) and left.holds != right.holds:
            raise self.error(f"a {left.holds} is compared with this {right.holds}", right.start)

    def members(self, left: _Value) -> pa.Array:
        self.need("(", "after 'in'")
        members: list[Any] = []
        while True:
            sign = -1 if self.take("-") else 1
            token = self.here
            value = self.literal(token)
            self.need_same(left, _Value(None, _holds(value), token.start))
            members.append(sign * value if sign < 0 and not isinstance(value, str) else value)
            self.at += 1
            if self.take(")"):
                break
            self.need(",", "or ')' in a list")
        try:
            return pa.array(members)
        except pa.ArrowInvalid as mixed:
            raise self.error("a list holds one kind of value", left.start) from mixed

    def literal(self, token: _Token) -> int | float | str | bool:
        if token.kind == "number":
            plain = token.value.replace("_", "")
            return int(plain) if plain.isdigit() else float(plain)
        if token.kind == "text":
            return re.sub(r"\\(.)", r"\1", token.value[1:-1], flags=re.DOTALL)
        if token.kind == "name" and token.value in ("true", "false"):
            return token.value == "true"
        raise self.error("expected a number or text", token.start)

    def literal_text(self, left: _Value) -> str:
        self.need_kind(left, "text", "what is looked into")
        value = self.literal(self.here)
        if not isinstance(value, str):
            raise self.error("expected text in quotes")
        self.at += 1
        return value

    def pattern(self, left: _Value) -> str:
        start = self.here.start
        pattern = self.literal_text(left)
        try:
            pc.match_substring_regex(pa.array([""]), pattern)
        except pa.ArrowInvalid as invalid:
            raise self.error(f"not a regular expression: {invalid}", start) from invalid
        return pattern

    def summed(self) -> _Value:
        value = self.multiplied()
        while self.here.kind == "sign" and self.here.value in "+-":
            join = pc.add if self.take("+") else pc.subtract
            self.at += join is pc.subtract
            value = self.calculated(value, self.multiplied(), join)
        return value

    def multiplied(self) -> _Value:
        value = self.single()
        while self.here.kind == "sign" and self.here.value in "*/":
            join = pc.multiply if self.take("*") else _divide
            self.at += join is _divide
            value = self.calculated(value, self.single(), join)
        return value

    def calculated(self, left: _Value, right: _Value, join: Callable[[Any, Any], Any]) -> _Value:
        for side in (left, right):
            self.need_kind(side, "number", "what one calculates with")
        return _Value(join(left.expression, right.expression), "number", left.start)

    def single(self) -> _Value:
        token = self.here
        if self.take("-"):
            self.deeper()
            value = self.single()
            self.depth -= 1
            self.need_kind(value, "number", "what has a sign")
            return _Value(pc.negate(value.expression), "number", token.start)
        if self.take("("):
            self.deeper()
            value = self.either()
            self.depth -= 1
            self.need(")", f"for the '(' at character {token.start + 1}")
            return value
        if self.take("length", "("):
            value = self.summed()
            self.need_kind(value, "text", "what has a length")
            self.need(")", "after 'length('")
            return _Value(pc.utf8_length(value.expression), "number", token.start)
        if token.kind == "quoted" or (token.kind == "name" and token.value not in _WORDS):
            self.at += 1
            return self.column(token)
        if token.kind == "end":
            raise self.error("something is missing at the end")
        if token.kind not in ("number", "text") and token.value not in ("true", "false"):
            raise self.error(f"expected a column or a value, not {token.value!r}")
        value_here = self.literal(token)
        self.at += 1
        return _Value(pc.scalar(value_here), _holds(value_here), token.start)

    def column(self, token: _Token) -> _Value:
        name = token.value
        if self.known is not None and name not in self.known:
            near = difflib.get_close_matches(name, self.known, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self.known) or 'none'}"
            raise self.error(f"there is no column {name!r}; {hint}", token.start)
        self.used[name] = None
        holds = "anything" if self.schema is None else _type_holds(self.schema.field(name).type)
        return _Value(pc.field(name), holds, token.start)


def _divide(left: Any, right: Any) -> Any:
    """Division as on paper: of integers too, and by zero infinite."""
    return pc.divide(left.cast(pa.float64()), right.cast(pa.float64()))


def _holds(value: int | float | str | bool) -> str:
    if isinstance(value, bool):
        return "truth"
    return "text" if isinstance(value, str) else "number"


def _type_holds(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "truth"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    return "anything"
