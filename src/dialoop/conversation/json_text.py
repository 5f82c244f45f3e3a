"""JSON in and out, strictly: what two readers could understand differently is refused.

RFC 8259 JSON, less what it leaves open: a key given twice, NaN and Infinity, NUL, unpaired surrogates, nesting deeper
than `MAX_DEPTH`, numbers beyond a float. It knows nothing of records.
"""

from __future__ import annotations

import json
from typing import Any

from dialoop.conversation.faults import Refusal
from dialoop.errors import DataError

MAX_DEPTH = 100
"""Levels of nesting that are accepted. Real records have below ten; pydantic gives up at about 250."""


class _JsonRefusal(Exception):
    """Raised from within the decoder's hooks; becomes a Refusal."""


def parse_json(text: str) -> Any:
    """One JSON value. Raises Refusal with the reason and the remedy."""
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Refusal(_syntax(error, text), "correct the JSON at this place", "json") from None
    except RecursionError:
        raise _too_deep() from None
    except _JsonRefusal as error:
        raise Refusal(str(error), "correct the JSON at this place", "json") from None
    except ValueError as error:  # an integer of thousands of digits
        raise Refusal(f"a number cannot be read: {error}", "write it as text", "json") from None
    if _depth_exceeds(value, MAX_DEPTH):
        raise _too_deep()
    if "\\u" in text:
        _check_escapes(value)
    return value


def parse_tool_arguments(text: str) -> dict[str, Any]:
    """A tool call's arguments: one JSON object. Raises DataError with the remedy."""
    try:
        value = parse_json(text)
    except Refusal as refusal:
        raise DataError(f"arguments are no JSON: {refusal.reason}", remedy=_ARGUMENTS_REMEDY) from None
    if not isinstance(value, dict):
        raise DataError(f"arguments are JSON but no object: {shorten(text)}", remedy=_ARGUMENTS_REMEDY)
    return value


def canonical_json(value: Any) -> str:
    """Equal values give equal text: keys sorted, no spaces, no escapes beyond JSON's own, 1.0 and 1e0 written as 1.

    Raises DataError for what JSON cannot hold (NaN, Infinity, sets, nesting without end).
    """
    try:
        return json.dumps(
            _normalised(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
        )
    except (ValueError, TypeError) as error:
        raise DataError(f"the value cannot be written as JSON: {error}", remedy="use what JSON has") from None
    except RecursionError:
        raise DataError("the value is nested too deep for JSON", remedy="flatten it") from None


def dump_line(value: Any) -> str:
    """One line of a JSONL file, key order kept, without the line's end. Raises DataError like `canonical_json`."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(f"the record cannot be written as JSON: {error}", remedy="use what JSON has") from None


def shorten(text: str, characters: int = 60) -> str:
    """Text for a message: quoted, on one line, cut in the open."""
    return repr(text if len(text) <= characters else text[: characters - 1] + "…")


_ARGUMENTS_REMEDY = 'write the arguments as one JSON object in a string, e.g. "{}" if there are none'


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _JsonRefusal(f"the key {shorten(twice)} is given twice in one object")
    return value


def _constant(name: str) -> Any:
    raise _JsonRefusal(f"{name} is no number that JSON has")


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _JsonRefusal(f"the number {shorten(text)} is too large")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_number)


def _syntax(error: json.JSONDecodeError, text: str) -> str:
    near = shorten(text[max(0, error.pos - 20) : error.pos + 20])
    return f"not valid JSON at character {error.pos + 1}: {error.msg}; near {near}"


def _too_deep() -> Refusal:
    return Refusal(f"JSON nested deeper than {MAX_DEPTH} levels", "flatten it or leave the record out", "json")


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _check_escapes(value: Any) -> None:
    """Escapes can bring in what raw UTF-8 text cannot hold."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            check_text(item)
        elif isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def check_text(text: str) -> None:
    """Raises Refusal where text holds what no tokenizer, database or file can keep: NUL, unpaired surrogates."""
    if "\x00" in text:
        raise Refusal("the text holds a NUL character", "remove the character U+0000", "nul")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Refusal("the text holds half of a surrogate pair", "write the whole character", "encoding") from None


def _normalised(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {str(key): _normalised(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_normalised(inner) for inner in value]
    return value
