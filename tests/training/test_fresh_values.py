import json
from random import Random

import pytest

from dialoop.conversation import Conversation, FunctionCall, Message, ToolCall
from dialoop.scenarios.hotel import make_logs
from dialoop.training.fresh_values import FreshValues, Words, values_of

WORDS = Words(("kel", "dorn", "fip"), tuple("茶雨山云石"))


def talk(*said, arguments, result, kind="string", **schema):
    tool = {"type": "function", "function": {"name": "book", "parameters": {
        "type": "object", "properties": {key: {"type": kind, **schema} for key in arguments}}}}  # fmt: skip
    call = ToolCall(id="c1", function=FunctionCall(name="book", arguments=json.dumps(arguments, ensure_ascii=False)))
    messages = [Message(role="user", content=text) for text in said]
    messages += [
        Message(role="assistant", tool_calls=[call]),
        Message(role="tool", tool_call_id="c1", content=json.dumps(result, ensure_ascii=False)),
    ]
    return Conversation(id="t", messages=messages, tools=[tool])


def given(conversation):
    return next(json.loads(c.function.arguments) for m in conversation.messages for c in m.tool_calls or [])


@pytest.mark.parametrize("seed", range(20))
def test_a_value_is_replaced_everywhere_by_the_same_one(seed):
    one = talk(
        "the Birch Suite for Ann Bell", "yes, birch suite", arguments={"room": "Birch Suite", "name": "Ann Bell"},
        result={"room": "Birch Suite"},
    )  # fmt: skip
    fresh = FreshValues(WORDS, 1.0).give(one, Random(seed))
    arguments = given(fresh)
    assert f"the {arguments['room']} for {arguments['name']}" == fresh.messages[0].content
    assert fresh.messages[1].content == f"yes, {arguments['room'].lower()}"
    assert json.loads(fresh.messages[3].content)["room"] == arguments["room"]


def test_some_value_changes_and_the_given_conversation_does_not():
    one = talk("房间是湖景大床房", arguments={"room": "湖景大床房"}, result={})
    before = one.model_dump_json()
    fresh = {given(FreshValues(WORDS, 1.0).give(one, Random(seed)))["room"] for seed in range(20)}
    assert len(fresh) > 5
    assert all(len(room) == 5 for room in fresh)
    assert one.model_dump_json() == before


@pytest.mark.parametrize("value", ["QW76167", "138 1234 5678", "2026-03-05", "ann.bell@example.com"])
def test_the_shape_stays(value):
    one = talk(f"it is {value}", arguments={"reference": value}, result={})
    fresh = given(FreshValues(WORDS, 1.0).give(one, Random(1)))["reference"]
    assert fresh != value
    if "@" not in value:
        assert [sign.isdigit() for sign in fresh] == [sign.isdigit() for sign in value]
    assert [sign for sign in fresh if not sign.isalnum()] == [sign for sign in value if not sign.isalnum()]


def test_numbers_choices_short_texts_and_what_nobody_said_stay():
    assert values_of(talk("for 12345", arguments={"nights": 12345}, result={}, kind="integer")) == []
    assert values_of(talk("economy please", arguments={"class": "economy"}, result={}, enum=["economy"])) == []
    assert values_of(talk("at 7", arguments={"hour": "7"}, result={})) == []
    assert values_of(talk("nothing of it", arguments={"flag": "dontcare"}, result={})) == []


def test_a_value_inside_a_longer_word_is_left_alone():
    one = talk("Ann and Annabel, to Ann", arguments={"name": "Ann"}, result={})
    fresh = FreshValues(WORDS, 1.0).give(one, Random(2))
    assert "Annabel" in fresh.messages[0].content


def test_a_share_of_nothing_changes_nothing_and_draws_are_repeatable():
    for one in make_logs(6, seed=1):
        assert FreshValues(WORDS, 0.0).give(one, Random(0)) is one
        some = FreshValues(WORDS, 0.6)
        assert some.give(one, Random(5)) == some.give(one, Random(5))
