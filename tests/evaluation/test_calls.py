from pathlib import Path

import pytest

from dialoop.conversation import Conversation, FunctionCall, ToolCall
from dialoop.errors import DataError
from dialoop.evaluation.calls import TOOLS_SEEN_FILE, ToolsSeen, comparable, same_calls, same_names
from dialoop.evaluation.results import Call

from .bases import booking, call, tool


def raw(name, arguments):
    return comparable(ToolCall(id="x", function=FunctionCall(name=name, arguments=arguments)))


@pytest.mark.parametrize(
    ("said", "true", "equal"),
    [
        ('{"a": 1, "b": "x"}', '{"b":"x","a":1}', True),
        ('{"a": 1.0}', '{"a": 1}', True),
        ('{"a": "1"}', '{"a": 1}', False),
        ('{"a": "上海"}', '{"a": "\\u4e0a\\u6d77"}', True),
        ('{"a": [1, 2]}', '{"a": [2, 1]}', False),
        ('{"a": 1, "a": 2}', '{"a": 2}', False),
        ("{not json", "{}", False),
    ],
)
def test_arguments_are_compared_as_json(said, true, equal):
    assert same_calls([raw("f", said)], [raw("f", true)]) is equal
    assert same_names([raw("f", said)], [raw("f", true)])


def test_calls_side_by_side_have_no_order_but_their_number_counts():
    a, b = Call(name="f", arguments="{}"), Call(name="g", arguments="{}")
    assert same_calls([a, b], [b, a])
    assert not same_calls([a, a], [a])
    assert not same_names([a, a], [a, b])


def test_a_tool_is_seen_by_its_name_and_parameters():
    seen = ToolsSeen.of(
        [booking(1), Conversation(id="x", messages=[], tools=[tool("find", "city"), tool("find", "day")])]
    )
    book, find = [comparable(call("book_room", city="York"))], [comparable(call("find"))]
    assert seen.has_seen(book, [tool("book_room", "nights", "city")])
    assert seen.has_seen(find, [tool("find", "day")])
    assert not seen.has_seen(find, [tool("find", "day", "city")])
    assert not seen.has_seen([comparable(call("cancel"))], [tool("cancel")])
    assert not seen.has_seen([*book, comparable(call("cancel"))], [tool("book_room", "city", "nights"), tool("cancel")])


def test_the_record_of_a_run_is_found_from_its_folder_and_from_its_model(tmp_path: Path):
    (tmp_path / "model").mkdir()
    assert ToolsSeen.read(tmp_path / "model") is None
    seen = ToolsSeen.of([booking(1)])
    seen.write(tmp_path)
    assert ToolsSeen.read(tmp_path) == ToolsSeen.read(tmp_path / "model") == seen


def test_a_broken_record_is_told_with_its_place(tmp_path: Path):
    (tmp_path / TOOLS_SEEN_FILE).write_text('{"tools": 3}')
    with pytest.raises(DataError, match=TOOLS_SEEN_FILE):
        ToolsSeen.read(tmp_path)
