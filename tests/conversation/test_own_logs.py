"""Logs as other programs export them: what they leave empty, how they are laid out, and where a fault stands."""

import json
from pathlib import Path
from typing import Any

import pytest

from dialoop.conversation import (
    Conversation,
    Example,
    Fault,
    inspect_file,
    inspect_files,
    read_examples,
    scan,
    tongue,
    what_is,
    write_lines,
    written,
)

from .samples import faults, records, write

HI = {"role": "user", "content": "hi"}
YES = {"role": "assistant", "content": "yes"}
LOOKED = {"function": {"name": "look", "arguments": "{}"}}
LONG = [{"from": who, "value": f"{who} {turn}"} for turn in range(20) for who in ("human", "gpt")]


def read(path: Path, *messages: dict[str, Any]) -> Conversation:
    (record,) = records(write(path / "a.jsonl", {"messages": list(messages)}))
    return record


def refused(path: Path, row: dict[str, Any]) -> Fault:
    (fault,) = [fault for fault in faults(write(path / "a.jsonl", row)) if fault.level == "error"]
    return fault


@pytest.mark.parametrize(
    ("form", "row"),
    [
        ("sharegpt", {"conversations": LONG}),
        ("alpaca", {"history": [["a", "b"]] * 30, "instruction": "x", "output": "y"}),
        ("openai", {"messages": [HI, YES] * 20}),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_first_record_over_many_lines_is_recognised(tmp_path: Path, form: str, row: dict[str, Any], wrapped: bool):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([row, row] if wrapped else row, indent=2), encoding="utf-8")
    assert what_is(path).name == form
    assert len(records(path)) == 1 + wrapped


def test_a_record_whose_first_key_stands_alone_on_its_line_is_one_json_file(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text('{"messages":\n ' + json.dumps([HI, YES]) + "}\n", encoding="utf-8")
    assert [len(record.messages) for record in records(path)] == [2]


def test_an_empty_list_of_calls_says_nothing(tmp_path: Path):
    record = read(tmp_path, HI | {"tool_calls": []}, YES | {"tool_calls": []})
    assert [message.tool_calls for message in record.messages] == [None, None]


def test_empty_ids_are_no_ids(tmp_path: Path):
    calls = [{"id": "", "type": None, **LOOKED}, {"id": "", "type": "function", **LOOKED}]
    result = {"role": "tool", "tool_call_id": "", "content": "1"}
    record = read(tmp_path, HI, {"role": "assistant", "content": None, "tool_calls": calls}, result, result, YES)
    assert [call.id for call in record.messages[1].tool_calls or []] == ["call_1", "call_2"]
    assert [message.tool_call_id for message in record.messages] == [None, None, "call_1", "call_2", None]


def test_a_call_without_id_does_not_take_that_of_another(tmp_path: Path):
    calls = [{"id": "call_1", "type": "function", **LOOKED}, LOOKED]
    results = [{"role": "tool", "tool_call_id": "call_1", "content": "1"}, {"role": "tool", "content": "2"}]
    record = read(tmp_path, HI, {"role": "assistant", "content": None, "tool_calls": calls}, *results, YES)
    assert [call.id for call in record.messages[1].tool_calls or []] == ["call_1", "call_2"]
    assert [message.tool_call_id for message in record.messages if message.role == "tool"] == ["call_1", "call_2"]


def test_a_refusal_is_named_as_what_it_is(tmp_path: Path):
    fault = refused(tmp_path, {"messages": [HI, {"role": "assistant", "content": None, "refusal": "I cannot."}]})
    assert "refusal: 'I cannot.'" in fault.reason
    assert "'content'" in fault.remedy


def test_a_call_with_parameters_is_not_read_as_one_without_arguments(tmp_path: Path):
    called = {"from": "function_call", "value": '{"name": "book", "parameters": {"nights": 2}}'}
    result = {"from": "observation", "value": "1"}
    turns = [{"from": "human", "value": "hi"}, called, result, {"from": "gpt", "value": "yes"}]
    assert "'parameters' and no 'arguments'" in refused(tmp_path, {"conversations": turns}).reason


def test_faults_of_one_line_name_the_record(tmp_path: Path):
    path = tmp_path / "a.json"
    rows = [{"text": "a", "label": "x"}, {"text": " ", "label": "x"}, {"text": "b", "label": " "}]
    path.write_text(json.dumps(rows)[:-1] + ', {"text" "c"}, {"text": "", "label": "x"}]', encoding="utf-8")
    found = [(fault.nth, fault.reason.partition(":")[0]) for fault in faults(path)]
    assert found == [(nth, f"record {nth} of this line") for nth in (2, 3, 4, 5)]
    assert inspect_file(path).files[0].refused == 4


def test_blank_lines_between_turns_are_told(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("User: hi\n\nAgent: hello\n\nUser: open?\n\nAgent: yes\n", encoding="utf-8")
    torn = [fault for fault in faults(path) if "a blank line ends a conversation" in fault.reason]
    assert [(fault.level, fault.place.line) for fault in torn] == [("warning", 3)]
    path.write_text("User: hi\nAgent: hello\n\nAgent: Good day.\n\nUser: open?\nAgent: yes\n", encoding="utf-8")
    assert faults(path) == []


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"'])
def test_the_line_for_excel_is_no_header(tmp_path: Path, first: str):
    path = tmp_path / "a.csv"
    path.write_bytes(f'\ufeff{first}\r\ntext;label\r\n"a; b\r\nc";x\r\n'.encode())
    (example,) = [item for item in scan(path) if isinstance(item, Example)]
    assert (example.text, example.label) == ("a; b\nc", "x")


def test_a_table_that_is_not_recognised_is_quoted(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("Utterance,Intent\nhi,greet\n", encoding="utf-8")
    (fault,) = faults(path)
    assert fault.reason.endswith("it begins with 'Utterance,Intent'")


def test_a_number_of_python_alone_is_no_score(tmp_path: Path):
    assert refused(tmp_path, {"text": "a", "score": "1_000"}).kind == "score"


def test_a_table_holds_the_document_of_a_text(tmp_path: Path):
    one = Example(text="Ulm won", label="sport", document="1")
    write_lines(tmp_path / "a.csv", written([one], "labels", "csv"))
    assert list(read_examples(tmp_path / "a.csv")) == [one]


@pytest.mark.parametrize(
    ("name", "begin", "told"),
    [
        ("a.csv", b"PK\x03\x04\x14\x00", "an Excel workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        ("a.jsonl", b"PAR1\x15\x04", "a Parquet file"),
        ("a.jsonl.xz", b"\xfd7zXZ\x00", "compressed with xz"),
    ],
)
def test_a_file_that_is_no_text_is_told_once_and_for_what_it_is(tmp_path: Path, name: str, begin: bytes, told: str):
    (tmp_path / name).write_bytes(begin + b"\x00\xff\n" * 20)
    (fault,) = faults(tmp_path / name)
    assert f"this is no text but {told}" in fault.reason
    assert fault.remedy


def test_ids_made_of_a_files_name_are_no_leak(tmp_path: Path):
    paths = []
    for side in ("train", "dev"):
        (tmp_path / side).mkdir()
        rows = [{"messages": [{"role": "user", "content": f"{side} {n}"}, YES]} for n in range(3)]
        paths.append(write(tmp_path / side / "data.jsonl", *rows, rows[0] | {"id": "own"}))
    found = inspect_files(paths)
    assert [(one.what, one.value) for one in found.leaks] == [("id", "own")]


def test_labels_that_look_alike_are_told(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\nhi,greet\nhello,Greet \nbye,bye\n", encoding="utf-8")
    (note,) = [note for note in inspect_file(path).notes if "in case, width or spaces alone" in note]
    assert "'greet'" in note
    assert "'Greet '" in note


@pytest.mark.parametrize(
    ("lang", "known"),
    [("zh-Hans-CN", "zh"), ("zh_TW", "zh"), ("Chinese", "zh"), ("eng", "en"), ("EN-gb", "en"), ("x", "x")],
)
def test_a_language_is_known_by_its_usual_names(lang: str, known: str):
    assert tongue(lang) == known


@pytest.mark.parametrize("end", ["\n", ""])
def test_commas_between_records_are_told_as_that(tmp_path: Path, end: str):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": "a", "label": "x"}},{end}' * 3, encoding="utf-8")
    (fault,) = faults(path)
    assert (fault.place.line, fault.ends) == (1, True)
    assert "a comma follows a record" in fault.reason


def test_a_list_in_a_cell_is_told(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text('context,response\n"[""a"", ""b"", ""c""]",d\n[x] a,d\n', encoding="utf-8")
    (fault,) = faults(path)
    assert (fault.level, fault.place.line) == ("warning", 2)
    assert "reads as a JSON list" in fault.reason


@pytest.mark.parametrize(("rejected", "told"), [("yes ", 1), ("no", 0)])
def test_a_rejected_answer_like_the_content_is_told(tmp_path: Path, rejected: str, told: int):
    path = write(tmp_path / "a.jsonl", {"messages": [HI, YES | {"rejected": rejected}]})
    assert [(fault.level, fault.kind) for fault in faults(path)] == [("warning", "rejected")] * told
