"""From plain typed Python functions to tools: their JSON schema, and a call by name with arguments as JSON text.

A tool is a function whose first parameter may be its surroundings (the world that it reads and changes, the context of
its call), which no caller gives, and whose other parameters are typed `str`, `Annotated[str, Quoted(...)]` (such are
`Verbatim` and `Code`), `int` or `float`, also `Annotated[int, Between(1, 30)]`, `bool`, `list[str]`, a `Literal`, or
one of these `| None`. Its description is the docstring up to an `Args:` section; lines `name: text` below `Args:`
describe parameters. Form: OpenAI function calling.

It knows no particular world. A wrong call by a model is answered with {"error": ...}, as the model must be able to mend
it; a wrong tool by a programmer raises SettingsError.
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from dialoop.conversation import LIKE, SAID_BY, VERBATIM, Tool
from dialoop.errors import SettingsError


@dataclass(frozen=True)
class Quoted:
    """That a text is copied from the conversation word for word. An engine of ours writes nothing else there.

    `code`: it is one number or address. `by`: the role that said it, for example "user"; None: any. `like`: a regular
    expression that the whole of it matches, such as that of a day; where nothing in the conversation does, any words
    may be copied. `clause`: it goes on to the end of a clause, as a complaint does. Of a whole number it says that the
    number was given in digits. None of it is shown to a model.
    """

    code: bool = False
    by: str | None = None
    like: str | None = None
    clause: bool = False

    def schema(self) -> dict[str, Any]:
        """The keywords of the parameter's schema."""
        said = {SAID_BY: self.by, LIKE: self.like}
        return {VERBATIM: "code" if self.code else "clause" if self.clause else True} | {
            key: value for key, value in said.items() if value
        }


@dataclass(frozen=True)
class Between:
    """The bounds of a number, both included; None: no upper one. An engine of ours writes no whole number beyond."""

    least: float
    most: float | None = None

    def schema(self) -> dict[str, Any]:
        """The keywords of the parameter's schema."""
        return {"minimum": self.least} | ({} if self.most is None else {"maximum": self.most})


Verbatim = Annotated[str, Quoted()]
"""A text that is copied from the conversation word for word."""

Code = Annotated[str, Quoted(code=True)]
"""A verbatim text that is one number or address: a booking's number, a phone's, an e-mail."""

ToolFunction = Callable[..., dict[str, Any]]
_PLAIN: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


def tool_schema(function: Callable[..., Any], *, surrounded: bool = True) -> Tool:
    """The tool's schema from its annotations and docstring. Raises SettingsError where it has no such form.

    `surrounded`: whether the first parameter is the surroundings, which are not in the schema.
    """
    description, about = _docstring(function)
    properties: dict[str, Any] = {}
    required = []
    for parameter in _parameters(function, surrounded):
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise _fault(function, f"cannot be called by names because of its parameter {parameter.name}")
        schema = _type_schema(_annotation(function, parameter.name), function, parameter.name)
        if parameter.name in about:
            schema["description"] = about.pop(parameter.name)
        properties[parameter.name] = schema
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
    if about:
        raise _fault(function, f"describes parameters that it does not have: {', '.join(about)}")
    parameters = {"type": "object", "properties": properties, "required": required}
    name = function.__name__
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def with_options(tool: Tool, options: Mapping[str, Sequence[str]]) -> Tool:
    """The tool with an `enum` for each of its parameters that `options` names; one without values stays free.

    A `Verbatim` parameter is then one of the options that stand in the conversation, if any does.
    """
    function = tool["function"]
    known = function["parameters"]["properties"]
    listed = {name: {**known[name], "enum": list(options[name])} for name in known if options.get(name)}
    if not listed:
        return tool
    parameters = {**function["parameters"], "properties": {**known, **listed}}
    return {**tool, "function": {**function, "parameters": parameters}}


def call_tool(functions: Sequence[ToolFunction], world: object, name: str, arguments: str) -> dict[str, Any]:
    """Runs the function called `name` on `world`; gives its result, or {"error": ...} for a call that is wrong."""
    function = next((one for one in functions if one.__name__ == name), None)
    if function is None:
        return {"error": f"no tool {name}"}
    try:
        given = json.loads(arguments or "{}")
    except (json.JSONDecodeError, RecursionError):
        return {"error": "arguments are no JSON"}
    if not isinstance(given, dict):
        return {"error": "arguments are no JSON object"}
    parameters = {parameter.name: parameter for parameter in _parameters(function, True)}
    for key in given:
        if key not in parameters:
            return {"error": f"unknown argument {key}"}
    for key, parameter in parameters.items():
        if key not in given and parameter.default is inspect.Parameter.empty:
            return {"error": f"missing {key}"}
        if key in given and not _fits(given[key], _annotation(function, key)):
            return {"error": f"wrong type of {key}"}
    return function(world, **given)


@cache
def _parameters(function: Callable[..., Any], surrounded: bool) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())[1 if surrounded else 0 :]


@cache
def _annotation(function: Callable[..., Any], name: str) -> Any:
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception as error:  # annotations in quotes are the user's own code
        raise _fault(function, f"has an annotation that cannot be read: {error}") from error
    if name not in hints:
        raise _fault(function, f"parameter {name} has no type")
    return hints[name]


_SECTION = re.compile(
    r"(?:Returns?|Raises|Yields?|Examples?|Notes?|Warnings?|Warns|Attributes|References|See Also|Todo):"
)
"""Below `Args:` another section of a docstring begins with a line like this."""
_ARGUMENT = re.compile(r"(\w+)\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*:\s*(.*)")
"""`name: text`, or with its type: `name (str, optional): text`."""


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The description, and what is said of each parameter: a text goes on where lines are indented more than its first.

    Sections below `Args:` belong to the description, as those do that stand before it.
    """
    text = inspect.getdoc(function)
    if not text:
        raise _fault(function, "has no docstring")
    description, _, section = text.partition("Args:")
    lines = [line for line in section.splitlines() if line.strip()]
    end = next((at for at, line in enumerate(lines) if _SECTION.fullmatch(line.strip())), len(lines))
    known, about, name, depth = inspect.signature(function).parameters, dict[str, str](), None, 0
    for line in lines[:end]:
        found, indent = _ARGUMENT.fullmatch(line.strip()), len(line) - len(line.lstrip())
        if name is not None and indent > depth and (found is None or found[1] not in known):
            about[name] = f"{about[name]} {line.strip()}".strip()
            continue
        if found is None:
            raise _fault(function, f"has a line below Args: that is no 'name: text': {line.strip()!r}")
        name, depth = found[1], indent
        about[name] = found[2].strip()
    return " ".join(" ".join([description, *lines[end:]]).split()), about


def _options(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, else the annotation alone."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _type_schema(annotation: Any, function: Callable[..., Any], name: str) -> dict[str, Any]:
    kinds = [kind for kind in _options(annotation) if kind is not type(None)]
    kind = kinds[0]
    if len(kinds) == 1 and get_origin(kind) is Annotated:
        plain, notes = get_args(kind)[0], _notes(kind)
        if plain in (str, int, float) and notes and not (plain is str and any(isinstance(n, Between) for n in notes)):
            return {"type": _PLAIN[plain]} | {key: value for note in notes for key, value in note.schema().items()}
    if len(kinds) == 1 and isinstance(kind, type) and kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if len(kinds) == 1 and get_origin(kind) is Literal and all(isinstance(value, str) for value in get_args(kind)):
        return {"type": "string", "enum": list(get_args(kind))}
    if len(kinds) == 1 and get_origin(kind) is list and get_args(kind) == (str,):
        return {"type": "array", "items": {"type": "string"}}
    raise _fault(function, f"parameter {name} has a type that has no schema here: {annotation}")


def _notes(kind: Any) -> list[Quoted | Between]:
    """What `Annotated[...]` says of a parameter here."""
    return [one for one in get_args(kind)[1:] if isinstance(one, Quoted | Between)]


def _fits(value: Any, annotation: Any) -> bool:
    return any(_fits_kind(value, kind) for kind in _options(annotation))


def _fits_kind(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is Annotated:
        return _fits_kind(value, get_args(kind)[0])
    if get_origin(kind) is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, kind)


def _fault(function: Callable[..., Any], what: str) -> SettingsError:
    written = inspect.unwrap(function)
    place = f"{inspect.getsourcefile(written) or '?'}:{written.__code__.co_firstlineno}"
    return SettingsError(
        f"tool {function.__name__} {what}",
        where=place,
        remedy="give each parameter a plain type and the function a docstring, as docs/agent.md shows",
    )
