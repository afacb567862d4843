"""Chat templates: conversations as text, as `transformers` writes them.

A template is a Jinja2 program that comes with a model, so it is run in a sandbox that can change nothing. Beside Jinja's own
it may use ``tojson`` (which keeps non-ASCII text), ``raise_exception``, ``strftime_now``, ``break`` and ``continue``, and
``{% generation %}`` around what the assistant says.
"""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Union

from tokenfoundry.errors import InputError

__all__ = ["Rendered", "json_schema", "render"]

Message = Mapping[str, Any]


class Rendered(typing.NamedTuple):
    """``generated``: where the assistant speaks, as character ranges of ``text``."""

    text: str
    generated: list[tuple[int, int]]


def _environment(mark: Callable[[str], str]) -> Any:
    try:
        from jinja2 import nodes
        from jinja2.exceptions import TemplateError
        from jinja2.ext import Extension, loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        raise InputError("chat templates need Jinja2: pip install 'tokenfoundry[hf]'") from None

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

        def _mark(self, caller: Callable[[], str]) -> str:
            return mark(caller())

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    def to_json(
        value: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment


def render(
    template: str,
    messages: Sequence[Message],
    *,
    tools: Sequence[Any] | None = None,
    documents: Sequence[Message] | None = None,
    add_generation_prompt: bool = False,
    continue_final_message: bool = False,
    track_generation: bool = False,
    variables: Mapping[str, Any] | None = None,
) -> Rendered:
    """The text of a conversation.

    ``tools``: JSON schemas, or functions, which become theirs (`json_schema`). ``continue_final_message``: the text ends
    where the last message does, for the model to go on with it.
    Raises InputError where the template refuses the messages or is no template.
    """
    from jinja2.exceptions import TemplateError

    if continue_final_message and add_generation_prompt:
        raise InputError("continue_final_message and add_generation_prompt cannot both be asked for")
    token = uuid.uuid4().hex
    start, end = f"<{token}+>", f"<{token}->"
    environment = _environment((lambda text: f"{start}{text}{end}") if track_generation else (lambda text: text))
    schemas = None if tools is None else [json_schema(tool) if callable(tool) else tool for tool in tools]
    try:
        text = environment.from_string(template).render(
            messages=messages,
            tools=schemas,
            documents=documents,
            add_generation_prompt=add_generation_prompt,
            **(variables or {}),
        )
    except (
        TemplateError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:
        raise InputError(f"the chat template refused the messages: {error}") from error
    generated = []
    if track_generation:
        parts = []
        at = 0
        for part in re.split(f"({re.escape(start)}|{re.escape(end)})", text):
            if part == start:
                generated.append((at, at))
            elif part == end:
                generated[-1] = (generated[-1][0], at)
            else:
                parts.append(part)
                at += len(part)
        text = "".join(parts)
    if continue_final_message:
        text = _up_to_final_message(text, messages)
    return Rendered(text, generated)


def _up_to_final_message(text: str, messages: Sequence[Message]) -> str:
    final = messages[-1]["content"] if messages else ""
    if isinstance(final, (list, tuple)):
        texts = [block["text"] for block in final if isinstance(block, Mapping) and "text" in block]
        final = texts[-1] if texts else ""
    if not isinstance(final, str) or final.strip() not in text:
        raise InputError("the chat template does not write the final message as it is, so it cannot be continued")
    at = text.rindex(final.strip())
    whole = final.lstrip()
    return text[: at + len(whole if text[at:].startswith(whole) else final.strip())]


_BASIC = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null", Any: None}


def _of_type(hint: Any) -> dict[str, Any]:
    """The JSON schema of a type hint."""
    if hint is inspect.Parameter.empty or hint is Any:
        return {}
    if hint in _BASIC:
        return {"type": _BASIC[hint]}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        some = [_of_type(argument) for argument in arguments if argument is not type(None)]
        if len(some) == 1:
            schema = some[0]
        elif all(set(one) == {"type"} and isinstance(one["type"], str) for one in some):
            schema = {"type": sorted(one["type"] for one in some)}
        else:
            schema = {"anyOf": some}
        return {**schema, "nullable": True} if type(None) in arguments else schema
    if origin is Literal:
        found = {type(value) for value in arguments}
        names = sorted(str(_BASIC[kind]) for kind in found)
        return {"type": names[0] if len(names) == 1 else names, "enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _of_type(arguments[0])} if arguments else {"type": "array"}
    if origin is tuple:
        return {"type": "array", "prefixItems": [_of_type(argument) for argument in arguments]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of_type(arguments[1])}
    plain = {list: "array", tuple: "array", dict: "object"}.get(hint)
    if plain is None:
        raise InputError(f"the type hint {hint!r} has no JSON schema")
    return {"type": plain}


_SECTION = re.compile(r"^\s*(Args|Returns|Raises):\s*$", re.MULTILINE)
_ARGUMENT = re.compile(r"^\s*(?P<name>\w+)\s*(?:\([^)]*\))?:\s*(?P<text>.*)$")
_CHOICES = re.compile(r"\(choices:\s*(?P<list>\[.*?\])\)\s*$", re.IGNORECASE)


def _sections(docstring: str) -> dict[str, str]:
    found = list(_SECTION.finditer(docstring))
    ends = [*(match.start() for match in found[1:]), len(docstring)]
    sections = {match[1]: docstring[match.end() : end] for match, end in zip(found, ends, strict=False)}
    return {"": docstring[: found[0].start() if found else len(docstring)].strip(), **sections}


def json_schema(function: Callable[..., Any]) -> dict[str, Any]:
    """A function as a tool: its name, and what its type hints and its docstring (Google's style) say of it.

    Raises InputError where an argument has no type hint or is not in the docstring.
    """
    name = getattr(function, "__name__", str(function))
    sections = _sections(inspect.cleandoc(function.__doc__ or ""))
    if not sections[""]:
        raise InputError(f"the function {name} has no docstring to describe it as a tool")
    described: dict[str, str] = {}
    current = None
    for line in sections.get("Args", "").splitlines():
        if match := _ARGUMENT.match(line):
            current = match["name"]
            described[current] = match["text"].strip()
        elif current and line.strip():
            described[current] += " " + line.strip()
    hints = typing.get_type_hints(function)
    properties: dict[str, Any] = {}
    required = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in hints:
            raise InputError(f"the argument {parameter.name} of the function {name} has no type hint")
        if parameter.name not in described:
            raise InputError(f"the docstring of the function {name} does not describe the argument {parameter.name}")
        schema = _of_type(hints[parameter.name])
        text = described[parameter.name]
        if choices := _CHOICES.search(text):
            schema["enum"] = [str(choice).strip() for choice in json.loads(choices["list"])]
            text = text[: choices.start()].strip()
        properties[parameter.name] = {**schema, "description": text}
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    described_function: dict[str, Any] = {"name": name, "description": sections[""], "parameters": parameters}
    if "return" in hints:
        result = _of_type(hints["return"])
        if text := " ".join(sections.get("Returns", "").split()):
            described_function["return"] = {**result, "description": text}
        else:
            described_function["return"] = result
    return {"type": "function", "function": described_function}
