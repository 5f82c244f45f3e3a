"""The JSON machine: whatever it lets through is JSON that fits the schema, and it can always be brought to an end."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialoop.engine.grammar import Value, closing, feed, is_complete, step
from dialoop.engine.schema import Shape
from dialoop.errors import RequestError

BOOKING = {
    "type": "object",
    "properties": {
        "room": {"type": "string", "enum": ["single", "double", "套房"]},
        "nights": {"type": "integer"},
        "price": {"type": "number"},
        "late": {"type": "boolean"},
        "note": {"type": ["string", "null"]},
        "guests": {
            "type": "array",
            "items": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        },
        "extra": {"anyOf": [{"$ref": "#/$defs/Extra"}, {"type": "null"}]},
        "free": {"type": "object"},
    },
    "required": ["room", "nights", "guests"],
    "$defs": {"Extra": {"type": "object", "properties": {"kind": {"const": "spa"}}, "required": ["kind"]}},
}


def accepts(schema, text):
    state = feed((Value(Shape(schema)),), text.encode() if isinstance(text, str) else text)
    return state is not None and is_complete(state)


@pytest.mark.parametrize(
    "value",
    [
        {"room": "single", "nights": 2, "guests": []},
        {"guests": [{"name": '王 "小" 明\n😀'}], "nights": -10, "room": "套房"},
        {"room": "double", "nights": 0, "guests": [{"name": ""}, {"name": "\\"}], "price": 12.5, "late": True},
        {"room": "double", "nights": 0, "guests": [], "note": None, "extra": {"kind": "spa"}, "free": {"a": [1, {}]}},
        {"room": "double", "nights": 0, "guests": [], "note": "x", "extra": None},
    ],
)
def test_fitting_values_pass_wide_and_compact(value):
    assert accepts(BOOKING, json.dumps(value, ensure_ascii=False))
    assert accepts(BOOKING, json.dumps(value, ensure_ascii=False, separators=(",", ":")))


@pytest.mark.parametrize(
    "text",
    [
        '{"room": "suite", "nights": 2, "guests": []}',  # not in the enum
        '{"room": "single", "guests": []}',  # a required key is missing
        '{"room": "single", "nights": 2.5, "guests": []}',  # no integer
        '{"room": "single", "nights": 2, "guests": [], "colour": "red"}',  # an unknown key
        '{"room": "single", "room": "single", "nights": 2, "guests": []}',  # a key twice
        '{"room": "single", "nights": 02, "guests": []}',  # no JSON number
        '{"room": "single", "nights": 2, "guests": [{}]}',  # a required key is missing inside
        '{"room": "single", "nights": 2, "guests": [], "extra": {"kind": "pool"}}',  # not the const
        '{"room": "single", "nights": 2, "guests": [],}',  # a comma too much
        '{"room": "single", "nights": 2, "guests": []',  # no end
        "[]",
        '"single"',
    ],
)
def test_texts_that_do_not_fit_are_refused(text):
    assert not accepts(BOOKING, text)


def test_strings_are_valid_text():
    text = {"type": "string"}
    assert accepts(text, b'"\xe4\xbd\xa0\\u00e9\\n"')
    for bad in (b'"\xe4\xbd"', b'"\xff"', b'"\xed\xa0\x80"', b'"\n"', b'"\\ud83d\\ude00"', b'"\\x"', b'"\xc0\x80"'):
        assert not accepts(text, bad), bad


def test_numbers_in_an_enum_may_be_prefixes_of_each_other():
    for number in ("1", "12", "123"):
        assert accepts({"enum": [1, 12, 123]}, number)
    assert not accepts({"enum": [1, 12, 123]}, "13")


def fits(schema, value, root):
    """A plain second reading of the few keywords above, to judge what the machine lets through."""
    if "$ref" in schema:
        return fits(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], value, root)
    if "anyOf" in schema:
        return any(fits(part, value, root) for part in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    names = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    said = schema.get("type", [])
    kinds = [said] if isinstance(said, str) else said
    if "number" in kinds or "integer" in kinds:
        return not isinstance(value, bool) and isinstance(value, int if "integer" in kinds else int | float)
    if not isinstance(value, tuple(names[kind] for kind in kinds)):
        return False
    if isinstance(value, list):
        return all(fits(schema["items"], item, root) for item in value)
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        return set(schema["required"]) <= set(value) <= set(known) and all(
            fits(known[key], part, root) for key, part in value.items()
        )
    return True


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9), length=st.integers(0, 400))
def test_any_walk_can_be_closed_and_then_fits(seed, length):
    draw = random.Random(seed)
    state, text = (Value(Shape(BOOKING)),), b""
    for _ in range(length):
        allowed = [byte for byte in range(256) if step(state, byte) is not None]
        if not allowed:
            break
        structural = [byte for byte in allowed if byte in b'"}],:']
        byte = draw.choice(structural if structural and draw.random() < 0.5 else allowed)
        state, text = step(state, byte), text + bytes([byte])
    end = closing(state)
    ended = feed(state, end)
    assert ended is not None
    assert is_complete(ended)
    value = json.loads(text + end)
    assert fits(BOOKING, value, BOOKING)
    json.dumps(value, ensure_ascii=False).encode()


def test_parameters_that_nest_without_end_are_refused():
    endless = {"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]}
    with pytest.raises(RequestError, match="without end"):
        closing((Value(Shape(endless)),))
    ending = {
        "type": "object",
        "properties": {"self": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["self"],
    }
    assert accepts(ending, '{"self": {"self": null}}')
    assert closing((Value(Shape(ending)),)) == b'{"self": null}'
