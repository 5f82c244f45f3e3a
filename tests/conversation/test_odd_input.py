"""Odd but legal input, and files with one bad place: nothing around it is lost or changed without a word."""

import json
from pathlib import Path
from typing import Any

import pytest

from dialoop.conversation import Conversation, Fault, scan

from .samples import call, faults, records, write

HI = {"role": "user", "content": "hi"}
YES = {"role": "assistant", "content": "yes"}
HUMAN, GPT = {"from": "human", "value": "hi"}, {"from": "gpt", "value": "yes"}


def said(path: Path, **options: Any) -> list[str | None]:
    """The last message of each sound record."""
    return [record.messages[-1].content for record in records(path, **options)]


def errors(path: Path, **options: Any) -> list[Fault]:
    return [fault for fault in faults(path, **options) if fault.level == "error"]


def only(path: Path, row: dict[str, Any]) -> Conversation:
    (record,) = records(write(path / "a.jsonl", row))
    return record


def refused(path: Path, row: dict[str, Any], **options: Any) -> str:
    (fault,) = errors(write(path / "a.jsonl", row), **options)
    return fault.reason


def table(path: Path, *rows: str, encoding: str = "utf-8") -> Path:
    text = "\n".join(["context,response", *rows]) + "\n"
    path.write_bytes(text.encode(encoding, errors="surrogateescape"))
    return path


@pytest.mark.parametrize(
    ("rows", "line", "sound"),
    [
        (["q,1", 'q,"2" oops', "q,3", "q,4"], 3, ["1", "3", "4"]),
        (["q,1", 'q,"5" screen"', "q,3"], 3, ["1", "3"]),
        (["q,1", 'q,"2\n2" oops', 'q,"3\n3"'], 3, ["1", "3\n3"]),
        (["q,1", "q,2\r2", "q,3"], 3, ["1", "3"]),
        (["q,1", "q,3", 'q,"4'], 4, ["1", "3"]),
        (["q,1", "q,2\udcff", "q,3"], 3, ["1", "3"]),
        (["q,1", 'q,"2\n\udcff2"', "q,3"], 4, ["1", "3"]),
        (["q,1", 'q,"2\x00\n2"', "q,3"], 3, ["1", "3"]),
    ],
)
def test_after_a_row_that_is_none_the_next_ones_are_read(tmp_path: Path, rows: list[str], line: int, sound: list[str]):
    path = table(tmp_path / "a.csv", *rows)
    (fault,) = errors(path)
    assert (fault.place.line, fault.ends) == (line, False)
    assert said(path) == sound


def test_a_row_that_takes_up_others_names_their_lines(tmp_path: Path):
    path = table(tmp_path / "a.csv", "q,1", 'q,"2', "q,3", 'q,"4"', "q,5")
    assert "lines 3 to 5 are no valid row" in errors(path)[0].reason
    assert said(path) == ["1", "5"]


@pytest.mark.parametrize(
    "rows",
    [
        ["q,1", 'q,"2" x,"many', 'li,nes"', "q,3"],
        ["q,1", 'q,"2', 'q,"many', 'lines"', "q,3"],
        ["q,1", 'q,"2', "q,3", "q,4"],
        ["q,1", "q," + "x" * 500, "q,3"],
    ],
)
def test_where_the_next_row_begins_is_not_guessed(tmp_path: Path, rows: list[str]):
    path = table(tmp_path / "a.csv", *rows)
    (fault,) = errors(path, max_line_bytes=400)
    assert fault.ends
    assert "nothing after this line was read" in fault.reason
    assert said(path, max_line_bytes=400) == ["1"]


def test_a_table_in_another_encoding_goes_on_after_a_bad_byte(tmp_path: Path):
    path = table(tmp_path / "a.csv", "q,好", "q,\udcff二", "q,三", encoding="gb18030")
    assert [fault.place.line for fault in errors(path, encoding="gb18030")] == [3]
    assert said(path, encoding="gb18030") == ["好", "三"]


@pytest.mark.parametrize("head", ["context,response,response", 'context,"resp"onse', "context,response\udcff"])
def test_a_header_that_is_none_ends_the_reading(tmp_path: Path, head: str):
    path = tmp_path / "a.csv"
    path.write_bytes((head + "\nq,1,2\ncontext,response,x\nq,3,4\n").encode(errors="surrogateescape"))
    found = errors(path, form="pairs")
    assert found[0].ends
    assert records(path, form="pairs") == []


def test_columns_without_a_name_are_told_apart(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text(",context,response,\n7,q,a,x\n", encoding="utf-8")
    assert records(path)[0].annotations.to_json() == {"column 1": "7", "column 4": "x", "messages": []}


def test_bom_crlf_tabs_and_quoted_lines_in_a_table(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfcontext,response\r\n"q\r\n1","a\t1"\r\n\r\nq2, a2 \r\n')
    assert errors(path) == []
    first, second = records(path)
    assert [message.content for message in first.messages] == ["q\n1", "a\t1"]
    assert (second.id, second.messages[-1].content) == ("a-5", " a2 ")


def array(path: Path, *elements: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(("[\n" + ",\n".join(elements) + "\n]\n").encode(encoding, errors="surrogateescape"))
    return path


def pair(answer: str, **fields: Any) -> str:
    return json.dumps({"context": "q", "response": answer, **fields}, ensure_ascii=False)


def test_after_an_element_with_a_bad_byte_the_next_ones_are_read(tmp_path: Path):
    path = array(tmp_path / "a.json", pair("1"), pair("2\udcff, ]}"), pair("3"), pair("4") + "," + pair("5\udcfe"))
    assert [(fault.place.line, fault.kind, fault.ends) for fault in errors(path)] == [
        (3, "encoding", False),
        (5, "encoding", False),
    ]
    assert said(path) == ["1", "3", "4"]


def test_each_element_that_a_bad_line_spoils_is_told(tmp_path: Path):
    path = array(tmp_path / "a.json", pair("1\udcff") + "," + pair("2\udcff"), pair("3"))
    assert [fault.place.line for fault in errors(path)] == [2, 2]
    assert said(path) == ["3"]


@pytest.mark.parametrize(
    ("elements", "options"),
    [
        ([pair("好"), pair("\udcff二"), pair("3")], {"encoding": "gb18030"}),
        ([pair("好"), pair("x" * 500), pair("3")], {"max_line_bytes": 400}),
        ([pair("好"), '{"context": "q, "response": "2"}', pair("3")], {}),
    ],
)
def test_an_array_whose_next_element_is_not_sure_ends(tmp_path: Path, elements: list[str], options: dict[str, Any]):
    path = array(tmp_path / "a.json", *elements, encoding=options.get("encoding", "utf-8"))
    (fault,) = errors(path, **options)
    assert (fault.place.line, fault.ends) == (3, True)
    assert said(path, **options) == ["好"]


def test_a_faulty_element_over_many_lines_tells_where_it_goes_on_to(tmp_path: Path):
    path = array(tmp_path / "a.json", pair("1"), '{"context": "q",\n"response": "2" "x"}', pair("3"))
    assert "the element goes on to line 4" in errors(path)[0].reason
    assert said(path) == ["1", "3"]


def test_records_that_begin_on_one_line_have_names_of_their_own(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text(f"[{pair('1')},{pair('2')},\n{pair('3')}]", encoding="utf-8")
    assert [record.id for record in records(path)] == ["a-1", "a-1.2", "a-2"]


@pytest.mark.parametrize(("first", "read"), [("好", ["好", "3"]), ("ok", ["ok"])])
def test_one_line_in_gb18030_does_not_end_a_utf8_file(tmp_path: Path, first: str, read: list[str]):
    path = tmp_path / "a.jsonl"
    path.write_bytes(pair(first).encode() + b"\n" + pair("差不多差不多").encode("gbk") + b"\n" + pair("3").encode())
    (fault,) = errors(path)
    assert (fault.place.line, fault.ends) == (2, len(read) == 1)
    assert said(path) == read


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "User: a\nAgent: b\udcff\nUser: c\nAgent: d\n\nUser: e\nAgent: f\n"),
        ("a.conll", "to\tO\nUlm\udcff\tB-town\nnow\tO\n\nin\tO\nRom\tB-town\n"),
    ],
)
def test_a_block_with_a_line_that_cannot_be_read_is_refused_whole(tmp_path: Path, name: str, text: str):
    path = tmp_path / name
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert [fault.place.line for fault in errors(path)] == [2]
    (record,) = records(path)
    held = [one.content for one in record.messages] if isinstance(record, Conversation) else record.text.split()
    assert held in (["e", "f"], ["in", "Rom"])


@pytest.mark.parametrize(
    ("line", "told"), [("Dr. Smith: hello", 1), ("Agent:yes", 1), ("客服:好", 1), ("at 10:30", 0), ("  Dr. Who: x", 0)]
)
def test_a_line_that_begins_like_a_speaker_and_goes_on_is_told(tmp_path: Path, line: str, told: int):
    path = tmp_path / "a.txt"
    path.write_text(f"User: hi\n{line}\nAgent: yes\n", encoding="utf-8")
    found = [fault for fault in scan(path) if isinstance(fault, Fault)]
    assert [(fault.level, fault.place.line) for fault in found] == [("warning", 2)] * told
    assert records(path)[0].messages[0].content == f"hi\n{line.strip()}"


def test_line_separators_inside_json_and_transcripts_are_text(tmp_path: Path):
    text = "a\u2028b\u2029c\u0085d\x0be\x0cf"
    assert only(tmp_path, {"messages": [{"role": "user", "content": text}, YES]}).messages[0].content == text
    path = tmp_path / "a.txt"
    path.write_text(f"User: {text}\nAgent: yes\n", encoding="utf-8")
    assert records(path)[0].messages[0].content == text


@pytest.mark.parametrize("given", [7, 0])
def test_whole_numbers_as_ids_are_written_out(tmp_path: Path, given: int):
    assert only(tmp_path, {"id": given, "customer": given, "messages": [HI, YES]}).id == str(given)


def results(record: Conversation) -> dict[str | None, str | None]:
    """What each called function gave."""
    names = {one.id: one.function.name for message in record.messages for one in message.tool_calls or []}
    return {names.get(str(one.tool_call_id)): one.content for one in record.messages if one.role == "tool"}


@pytest.mark.parametrize("ids", [True, False])
def test_results_without_ids_go_to_the_call_that_they_name(tmp_path: Path, ids: bool):
    calls = [call("{}", "f", "1"), call("{}", "g", "2")]
    for one in calls if not ids else ():
        del one["id"]
    of_g, of_f = {"role": "tool", "name": "g", "content": "of g"}, {"role": "tool", "name": "f", "content": "of f"}
    messages = [HI, {"role": "assistant", "content": None, "tool_calls": calls}, of_g, of_f, YES]
    assert results(only(tmp_path, {"messages": messages})) == {"f": "of f", "g": "of g"}


def test_sharegpt_keeps_the_ids_that_are_given(tmp_path: Path):
    turns = [
        HUMAN,
        {"from": "gpt", "value": "", "tool_calls": [call("{}", "f", "a"), call("{}", "g", "b")]},
        {"from": "tool", "value": "of g", "tool_call_id": "b"},
        {"from": "tool", "value": "of f", "tool_call_id": "a"},
        GPT,
    ]
    assert results(only(tmp_path, {"conversations": turns})) == {"f": "of f", "g": "of g"}


def test_keys_of_calls_and_parts_and_an_index_are_kept(tmp_path: Path):
    one = call("{}", "f") | {"index": 0, "parsed": True}
    one["function"]["strict"] = True
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": {"type": "x"}}]
    messages = [
        {"role": "user", "content": parts, "index": 9},
        {"role": "assistant", "content": None, "tool_calls": [one], "index": 1},
    ]
    record = only(tmp_path, {"messages": messages})
    assert record.annotations is not None
    assert record.annotations.to_json()["messages"] == [
        {"index": 0, "given_index": 9, "part_keys": [{}, {"cache_control": {"type": "x"}}]},
        {"index": 1, "call_keys": [{"strict": True, "parsed": True}]},
    ]
    told = [fault.reason for fault in faults(tmp_path / "a.jsonl") if fault.kind == "unknown_key"]
    assert len(told) == 3


OLD = {"name": "f", "arguments": "{}"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": [HI, YES], "tools": [{"function": {"name": "f"}}], "functions": [{"name": "g"}]}, "both given"),
        ({"messages": [HI, {"role": "assistant", "tool_calls": [call()], "function_call": OLD}]}, "older"),
        ({"messages": [HI, {"role": "assistant", "content": None, "function_call": "auto"}]}, "no call"),
        ({"messages": [HI, {"role": "assistant", "content": None, "tool_calls": [{"function": "f"}]}]}, "no call"),
        ({"messages": [HI, YES], "annotations": ["x"], "more": 1}, "'annotations' is no object"),
        ({"messages": [HI, YES], "annotations": {"messages": 5}, "more": 1}, "'annotations' is no object"),
        ({"messages": [HI, YES], "annotations": {"more": 2}, "more": 1}, "'more' is given twice"),
        ({"conversations": [HUMAN, GPT | {"content": "no"}]}, "'value' and 'content', and they differ"),
        ({"conversations": [HUMAN | {"role": "assistant"}, GPT]}, "'from' and 'role', and they differ"),
        ({"conversations": [HUMAN, GPT | {"tool_calls": ["f"]}]}, "no call"),
        ({"conversations": [HUMAN, GPT | {"tool_calls": "f"}]}, "no list"),
        ({"conversations": [HUMAN, GPT | {"tool_calls": [{"id": ["x"], "function": OLD}]}]}, "tool_calls[0].id"),
        (
            {"conversations": [HUMAN, {"from": "function_call", "value": json.dumps(OLD), "tool_calls": [call()]}]},
            "calls in 'value' and beside it",
        ),
        ({"conversations": [HUMAN, GPT], "system": 0}, "neither text nor null"),
        ({"instruction": "q", "output": "a", "input": 0}, "'input' is no text"),
        ({"instruction": "q", "output": "a", "system": False}, "'system' is no text"),
        ({"context": "q", "response": "a", "system": 0}, "'system' is no text"),
        ({"messages": [HI, {"role": "system", "content": "x"}, YES]}, "a system message that is not the first"),
        ({"messages": [HI, {"role": "assistant", "content": ""}]}, "says and calls nothing"),
    ],
)
def test_what_cannot_be_held_whole_is_refused(tmp_path: Path, row: dict[str, Any], reason: str):
    assert reason in refused(tmp_path, row)


@pytest.mark.parametrize(
    "row", [{"instruction": "q", "output": "a"}, {"context": "q", "response": "a"}, {"conversations": [HUMAN, GPT]}]
)
def test_messages_beside_another_form_are_refused(tmp_path: Path, row: dict[str, Any]):
    form = {"instruction": "alpaca", "context": "pairs", "conversations": "sharegpt"}[next(iter(row))]
    assert "'messages' is given beside" in refused(tmp_path, row | {"messages": [HI, YES]}, form=form)


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_a_field_that_says_nothing_is_absent(tmp_path: Path, nothing: Any):
    row = {"instruction": "q", "output": "a", "input": nothing, "system": nothing, "history": nothing}
    assert [message.role for message in only(tmp_path, row).messages] == ["user", "assistant"]
