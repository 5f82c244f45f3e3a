"""Drift is seen where the world changed, and not where it stayed as it was."""

from typing import Any

import pytest

from dialoop.conversation import Conversation, Event, Message
from dialoop.learning import Drift, Served, Sign, drift
from dialoop.learning.drift import words

from .served import Step, answered, asked_where, closed, events_of, records, said


def served(count: int, *steps: Step, first: int = 0) -> Served:
    """`count` conversations of the usual turn and these steps."""
    made: dict[str, list[Event]] = {}
    for number in range(first, first + count):
        thing = ("lamp", "desk", "rug")[number % 3]
        made[f"c{number}"] = events_of(f"c{number}", [*asked_where(thing, number), *steps, closed()])
    return Served(made)


def sign(found: Drift, name: str) -> Sign:
    return next(one for one in found.signs if one.name == name)


def failed_call() -> list[Step]:
    request: dict[str, Any] = {"step": "1", "call_id": "a", "name": "find", "arguments": "{}", "idempotency_key": "k"}
    return [("tool_requested", request), ("tool_returned", {"call_id": "a", "content": "{}", "failed": True})]


def good_call() -> list[Step]:
    return [step if step[0] != "tool_returned" else (step[0], {**step[1], "failed": False}) for step in failed_call()]


def test_the_same_world_has_not_drifted():
    found = drift(served(30), records(60), served(30, first=100))
    assert not found.drifted
    assert sign(found, "new words").now == 0
    assert found.new_words == {}


def test_words_that_training_has_not_are_seen_and_named():
    found = drift(served(20, said("Is the treehouse heated? 树屋有暖气吗"), answered("Yes.")), records(60))
    assert sign(found, "new words").alarm
    assert sign(found, "new words").p is not None
    assert found.new_words["treehouse"] == 20
    assert "树屋" in found.new_words


def test_new_words_of_one_conversation_do_not_alarm():
    odd = events_of("odd", [said("Quite another matter altogether, my friend"), answered("Well."), closed()])
    found = drift(Served({**served(30).events, "odd": odd}), records(60))
    assert not found.drifted


def test_calls_that_fail_more_often_are_seen():
    found = drift(served(20, *failed_call()), records(60), served(20, *good_call(), first=100))
    assert [one.name for one in found.signs if one.alarm] == ["failed calls"]
    assert (sign(found, "failed calls").before, sign(found, "failed calls").now) == (0.0, 1.0)


def test_a_person_asked_more_often_is_seen():
    asked = ("escalated", {"reason": "asked"})
    found = drift(served(20, asked), records(60), served(20, first=100))
    assert [one.name for one in found.signs if one.alarm] == ["person asked"]


@pytest.mark.parametrize("verdict", [{"intents": ["out_of_scope"]}, {"intents": ["where"], "out_of_scope": True}])
def test_messages_out_of_scope_are_seen(verdict: dict):
    """As an understander says so beside the likeliest intent, or as an intent of its own."""
    within = ("understood", {"intents": ["where"], "out_of_scope": False})
    found = drift(served(20, ("understood", verdict)), records(60), served(20, within, first=100))
    assert [one.name for one in found.signs if one.alarm] == ["not understood"]


@pytest.mark.parametrize(("now", "alarm"), [(0.3, True), (0.9, False)])
def test_who_is_less_sure_of_what_is_meant_is_asked_where_one_is_given(now: float, alarm: bool):
    def sure(text: str) -> float:
        return (
            0.9
            if any(word in text for word in ("kettle", "lamp", "desk", "rug", "chair", "plant", "clock", "shelf"))
            else now
        )

    found = drift(served(20, said("Odd?"), answered("Yes.")), records(60), sure=sure)
    assert sign(found, "not understood").alarm is alarm


def test_few_conversations_are_told_and_not_tested():
    found = drift(served(3, said("Zeppelin zeppelin zeppelin"), answered("What?")), records(60))
    new_words = sign(found, "new words")
    assert new_words.now is not None
    assert new_words.now > 0.2
    assert (new_words.p, new_words.alarm) == (None, False)


def test_nothing_before_is_no_drift():
    found = drift(served(20, *failed_call()), [])
    assert not found.drifted
    assert sign(found, "failed calls").before is None
    assert drift(Served({}), [Conversation(id="x", messages=[Message(role="user", content="Hello")])]).drifted is False


def test_a_rise_below_the_threshold_does_not_alarm():
    asked = ("escalated", {"reason": "asked"})
    assert not drift(served(20, asked), records(9), served(20, first=100), threshold=1.0).drifted


def test_words_are_of_every_script():
    assert words("It’s the <phone_1> Room-12, 您好吗！") == ["it’s", "the", "room", "您好", "好吗"]
    assert words("好") == ["好"]
