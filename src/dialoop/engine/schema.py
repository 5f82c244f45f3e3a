"""A JSON schema as the grammar reads it: which types, values, keys and items may stand at a place.

Of JSON Schema it honours type, enum, const, properties, required, items, anyOf, oneOf, allOf, local $ref, and the
bounds of whole numbers where few lie between them; the rest (patterns, lengths, other ranges) is left to who runs the
tool. It knows nothing of bytes read so far, tokens or models.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from dialoop.conversation import LIKE, SAID_BY, VERBATIM
from dialoop.engine.source import Source
from dialoop.errors import RequestError

MAX_DEPTH = 24
MOST_NUMBERS = 1000
"""Whole numbers between two bounds that are listed as options; where there are more, bounds are not held to."""
_KINDS = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
_SHORTEST = {"integer": b"0", "number": b"0", "string": b'""', "array": b"[]", "null": b"null", "boolean": b"true"}


def json_bytes(value: Any) -> bytes:
    """A value as JSON in UTF-8, separators as Python and the chat templates write them."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


class Shape:
    """A JSON schema, read when it is needed. `root` is what `$ref` points into. Equal only to itself.

    `source`: what values with `"x-verbatim"` are quoted from; without one, or an empty one, they are free. A "code" is
    one of the source's codes, what has an `"x-like"` one of the stretches that match it, a whole number one of the
    numbers; where there is none, any text of the source, or any number. What may be left out and cannot be quoted is no
    key.
    """

    def __init__(
        self, schema: Any, root: Mapping[str, Any] | None = None, *, depth: int = 0, source: Source | None = None
    ) -> None:
        self.root: Mapping[str, Any] = root if root is not None else (schema if isinstance(schema, Mapping) else {})
        self.source = source if source and source.starts else None
        self.schema = self._resolved(schema)
        self.depth = depth

    def _resolved(self, schema: Any, hops: int = 0) -> Mapping[str, Any]:
        """The schema without `$ref` and `allOf`; True and anything unreadable mean any value."""
        if not isinstance(schema, Mapping):
            return {}
        if isinstance(schema.get("$ref"), str) and hops < 16:
            node: Any = self.root
            for part in filter(None, schema["$ref"].lstrip("#").split("/")):
                node = node.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
            return self._resolved(node, hops + 1)
        if isinstance(schema.get("allOf"), list):
            merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                for key, value in self._resolved(part, hops + 1).items():
                    if key == "properties" and isinstance(value, Mapping):
                        merged[key] = {**value, **merged.get(key, {})}
                    elif key == "required" and isinstance(value, list):
                        merged[key] = [*merged.get(key, []), *value]
                    else:
                        merged.setdefault(key, value)
            return merged
        return schema

    def _part(self, schema: Any) -> Shape:
        """The shape of a part of this one."""
        return Shape(schema, self.root, depth=self.depth + 1, source=self.source)

    @property
    def quoted_from(self) -> Source | None:
        """What a string of this shape is quoted from; None where it is free."""
        if self.source is None or self.schema.get(VERBATIM) not in (True, "clause", "code"):
            return None
        said = self.source.said_by(self.schema.get(SAID_BY))
        found = said if said.starts else self.source
        return found.to_clause_ends if self.schema[VERBATIM] == "clause" else found

    @cached_property
    def _quotable(self) -> list[Any] | None:
        """The options, numbers, codes or stretches that stand in the source; None where there is no such choice."""
        listed, source, like = self.schema.get("enum"), self.quoted_from, self.schema.get(LIKE)
        if source is None:
            return None
        if isinstance(listed, list):
            return [value for value in listed if source.holds(str(value))]
        if self.kinds == {"integer"}:
            least, most = self._bounds
            return [number for number in source.numbers if least <= number <= most]
        if self.schema[VERBATIM] == "code":
            return list(source.codes_like(like))
        found = source.texts_like(like) if isinstance(like, str) and self.schema[VERBATIM] is True else None
        return None if found is None else list(found)

    @property
    def _bounds(self) -> tuple[float, float]:
        """Between which a number lies."""
        said = [self.schema.get(key) for key in ("minimum", "maximum")]
        bounds = [one if isinstance(one, int | float) and math.isfinite(one) else None for one in said]
        return -math.inf if bounds[0] is None else bounds[0], math.inf if bounds[1] is None else bounds[1]

    def _numbers(self) -> list[int] | None:
        """The whole numbers between the bounds of an integer, where they are few."""
        least, most = self._bounds
        if self.kinds != {"integer"} or not 0 <= most - least < MOST_NUMBERS:
            return None
        return list(range(math.ceil(least), math.floor(most) + 1))

    @cached_property
    def branches(self) -> list[Shape]:
        """The alternatives of anyOf and oneOf, or the shape itself."""
        listed = self.schema.get("anyOf") or self.schema.get("oneOf")
        if not isinstance(listed, list) or not listed or self.depth > MAX_DEPTH:
            return [self]
        shapes = [branch for part in listed for branch in self._part(part).branches]
        options = tuple(text for shape in shapes for text in shape.options or ())
        fixed = Shape({}, self.root, depth=self.depth)
        fixed.__dict__["options"] = options
        return ([fixed] if options else []) + [shape for shape in shapes if shape.options is None]

    @cached_property
    def options(self) -> tuple[bytes, ...] | None:
        """The texts that an enum, a const or bounds allow, or those that a quoted value may be; or None.

        Of a verbatim enum only those that stand in the conversation, if any does.
        """
        if "const" in self.schema:
            return (json_bytes(self.schema["const"]),)
        listed = self._quotable or self.schema.get("enum")
        if not listed and self.kinds == {"integer"}:
            listed = self._numbers() or None
        elif not listed and self.quoted_from and self.schema[VERBATIM] == "code":
            listed = list(self.quoted_from.codes) or None
        return tuple(dict.fromkeys(json_bytes(value) for value in listed)) if isinstance(listed, list) else None

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The JSON types that are allowed."""
        said = self.schema.get("type")
        kinds = _KINDS & set([said] if isinstance(said, str) else said if isinstance(said, list) else [])
        if kinds:
            return kinds
        if self.properties:
            return frozenset({"object"})
        return _KINDS

    @cached_property
    def properties(self) -> dict[str, Shape]:
        """The shapes of the known keys."""
        known = self.schema.get("properties")
        if not isinstance(known, Mapping):
            return {}
        required = self.schema.get("required")
        parts = {str(key): self._part(part) for key, part in known.items()}
        asked = set(map(str, required)) if isinstance(required, list) else set()
        return {key: part for key, part in parts.items() if key in asked or part._quotable != []}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The keys that must be there; a key that `properties` does not know cannot be asked for."""
        listed = self.schema.get("required")
        return tuple(key for key in listed if key in self.properties) if isinstance(listed, list) else ()

    @cached_property
    def is_told(self) -> bool:
        """Whether the source holds something for each required value that is to be quoted in a form: a code, a number,
        a stretch like a pattern. What is chosen from a list may be known otherwise.
        """
        parts = [self.properties[key] for key in self.required]
        return all(part._quotable != [] or "enum" in part.schema for part in parts)

    @cached_property
    def is_closed(self) -> bool:
        """Whether only known keys are allowed."""
        return bool(self.properties) or self.schema.get("additionalProperties") is False

    @cached_property
    def items(self) -> Shape:
        """The shape of an array's items."""
        return self._part(self.schema.get("items"))

    @cached_property
    def shortest(self) -> bytes:
        """The shortest value. Raises RequestError if there is none, or if every value would nest without end."""
        if any(branch.options == () for branch in self.branches):
            raise RequestError("a tool's parameters hold an empty enum, which allows no value", param="tools")
        fixed = [text for branch in self.branches for text in branch._plain()]
        if fixed:
            return min(fixed, key=len)
        if self.depth > MAX_DEPTH:
            raise RequestError("a tool's parameters nest without end", param="tools")
        return self.branches[0].object_with(self.branches[0].required)

    def object_with(self, keys: Sequence[str]) -> bytes:
        """An object with these keys and the shortest values."""
        return b"{" + b", ".join(json_bytes(key) + b": " + self.properties[key].shortest for key in keys) + b"}"

    def _plain(self) -> list[bytes]:
        """The shortest values that are no objects."""
        if self.options:
            return list(self.options)
        shortest = _SHORTEST | ({"string": self.quoted_from.shortest} if self.quoted_from else {})
        return [text for kind, text in shortest.items() if kind in self.kinds]
