"""Arguments against a tool's schema; the seven clauses of the record's tests stand in `test_record_rules`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.conversation.tool_schema import choices_of, schema_faults

from .samples import json_values, names

WORDS = ["type", "enum", "const", "required", "properties", "additionalProperties", "items", "minimum", "maximum"]
WORDS += ["minLength", "maxLength", "minItems", "maxItems", "anyOf", "oneOf", "allOf"]


@pytest.mark.parametrize(
    ("schema", "sound", "faulty", "clause"),
    [
        ({"type": ["string", "null"]}, None, 3, "must be string or null"),
        ({"type": "integer"}, 2.0, 2.5, "must be integer"),
        ({"type": "number"}, 2.5, False, "must be number"),
        ({"enum": [1, None]}, 1, True, "not one of"),
        ({"const": "a"}, "a", "b", "must be"),
        ({"minLength": 2, "maxLength": 3}, "ab", "a", "length is 1, below 2"),
        ({"maxItems": 1}, [1], [1, 2], "length is 2, above 1"),
        ({"items": {"type": "string"}}, ["a"], ["a", 1], "[1] must be string"),
        (
            {"properties": {"a": {"properties": {"b": {"type": "null"}}}}},
            {"a": {}},
            {"a": {"b": 1}},
            "a.b must be null",
        ),
        ({"additionalProperties": {"type": "string"}}, {"x": "y"}, {"x": 1}, "x must be string"),
        ({"properties": {"a": {}}}, {"a": 1}, {"b": 1}, "b is unknown"),
        ({"properties": {"a": {}}, "additionalProperties": True}, {"b": 1}, None, None),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1, "none of the schema's anyOf"),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 1, 3, "is 3, above 2"),
        ({"properties": {"a": False}}, {}, {"a": 1}, "a is not allowed"),
        (True, 1, None, None),
        ({}, {"anything": [1]}, None, None),
    ],
)
def test_each_keyword(schema, sound, faulty, clause: str | None):
    assert schema_faults(sound, schema) == []
    if clause is not None:
        assert clause in " ".join(schema_faults(faulty, schema))


@given(
    json_values, st.dictionaries(st.sampled_from(WORDS), json_values | st.lists(names) | st.just({"a": {"type": 1}}))
)
def test_a_schema_that_is_none_does_no_harm(value, schema):
    assert all(isinstance(fault, str) and fault for fault in schema_faults(value, schema))


def test_the_choices_of_tools_are_found_at_any_depth_and_once():
    room = {"type": "string", "enum": ["Oak Loft", "Elm Loft", 7, None]}
    nested = {"type": "array", "items": {"anyOf": [{"type": "null"}, {"enum": ["Elm Loft", "spa"]}]}}
    properties = {"room": room, "extras": nested, "odd": {"enum": "Oak"}}
    tool = {"type": "function", "function": {"name": "book", "parameters": {"properties": properties}}}
    assert sorted(choices_of([tool, tool])) == ["Elm Loft", "Oak Loft", "spa"]
    assert choices_of([]) == []
