"""Every form: how it is recognised, read, forced, and what of it is refused."""

import json
from pathlib import Path

import pytest

from dialoop.conversation import Conversation, Example, read_conversations, read_examples, scan, what_is
from dialoop.errors import DataError, SettingsError

from .samples import TOOL, call, faults, records, write

TRANSCRIPT = """# id = first
# lang = zh
客户：你好，还有桌子吗？
客服：有的，请问几位？
要不要靠窗？
客户：两位

User: Hello
Agent: Good day.
  Note: we close at ten.
"""

CONLL = """-DOCSTART- -X- O

a\tDT\tO
table\tNN\tB-thing
in IN O
Ulm NNP B-town

ten CD B-time
o'clock NN I-time
"""

FORMS = {
    "openai": '{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}]}\n',
    "sharegpt": '{"conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello"}]}\n',
    "alpaca": '{"instruction":"Hi","input":"","output":"Hello"}\n',
    "pairs": '{"context":"Hi","response":"Hello"}\n',
    "labels": '{"text":"Hi","label":"greet"}\n',
    "scores": '{"text":"Hi","score":0.5}\n',
    "spans": '{"text":"Hi Ulm","spans":[{"label":"town","start":3,"end":6}]}\n',
    "conll": CONLL,
    "transcript": TRANSCRIPT,
}


def file(tmp_path: Path, text: str, name: str = "data") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_recognised_by_its_content(tmp_path: Path, form: str):
    path = file(tmp_path, FORMS[form])
    assert what_is(path).form.name == form
    assert faults(path) == []
    assert records(path)


@pytest.mark.parametrize("form", ["sharegpt", "alpaca", "openai", "labels"])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array_is_read_like_lines(tmp_path: Path, form: str, indent: int | None):
    row = json.loads(FORMS[form])
    path = file(tmp_path, json.dumps([row, row, row], indent=indent))
    assert what_is(path).container == "json"
    lines = records(file(tmp_path, FORMS[form] * 3, "lines"))
    one, other = records(path)[0], lines[0]
    assert len(records(path)) == 3
    assert getattr(one, "messages", one) == getattr(other, "messages", other)


def test_a_fault_in_an_array_names_the_line_where_its_element_begins(tmp_path: Path):
    good = json.dumps(json.loads(FORMS["openai"]), indent=1)
    path = file(tmp_path, f"[\n{good},\n{good.replace('user', 'robot')},\n{good}\n]\n")
    (fault,) = faults(path)
    assert fault.place.line == 2 + good.count("\n") + 1
    assert len(records(path)) == 2


def test_an_array_that_ends_in_the_middle_gives_what_came_before(tmp_path: Path):
    path = file(tmp_path, "[" + FORMS["pairs"].strip() + ', {"context": "a, ]} \\" b", "resp')
    assert len(records(path)) == 1
    assert "ends in the middle" in faults(path)[0].reason


def test_brackets_and_quotes_in_strings_do_not_end_elements(tmp_path: Path):
    rows = [{"context": 'a ], } { [ " \\ \\" \n', "response": "\\"}, {"context": "b,", "response": '"'}]
    assert [record.messages[0].content for record in records(file(tmp_path, json.dumps(rows, indent=3)))] == [
        rows[0]["context"],
        "b,",
    ]


def test_one_object_over_many_lines_is_a_file_of_one(tmp_path: Path):
    path = file(tmp_path, json.dumps(json.loads(FORMS["openai"]), indent=2))
    assert len(records(path)) == 1


def test_text_after_the_array_is_refused(tmp_path: Path):
    assert "after the end" in faults(file(tmp_path, f"[{FORMS['pairs']}] more"))[0].reason


@pytest.mark.parametrize(
    "text", ["", "hello there\nhow are you\n", '{"question":"Hi","reply":"x"}\n', "a,b\n1,2\n", "[1,2]"]
)
def test_what_is_no_known_form_is_refused_and_the_forms_are_named(tmp_path: Path, text: str):
    path = file(tmp_path, text)
    with pytest.raises(DataError) as caught:
        list(read_conversations(path))
    assert caught.value.remedy
    if text:
        assert "--form" in str(caught.value)
        assert str(path) in str(caught.value)


def test_two_kinds_of_labels_are_not_guessed_between(tmp_path: Path):
    path = file(tmp_path, '{"text":"Hi Ulm","label":"go","spans":[[3,6,"town"]]}\n')
    assert "not recognised" in faults(path)[0].reason
    assert records(path, form="labels")[0].label == "go"
    spans = records(path, form="spans")[0]
    assert [(span.label, span.start, span.end) for span in spans.spans] == [("town", 3, 6)]
    assert spans.extra == {"label": "go"}


def test_a_form_can_be_forced_and_an_unknown_one_is_refused(tmp_path: Path):
    path = file(tmp_path, FORMS["pairs"])
    assert faults(path, form="alpaca")[0].reason == "'instruction' is missing"
    with pytest.raises(SettingsError, match="no form 'csv'"):
        list(scan(path, form="csv"))


def test_conversations_are_not_read_as_labelled_texts_nor_the_other_way(tmp_path: Path):
    with pytest.raises(DataError, match="holds conversations"):
        list(read_examples(file(tmp_path, FORMS["openai"])))
    with pytest.raises(DataError, match="holds labelled texts"):
        list(read_conversations(file(tmp_path, FORMS["labels"])))


def test_openai_dialects_become_the_record(tmp_path: Path):
    record = {
        "messages": [
            {"role": "developer", "content": "Help."},
            {"role": "user", "content": [{"type": "text", "text": "A ta"}, {"type": "text", "text": "ble"}]},
            {
                "role": "assistant",
                "content": None,
                "function_call": {"name": "find_table", "arguments": '{"town":"A"}'},
            },
            {"role": "function", "name": "find_table", "content": "{}"},
            {"role": "assistant", "content": "Done.", "tool_calls": []},
            {"role": "assistant", "tool_calls": [{"function": {"name": "find_table", "arguments": {"town": "B"}}}]},
            {"role": "tool", "content": "none"},
        ],
        "functions": [TOOL["function"]],
    }
    (conversation,) = records(write(tmp_path / "a.jsonl", record))
    roles = [message.role for message in conversation.messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "assistant", "tool"]
    assert conversation.messages[1].content == "A table"
    assert conversation.tools == [TOOL]
    calls = [message.tool_calls[0] for message in conversation.messages if message.tool_calls]
    assert [one.id for one in calls] == [conversation.messages[3].tool_call_id, conversation.messages[6].tool_call_id]
    assert [one.function.arguments for one in calls] == ['{"town":"A"}', '{"town":"B"}']
    assert all(fault.level == "warning" for fault in faults(tmp_path / "a.jsonl"))


@pytest.mark.parametrize("calls", [3, ["x"], [{"name": 3}], [{"function": {"arguments": "{}"}}], {"a": 1}])
def test_calls_that_are_no_calls_are_refused(tmp_path: Path, calls):
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": calls}]
    found = faults(write(tmp_path / "a.jsonl", {"messages": messages}))
    assert any(fault.level == "error" for fault in found)


def test_sharegpt_with_tools(tmp_path: Path):
    record = {
        "id": "s",
        "system": "Help.",
        "tools": json.dumps([TOOL["function"]]),
        "conversations": [
            {"from": "human", "value": "A table"},
            {"from": "function_call", "value": '{"name": "find_table", "arguments": {"town": "Ulm"}}'},
            {"from": "observation", "value": "{}"},
            {"from": "gpt", "value": "Done.", "weight": 0},
        ],
    }
    (conversation,) = records(write(tmp_path / "a.jsonl", record))
    assert [message.role for message in conversation.messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert conversation.messages[2].tool_calls[0].function.arguments == '{"town":"Ulm"}'
    assert conversation.messages[3].tool_call_id == conversation.messages[2].tool_calls[0].id
    assert conversation.messages[4].weight == 0
    assert conversation.tools == [TOOL]


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        ({"from": "wizard", "value": "x"}, "unknown role"),
        ("x", "no object"),
        ({"from": "function_call", "value": "find it"}, "no JSON"),
        ({"from": "function_call", "value": "{}"}, "names no function"),
        ({"from": "gpt", "value": 3}, "neither text nor null"),
    ],
)
def test_sharegpt_turns_that_cannot_be_read_are_refused(tmp_path: Path, turn, reason: str):
    path = write(tmp_path / "a.jsonl", {"conversations": [{"from": "human", "value": "x"}, turn]})
    assert reason in faults(path)[0].reason


def test_alpaca_with_input_history_and_system(tmp_path: Path):
    row = {"instruction": "Sum up:", "input": "a b", "output": "c", "history": [["q", "a"]], "system": "Be short."}
    (conversation,) = records(write(tmp_path / "a.jsonl", row))
    assert [message.content for message in conversation.messages] == ["Be short.", "q", "a", "Sum up:\na b", "c"]
    assert [message.is_target for message in conversation.messages] == [False, False, True, False, True]


def test_a_pair_trains_its_response_alone(tmp_path: Path):
    row = {"context": ["Hello?", "Yes?", "A table."], "response": "Where?", "lang": "en"}
    (conversation,) = records(write(tmp_path / "a.jsonl", row))
    assert [message.role for message in conversation.messages] == ["user", "assistant", "user", "assistant"]
    assert [message.is_target for message in conversation.messages] == [False, False, False, True]
    assert conversation.lang == "en"


@pytest.mark.parametrize(
    "row",
    [
        {"context": "", "response": "x"},
        {"context": [], "response": "x"},
        {"context": [1], "response": "x"},
        {"context": "x", "response": None},
        {"context": "x", "response": ["y"]},
        {"context": "x"},
    ],
)
def test_pairs_without_both_texts_are_refused(tmp_path: Path, row):
    path = write(tmp_path / "a.jsonl", {"context": "Hi", "response": "Hello"}, row)
    assert [fault.place.line for fault in faults(path)] == [2]


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_tables_of_labels_scores_spans_and_pairs(tmp_path: Path, delimiter: str):
    def table(*rows: str) -> Path:
        return file(tmp_path, "\n".join(row.replace("|", delimiter) for row in rows) + "\n")

    labels = records(table("text|label|lang", '"Hi, ""you""\nthere; now"|greet|en', "Bye|leave|"))
    assert [(one.text, one.label, one.lang) for one in labels] == [
        ('Hi, "you"\nthere; now', "greet", "en"),
        ("Bye", "leave", None),
    ]
    assert [one.place.line for one in labels] == [2, 4]
    assert [one.score for one in records(table("text|score", "Hi|0.25", "Ho|-1"))] == [0.25, -1.0]
    spans = records(table("text|spans", 'Hi Ulm|"[{""label"": ""town"", ""start"": 3, ""end"": 6}]"'))
    assert spans[0].spans[0].label == "town"
    pair = records(table("context|response", "Hi|Hello"))[0]
    assert isinstance(pair, Conversation)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("text,label\nHi,greet\nHo\n", 3),
        ("text,label\nHi,greet,x\n", 2),
        ("text,label\nHi,\n", 2),
        ("text,label\n,greet\n", 2),
        ('text,label\n"Hi"x,greet\n', 2),
        ('text,label\nHo,a\n"Hi,greet\n', 3),
        ("text,score\nHi,high\n", 2),
        ("text,score\nHi,nan\n", 2),
        ("text,score\nHi,inf\n", 2),
        ("text,spans\nHi,3\n", 2),
    ],
)
def test_rows_that_cannot_be_read_are_refused_with_their_line(tmp_path: Path, text: str, line: int):
    found = [fault for fault in faults(file(tmp_path, text)) if fault.level == "error"]
    assert [fault.place.line for fault in found] == [line]


@pytest.mark.parametrize("score", ["NaN", "Infinity", "1e999", '"nan"', "true", '"high"', "[1]", "null"])
def test_scores_that_are_no_finite_number_are_refused(tmp_path: Path, score: str):
    path = file(tmp_path, '{"text":"a","score":1}\n{"text":"b","score":' + score + "}\n")
    (fault,) = faults(path)
    assert (fault.place.line, fault.level) == (2, "error")
    with pytest.raises(DataError, match=":2"):
        list(read_examples(path))


@pytest.mark.parametrize("label", ["true", "1.5", "[1]", '""', '" "', "{}", "null"])
def test_labels_that_are_no_text_are_refused(tmp_path: Path, label: str):
    path = file(tmp_path, '{"text":"a","label":"x"}\n{"text":"b","label":' + label + "}\n")
    assert [fault.place.line for fault in faults(path)] == [2]


def test_labels_may_be_many_or_none_and_whole_numbers(tmp_path: Path):
    path = file(tmp_path, '{"text":"a","labels":["x","y"]}\n{"text":"b","labels":[]}\n{"text":"c","label":3}\n')
    assert [(one.label, one.labels) for one in records(path)] == [(None, ("x", "y")), (None, ()), ("3", None)]


@pytest.mark.parametrize(
    "spans", ['[{"label":"x","start":0,"end":9}]', '[{"label":"x","start":"0","end":"a"}]', "[[0,1]]", "3", '["x"]']
)
def test_spans_off_the_text_or_malformed_are_refused(tmp_path: Path, spans: str):
    path = file(tmp_path, '{"text":"ab","spans":[]}\n{"text":"ab","spans":' + spans + "}\n")
    assert [(fault.place.line, fault.level) for fault in faults(path)] == [(2, "error")]


def test_transcripts(tmp_path: Path):
    first, second = records(file(tmp_path, TRANSCRIPT))
    assert (first.id, first.lang) == ("first", "zh")
    assert [(message.role, message.content) for message in first.messages] == [
        ("user", "你好，还有桌子吗？"),
        ("assistant", "有的，请问几位？\n要不要靠窗？"),
        ("user", "两位"),
    ]
    assert second.messages[1].content == "Good day.\nNote: we close at ten."


def test_an_unknown_speaker_is_refused_with_its_line_and_the_others_stand(tmp_path: Path):
    path = file(tmp_path, "User: a\nAgent: b\n\nUser: c\nWizard: d\n\nUser: e\nAgent: f\n")
    (fault,) = faults(path)
    assert fault.place.line == 5
    assert "Wizard" in fault.reason
    assert len(records(path)) == 2


def test_a_time_or_an_address_is_no_speaker(tmp_path: Path):
    path = file(tmp_path, "User: when?\nAgent: at\n12:30 or http://a.example\n")
    assert records(path)[0].messages[1].content == "at\n12:30 or http://a.example"


def spans_of(example: Example) -> list[tuple[str, str]]:
    return [(span.label, example.text[span.start : span.end]) for span in example.spans]


def test_conll_columns(tmp_path: Path):
    first, second = records(file(tmp_path, CONLL))
    assert first.text == "a table in Ulm"
    assert spans_of(first) == [("thing", "table"), ("town", "Ulm")]
    assert spans_of(second) == [("time", "ten o'clock")]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O B-x I-x O", ["b c"]),
        ("B-x B-x I-x I-y", ["a", "b c", "d"]),
        ("I-x I-x O I-x", ["a b", "d"]),
        ("I-x B-x I-x O", ["a", "b c"]),
        ("U-x B-x L-x O", ["a", "b c"]),
        ("B-x I-x L-x U-x", ["a b c", "d"]),
        ("S-x B-x I-x E-x", ["a", "b c d"]),
        ("B-x E-x B-y E-y", ["a b", "c d"]),
        ("O O O O", []),
    ],
)
def test_tag_schemes(tmp_path: Path, tags: str, expected: list[str]):
    rows = zip("abcd", tags.split(), strict=True)
    path = file(tmp_path, "".join(f"{token} {tag}\n" for token, tag in rows))
    assert [text for _, text in spans_of(records(path)[0])] == expected


@pytest.mark.parametrize("tags", ["L-x O O O", "B-x O U-y O", "B-x L-y O O", "O E-x O O", "U-x I-x L-x O"])
def test_tags_that_no_scheme_allows_are_refused(tmp_path: Path, tags: str):
    rows = zip("abcd", tags.split(), strict=True)
    path = file(tmp_path, "".join(f"{token} {tag}\n" for token, tag in rows))
    assert [fault.level for fault in faults(path)] == ["error"]


def test_a_line_without_tag_is_refused_with_its_line(tmp_path: Path):
    path = file(tmp_path, "a O\n\nb B-x\nc\n\nd O\n")
    (fault,) = faults(path, form="conll")
    assert fault.place.line == 4
    assert len(records(path, form="conll")) == 2


def test_a_sentence_may_begin_with_a_hashtag_or_a_number_sign(tmp_path: Path):
    text = "#BREAKING\tB-tag\nin\tO\nUlm\tB-town\n\n#\tO\n1\tO\n\n# a remark\n# NN B-NP O\n2 CD I-NP O\n"
    path = tmp_path / "tweets.conll"
    path.write_text(text, encoding="utf-8")
    first, second, third = records(path, form="conll")
    assert (first.text, [span.label for span in first.spans]) == ("#BREAKING in Ulm", ["tag", "town"])
    assert (second.text, third.text) == ("# 1", "# 2")


def test_chinese_tokens_are_joined_without_spaces(tmp_path: Path):
    (example,) = records(file(tmp_path, "去 O\n上 B-town\n海 I-town\nKTV B-place\n"))
    assert example.text == "去上海 KTV"
    assert spans_of(example) == [("town", "上海"), ("place", "KTV")]


def test_a_text_comment_gives_exact_offsets_and_must_agree(tmp_path: Path):
    (example,) = records(file(tmp_path, "# text = To Ulm.\nTo O\nUlm B-town\n. O\n"))
    assert example.text == "To Ulm."
    assert spans_of(example) == [("town", "Ulm")]
    assert "does not follow" in faults(file(tmp_path, "# text = To Bonn.\nTo O\nUlm B-town\n"))[0].reason


def test_calls_helper_is_sound():
    assert json.loads(call()["function"]["arguments"]) == {"town": "Ulm"}
