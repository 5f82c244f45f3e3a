"""What a model wrote comes apart into words and calls, and nothing is guessed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.model import Answer, parse_answer, sentences

from .conversations import calls, said, styled

CALL = '<tool_call>\n{"name": "find_room", "arguments": {"city": "York"}}\n</tool_call>'


def test_words_stay_as_they_are():
    assert parse_answer(" Hello.\n") == Answer(content=" Hello.\n")
    assert parse_answer("") == Answer()


def test_calls_are_taken_out_and_numbered():
    answer = parse_answer(f"One moment.\n{CALL}\n{CALL}")
    assert answer.content == "One moment."
    assert [call.id for call in answer.tool_calls] == ["call_1", "call_2"]
    assert answer.tool_calls[0].function.name == "find_room"
    assert json.loads(answer.tool_calls[0].function.arguments) == {"city": "York"}
    assert answer.malformed == []
    assert parse_answer(CALL).content is None


def test_arguments_keep_order_and_letters():
    answer = parse_answer('<tool_call>{"name": "f", "arguments": {"b": "北京", "a": 1.50}}</tool_call>')
    assert answer.tool_calls[0].function.arguments == '{"b": "北京", "a": 1.5}'


def test_a_call_without_arguments_has_none():
    assert parse_answer('<tool_call>{"name": "f"}</tool_call>').tool_calls[0].function.arguments == "{}"


def test_reasoning_is_apart():
    answer = parse_answer(f"<think>\nA room.\n</think>\n\n{CALL}")
    assert (answer.reasoning, answer.content, len(answer.tool_calls)) == ("A room.", None, 1)
    assert parse_answer("<think>\n\n</think>\n\nYes.") == Answer(content="Yes.")
    assert parse_answer("<think>never ends") == Answer(reasoning="never ends")


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        '"f"',
        "{}",
        '{"name": ""}',
        '{"name": 1}',
        '{"name": "f", "arguments": "text"}',
        '{"name": "f", "arguments": []}',
        '{"name": "f", "arguments": {"a": NaN}}',
        '{"name": "f", "arguments": {}, "more": 1}',
        "[" * 100_000,
    ],
)
def test_what_is_no_call_is_reported(bad: str):
    answer = parse_answer(f"Words. <tool_call>{bad}</tool_call>{CALL}")
    assert answer.malformed == [f"<tool_call>{bad}</tool_call>"]
    assert answer.content == "Words."
    assert len(answer.tool_calls) == 1


def test_a_call_that_never_ends_is_malformed():
    assert parse_answer('<tool_call>\n{"name": "f", "arguments": {}}').malformed == [
        '<tool_call>\n{"name": "f", "arguments": {}}'
    ]
    answer = parse_answer(f'<tool_call>\n{{"name": "f"\n{CALL}')
    assert len(answer.tool_calls) == len(answer.malformed) == 1


@given(st.text())
def test_any_text_comes_apart(text: str):
    answer = parse_answer(text)
    assert (
        answer.tool_calls or answer.malformed or answer.reasoning or (answer.content or "") == text or not text.strip()
    )


_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=5,
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), _values, max_size=4))
def test_a_taught_call_reads_back_as_it_was(arguments: dict[str, object]):
    if "\\u0000" in json.dumps(arguments) or "</tool_call>" in json.dumps(arguments) or "\ufdd0" in repr(arguments):
        return
    try:
        made = sentences([said("user", "x"), calls(("f", arguments))], None, styled("chatml"))[0]
    except UnicodeEncodeError:
        return
    tokenizer = styled("chatml")
    text = tokenizer.decode([i for i, on in zip(made.ids, made.targets, strict=True) if on][:-1])
    [call] = parse_answer(text).tool_calls
    assert json.loads(call.function.arguments) == arguments
