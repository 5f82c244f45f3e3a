"""The queue, and how a person sees a conversation: reasons, waiting times, last lines, cut anywhere."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop import desk
from dialoop.desk import Queue, queue, see, without_details

from ..store.samples import every_kind
from .talks import ASKED, JOINED, call, talk, write


def test_who_waits_the_longest_first(store):
    talk(store, "nobody")
    talk(store, "taken", ASKED, JOINED)
    talk(store, "waits", call())
    talk(store, "asked", ASKED)
    talk(store, "closed", ASKED, ("closed", {"outcome": "left", "by": "agent"}))
    found = queue(store, "hotel")
    assert [(one.conversation, one.why) for one in found] == [
        ("waits", "approval"),
        ("asked", "asked"),
        ("taken", "with_operator"),
    ]
    waits, asked, taken = found
    assert [(line.name, line.arguments) for line in waits.calls] == [("cancel", '{"booking":"B1"}')]
    assert asked.reason == "the customer asked"
    assert asked.since == list(store.events("asked"))[-1].at
    assert (taken.operator, taken.agent, taken.lang) == ("Lin", "hotel", "en")
    assert [(line.who, line.text) for line in asked.last] == [
        ("customer", "Is breakfast free?"),
        ("agent", "It is never free."),
    ]


def test_another_tenants_conversations_are_not_seen(store):
    talk(store, "c1", ASKED)
    talk(store, "c2", ASKED, tenant="other")
    assert [one.conversation for one in queue(store, "hotel")] == ["c1"]
    assert [one.conversation for one in queue(store, None)] == ["c1", "c2"]


def test_the_queue_follows_what_happens(store, monkeypatch):
    following = Queue(store, "hotel")
    talk(store, "c1", ASKED)
    assert [one.why for one in following.look()] == ["asked"]
    read = []
    events = store.events
    monkeypatch.setattr(store, "events", lambda *args: read.append(args) or events(*args))
    assert len(following.look()) == 1
    assert read == []  # nothing is new
    desk.take_over(store, "c1", "Lin")
    read.clear()
    assert [one.operator for one in following.look()] == ["Lin"]
    assert read == [("c1", 4)]
    desk.hand_back(store, "c1", "Lin")
    assert following.look() == []


def test_only_what_waits_is_remembered(store, monkeypatch):
    following = Queue(store, "hotel")
    talk(store, "c1")
    talk(store, "c2", ASKED)
    read, events = [], store.events
    monkeypatch.setattr(store, "events", lambda *args: read.append(args) or events(*args))
    assert [one.conversation for one in following.look()] == ["c2"]
    assert [one.conversation for one in following.look()] == ["c2"]
    assert sorted(read) == [("c1", 0), ("c2", 0)]
    sights = [one for kept in vars(following).values() if isinstance(kept, dict) for one in kept.values()]
    assert sum(isinstance(one, desk.Sight) for one in sights) == 1
    write(store, "c1", ("user_said", {"text": "And lunch?"}), call())
    read.clear()
    assert [(one.conversation, one.last[-1].text) for one in following.look()] == [
        ("c2", "It is never free."),
        ("c1", "And lunch?"),
    ]
    assert read == [("c1", 0)]
    desk.close(store, "c1", "Lin", "solved")
    desk.close(store, "c2", "Lin", "solved")
    assert following.look() == []
    assert not any(vars(following)[name] for name in ("_waiting", "_quiet"))


def test_many_conversations_and_one_that_waits(store, monkeypatch):
    monkeypatch.setattr("dialoop.desk.waiting.PAGE", 4)
    talk(store, "c0", call())
    for number in range(1, 9):
        talk(store, f"c{number}")
    assert [one.conversation for one in queue(store, "hotel")] == ["c0"]


def test_a_reason_stays_the_first_one_until_somebody_comes(store):
    talk(store, "c1", ASKED, ("escalated", {"reason": "and the tool failed"}))
    assert queue(store, "hotel")[0].reason == "the customer asked"
    write(store, "c1", JOINED, ("handed_back", {"operator": "Lin"}), ("escalated", {"reason": "again"}))
    assert queue(store, "hotel")[0].reason == "again"


@given(st.integers(0, 21), st.integers(0, 21))
def test_what_is_seen_does_not_depend_on_where_it_was_cut(first, second):
    events = every_kind()
    first, second = sorted((first, second))
    whole = see(events)
    assert see(events[second:], see(events[first:second], see(events[:first]))) == whole


def test_every_line(store):
    lines = see(every_kind()).lines
    assert [(line.kind, line.seq) for line in lines] == [
        ("said", 2), ("call", 5), ("call", 6), ("said", 11),
        ("note", 16), ("note", 17), ("note", 18), ("said", 19), ("note", 20), ("note", 21),
    ]  # fmt: skip
    answer = lines[3]
    assert (answer.text, answer.original, answer.name) == ("Good day, Ann.", "Hello Ann", "Eve")
    assert (answer.rating, answer.withdrawn) == (1.0, True)
    assert (lines[1].step, lines[1].by, lines[1].result) == ("returned", "rule", "42 安娜 \x00 😀")
    assert (lines[2].step, lines[2].reason) == ("denied", "too dear")


def test_what_a_customer_does_not_see():
    seen = without_details(see(every_kind()))
    text = "".join(line.model_dump_json() for line in seen.lines)
    for hidden in ("Hello Ann", "Good day", "42", "too dear", "booked", '"q"'):
        assert hidden not in text
    assert "I am a person." in text


def test_nothing_is_left_to_see_of_an_erased_conversation(store):
    talk(store, "c1", call(), ASKED)
    store.erase("c1", reason="asked by the person")
    lines = desk.look(store, "c1").lines
    assert {line.kind for line in lines} == {"note"}
    assert queue(store, "hotel") == []


def test_text_beside_a_call_is_a_line_of_its_own(store):
    talk(store, "c1", call(text="I cancel it."))
    said, called = desk.look(store, "c1").lines[-2:]
    assert (said.text, called.step) == ("I cancel it.", "waiting")
    desk.edit(store, "c1", "Lin", said.seq, "I ask first.")
    assert desk.look(store, "c1").lines[-2].text == "I ask first."


@pytest.mark.parametrize("room", ["desk"])
def test_importing_it_loads_no_torch(room):
    code = f"import sys, dialoop.{room}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
