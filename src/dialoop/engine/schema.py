"""A JSON schema as the grammar reads it: which types, values, keys and items may stand at a place.

Of JSON Schema it honours type, enum, const, properties, required, items, anyOf, oneOf, allOf, local $ref, and the
bounds of whole numbers where few lie between them; the rest (patterns, lengths, other ranges) is left to who runs the
tool. It knows nothing of bytes read so far, tokens or models.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sized
from functools import cached_property
from typing import Any

from dialoop.conversation import LIKE, SAID_BY, VERBATIM
from dialoop.engine.source import Source
from dialoop.errors import RequestError

MAX_DEPTH = 24
MOST_NUMBERS = 1000
"""Whole numbers between two bounds that are listed as options; where there are more, bounds are not held to."""
MOST_READ = 100_000
"""Steps that reading the schemas of one request may take, of some microseconds each: places, keys, values."""
_SEARCHED = 10_000
"""Characters that are searched or written in about one step."""
_KINDS = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
_SHORTEST = {"integer": b"0", "number": b"0", "string": b'""', "array": b"[]", "null": b"null", "boolean": b"true"}


def json_bytes(value: Any) -> bytes:
    """A value as JSON in UTF-8, separators as Python and the chat templates write them."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


class Budget:
    """How far the schemas of one request may still be read: `$ref` and `allOf` make a few lines of schema grow without
    end, and whoever wrote them may be a stranger."""

    def __init__(self, left: int = MOST_READ) -> None:
        """`left`: steps."""
        self.left = left

    def spend(self, steps: int) -> None:
        """Raises RequestError where that is more than is left."""
        self.left -= steps
        if self.left < 0:
            raise RequestError(
                f"the tools' parameters hold too much to be read: more than {MOST_READ} places, keys and values",
                param="tools",
                remedy="write out what `$ref`, `allOf` and `anyOf` repeat, or give fewer tools",
            )


class Shape:
    """A JSON schema, read when it is needed. `root` is what `$ref` points into. Equal only to itself.

    `source`: what values with `"x-verbatim"` are quoted from; without one, or an empty one, they are free. A "code" is
    one of the source's codes, what has an `"x-like"` one of the stretches that match it, a whole number one of the
    numbers; where there is none, any text of the source, or any number. What may be left out and cannot be quoted, or
    has no value that ends, is no key. `budget` is shared by all shapes of a request.
    """

    def __init__(
        self,
        schema: Any,
        root: Mapping[str, Any] | None = None,
        *,
        depth: int = 0,
        source: Source | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._budget = budget or Budget()
        self.root: Mapping[str, Any] = root if root is not None else (schema if isinstance(schema, Mapping) else {})
        self.source = source if source and source.starts else None
        self.schema = self._resolved(schema)
        self.depth = depth

    def _resolved(self, schema: Any, hops: int = 0) -> Mapping[str, Any]:
        """The schema without `$ref` and `allOf`; True and anything unreadable mean any value."""
        self._budget.spend(1)
        if not isinstance(schema, Mapping):
            return {}
        if isinstance(schema.get("$ref"), str) and hops < 16:
            self._budget.spend(schema["$ref"].count("/"))
            node: Any = self.root
            for part in filter(None, schema["$ref"].lstrip("#").split("/")):
                node = node.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
            return self._resolved(node, hops + 1)
        if isinstance(schema.get("allOf"), list):
            merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                for key, value in self._resolved(part, hops + 1).items():
                    self._budget.spend(1 + _size(value) + _size(merged.get(key)))
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
        return Shape(schema, self.root, depth=self.depth + 1, source=self.source, budget=self._budget)

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
            self._budget.spend(len(listed) * (1 + len(source.written) // _SEARCHED))
            return [value for value in listed if source.holds(str(value))]
        if self.kinds == {"integer"}:
            least, most = self._bounds
            self._budget.spend(len(source.numbers))
            return [number for number in source.numbers if least <= number <= most]
        if self.schema[VERBATIM] == "code":
            self._budget.spend(len(source.codes))
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
        fixed = Shape({}, self.root, depth=self.depth, budget=self._budget)
        fixed.__dict__["options"] = options
        free = [shape for shape in shapes if shape.options is None]
        return [fixed, *free] if options or not free else free

    @cached_property
    def options(self) -> tuple[bytes, ...] | None:
        """The texts that an enum, a const or bounds allow, or those that a quoted value may be; or None.

        Of a verbatim enum only those that stand in the conversation, if any does.
        """
        if "const" in self.schema:
            return self._written([self.schema["const"]])
        listed = self._quotable or self.schema.get("enum")
        if not listed and self.kinds == {"integer"}:
            listed = self._numbers() or None
        elif not listed and self.quoted_from and self.schema[VERBATIM] == "code":
            listed = list(self.quoted_from.codes) or None
        return self._written(listed) if isinstance(listed, list) else None

    def _written(self, values: list[Any]) -> tuple[bytes, ...]:
        """The values as JSON, each once."""
        self._budget.spend(len(values))
        texts = tuple(dict.fromkeys(json_bytes(value) for value in values))
        self._budget.spend(sum(map(len, texts)) // _SEARCHED)
        return texts

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The JSON types that are allowed."""
        said = self.schema.get("type")
        kinds = _KINDS & set([said] if isinstance(said, str) else said if isinstance(said, list) else [])
        if kinds:
            return kinds
        if self._parts:
            return frozenset({"object"})
        return _KINDS

    @cached_property
    def _parts(self) -> dict[str, Shape]:
        """The shapes of all keys that the schema names."""
        known = self.schema.get("properties")
        return {str(key): self._part(part) for key, part in known.items()} if isinstance(known, Mapping) else {}

    @cached_property
    def properties(self) -> dict[str, Shape]:
        """The shapes of the keys that may be there."""

        def may_be(part: Shape) -> bool:
            return part._quotable != [] and part._shortest is not None

        return {key: part for key, part in self._parts.items() if key in self.required or may_be(part)}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The keys that must be there, each once; a key that `properties` does not know cannot be asked for."""
        listed = self.schema.get("required")
        if not isinstance(listed, list):
            return ()
        self._budget.spend(len(listed))
        return tuple(dict.fromkeys(key for key in listed if key in self._parts))

    @cached_property
    def is_told(self) -> bool:
        """Whether the source holds something for each required value that is to be quoted in a form: a code, a number,
        a stretch like a pattern. What is chosen from a list may be known otherwise.
        """
        parts = [self._parts[key] for key in self.required]
        return all(part._quotable != [] or "enum" in part.schema for part in parts)

    @cached_property
    def is_closed(self) -> bool:
        """Whether only known keys are allowed."""
        return bool(self._parts) or self.schema.get("additionalProperties") is False

    @cached_property
    def items(self) -> Shape:
        """The shape of an array's items."""
        return self._part(self.schema.get("items"))

    @property
    def shortest(self) -> bytes:
        """The shortest value. Raises RequestError if there is none, or if every value would nest without end."""
        if self._shortest is None:
            what = "a tool's parameters allow no value: an enum is empty, or objects nest without end"
            raise RequestError(what, param="tools")
        return self._shortest

    @property
    def can_be_object(self) -> bool:
        """Whether an object of this shape, once it is begun, can be brought to its end."""
        return self._shortest_object is not None

    @cached_property
    def _shortest(self) -> bytes | None:
        """The shortest value; None where none ends."""
        fixed = [text for branch in self.branches for text in branch._plain()]
        if fixed:
            return min(fixed, key=len)
        objects = (branch._shortest_object for branch in self.branches if self.depth <= MAX_DEPTH)
        return next((text for text in objects if text is not None), None)

    @cached_property
    def _shortest_object(self) -> bytes | None:
        """The object with the required keys alone and their shortest values; None where none ends."""
        if self.options is not None or "object" not in self.kinds:
            return None
        members = []
        for key in self.required:
            value = self._parts[key]._shortest
            if value is None:
                return None
            members.append(json_bytes(key) + b": " + value)
        return b"{" + b", ".join(members) + b"}"

    def _plain(self) -> list[bytes]:
        """The shortest values that are no objects."""
        if self.options is not None:
            return list(self.options)
        shortest = _SHORTEST | ({"string": self.quoted_from.shortest} if self.quoted_from else {})
        return [text for kind, text in shortest.items() if kind in self.kinds]


def _size(value: Any) -> int:
    return len(value) if isinstance(value, Sized) else 0
