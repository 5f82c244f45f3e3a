"""The answer's reader: cut anywhere, it gives the same answer, and never what it would have to take back."""

import itertools
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dialoop.engine import Gathered
from dialoop.engine.reader import AnswerReader
from dialoop.model.answer import parse_answer

CALL = '<tool_call>\n{"name": "book", "arguments": {"note": "ein </tool_call> 酒店"}}\n</tool_call>'
ANSWERS = [
    "好的，请问您的预算是多少？😀",
    "A < b, <tool and <tool_ca",
    f"One moment.\n{CALL}",
    f"{CALL}\n{CALL}",
    "<think>\nhm <tool_call> hm\n</think>\n\nYes.",
    f"<think>x</think>\n{CALL}",
    " leading and trailing \n",
    "<thin",
    "",
]


def read(data, cuts=(), **options):
    """What a reader gives for `data`, cut at `cuts`, and the pieces one by one."""
    reader, whole, pieces = AnswerReader(**options), Gathered(), []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        pieces += reader.feed(data[start:end])
    pieces += reader.finish()
    for piece in pieces:
        whole.add(piece)
    return whole, pieces, reader


def told(whole):
    return whole.text, whole.reasoning, [(call.function.name, call.function.arguments) for call in whole.tool_calls]


@given(st.sampled_from(ANSWERS), st.lists(st.integers(0, 400), max_size=30))
def test_cuts_make_no_difference(answer, cuts):
    data = answer.encode()
    assert told(read(data, cuts)[0]) == told(read(data)[0])
    assert told(read(data, range(len(data)))[0]) == told(read(data)[0])


@pytest.mark.parametrize("answer", [answer.replace("</tool_call> ", "") for answer in ANSWERS])
def test_it_reads_as_parse_answer_does(answer):
    whole, parsed = read(answer.encode())[0], parse_answer(answer)
    assert whole.text == (parsed.content or "")
    assert whole.reasoning.strip() == (parsed.reasoning or "")
    assert [call.function for call in whole.tool_calls] == [call.function for call in parsed.tool_calls]


def test_a_closing_tag_inside_a_value_ends_no_call():
    (call,) = read(CALL.encode())[0].tool_calls
    assert json.loads(call.function.arguments) == {"note": "ein </tool_call> 酒店"}


def test_broken_utf8_becomes_replacement_characters_and_is_never_half_given():
    whole, _, _ = read("酒".encode()[:2] + b"a\xff" + "店".encode()[:2], range(20))
    assert whole.text == "�a��"
    assert [piece.text_delta for piece in read("酒店".encode(), range(6))[1]] == ["酒", "店"]


@given(
    st.text("ab<\n ", max_size=30),
    st.lists(st.text("ab<\n", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(0, 30), max_size=8),
)
@example("aab", ["ab"], [1, 2])
def test_stop_strings_are_found_across_cuts_and_never_given(text, stops, cuts):
    whole, _, reader = read(text.encode(), cuts, stop=tuple(stops))
    found = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    assert whole.text == (text[: min(found)[1]] if found else text)
    assert reader.stopped == bool(found)


def test_what_may_become_a_stop_string_is_held_back():
    reader = AnswerReader(("END",))
    assert [piece.text_delta for piece in reader.feed(b"so EN")] == ["so"]
    assert [piece.text_delta for piece in reader.feed(b"E")] == [" EN"]
    assert [piece.text_delta for piece in reader.feed(b"ND and more")] == []
    assert reader.finish() == []


def test_without_leave_to_call_the_form_of_a_call_is_text():
    whole = read(CALL.encode(), range(50), may_call=False)[0]
    assert whole.text == CALL
    assert not whole.tool_calls


def test_a_call_that_breaks_off_gives_nothing_and_is_seen():
    whole, _, reader = read(CALL[:30].encode())
    assert told(whole) == ("", "", [])
    assert reader.in_call
