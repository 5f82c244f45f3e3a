"""The rules of a sound record, one by one."""

from pathlib import Path

import pytest

from dialoop.conversation import Conversation, read_conversations
from dialoop.errors import DataError

from .samples import TOOL, call, chat, faults, records, talk, write

USER = {"role": "user", "content": "A table, please."}
ANSWER = {"role": "assistant", "content": "Where?"}
CALL = {"role": "assistant", "content": None, "tool_calls": [call()]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "{}"}
SYSTEM = {"role": "system", "content": "Be kind."}


def found(tmp_path: Path, *messages, **fields):
    record = {"id": "c7", "messages": list(messages), "tools": [TOOL]} | fields
    return faults(write(tmp_path / "a.jsonl", chat("Hi", "Hello"), record))


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "no messages"),
        ([USER, SYSTEM, ANSWER], "roles out of order"),
        ([SYSTEM, SYSTEM, USER, ANSWER], "roles out of order"),
        ([RESULT, USER, ANSWER], "no such call waits"),
        ([USER, ANSWER, RESULT], "no such call waits"),
        ([USER, CALL, RESULT, RESULT, ANSWER], "no such call waits"),
        ([USER, CALL, ANSWER], "never answered"),
        ([USER, CALL, USER, RESULT], "never answered"),
        ([USER, CALL, {**RESULT, "tool_call_id": "call_2"}, ANSWER], "'call_2'"),
        ([USER, {"role": "assistant", "content": None, "tool_calls": [call(), call()]}, RESULT, ANSWER], "twice"),
        ([USER, {"role": "assistant", "content": ""}], "says and calls nothing"),
        ([USER, {"role": "assistant", "content": "  \n"}], "says and calls nothing"),
        ([{"role": "user"}, ANSWER], "without content"),
        ([{**USER, "weight": 1}, ANSWER], "'weight' on a user message"),
        ([{**USER, "tool_calls": [call()]}, ANSWER], "'tool_calls' on a user message"),
        ([USER, {**ANSWER, "tool_call_id": "call_1"}], "'tool_call_id' on a assistant message"),
        ([USER, {**ANSWER, "weight": 2}], "weight"),
        ([{"role": "bot", "content": "x"}, ANSWER], "unknown role; did you mean 'assistant'"),
        ([{"role": 3, "content": "x"}, ANSWER], "unknown role"),
        ([{"content": "x"}, ANSWER], "no role"),
        ([{"rol": "user", "content": "x"}, ANSWER], "did you mean 'rol'"),
        (["hello", ANSWER], "no object"),
        ([{"role": "user", "content": 5}, ANSWER], "neither text nor null"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, ANSWER], "no text: 'image_url'"),
    ],
)
def test_what_no_model_can_be_shown_is_refused(tmp_path: Path, messages, reason: str):
    errors = [fault for fault in found(tmp_path, *messages) if fault.level == "error"]
    assert errors
    assert reason in errors[0].reason
    assert all(fault.remedy and fault.place.line == 2 and fault.conversation_id == "c7" for fault in errors)
    assert len(records(tmp_path / "a.jsonl")) == 1
    with pytest.raises(DataError, match=r"a\.jsonl:2"):
        list(read_conversations(tmp_path / "a.jsonl"))


@pytest.mark.parametrize("arguments", ["town=Ulm", "", "{town: 'Ulm'}", '["Ulm"]', '"Ulm"', '{"town": NaN}', "null"])
def test_arguments_that_are_no_json_object_are_refused(tmp_path: Path, arguments: str):
    faulty = {"role": "assistant", "content": None, "tool_calls": [call(arguments)]}
    (fault,) = found(tmp_path, USER, faulty, RESULT, ANSWER)
    assert (fault.level, fault.kind) == ("error", "arguments")
    assert "call_1" in fault.reason
    assert "find_table" in fault.reason


@pytest.mark.parametrize(
    ("arguments", "clause"),
    [
        ("{}", "town is required and missing"),
        ('{"town": "Ulm", "tonw": 1}', "tonw is unknown; did you mean town"),
        ('{"town": 3}', "town must be string, found 3"),
        ('{"town": "Ulm", "guests": "2"}', "guests must be integer"),
        ('{"town": "Ulm", "guests": true}', "guests must be integer"),
        ('{"town": "Ulm", "guests": 0}', "guests is 0, below 1"),
        ('{"town": "Ulm", "area": "roof"}', "not one of"),
    ],
)
def test_arguments_against_the_schema_are_a_warning(tmp_path: Path, arguments: str, clause: str):
    faulty = {"role": "assistant", "content": None, "tool_calls": [call(arguments)]}
    (fault,) = found(tmp_path, USER, faulty, RESULT, ANSWER)
    assert (fault.level, fault.kind) == ("warning", "schema")
    assert clause in fault.reason
    assert len(records(tmp_path / "a.jsonl")) == 2


def test_arguments_that_fit_the_schema_are_no_fault(tmp_path: Path):
    fitting = {
        "role": "assistant",
        "content": None,
        "tool_calls": [call('{"town":"Ulm","guests":2.0,"area":"garden"}')],
    }
    assert found(tmp_path, USER, fitting, RESULT, ANSWER) == []


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        ([USER, USER, ANSWER], "roles"),
        ([USER, ANSWER, ANSWER], "roles"),
        ([USER, CALL], "tool_call"),
        ([USER, {**ANSWER, "weight": 0}], "no_target"),
        ([USER], "no_target"),
        ([{"role": "user", "content": " "}, ANSWER], "empty_message"),
        ([USER, {"role": "assistant", "tool_calls": [call("{}", name="other")]}, RESULT, ANSWER], "unknown_tool"),
    ],
)
def test_what_can_be_used_but_should_be_known_is_a_warning(tmp_path: Path, messages, kind: str):
    warnings = found(tmp_path, *messages)
    assert [(fault.level, fault.kind) for fault in warnings] == [("warning", kind)]
    assert len(records(tmp_path / "a.jsonl")) == 2


@pytest.mark.parametrize(
    "messages",
    [
        [USER, CALL, RESULT, ANSWER],
        [SYSTEM, ANSWER, USER, ANSWER],
        [USER, CALL, RESULT, CALL, RESULT, ANSWER],
        [USER, {**CALL, "content": "One moment."}, RESULT, ANSWER],
        [USER, {**CALL, "tool_calls": [call(), call(identity="b")]}, {**RESULT, "tool_call_id": "b"}, RESULT, ANSWER],
        [USER, ANSWER, USER],
    ],
)
def test_sound_conversations_have_no_faults(tmp_path: Path, messages):
    assert found(tmp_path, *messages) == []


@pytest.mark.parametrize(
    ("tools", "reason"),
    [
        ([TOOL, TOOL], "twice"),
        ([{"type": "function"}], "names no function"),
        ([{"type": "function", "function": {"name": "f", "parameters": []}}], "no JSON schema"),
        (["find_table"], "tools"),
    ],
)
def test_tool_lists_that_cannot_be_used_are_refused(tmp_path: Path, tools, reason: str):
    assert any(
        reason in fault.reason and fault.level == "error" for fault in found(tmp_path, USER, ANSWER, tools=tools)
    )


@pytest.mark.parametrize(
    ("slots", "level", "reason"),
    [
        ([{"label": "x", "start": 0, "end": 99}], "error", "off the text of 16 characters"),
        ([{"label": "x", "start": -1, "end": 2}], "error", "off the text"),
        ([{"label": "x", "start": 3, "end": 3}], "error", "empty or backwards"),
        ([{"label": "x", "start": 0, "end": 1, "text": "table"}], "error", "not 'table' as it says"),
        ([{"label": "x", "start": 1, "end": 7}], "warning", "space at an edge"),
        ([{"label": "x", "start": 0, "end": 7}, {"label": "y", "start": 2, "end": 8}], "warning", "overlap"),
    ],
)
def test_spans_are_held_against_the_text(tmp_path: Path, slots, level: str, reason: str):
    (fault,) = found(tmp_path, USER, ANSWER, annotations={"messages": [{"index": 0, "slots": slots}]})
    assert fault.level == level
    assert reason in fault.reason


def test_spans_count_code_points(tmp_path: Path):
    message = {"role": "user", "content": "😀 去上海"}
    slots = [{"label": "town", "start": 3, "end": 5, "text": "上海"}]
    assert found(tmp_path, message, ANSWER, annotations={"messages": [{"index": 0, "slots": slots}]}) == []


def test_a_rating_is_a_number_and_of_an_answer(tmp_path: Path):
    def told(*notes) -> list[tuple[str, str]]:
        said = found(tmp_path, USER, ANSWER, annotations={"messages": list(notes)})
        return [(fault.kind, fault.level) for fault in said]

    assert told({"index": 1, "rating": -0.5}) == []
    assert told({"index": 1, "rating": "good"}) == [("rating", "warning")]
    assert told({"index": 0, "rating": 1}) == [("rating", "warning")]


def test_ratings_are_those_of_answers_that_are_numbers():
    notes = [{"index": 1, "rating": 1}, {"index": 1, "rating": -1}, {"index": 1, "intents": ["a"]}]
    others = [{"index": index, "rating": rating} for index, rating in ((0, 1), (7, 1), (3, "good"), (3, True))]
    messages = [USER, ANSWER, USER, ANSWER]
    conversation = Conversation.model_validate(
        {"id": "a", "messages": messages, "annotations": {"messages": [*notes, *others]}}
    )
    assert conversation.ratings == {1: -1.0}
    assert [note.get("rating") for note in conversation.to_json()["annotations"]["messages"][:4]] == [1, -1, None, 1]
    assert Conversation.model_validate(conversation.to_json()) == conversation


def test_an_annotation_of_no_message_is_refused(tmp_path: Path):
    (fault,) = found(tmp_path, USER, ANSWER, annotations={"messages": [{"index": 2}]})
    assert "index 2, but there are 2 messages" in fault.reason


def test_a_record_keeps_what_it_knows_no_field_for_and_says_so_once(tmp_path: Path):
    record = chat("Hi", "Hello", metadata={"shop": 3})
    record["messages"][1]["refusal"] = None
    record["messages"][1]["mood"] = "glad"
    path = write(tmp_path / "a.jsonl", record, record)
    said = faults(path)
    assert [fault.level for fault in said] == ["warning", "warning"]
    assert "'metadata'" in said[0].reason
    assert "'mood'" in said[1].reason
    assert [fault.place.line for fault in said] == [1, 1]
    kept = records(path)[1].annotations
    assert kept.model_extra == {"metadata": {"shop": 3}}
    assert kept.messages[0].model_extra == {"mood": "glad"}


def test_a_record_without_id_is_named_by_file_and_line(tmp_path: Path):
    path = write(tmp_path / "talks.jsonl", chat("Hi", "Hello"), "", chat("Hi", "Hello", id=""), chat("Hi", "Yes", id=7))
    assert [record.id for record in records(path)] == ["talks-1", "talks-3", "7"]


def test_the_written_record_is_the_read_one(tmp_path: Path):
    record = talk(
        annotations={"note": None, "messages": [{"index": 1, "acts": [1], "intents": {"s": "i"}, "own": None}]}
    )
    conversation = records(write(tmp_path / "a.jsonl", record))[0]
    assert Conversation.model_validate(conversation.to_json()) == conversation
    assert conversation.to_json()["annotations"] == record["annotations"]
