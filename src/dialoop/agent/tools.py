"""Tools: typed Python functions that an agent may call, by name and with arguments as JSON text.

A function's annotations and docstring are its schema; `@tool` says what it does to the world. Functions may be async;
plain ones run in a thread. Whatever goes wrong with a call is a result that can be told, never an exception. It knows
no model, no stand-ins and no log.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from dialoop.agent.seams import awaited, contained
from dialoop.agent.tool_files import functions_in
from dialoop.agent.tool_threads import Threads
from dialoop.agent.typed_tools import tool_schema, with_options
from dialoop.conversation import Tool, parse_tool_arguments
from dialoop.conversation.tool_schema import schema_faults
from dialoop.errors import DataError, SettingsError

log = logging.getLogger(__name__)
Function = TypeVar("Function", bound=Callable[..., Any])
_MARK = "__dialoop_tool__"
MOST_AT_ONCE = 32
"""Calls of plain functions that run side by side; more wait."""


@dataclass(frozen=True)
class ToolContext:
    """What a tool is told about its call. Equal `idempotency_key`: the same call, made again after a crash."""

    conversation: str
    tenant: str
    customer: str | None
    idempotency_key: str
    lang: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a call gave: JSON text. `failed`: it tells of an error. `unknown`: it may have had its effect or not."""

    content: str
    failed: bool = False
    unknown: bool = False


Options = Callable[[ToolContext], Iterable[str]]
"""Gives the values that a parameter may have in one conversation."""


@dataclass(frozen=True)
class Conduct:
    """What a tool does to the world, and how it is to be called; see `tool`. `time_limit` in seconds."""

    transactional: bool = False
    repeatable: bool = True
    time_limit: float = 20.0
    options: Mapping[str, Options] = field(default_factory=dict)


@dataclass(frozen=True)
class BoundTool:
    """One function as a tool. `wants_context`: its first parameter is the ToolContext."""

    name: str
    function: Callable[..., Any]
    schema: Tool
    conduct: Conduct
    wants_context: bool

    @property
    def required(self) -> list[str]:
        """The names of the arguments that must be given."""
        return list(self.schema["function"]["parameters"]["required"])


def tool(
    *,
    transactional: bool = False,
    repeatable: bool = True,
    time_limit: float = 20.0,
    options: Mapping[str, Options] | None = None,
) -> Callable[[Function], Function]:
    """Says of a function what it does. Undecorated functions read only and may be repeated.

    `transactional`: it changes something, and is confirmed with the customer first. `repeatable`: called again with the
    same idempotency key, it has its effect once and gives the same. `time_limit` in seconds. `options` gives the values
    that a parameter may have; they are asked for when a conversation is opened, so that each house or tenant has its
    own. Raises SettingsError for a time limit that is none.
    """
    if not time_limit > 0:
        raise SettingsError(f"a tool's time limit is {time_limit} seconds", remedy="give more than 0")
    conduct = Conduct(transactional, repeatable, time_limit, dict(options or {}))

    def mark(function: Function) -> Function:
        setattr(function, _MARK, conduct)
        return function

    return mark


class Toolbox:
    """The tools of an agent, by name."""

    def __init__(self, tools: Iterable[BoundTool] = ()) -> None:
        """Raises SettingsError where two tools have one name."""
        self._tools: dict[str, BoundTool] = {}
        for one in tools:
            if one.name in self._tools:
                raise SettingsError(f"two tools are named {one.name!r}", remedy="name one of them otherwise")
            self._tools[one.name] = one
        # its own threads: a tool that hangs must not take those of the store
        self._threads = Threads(MOST_AT_ONCE, "dialoop-tool")

    @classmethod
    def of(cls, functions: Iterable[Callable[..., Any]]) -> Toolbox:
        """The functions as tools. Raises SettingsError for one that has no schema, and for two of one name."""
        return cls(_bound(function) for function in functions)

    @classmethod
    def load(cls, path: str | Path) -> Toolbox:
        """All public functions that a Python file defines, in its order; the file is run for that.

        Raises SettingsError, with file and line, where it cannot be run, holds no tool, or two of one name.
        """
        return cls.of(functions_in(Path(path)))

    def __contains__(self, name: str) -> bool:
        return name in self._tools

    @property
    def names(self) -> list[str]:
        """The names of the tools, in order."""
        return list(self._tools)

    @property
    def schemas(self) -> list[Tool]:
        """The tools in OpenAI's form, in order."""
        return [one.schema for one in self._tools.values()]

    def schemas_for(self, context: ToolContext) -> list[Tool]:
        """The tools as one conversation has them, with the options of their parameters; in order.

        Options that cannot be had are left out, with a warning: the tool itself still refuses what it does not know.
        """
        return [_with_options(one, context) for one in self._tools.values()]

    def conduct(self, name: str) -> Conduct:
        """What the tool does to the world; of an unknown one nothing is known."""
        return self._tools[name].conduct if name in self._tools else Conduct(repeatable=False)

    def faults(self, name: str, arguments: str) -> list[str]:
        """What is wrong with a call before it is made; empty if nothing is."""
        known = self._tools.get(name)
        if known is None:
            return [f"there is no tool {name}; the tools are: {', '.join(self._tools) or 'none'}"]
        try:
            given = _given(known, arguments)
        except DataError as error:
            return [error.what]
        return schema_faults(given, known.schema["function"]["parameters"])

    async def call(self, name: str, arguments: str, context: ToolContext) -> Outcome:
        """Calls a tool with arguments as JSON text. Whatever goes wrong is a result; only a cancellation is raised.

        A transactional tool that exceeds its time limit has an unknown outcome: a thread cannot be stopped.
        """
        if faults := self.faults(name, arguments):
            return _failure("; ".join(faults))
        known = self._tools[name]
        given = _given(known, arguments)
        before = (context,) if known.wants_context else ()
        limit, changes = known.conduct.time_limit, known.conduct.transactional
        try:
            async with asyncio.timeout(limit) as clock:
                result = await self._made(partial(known.function, *before, **given))
        except TimeoutError as error:  # the limit's, or one that the tool ran into itself
            return _failure(f"no answer within {limit:g} seconds" if clock.expired() else _told(error), unknown=changes)
        except DataError as error:
            return _failure(error.what)
        except Exception as error:  # noqa: BLE001 - a tool is the user's own code, and whatever it raises is its result
            log.warning("tool %s failed: %s", name, type(error).__name__)
            return _failure(_told(error))
        try:
            return Outcome(_written(result))
        except DataError as error:  # it came to its end: what it changes is changed
            log.warning("tool %s: %s; %s", name, error.what, error.remedy)
            return _failure(error.what, unknown=changes)

    async def _made(self, function: partial[Any]) -> Any:
        """What the call gives: awaited where it is async, also behind a decorator; from a thread where it is plain."""
        if inspect.iscoroutinefunction(function):
            return await awaited(function())
        result = await awaited(self._threads.run(partial(contained, function)))
        return await awaited(result) if inspect.isawaitable(result) else result


def _bound(function: Callable[..., Any]) -> BoundTool:
    wants_context = _wants_context(function)
    schema, conduct = tool_schema(function, surrounded=wants_context), getattr(function, _MARK, Conduct())
    if strange := conduct.options.keys() - schema["function"]["parameters"]["properties"].keys():
        what = f"tool {function.__name__} has options for {', '.join(sorted(strange))}, which it does not take"
        raise SettingsError(what, where=inspect.getsourcefile(function), remedy="name a parameter of the function")
    if late := [name for name, options in conduct.options.items() if inspect.iscoroutinefunction(options)]:
        what = f"the options of {', '.join(late)} of tool {function.__name__} are given by an async function"
        raise SettingsError(what, where=inspect.getsourcefile(function), remedy="give them by a plain function")
    return BoundTool(function.__name__, function, schema, conduct, wants_context)


def _with_options(one: BoundTool, context: ToolContext) -> Tool:
    listed: dict[str, list[str]] = {}
    for name, options in one.conduct.options.items():
        try:
            listed[name] = _texts(options(context))
        except Exception as error:  # noqa: BLE001 - the user's own code, as a tool is
            log.warning("the options of %s of tool %s cannot be had: %s", name, one.name, type(error).__name__)
    return with_options(one.schema, listed)


def _texts(values: Iterable[str]) -> list[str]:
    """The values. Raises TypeError or UnicodeEncodeError for what no schema of texts can list."""
    found = list(values)
    if isinstance(values, str) or not all(isinstance(one, str) for one in found):
        raise TypeError("options are a list of texts")
    "".join(found).encode()
    return found


def _wants_context(function: Callable[..., Any]) -> bool:
    """Whether the first parameter is annotated as ToolContext, by itself or by its name in quotes."""
    first = next(iter(inspect.signature(function).parameters.values()), None)
    if first is None:
        return False
    try:
        return get_type_hints(function).get(first.name) is ToolContext
    except Exception:  # noqa: BLE001 - the user's own annotations; what is wrong is told where the schema is made
        return False


def _given(known: BoundTool, arguments: str) -> dict[str, Any]:
    """The arguments, less those that may be left out and are null; a whole number is an int, also written as 2.0."""
    given = parse_tool_arguments(arguments or "{}")
    properties = known.schema["function"]["parameters"]["properties"]
    for key, value in given.items():
        if isinstance(value, float) and value.is_integer() and properties.get(key, {}).get("type") == "integer":
            given[key] = int(value)
    return {key: value for key, value in given.items() if value is not None or key in known.required}


def _told(error: Exception) -> str:
    """The error in words, as far as it has some."""
    try:
        return f"{type(error).__name__}: {str(error)[:500]}"
    except Exception:  # noqa: BLE001 - the user's own class of errors may fail at that too
        return type(error).__name__


def _written(result: Any) -> str:
    """The result as JSON text. Raises DataError for what JSON cannot hold."""
    try:
        text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"the tool gave what JSON cannot hold: {error}", remedy="give plain dicts and lists") from None
    return text.encode("utf-8", "replace").decode("utf-8")


def _failure(what: str, *, unknown: bool = False) -> Outcome:
    return Outcome(_written({"error": what}), failed=True, unknown=unknown)
