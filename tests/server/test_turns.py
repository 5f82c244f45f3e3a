"""The turns that nobody asked for: what fails in them is told and tried again, and what is remembered does not grow."""

import asyncio
import logging

from dialoop.desk import approve, close, hand_back, say, take_over
from dialoop.server import turns as turning
from dialoop.server.turns import Turns

from ..desk.talks import ASKED, call, kinds, talk, write
from .inn import calls, inn


def kept_going(turns, until):
    """Runs `keep_going` without its pauses until `until` says so."""

    async def scene():
        going = asyncio.create_task(turns.keep_going())
        try:
            while not until():
                assert not going.done(), "it ended"
                await asyncio.sleep(0)
        finally:
            going.cancel()
            await asyncio.wait([going])
        assert going.cancelled()

    asyncio.run(asyncio.wait_for(scene(), 20))


def test_what_fails_while_nobody_asks_is_told_and_tried_again(store, monkeypatch, caplog):
    monkeypatch.setattr(turning, "PICK_UP", 0.0)
    house = inn(store, [])
    turns = Turns(house.agents, store, "default")
    tried, conversations = [], store.conversations

    async def recover():
        tried.append("recover")
        raise RuntimeError("CUDA out of memory")

    def failing(**wanted):
        tried.append("pick up")
        if tried.count("pick up") == 1:
            raise RuntimeError("a defect of the store")
        return conversations(**wanted)

    monkeypatch.setattr(house.agents["inn"].agent, "recover", recover)
    monkeypatch.setattr(store, "conversations", failing)
    with caplog.at_level(logging.ERROR):
        kept_going(turns, lambda: tried.count("recover") > 3)
    assert tried.count("pick up") > 2
    told = caplog.text
    assert "CUDA out of memory" in told
    assert "a defect of the store" in told


def test_what_was_decided_is_gone_on_with_once_and_forgotten_when_it_ends(store):
    house = inn(store, [])
    turns = Turns(house.agents, store, "default")
    for name in ("c1", "c2", "c3"):
        talk(store, name, call(name="cancel_booking"), tenant="default")
    approve(store, "c2", "Lin", "call_1")
    assert turns._decided() == ["c2"]
    assert turns._decided() == []
    write(store, "c1", ("tool_denied", {"call_id": "call_1", "by": "operator:Lin", "reason": "no"}), tenant="default")
    assert turns._decided() == ["c1"]
    close(store, "c1", "Lin", "solved")
    close(store, "c3", "Lin", "solved")
    assert turns._decided() == []
    assert list(turns._looked) == ["c2"]


def cancelling(store, *answers):
    """Turns of an inn whose agent waits for a person's word in the conversation c1: it wants to cancel."""
    house = inn(store, [calls("cancel_booking", booking="B1"), *answers])
    turns = Turns(house.agents, store, "default")

    async def ask():
        async for _ in turns.say("inn", "c1", "Cancel B1, please.", key="k1", customer=None):
            pass
        await turns.close()

    asyncio.run(ask())
    return turns


def gone_on(turns):
    async def scene():
        turns.go_on("c1")
        await asyncio.gather(*turns._running)
        await turns.close()

    asyncio.run(scene())


def test_a_call_approved_by_who_took_over_is_made_and_the_agent_stays_silent(store):
    turns = cancelling(store, "B1 is cancelled.")
    take_over(store, "c1", "Lin")
    approved = approve(store, "c1", "Lin", "call_1")
    gone_on(turns)
    assert kinds(store, after=approved) == ["tool_started", "tool_returned"]
    handed = hand_back(store, "c1", "Lin")
    gone_on(turns)
    assert kinds(store, after=handed)[-1] == "agent_said"


def test_a_call_that_was_approved_before_the_conversation_is_closed_is_shown_as_refused(store):
    turns = cancelling(store)
    take_over(store, "c1", "Lin")
    approved = approve(store, "c1", "Lin", "call_1")
    assert close(store, "c1", "Lin", "solved") == approved + 2
    gone_on(turns)
    assert kinds(store, after=approved) == ["tool_denied", "closed"]
    assert "closed" in list(store.events("c1"))[-2].reason


def test_an_approved_call_is_picked_up_where_people_are(store):
    turns = Turns(inn(store, []).agents, store, "default")
    talk(store, "asked", call(name="cancel_booking"), ASKED, tenant="default")
    talk(store, "taken", call(name="cancel_booking"), ASKED, tenant="default")
    take_over(store, "taken", "Lin")
    assert turns._decided() == []
    for name in ("asked", "taken"):
        approve(store, name, "Lin", "call_1")
    say(store, "taken", "Lin", "I have let it go ahead.")
    assert turns._decided() == ["asked", "taken"]
    assert turns._decided() == []
