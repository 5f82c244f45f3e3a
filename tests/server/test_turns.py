"""The turns that nobody asked for: what fails in them is told and tried again, and what is remembered does not grow."""

import asyncio
import logging

import pytest

from dialoop.desk import approve, close
from dialoop.server import turns as turning
from dialoop.server.turns import Turns
from dialoop.store import open_store

from ..desk.talks import call, talk, write
from .inn import inn


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store.db") as opened:
        yield opened


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
        kept_going(turns, lambda: tried.count("pick up") > 3)
    assert tried.count("recover") > 2
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
