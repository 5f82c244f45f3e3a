"""Strict JSON: what is refused, and equal values giving equal text."""

import json

import pytest
from hypothesis import given

from dialoop.conversation import canonical_json, parse_tool_arguments
from dialoop.errors import DataError

from . import samples


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON"),
        ("{'a': 1}", "no JSON"),
        ("[1]", "no object"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": 1e999}', "too large"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": ' + "9" * 5000 + "}", "number"),
        ('{"a": "\\u0000"}', "NUL"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "deeper than 100"),
        ('{"a":' * 200 + "1" + "}" * 200, "deeper than 100"),
        ('{"a": 1} {"b": 2}', "Extra data"),
    ],
)
def test_arguments_that_two_readers_could_understand_differently_are_refused(text: str, reason: str):
    with pytest.raises(DataError, match=reason) as caught:
        parse_tool_arguments(text)
    assert caught.value.remedy


def test_a_whole_surrogate_pair_is_read():
    assert parse_tool_arguments('{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


def test_equal_values_give_equal_text():
    one = canonical_json({"b": 1.0, "a": [1e2, -0.0, True, None, "é"]})
    assert one == canonical_json({"a": [100, 0, True, None, "é"], "b": 1}) == '{"a":[100,0,true,null,"é"],"b":1}'


def test_unequal_values_give_unequal_text():
    assert canonical_json({"a": True}) != canonical_json({"a": 1})
    assert canonical_json({"a": "1"}) != canonical_json({"a": 1})


@given(samples.json_values)
def test_canonical_text_is_json_of_the_same_value_and_stays_as_it_is(value):
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


def deep() -> list:
    value: list = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes"])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(DataError):
        canonical_json({"a": value})


def test_nesting_without_end_is_refused():
    with pytest.raises(DataError, match="deep"):
        canonical_json(deep())
