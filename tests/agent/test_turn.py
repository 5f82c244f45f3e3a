"""One turn: what the customer gets, what is in the log, who decided; the model sees stand-ins and nothing else."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from dialoop.agent import Decision, Situation, told, whole
from dialoop.conversation import model_view
from dialoop.conversation.events import Passage
from dialoop.errors import EngineError, RequestError
from tests.agent.desk import BOOK, SYSTEM, Desk, calls


def test_an_answer_streams_by_sentences_and_is_in_the_log(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["Good day. We open at 8.30 tomorrow! 再见。好的"])
    pieces = desk.pieces("Hello")
    assert [piece.text for piece in pieces if piece.kind == "text"] == [
        "Good day.",
        " We open at 8.30 tomorrow!",
        " 再见。",
        "好的",
    ]
    assert pieces[-1].kind == "end"
    assert (pieces[-1].phase, pieces[-1].said_at, pieces[-1].seq) == ("open", 4, 4)
    assert desk.kinds() == ["opened", "user_said", "decided", "agent_said"]
    assert desk.events()[-1].text == "Good day. We open at 8.30 tomorrow! 再见。好的"  # type: ignore[union-attr]
    assert desk.store.verify().whole


def test_every_step_is_in_the_log_before_the_next(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", [calls(("free_rooms", '{"nights": 2}')), "The Lark or the Heron."])
    seen: list[list[str]] = []
    functions = desk.ledger.functions()

    def free_rooms(nights: int) -> dict[str, Any]:
        """List free rooms."""
        seen.append(desk.kinds())
        return {"rooms": ["Lark"]}

    from dialoop.agent import Toolbox

    desk = Desk(
        tmp_path / "t.db",
        [calls(("free_rooms", '{"nights": 2}')), "The Lark."],
        toolbox=Toolbox.of([free_rooms, *functions[1:]]),
    )
    reply = desk.say("Two nights")
    assert seen == [["opened", "user_said", "decided", "tool_requested", "tool_started"]]
    assert reply.text == "The Lark."
    assert reply.actions == {"call_1": ("free_rooms", "returned")}
    assert desk.kinds()[5:] == ["tool_returned", "decided", "agent_said"]


def test_private_values_are_seen_by_tools_and_the_customer_and_by_nobody_else(tmp_path: Path):
    said = "I am Anna Berg, my mail is anna.berg@example.org"
    script = [
        calls(("free_rooms", '{"nights": 2}')),
        "The Lark for 2 nights for <name_1>, mail <email_1>. Shall I book it?",
        calls(BOOK),
        "Booked for <name_1>.",
    ]
    desk = Desk(tmp_path / "s.db", script)
    first = desk.say(said)
    assert first.text == "The Lark for 2 nights for Anna Berg, mail anna.berg@example.org. Shall I book it?"
    assert desk.say("Yes, please").text == "Booked for Anna Berg."
    assert list(desk.ledger.effects.values()) == [("Lark", 2, "Anna Berg")]
    shown = json.dumps([[m.model_dump() for m in request.messages] for request in desk.engine.requests])
    log = "".join(event.model_dump_json() for event in desk.events())
    for value in ("Anna", "Berg", "anna.berg"):
        assert value not in shown
        assert value not in log
    assert [value for _, _, value in desk.store.vault.kept("c1")] == ["anna.berg@example.org", "Anna Berg"]
    read = [event.text for event in told(desk.events(), desk.store.vault) if event.kind == "user_said"]
    assert read == [said, "Yes, please"]


def test_the_model_is_shown_the_view_that_is_trained_on(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", [calls(("clock", "{}")), "Noon.", "Fine."])
    desk.say("What time is it?")
    desk.say("Thanks")
    for request, upto in zip(desk.engine.requests, (3, 7, 10), strict=True):
        assert list(request.messages) == model_view(desk.events()[:upto]).messages
        assert request.messages[0].content == SYSTEM
        assert [one["function"]["name"] for one in request.tools] == ["free_rooms", "book", "charge", "clock"]


def test_a_message_that_comes_twice_gets_its_answer_and_no_second_turn(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["One.", "Two."])
    first = desk.say("Hello, I am Anna Berg", key="m1")
    desk.say("And?", key="m2")
    again = desk.say("Hello, I am Anna Berg", key="m1")
    assert (again.text, again.said_at) == (first.text, first.said_at)
    assert len(desk.engine.requests) == 2
    assert desk.kinds().count("user_said") == 2
    with pytest.raises(RequestError) as refused:
        desk.say("Something else", key="m1")
    assert refused.value.status == 422
    with pytest.raises(RequestError) as refused:
        desk.say("Hello, I am Anna Berg", "c2", key="m1")
    assert refused.value.status == 422


def test_two_copies_of_a_message_at_once_are_one_turn(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["Only once."])

    async def both() -> list[str]:
        replies = await asyncio.gather(*(whole(desk.agent.say("c1", "Hello", key="m")) for _ in range(3)))
        return [reply.text for reply in replies]

    assert asyncio.run(both()) == ["Only once."] * 3
    assert desk.kinds().count("user_said") == 1


def test_messages_at_once_are_answered_one_after_the_other(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["A.", "B.", "C."])

    async def all_three() -> list[str]:
        replies = await asyncio.gather(*(whole(desk.agent.say("c1", f"Question {n}")) for n in range(3)))
        return [reply.text for reply in replies]

    assert sorted(asyncio.run(all_three())) == ["A.", "B.", "C."]
    assert desk.kinds() == ["opened"] + ["user_said", "decided", "agent_said"] * 3


def test_a_turn_goes_on_where_nobody_listens(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", [calls(("clock", "{}")), "It is noon."])

    async def leave() -> None:
        pieces = desk.agent.say("c1", "What time is it?")
        async for _ in pieces:
            break
        await pieces.aclose()  # type: ignore[attr-defined]
        await desk.agent.close()

    asyncio.run(leave())
    assert desk.kinds()[-1] == "agent_said"
    assert desk.store.abandoned() == []


class Meant:
    intents: ClassVar = {"ask_rooms": 0.9, "greet": 0.1}
    out_of_scope = False
    slots: ClassVar = {"nights": 2}
    sentiment = "calm"


def test_what_was_understood_and_found_is_in_the_log_and_shown(tmp_path: Path):
    async def search(text: str, lang: str | None) -> list[Passage]:
        return [Passage(text=f"Rule {n}", source="rules.md") for n in range(5)]

    desk = Desk(tmp_path / "s.db", ["By rule 0."], understand=lambda text, state: Meant(), search=search)
    desk.say("May I smoke?")
    [seen] = [event for event in desk.events() if event.kind == "understood"]
    assert (seen.intents, seen.confidence, seen.sentiment) == (["ask_rooms", "greet"], Meant.intents, "calm")
    assert [one.text for one in seen.passages] == ["Rule 0", "Rule 1", "Rule 2"]
    assert desk.engine.requests[0].messages[-1].content == "May I smoke?\n\n[1] Rule 0\n[2] Rule 1\n[3] Rule 2"


def test_where_understanding_fails_the_turn_goes_on_and_the_log_says_so(tmp_path: Path):
    def understand(text: str, state: object) -> Any:
        raise ValueError("no such label")

    desk = Desk(tmp_path / "s.db", ["Hello."], understand=understand)
    assert desk.say("Hi").text == "Hello."
    assert [event.reason for event in desk.events() if event.kind == "decided"] == [
        "understanding failed: ValueError",
        None,
    ]


@pytest.mark.parametrize("wrong", [{"sentiment": 3}, {"slots": {1: "x"}}])
def test_what_was_understood_and_is_no_event_fails_nothing_else(tmp_path: Path, wrong: dict[str, Any]):
    made = SimpleNamespace(**{"intents": {}, "out_of_scope": False, "slots": {}, "sentiment": None, **wrong})
    desk = Desk(tmp_path / "s.db", ["Hello."], understand=lambda text, state: made)
    assert desk.say("Hi").text == "Hello."
    assert "understanding failed: ValidationError" in [getattr(event, "reason", None) for event in desk.events()]


@pytest.mark.parametrize("error", [StopIteration, SystemExit])
def test_a_rule_that_would_hold_the_turn_up_for_ever_fails(tmp_path: Path, error: type[BaseException]):
    def first(situation: Situation) -> Decision | None:
        raise error

    desk = Desk(tmp_path / "s.db", ["Hello."], policy=[first])
    assert desk.say("Hi").text == "Hello."
    assert [event.reason for event in desk.events() if event.kind == "decided"] == ["rule first: RuntimeError", None]


def test_a_rule_decides_before_the_model_step_by_step(tmp_path: Path):
    def house(situation: Situation) -> Decision | None:
        if "time" not in situation.text:
            return None
        if not situation.results:
            return Decision(calls=[("clock", {})], reason="asked for the time")
        name, result = situation.results[-1]
        return Decision(text=f"It is {json.loads(result)['time']} by the {name}.", rule="told")

    desk = Desk(tmp_path / "s.db", ["From the model."], policy=[house])
    reply = desk.say("What time is it?")
    assert reply.text == "It is 12:00 by the clock."
    assert reply.decided == ["rule:house", "rule:told"]
    assert desk.engine.requests == []
    assert desk.say("Something else").decided == ["model"]


def test_a_rule_that_fails_leaves_it_to_the_model(tmp_path: Path):
    def broken(situation: Situation) -> Decision | None:
        raise KeyError("x")

    desk = Desk(tmp_path / "s.db", ["Hello."], policy=[broken, lambda situation: Decision()])
    assert desk.say("Hi").text == "Hello."
    reasons = [event.reason for event in desk.events() if event.kind == "decided"]
    assert reasons == ["rule broken: KeyError", "rule <lambda>: ValueError", None]


def test_another_engine_is_taken_up_with_the_next_turn(tmp_path: Path):
    from dialoop.engine import ScriptedEngine

    desk = Desk(tmp_path / "s.db", ["Old."], model_version="v1")
    desk.say("Hi")
    desk.agent.use(ScriptedEngine(["New."]), "v2")
    assert desk.say("Hi again").text == "New."
    assert [event.model for event in desk.events() if event.kind == "agent_said"] == ["v1", "v2"]


def test_opening_says_the_greeting_and_a_second_opening_is_refused(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["Fine."], settings={"greeting": "Welcome!"})
    made = asyncio.run(desk.agent.open(tenant="inn", customer="k1", lang="en"))
    assert desk.kinds(made) == ["opened", "agent_said"]
    assert desk.say("Hello", made, tenant="inn", customer="k1").text == "Fine."
    with pytest.raises(RequestError) as refused:
        asyncio.run(desk.agent.open(made, tenant="inn"))
    assert refused.value.status == 409


@pytest.mark.parametrize("whose", [{"tenant": "other"}, {"customer": "k2"}, {}])
def test_another_ones_conversation_is_as_if_it_were_not_there(tmp_path: Path, whose: dict[str, str]):
    desk = Desk(tmp_path / "s.db", ["Hello."])
    desk.say("Hi", customer="k1")
    with pytest.raises(RequestError) as refused:
        desk.say("Let me in", **whose)
    assert refused.value.status == 404
    assert desk.kinds().count("user_said") == 1
    assert desk.store.abandoned() == []


@pytest.mark.parametrize("text", ["", "  \n", "x" * 20_001, "half \ud800"])
def test_a_message_that_cannot_be_kept_is_refused(tmp_path: Path, text: str):
    desk = Desk(tmp_path / "s.db")
    with pytest.raises(RequestError):
        desk.say(text)
    assert desk.store.conversation("c1") is None


def test_a_closed_or_erased_conversation_takes_no_message(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["Hello."])
    desk.say("Hi")
    desk.write("closed", outcome="done", by="desk")
    with pytest.raises(RequestError) as refused:
        desk.say("Hi")
    assert (refused.value.status, refused.value.code) == (409, "conversation_closed")
    desk.store.erase("c1", reason="asked for")
    with pytest.raises(RequestError) as refused:
        desk.say("Hi")
    assert (refused.value.status, refused.value.code) == (409, "conversation_erased")


def test_an_engine_that_fails_calls_a_person(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", [EngineError("away")])
    reply = desk.say("Hi")
    assert reply.phase == "asked"
    assert "called a colleague" in reply.text
    assert [event.reason for event in desk.events() if event.kind == "escalated"] == [
        "the engine failed (502, engine_error)"
    ]


def test_a_conversation_that_is_too_long_loses_whole_turns_and_says_so(tmp_path: Path):
    too_long = RequestError("too long", code="context_length_exceeded")
    desk = Desk(tmp_path / "s.db", ["One.", "Two.", "Three.", too_long, "Four."])
    for text in ("a", "b", "c"):
        desk.say(text)
    assert desk.say("d").text == "Four."
    sent = [len(request.messages) for request in desk.engine.requests]
    assert sent == [2, 4, 6, 8, 4]
    assert "4 messages left out for length" in [event.reason for event in desk.events() if event.kind == "decided"]


def test_what_is_too_long_alone_calls_a_person(tmp_path: Path):
    too_long = RequestError("too long", code="context_length_exceeded")
    desk = Desk(tmp_path / "s.db", [too_long] * 3)
    assert desk.say("d" * 1000).phase == "asked"


def test_the_agent_loads_no_torch():
    code = "import sys, dialoop.agent; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_key_that_comes_with_two_texts_at_once_is_refused_as_one_that_came_before(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["Hello.", "Hello."])

    async def said(text: str) -> str | None:
        try:
            return (await whole(desk.agent.say("c1", text, key="k"))).text
        except RequestError as error:
            return f"{error.status} {error.code}"

    async def both() -> list[str | None]:
        return await asyncio.gather(said("Hi"), said("Good day"))

    assert sorted(map(str, asyncio.run(both()))) == ["422 idempotency_key_reused", "Hello."]
    assert desk.kinds().count("user_said") == 1
