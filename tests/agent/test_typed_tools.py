"""A plain function becomes a tool; wrong calls are answered, wrong functions refused."""

import json
from typing import Annotated, Any, Literal

import pytest

from dialoop.agent.typed_tools import Between, Quoted, call_tool, tool_schema
from dialoop.errors import SettingsError


def weigh(
    world: list[str],
    parcel: str,
    count: int,
    kilos: float = 1.0,
    kind: Literal["letter", "box"] | None = None,
    tags: list[str] | None = None,
    fragile: bool = False,
) -> dict[str, Any]:
    """Weigh a parcel
    and note it.

    Args:
        parcel: its number
    """
    world.append(parcel)
    return {"parcel": parcel, "sum": count * kilos, "kind": kind, "tags": tags, "fragile": fragile}


def test_the_schema_says_what_annotations_and_docstring_say():
    assert tool_schema(weigh) == {
        "type": "function",
        "function": {
            "name": "weigh",
            "description": "Weigh a parcel and note it.",
            "parameters": {
                "type": "object",
                "properties": {
                    "parcel": {"type": "string", "description": "its number"},
                    "count": {"type": "integer"},
                    "kilos": {"type": "number"},
                    "kind": {"type": "string", "enum": ["letter", "box"]},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "fragile": {"type": "boolean"},
                },
                "required": ["parcel", "count"],
            },
        },
    }


def test_a_call_runs_on_the_world():
    world: list[str] = []
    result = call_tool(
        [weigh], world, "weigh", '{"parcel": "A1", "count": 2, "kilos": 3, "tags": ["x"], "kind": "box"}'
    )
    assert result == {"parcel": "A1", "sum": 6, "kind": "box", "tags": ["x"], "fragile": False}
    assert world == ["A1"]


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("lift", "{}", "no tool lift"),
        ("weigh", "{", "arguments are no JSON"),
        ("weigh", "[" * 100_000, "arguments are no JSON"),
        ("weigh", "[1]", "arguments are no JSON object"),
        ("weigh", '{"parcel": "A1"}', "missing count"),
        ("weigh", '{"parcel": "A1", "count": 1, "colour": "red"}', "unknown argument colour"),
        ("weigh", '{"parcel": 1, "count": 1}', "wrong type of parcel"),
        ("weigh", '{"parcel": "A1", "count": "2"}', "wrong type of count"),
        ("weigh", '{"parcel": "A1", "count": true}', "wrong type of count"),
        ("weigh", '{"parcel": "A1", "count": null}', "wrong type of count"),
        ("weigh", '{"parcel": "A1", "count": 1, "kind": "tin"}', "wrong type of kind"),
        ("weigh", '{"parcel": "A1", "count": 1, "tags": [1]}', "wrong type of tags"),
        ("weigh", '{"parcel": "A1", "count": 1, "fragile": 1}', "wrong type of fragile"),
    ],
)
def test_a_wrong_call_is_answered_and_changes_nothing(name: str, arguments: str, error: str):
    world: list[str] = []
    assert call_tool([weigh], world, name, arguments) == {"error": error}
    assert world == []


def test_null_is_given_where_the_type_allows_it():
    result = call_tool([weigh], [], "weigh", json.dumps({"parcel": "A1", "count": 1, "kind": None}))
    assert result["kind"] is None


def without_docstring(world: object, parcel: str) -> dict[str, Any]:
    return {}


def without_type(world: object, parcel) -> dict[str, Any]:
    """Weigh."""
    return {}


def with_other_type(world: object, parcel: dict[str, int]) -> dict[str, Any]:
    """Weigh."""
    return {}


def with_two_types(world: object, parcel: str | int) -> dict[str, Any]:
    """Weigh."""
    return {}


def with_other_parameters(world: object, parcel: str) -> dict[str, Any]:
    """Weigh.

    Args:
        box: which
    """
    return {}


def with_prose(world: object, parcel: str) -> dict[str, Any]:
    """Weigh.

    Args:
        the parcel
    """
    return {}


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (without_docstring, "has no docstring"),
        (without_type, "parameter parcel has no type"),
        (with_other_type, "has no schema here"),
        (with_two_types, "has no schema here"),
        (with_other_parameters, "describes parameters that it does not have: box"),
        (with_prose, "is no 'name: text'"),
    ],
)
def test_a_function_that_is_no_tool_is_refused_with_its_place(function: Any, what: str):
    with pytest.raises(SettingsError, match=what) as refused:
        tool_schema(function)
    assert "test_typed_tools.py:" in str(refused.value.where)
    assert refused.value.remedy


def lift(
    world: list[str],
    floor: Annotated[int, Between(-2, 9)],
    load: Annotated[float, Between(0)] = 0,
    code: Annotated[int, Quoted(code=True)] | None = None,
) -> dict[str, Any]:
    """Lift."""
    return {"floor": floor, "load": load, "code": code}


def test_numbers_have_bounds_and_may_be_quoted():
    assert tool_schema(lift)["function"]["parameters"]["properties"] == {
        "floor": {"type": "integer", "minimum": -2, "maximum": 9},
        "load": {"type": "number", "minimum": 0},
        "code": {"type": "integer", "x-verbatim": "code"},
    }
    assert call_tool((lift,), [], "lift", '{"floor": 3, "code": 7}') == {"floor": 3, "load": 0, "code": 7}
    assert call_tool((lift,), [], "lift", '{"floor": "3"}') == {"error": "wrong type of floor"}


def test_bounds_of_a_text_are_refused():
    def odd(world: object, name: Annotated[str, Between(1)]) -> dict[str, Any]:
        """Odd."""
        return {}

    with pytest.raises(SettingsError, match="no schema"):
        tool_schema(odd)


def test_a_docstring_in_googles_style_is_read():
    def post(parcel: str, to: str = "", note: str = "") -> dict[str, Any]:
        """Post a parcel.

        Args:
            parcel (str): its number,
                for example: A1
            to (Optional[str], optional): where it goes
            note: what the
                carrier reads

        Returns:
            What was posted.

        Raises:
            KeyError: there is no such parcel
        """
        return {}

    function = tool_schema(post, surrounded=False)["function"]
    told = {name: one["description"] for name, one in function["parameters"]["properties"].items()}
    assert told == {
        "parcel": "its number, for example: A1",
        "to": "where it goes",
        "note": "what the carrier reads",
    }
    below = "Returns: What was posted. Raises: KeyError: there is no such parcel"
    assert function["description"] == f"Post a parcel. {below}"
