"""A JSON schema as the grammar reads it: which types, values, keys and items may stand at a place.

Of JSON Schema it honours type, enum, const, properties, required, items, anyOf, oneOf, allOf and local $ref; the rest
(patterns, lengths, ranges) is left to who runs the tool. It knows nothing of bytes read so far, tokens or models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from dialoop.errors import RequestError

MAX_DEPTH = 24
_KINDS = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
_SHORTEST = {"integer": b"0", "number": b"0", "string": b'""', "array": b"[]", "null": b"null", "boolean": b"true"}


def json_bytes(value: Any) -> bytes:
    """A value as JSON in UTF-8, separators as Python and the chat templates write them."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


class Shape:
    """A JSON schema, read when it is needed. `root` is what `$ref` points into. Equal only to itself."""

    def __init__(self, schema: Any, root: Mapping[str, Any] | None = None, *, depth: int = 0) -> None:
        self.root: Mapping[str, Any] = root if root is not None else (schema if isinstance(schema, Mapping) else {})
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

    @cached_property
    def branches(self) -> list[Shape]:
        """The alternatives of anyOf and oneOf, or the shape itself."""
        listed = self.schema.get("anyOf") or self.schema.get("oneOf")
        if not isinstance(listed, list) or not listed or self.depth > MAX_DEPTH:
            return [self]
        shapes = [branch for part in listed for branch in Shape(part, self.root, depth=self.depth + 1).branches]
        options = tuple(text for shape in shapes for text in shape.options or ())
        fixed = Shape({}, self.root, depth=self.depth)
        fixed.__dict__["options"] = options
        return ([fixed] if options else []) + [shape for shape in shapes if shape.options is None]

    @cached_property
    def options(self) -> tuple[bytes, ...] | None:
        """The texts that an enum or const allows, or None."""
        if "const" in self.schema:
            return (json_bytes(self.schema["const"]),)
        listed = self.schema.get("enum")
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
        return {str(key): Shape(part, self.root, depth=self.depth + 1) for key, part in known.items()}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The keys that must be there; a key that `properties` does not know cannot be asked for."""
        listed = self.schema.get("required")
        return tuple(key for key in listed if key in self.properties) if isinstance(listed, list) else ()

    @cached_property
    def is_closed(self) -> bool:
        """Whether only known keys are allowed."""
        return bool(self.properties) or self.schema.get("additionalProperties") is False

    @cached_property
    def items(self) -> Shape:
        """The shape of an array's items."""
        return Shape(self.schema.get("items"), self.root, depth=self.depth + 1)

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
        return [text for kind, text in _SHORTEST.items() if kind in self.kinds]
