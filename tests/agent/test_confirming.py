"""Transactional tools are called after a yes only: the model's own question counts, else the agent asks."""

from pathlib import Path

import pytest

from dialoop.agent.hearing import asked_for, is_yes, language_of_text, wants_person
from tests.agent.desk import BOOK, Desk, calls

NAMED = "I am Anna Berg, two nights please"
ASKED = "The Lark, 2 nights, for <name_1>. Shall I book it?"


def test_a_yes_to_the_models_own_question_is_enough(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", [ASKED, calls(BOOK), "Booked."])
    desk.say(NAMED)
    assert desk.ledger.effects == {}
    reply = desk.say("yes please")
    assert reply.text == "Booked."
    assert len(desk.ledger.effects) == 1


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("The Heron, 2 nights, for <name_1>. Shall I book it?", "yes"),  # another room than is called
        ("Is there anything else?", "yes"),  # nothing was asked about
        ("I book the Lark, 2 nights, for <name_1>.", "yes"),  # told, not asked
        (ASKED, "the bathroom is nice"),
        (ASKED, "yes, but three nights"),
        (ASKED, "no"),
        (ASKED, "不用"),
    ],
)
def test_else_the_agent_asks_itself_and_does_it_on_the_yes_that_follows(tmp_path: Path, asked: str, answer: str):
    desk = Desk(tmp_path / "s.db", [asked, calls(BOOK), "Booked."])
    desk.say(NAMED)
    reply = desk.say(answer)
    assert "Lark" in reply.text
    assert "Anna Berg" in reply.text
    assert desk.ledger.calls == []
    assert desk.say("Yes!").text == "Booked."
    assert list(desk.ledger.effects.values()) == [("Lark", 2, "Anna Berg")]
    assert [event.action for event in desk.events() if event.kind == "decided"][-2:] == ["rule:confirmed", "model"]


def test_chinese_is_asked_in_chinese(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["好的。", calls(BOOK), "订好了。"])
    desk.say("我叫王小明，想订两晚")
    reply = desk.say("就订云雀房")
    assert reply.text.startswith("请确认")
    assert "王小明" in reply.text
    assert desk.say("对，就这样").text == "订好了。"
    assert list(desk.ledger.effects.values()) == [("Lark", 2, "王小明")]


def test_what_was_not_said_yes_to_lapses(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["Hello.", calls(BOOK), "As you like.", calls(BOOK)])
    desk.say(NAMED)
    desk.say("the Lark")  # asked
    assert desk.say("no, wait").text == "As you like."
    assert "Shall I go ahead" in desk.say("yes").text  # a yes to nothing: asked anew
    assert desk.ledger.calls == []


def test_a_yes_does_it_once(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", [ASKED, calls(BOOK), "Booked. Anything else?", calls(BOOK), "Fine."])
    desk.say(NAMED)
    desk.say("yes")
    assert "Shall I go ahead" in desk.say("yes").text
    assert len(desk.ledger.effects) == 1


def test_the_same_call_twice_in_one_message_is_made_once(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", [ASKED, calls(BOOK, BOOK), "Booked."])
    desk.say(NAMED)
    desk.say("yes")
    assert len(desk.ledger.calls) == 1
    denied = [event.by for event in desk.events() if event.kind == "tool_denied"]
    assert denied == ["rule:repeated"]


def test_several_calls_are_asked_about_together(tmp_path: Path):
    both = calls(BOOK, ("charge", '{"amount": 90}'))
    desk = Desk(tmp_path / "s.db", ["Hello.", both, "All done."])
    desk.say(NAMED)
    asked = desk.say("Book and charge").text
    assert "Lark" in asked
    assert "90" in asked
    assert desk.say("yes").text == "All done."
    assert sorted(name for name, _ in desk.ledger.calls) == ["book", "charge"]


def test_confirming_can_be_switched_off(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["Hi.", calls(BOOK), "Booked."], settings={"confirm": False})
    desk.say(NAMED)
    assert desk.say("Book the Lark").text == "Booked."
    assert len(desk.ledger.effects) == 1


def test_tools_that_only_read_need_no_yes(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", [calls(("free_rooms", '{"nights": 2}')), "The Lark."])
    assert desk.say("What is free?").text == "The Lark."


@pytest.mark.parametrize(
    "text",
    "yes|Yes.|yeah|ok|OK, go ahead|Sure, please do|that's right|correct!|sounds good|y|Perfect|可以|好的|是的|"
    "对，没错|没问题|嗯，就这样|确认|行吧|yes，没问题".split("|"),
)
def test_a_yes_is_heard(text: str):
    assert is_yes(text)


@pytest.mark.parametrize(
    "text",
    "no|not yet|yes but not today|ok, how much is it?|Lark|don't|yes, 3 nights|I am Anna|ok bye|wait|不是|"
    "不可以|好像不对|可以吗？|对不起|好的，不过改成三晚|等一下|别订||?|<name_1>".split("|"),
)
def test_what_is_no_yes_is_not_heard_as_one(text: str):
    assert not is_yes(text)


def test_an_understood_yes_counts_where_nothing_speaks_against_it():
    assert is_yes("jawohl", {"affirm": 0.9})
    assert not is_yes("jawohl", {"affirm": 0.3})
    assert not is_yes("yes but another room", {"affirm": 0.9})


@pytest.mark.parametrize(
    ("arguments", "asked", "customer", "expected"),
    [
        ({"room": "Lark", "nights": 2}, "The lark for two nights?", "", True),
        ({"room": "Lark", "nights": 2}, "The Lark for 12 nights?", "", False),
        ({"room": "Lark", "nights": 2}, "云雀 Lark，住两晚，可以吗？", "", True),
        ({"room": "Lark", "contact": "<phone_1>"}, "The Lark?", "call <phone_1>", True),
        ({"room": "Lark", "contact": "<phone_1>"}, "The Lark?", "", False),
        ({"booking": "QW-12 34"}, "Cancel QW1234?", "", True),
        ({"amount": 90.0}, "Shall I charge 90 euros?", "", True),
        ({"amount": 9.5}, "Shall I charge 9.5 euros?", "", True),
        ({"tags": ["sea", "quiet"]}, "A quiet one, by the sea?", "", True),
        ({}, "Shall I?", "", False),
        ({"flag": True}, "Shall I?", "", False),
    ],
)
def test_a_question_that_says_the_values_back_asks_for_the_call(
    arguments: dict[str, object], asked: str, customer: str, expected: bool
):
    assert asked_for(arguments, asked, customer) is expected


@pytest.mark.parametrize(
    "text",
    "I want to talk to a human|Can I speak to someone?|real person please|agent|put me through to your manager|"
    "转人工|我要找人工客服|请叫你们经理|人工|和真人说".split("|"),
)
def test_a_wish_for_a_person_is_heard(tmp_path: Path, text: str):
    assert wants_person(text)
    desk = Desk(tmp_path / "s.db")
    reply = desk.say(text)
    assert (reply.phase, reply.decided) == ("asked", ["rule:person"])
    assert desk.engine.requests == []


@pytest.mark.parametrize("text", "a room for one person|两个人住|Do I speak with a person?|人多吗|我的客人".split("|"))
def test_other_talk_of_persons_is_not(text: str):
    assert not wants_person(text)


def test_the_language_is_that_of_the_text():
    assert language_of_text("你好", "en") == "zh"
    assert language_of_text("Hello there", "zh") == "en"
    assert language_of_text("123", "zh") == "zh"
    assert language_of_text("Guten Tag", "de") == "de"
    assert language_of_text("123", None) == "en"
