"""What is heard as a yes: no refusal is, and no yes of the hotel's customers is lost."""

from pathlib import Path

import pytest

from dialoop.agent.hearing import is_yes
from dialoop.scenarios.hotel.wording import Wording
from tests.agent.desk import BOOK, Desk, calls

REFUSALS = (
    "I won't do that|Cancel it please|好的，取消|I can't do that|I cannot confirm that|I shouldn't do it|"
    "That can't be right|That wasn't right|I refuse to confirm|none of that is correct|I would hate to do that|"
    "ok let me check first|okay later maybe|取消吧|ok 取消|嗯，取消|可以取消|对了|I won’t do that|I dont confirm that|"
    "I cant do that|that didn`t look right|ok keep it|ok, change it|ok how much is it|ok I changed my mind|好，保留吧|"
    "好的，我再想想|好，多少钱|可以，另订一间|嗯，难说|yes please 不要"
).split("|")
UNHEARD = (
    "please continue.|go for it.|that works.|nothing to add, go on.|you got it.|I'm happy with that.|book away.|"
    "naturally.|good, carry on.|good, thank you.|fine.|fine, thanks.|very good.|great, go on.|great, thank you.|"
    "no objections.|I approve.|approved.|that's the plan.|surely.|that is what I want.|just like that.|so be it.|"
    "couldn't be better.|I'm fine with this.|it's a deal.|done.|make it so.|no problem.|I accept.|all as I said.|"
    "认可。|赞成。|没意见。|妥当。|按你说的办。|说得对。|没毛病。|就是它。|我确认。|都对。|照做吧。|我同意。|"
    "全对。|完全正确。|您办吧。|批准。|中。|成，谢谢。|继续吧。|信息都对。|这样就好。|请帮我办。|一点没错。|"
    "没有错，办吧。|没有异议，办理吧。|信息没有问题。|都没有问题。|请您办理。|那就办。|是，没有错。"
).split("|")
"""Agreements of the hotel's customers that were never heard: they cost a question more."""
TOOLS = ("book_room", "change_booking", "cancel_booking")


def phrases(*keys: str) -> set[str]:
    """All of the hotel's customers, in both languages and parts."""
    found = set()
    for lang in ("en", "zh"):
        for part in ("train", "test"):
            lists = Wording("customer", lang, part).phrases
            for phrase in (one for key in keys for one in lists.get(key, [])):
                pleases = lists["please"] if "<please>" in phrase else [""]
                found |= {phrase.replace("<please>", please) for please in pleases}
    return found


@pytest.mark.parametrize("tool", TOOLS)
def test_no_yes_of_the_hotels_customers_is_lost(tool: str):
    said = phrases("yes", "mixed_yes")
    lost = {one for one in said if not is_yes(one, asked="Is that right?", tools=[tool])}
    assert len(said) > 150
    assert lost <= set(UNHEARD)
    assert is_yes("Yes, 可以")
    assert is_yes("好的，没问题")


@pytest.mark.parametrize("tool", TOOLS)
def test_no_no_of_theirs_is_heard_as_a_yes(tool: str):
    said = phrases("no")
    assert len(said) > 40
    assert [one for one in said if is_yes(one) or is_yes(one, tools=[tool])] == []


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_is_no_yes(text: str):
    assert not is_yes(text)
    assert not is_yes(text, asked="The Lark, two nights. Shall I book it?", tools=["book_room"])
    assert not is_yes(text, {"affirm": 0.9})


@pytest.mark.parametrize("text", "yes, cancel it|Cancel it please|好的，取消|取消吧|ok 取消|可以取消".split("|"))
def test_to_cancel_is_a_yes_where_that_was_asked(text: str):
    assert is_yes(text, asked="Shall I cancel booking <code_1>?")
    assert is_yes(text, asked="要取消预订<code_1>吗？")
    assert is_yes(text, asked="Is that right?", tools=["cancel_booking"])
    assert not is_yes(text, asked="To cancel is free until Friday. Shall I book the Lark?")
    assert not is_yes(text, asked="可以免费取消，要订吗？", tools=["bookRoom"])


def test_the_other_acts_are_a_yes_where_they_were_asked_for():
    assert is_yes("change it please", tools=["changeBooking"])
    assert is_yes("改吧", asked="要改入住日期吗？")
    assert not is_yes("change it please", asked="Shall I cancel it?")
    assert is_yes("book it please", asked="Shall I book the Lark?")
    assert not is_yes("book it please", asked="Shall I cancel the booking?", tools=["cancel_booking"])
    assert not is_yes("订吧", asked="要取消预订吗？")
    assert is_yes("yes, book it", asked="The Lark, all right?")


@pytest.mark.parametrize("text", ["I won't do that", "Cancel it please", "ok 取消", "ok let me check first"])
def test_a_refusal_calls_no_tool(tmp_path: Path, text: str):
    desk = Desk(tmp_path / "s.db", ["Hello.", calls(BOOK), "As you like."])
    desk.say("I am Anna Berg, two nights please")
    assert "Shall I go ahead" in desk.say("the Lark").text
    assert desk.say(text).text == "As you like."
    assert desk.ledger.calls == []


def test_a_refusal_of_the_models_own_question_calls_none(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["The Lark, 2 nights, for <name_1>. Shall I book it?", calls(BOOK)])
    desk.say("I am Anna Berg, two nights please")
    assert "Shall I go ahead" in desk.say("I can't do that").text
    assert desk.ledger.calls == []
