"""A tool call's arguments against the tool's JSON schema: what is missing, unknown, of the wrong type or not allowed.

The part of JSON Schema 2020-12 that tools use: type, enum, const, required, properties, additionalProperties, items,
minimum, maximum, minLength, maxLength, minItems, maxItems, anyOf, oneOf, allOf. Other keywords are not looked at. One
thing is stricter: a key that `properties` does not name is a fault unless `additionalProperties` allows it, because a
function called with it would fail. It knows nothing of conversations.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from dialoop.conversation.json_text import dump_line, shorten

VERBATIM = "x-verbatim"
"""A keyword of ours for strings: true where the value is copied from the conversation word for word, "clause" where it
reaches to the end of a clause, "code" where it is one number or address (a booking's, a phone's, an e-mail).

Whoever generates calls may hold to it. As all keywords that begin with `x-`, it is not shown to a model.
"""

SAID_BY = "x-said-by"
"""Beside VERBATIM: the role whose messages the value is copied from, for example "user"; every role's without it."""

LIKE = "x-like"
"""Beside VERBATIM "code": a regular expression that the whole value matches."""

_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (isinstance(value, int) or value.is_integer())
    ),
}


def choices_of(tools: Iterable[Any]) -> list[str]:
    """The texts that the tools' parameters are chosen among (`enum`), at any depth: the house's own words."""
    found, waiting = dict[str, None](), list[Any](tools)
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            chosen = value.get("enum")
            found |= dict.fromkeys(one for one in chosen if isinstance(one, str)) if isinstance(chosen, list) else {}
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return list(found)


def schema_faults(value: Any, schema: Any, where: str = "") -> list[str]:
    """What of the value breaks the schema, each in one clause naming the key; empty if nothing does."""
    if schema is True or not isinstance(schema, dict):
        return [] if schema is not False else [f"{where or 'the value'} is not allowed"]
    name = where or "the arguments"
    wrong = _type_fault(value, schema.get("type"), name)
    if wrong:
        return [wrong]
    faults = _value_faults(value, schema, name)
    if isinstance(value, dict):
        faults += _object_faults(value, schema, where)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            faults += schema_faults(item, schema["items"], f"{where}[{index}]")
    for part in _listed(schema.get("allOf")):
        faults += schema_faults(value, part, where)
    for word in ("anyOf", "oneOf"):
        choices = _listed(schema.get(word))
        if choices and all(schema_faults(value, choice, where) for choice in choices):
            faults.append(f"{name} fits none of the schema's {word}")
    return faults


def _type_fault(value: Any, types: Any, name: str) -> str | None:
    listed = types if isinstance(types, list) else [types]
    allowed = [item for item in listed if isinstance(item, str)]
    if not allowed or any(_TYPES.get(item, _anything)(value) for item in allowed):
        return None
    return f"{name} must be {' or '.join(allowed)}, found {_show(value)}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _anything(value: Any) -> bool:
    return True


def _object_faults(value: dict[str, Any], schema: dict[str, Any], where: str) -> list[str]:
    prefix = f"{where}." if where else ""
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    faults = [
        f"{prefix}{key} is required and missing"
        for key in _listed(required)
        if isinstance(key, str) and key not in value
    ]
    others = schema.get("additionalProperties", not schema.get("properties"))
    for key, item in value.items():
        if key in properties:
            faults += schema_faults(item, properties[key], prefix + key)
        elif others is False:
            near = difflib.get_close_matches(key, list(properties), n=1)
            faults.append(f"{prefix}{key} is unknown" + (f"; did you mean {near[0]}?" if near else ""))
        else:
            faults += schema_faults(item, others, prefix + key)
    return faults


def _value_faults(value: Any, schema: dict[str, Any], name: str) -> list[str]:
    faults = []
    enum = schema.get("enum")
    if isinstance(enum, list) and not any(_same(value, item) for item in enum):
        faults.append(f"{name} is {_show(value)}, not one of {shorten(dump_line(enum), 100)[1:-1]}")
    if "const" in schema and not _same(value, schema["const"]):
        faults.append(f"{name} must be {_show(schema['const'])}, found {_show(value)}")
    for words, size, unit in _SIZES:
        amount = size(value)
        if amount is None:
            continue
        low, high = schema.get(words[0]), schema.get(words[1])
        if isinstance(low, int | float) and amount < low:
            faults.append(f"{name}{unit} is {amount}, below {low}")
        if isinstance(high, int | float) and amount > high:
            faults.append(f"{name}{unit} is {amount}, above {high}")
    return faults


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


_SIZES: tuple[tuple[tuple[str, str], Callable[[Any], float | None], str], ...] = (
    (("minimum", "maximum"), _number, ""),
    (("minLength", "maxLength"), lambda value: len(value) if isinstance(value, str) else None, "'s length"),
    (("minItems", "maxItems"), lambda value: len(value) if isinstance(value, list) else None, "'s length"),
)


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: True is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _show(value: Any) -> str:
    return shorten(dump_line(value))[1:-1]
