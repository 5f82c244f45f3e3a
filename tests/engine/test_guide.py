"""What may come at each place of an answer: prose, the form of a call, what stands between two calls."""

import pytest

from dialoop.conversation import Message
from dialoop.engine import NamedTool
from dialoop.engine.guide import Guide

TOOLS = [
    {"type": "function", "function": {"name": "find", "parameters": {"properties": {"city": {"type": "string"}}}}},
    {"type": "function", "function": {"name": "find_all"}},
    {"type": "function", "function": {"name": "订房", "parameters": {"type": "object", "additionalProperties": True}}},
]
FIND = '<tool_call>\n{"name": "find", "arguments": {"city": "York"}}\n</tool_call>'
ALL = '<tool_call>\n{"name": "find_all", "arguments": {}}\n</tool_call>'


def ends(guide, text):
    """Follows `text`; None if it is refused, else whether the answer may end there."""
    for byte in text.encode():
        after = guide.after(bytes([byte]))
        if after is None:
            return None
        guide.stack = after
    return guide.may_end


@pytest.mark.parametrize(
    ("text", "may_end"),
    [
        ("", True),
        ("1 < 2, <tool and <tool_call", True),
        (FIND, True),
        (f"One moment.\n{FIND}\n{ALL}", True),
        ("<<tool_call>\n", False),
        ('<tool_call>\n{"name": "订房", "arguments": {"free": [1, {"a": null}]}}\n</tool_call>', True),
        (FIND + "\n", False),
        (FIND + " and more", None),
        (FIND.replace("city", "town"), None),
        (FIND.replace('"find"', '"fly"'), None),
        (ALL.replace("{}", '{"city": "York"}'), None),
        (FIND.replace("York", "\n"), None),
    ],
)
def test_what_a_free_answer_may_say(text, may_end):
    assert ends(Guide(TOOLS, "auto"), text) is may_end
    whole = Guide(TOOLS, "auto").after(text.encode())
    assert (whole is None) == (may_end is None)


def test_without_leave_to_call_a_call_cannot_be_opened():
    for guide in (Guide(TOOLS, "none"), Guide([], "auto")):
        assert ends(guide, "<tool_call") is True
        assert guide.after(b">") is None
        assert guide.after(b"s>") is not None


def test_a_required_call_comes_first_and_others_may_follow():
    assert ends(Guide(TOOLS, "required"), "") is False
    assert ends(Guide(TOOLS, "required"), "Hm") is None
    guide = Guide(TOOLS, "required")
    assert ends(guide, f"{FIND}\n{ALL}") is True
    assert not guide.must_end
    assert ends(guide, "\nAnd then") is None


def test_one_call_only_where_one_is_wanted():
    for guide in (Guide(TOOLS, NamedTool("find")), Guide(TOOLS, "auto", parallel=False)):
        assert ends(guide, FIND) is True
        assert guide.must_end
        assert ends(guide, "\n") is None
    assert ends(Guide(TOOLS, NamedTool("find")), ALL) is None


def test_the_shortest_end_of_every_place_ends_it():
    text = f"{FIND}\n{ALL}"
    for length in range(len(text.encode())):
        guide = Guide(TOOLS, "required")
        guide.stack = guide.after(text.encode()[:length])
        guide.stack = guide.after(guide.closing())
        assert guide.may_end


@pytest.mark.parametrize(
    "data", [b"\xb0ur", b"\xe6\x88x", b"\xe6\x88\xe6", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5", b"\xe6<tool_call>"]
)
def test_no_answer_says_what_is_no_text(data):
    assert Guide(TOOLS, "auto").after(data) is None


def test_a_character_that_has_begun_is_finished_before_an_answer_ends():
    guide = Guide(TOOLS, "auto")
    for byte in "房".encode()[:2]:
        guide.stack = guide.after(bytes([byte]))
        assert not guide.may_end
    assert guide.after(b"o") is None
    assert ("房".encode()[:2] + guide.closing()).decode()
    guide.stack = guide.after("房".encode()[2:])
    assert guide.may_end
    assert guide.closing() == b""


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        ("Is <name_1> right?", True),
        ("Is <name_12> right?", True),
        ("Is <name_2> right?", False),
        ("Is <name_123> right?", False),
        ("Is <phone_1> right?", False),
        ("1 <name_of_it> 2 << 3 <b>x</b> <<name_1>", True),
        ("<tool_call>", True),
        ("<<tool_call>", True),
    ],
)
def test_only_known_stand_ins_are_said(text: str, is_allowed: bool):
    known = [Message(role="user", content="I am <name_1>, not <name_12>.")]
    assert (Guide(TOOLS, "auto", known, protected=True).after(text.encode()) is not None) == is_allowed
    assert Guide(TOOLS, "auto", known).after(text.encode()) is not None
