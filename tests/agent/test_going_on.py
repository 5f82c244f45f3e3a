"""A turn that was cut anywhere is finished from the log: nothing twice, nothing lost, no call without a result."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from dialoop.agent import Decision, Situation, Toolbox, ToolContext, tool, whole
from dialoop.conversation import Event, Message, State, fold, model_view
from dialoop.conversation.events import Passage
from dialoop.errors import RequestError, StoreError
from dialoop.store import Lease, open_store
from tests.agent.desk import BOOK, Desk, Ledger, RulesEngine, calls
from tests.agent.test_turn import Meant

ASKED = "The Lark, 2 nights, for <name_1>. Shall I book it?"


def model(messages: list[Message]) -> str | Message:
    """A model that knows what it does from what it is shown."""
    last = messages[-1]
    said = next(m.content or "" for m in reversed(messages) if m.role == "user").partition("\n\n[")[0]
    if last.role == "tool":
        result = json.loads(last.content or "{}")
        if "denied" in result:
            return f"It was refused: {result['denied']}."
        if "error" in result:
            return "That did not work."
        return (
            f"Done, <name_1>: {last.content and sorted(result)}" if "booking" in result else f"Here: {sorted(result)}."
        )
    if "free" in said:
        return calls(("free_rooms", '{"nights": 2}'), ("clock", "{}"), text="Let me look.")
    if "Berg" in said or "<name_1>" in said:
        return ASKED
    if said == "yes":
        return calls(BOOK)
    if "charge" in said:
        return calls(("charge", '{"amount": 90}'))
    if "nonsense" in said:
        return "<tool_call>"
    return f"You said: {said}."


def by_rule(situation: Situation) -> Decision | None:
    if "clock" not in situation.text:
        return None
    if not situation.results:
        return Decision(text="I look.", calls=[("clock", {})])
    return Decision(text="It is noon.")


def search(text: str, lang: str | None) -> list[Passage]:
    return [Passage(text="Quiet after ten.", source="rules.md")]


SCRIPTS: dict[str, list[str]] = {
    "answered": ["hello"],
    "tools": ["what is free?", "thank you"],
    "confirmed by the model": ["I am Anna Berg", "yes", "bye now"],
    "confirmed by the agent": ["please charge it", "yes", "bye now"],
    "not confirmed": ["please charge it", "no, stop", "yes!"],
    "a person": ["I want to talk to a human", "hello?"],
    "nonsense": ["nonsense", "hello"],
    "by rule": ["the clock", "hello"],
}


def desk_at(path: Path, ledger: Ledger, **given: Any) -> Desk:
    return Desk(
        path,
        engine=RulesEngine(model),
        ledger=ledger,
        understand=lambda text, state: Meant(),
        search=search,
        policy=[by_rule],
        **given,
    )


def copied(source: Desk, path: Path, upto: int) -> None:
    """A store in which the worker died after so many events, its lease still out."""
    with open_store(path) as store:
        for kind, _, value in source.store.vault.kept("c1"):
            store.vault.keep("c1", kind, value, value)
        events: list[Event] = source.events()[:upto]
        lease = store.acquire("c1", "dead", 0.001)
        assert lease is not None
        store.append(events[:2], lease=lease, key="message 2")
        if events[2:]:
            store.append(events[2:], lease=lease)


@pytest.mark.parametrize(
    ("name", "done"),
    [*((name, False) for name in SCRIPTS), ("confirmed by the model", True), ("confirmed by the agent", True)],
)
def test_every_prefix_of_a_log_is_finished_properly(tmp_path: Path, name: str, done: bool):
    """`done`: the call that was under way had its effect before the worker died, or had it not."""
    source = desk_at(tmp_path / "whole.db", Ledger())
    for text in SCRIPTS[name]:
        source.say(text)
    whole_log = source.events()
    assert fold(whole_log).open_calls == {}
    for upto in range(2, len(whole_log) + 1):
        path = tmp_path / f"{upto}.db"
        copied(source, path, upto)
        desk = desk_at(path, ledger_after(whole_log[:upto], source.ledger, done))
        already = list(desk.ledger.effects)
        assert desk.recover() == ["c1"]
        log = desk.events()
        assert log[:upto] == whole_log[:upto]
        check_finished(log, desk)
        again = desk.go_on()
        assert desk.events() == log
        assert again.said_at is None
        check_effects(log, desk, already, done)
        desk.store.close()


def ledger_after(events: list[Event], full: Ledger, done: bool) -> Ledger:
    """What the tools did before the cut; the call under way did it or not."""
    ledger = Ledger()
    requested = {event.call_id: event for event in events if event.kind == "tool_requested"}
    returned = {event.call_id for event in events if event.kind == "tool_returned"}
    for event in events:
        if event.kind == "tool_started" and (event.call_id in returned or done):
            key = requested[event.call_id].idempotency_key
            if key in full.effects:
                ledger.effects[key] = full.effects[key]
    return ledger


def check_finished(log: list[Event], desk: Desk) -> None:
    state = fold(log)
    assert state.open_calls == {}
    assert desk.store.verify().whole
    assert desk.store.abandoned() == []
    spoken = [event.kind for event in log if event.kind in ("user_said", "agent_said", "tool_returned", "tool_denied")]
    assert spoken[-1] == "agent_said"
    if any(event.kind == "escalated" for event in log):
        assert state.phase == "asked"


def check_effects(log: list[Event], desk: Desk, already: list[str], done: bool) -> None:
    """No effect without a request in the log, none twice, and no call made again that must not be."""
    keys = {event.idempotency_key: event for event in log if event.kind == "tool_requested"}
    assert set(desk.ledger.effects) <= set(keys)
    made_again = [key for name, key in desk.ledger.calls if name == "charge"]
    assert len(made_again) == len(set(made_again))
    assert not set(made_again) & set(already)
    returned = {event.call_id for event in log if event.kind == "tool_returned" and not event.failed}
    for key, event in keys.items():
        if event.call_id in returned and event.name in ("book", "charge"):
            assert key in desk.ledger.effects


@pytest.mark.parametrize("name", ["tools", "nonsense", "by rule"])
def test_a_message_sent_again_after_any_cut_is_answered_once(tmp_path: Path, name: str):
    source = desk_at(tmp_path / "whole.db", Ledger())
    for text in SCRIPTS[name]:
        source.say(text)
    whole_log = source.events()
    cuts = [event.seq for event in whole_log if event.kind == "user_said"]
    last = cuts[0]
    end = cuts[1] if len(cuts) > 1 else len(whole_log) + 1
    for upto in range(last, end):
        path = tmp_path / f"{upto}.db"
        copied(source, path, upto)
        desk = desk_at(path, ledger_after(whole_log[:upto], source.ledger, True))
        first = desk.say(SCRIPTS[name][0], key="message 2")
        again = desk.say(SCRIPTS[name][0], key="message 2")
        assert first.text == again.text != ""
        assert desk.kinds().count("user_said") == 1
        desk.store.close()


def test_a_call_that_must_not_be_repeated_is_a_persons_after_a_crash(tmp_path: Path):
    source = desk_at(tmp_path / "whole.db", Ledger())
    for text in SCRIPTS["confirmed by the agent"][:2]:
        source.say(text)
    upto = next(event.seq for event in source.events() if event.kind == "tool_started")
    copied(source, tmp_path / "cut.db", upto)
    desk = desk_at(tmp_path / "cut.db", Ledger())
    desk.recover()
    assert desk.ledger.calls == []
    assert [event.reason for event in desk.events() if event.kind == "escalated"] == ["a call's outcome is not known"]
    [lost] = [event for event in desk.events() if event.kind == "tool_returned"]
    assert (lost.failed, lost.content) == (True, '{"error":"unknown_outcome"}')


def test_a_repeatable_call_is_repeated_with_its_key(tmp_path: Path):
    source = desk_at(tmp_path / "whole.db", Ledger())
    for text in SCRIPTS["confirmed by the model"][:2]:
        source.say(text)
    upto = next(event.seq for event in source.events() if event.kind == "tool_started")
    copied(source, tmp_path / "cut.db", upto)
    desk = desk_at(tmp_path / "cut.db", Ledger())
    desk.recover()
    assert desk.ledger.calls == [("book", "c1:call_1")]
    assert [event.attempt for event in desk.events() if event.kind == "tool_started"] == [1, 2]
    assert desk.events()[-1].text.startswith("Done, <name_1>")  # type: ignore[union-attr]


# a person at the desk


def approving(path: Path) -> Desk:
    return Desk(path, engine=RulesEngine(model), settings={"approve": ["charge"], "confirm": False})


def test_a_call_waits_for_approval_and_is_made_then(tmp_path: Path):
    desk = approving(tmp_path / "s.db")
    reply = desk.say("please charge it")
    assert reply.actions == {"call_1": ("charge", "waiting")}
    assert "approve this first: charge: amount 90." in reply.text
    assert reply.phase == "open"
    assert desk.ledger.calls == []
    seq = len(desk.events())
    assert desk.go_on().said_at is None
    assert len(desk.events()) == seq
    desk.write("tool_approved", call_id="call_1", by="Eve")
    assert desk.go_on().text == "Here: ['charged']."
    assert desk.ledger.calls == [("charge", "c1:call_1")]
    shown = [message.role for message in model_view(desk.events()).messages]
    assert shown == ["system", "user", "assistant", "tool", "assistant"]  # what was said meanwhile is taken back


def test_while_a_call_waits_each_message_is_told_so(tmp_path: Path):
    desk = approving(tmp_path / "s.db")
    desk.say("please charge it")
    assert "approve this first" in desk.say("well?").text
    assert desk.kinds().count("tool_requested") == 1
    desk.write("tool_approved", call_id="call_1", by="Eve")
    assert desk.go_on().text == "You said: well?."


def test_while_a_call_waits_a_person_can_be_asked_for(tmp_path: Path):
    desk = approving(tmp_path / "s.db")
    desk.say("please charge it")
    assert desk.say("I want to talk to a human").phase == "asked"
    assert [event.reason for event in desk.events() if event.kind == "escalated"] == ["the customer asked for a person"]
    desk.write("tool_approved", call_id="call_1", by="Eve")
    assert desk.go_on().actions == {"call_1": ("charge", "returned")}


def test_a_denied_call_is_told(tmp_path: Path):
    desk = approving(tmp_path / "s.db")
    desk.say("please charge it")
    desk.write("tool_denied", call_id="call_1", by="Eve", reason="too much")
    assert desk.go_on().text == "It was refused: too much."
    assert desk.ledger.calls == []


def test_with_confirming_the_customer_is_asked_before_the_person(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", engine=RulesEngine(model), settings={"approve": ["charge"]})
    assert "Shall I go ahead" in desk.say("please charge it").text
    assert desk.say("yes").actions == {"call_2": ("charge", "waiting")}


def test_the_agent_is_silent_while_a_person_has_taken_over(tmp_path: Path):
    desk = desk_at(tmp_path / "s.db", Ledger())
    desk.say("hello")
    desk.write("operator_joined", operator="Eve")
    reply = desk.say("are you there?")
    assert (reply.text, reply.said_at, reply.phase) == ("", None, "with_operator")
    desk.write("operator_said", operator="Eve", text="Yes.")
    desk.write("handed_back", operator="Eve")
    assert desk.go_on().said_at is None  # a person has answered
    assert desk.say("thank you").text == "You said: thank you."


def test_what_a_person_left_open_is_answered_after_the_hand_back(tmp_path: Path):
    desk = desk_at(tmp_path / "s.db", Ledger())
    desk.say("hello")
    desk.write("operator_joined", operator="Eve")
    desk.say("what is free?")
    desk.write("handed_back", operator="Eve")
    assert desk.go_on().text == "Let me look.\nHere: ['time']."


def test_a_call_that_was_not_begun_before_a_person_took_over_is_not_made(tmp_path: Path):
    source = desk_at(tmp_path / "whole.db", Ledger())
    source.say("what is free?")
    upto = next(event.seq for event in source.events() if event.kind == "tool_requested")
    copied(source, tmp_path / "cut.db", upto)
    desk = desk_at(tmp_path / "cut.db", Ledger())
    desk.write("operator_joined", operator="Eve")
    assert desk.go_on().text == ""
    assert desk.ledger.calls == []
    assert [event.by for event in desk.events() if event.kind == "tool_denied"] == ["rule:operator"]


def test_what_a_person_wrote_is_protected_before_the_model_sees_it(tmp_path: Path):
    seen: list[str] = []

    def note(messages: list[Message]) -> str:
        seen.extend(m.content or "" for m in messages)
        return "Fine."

    desk = Desk(tmp_path / "s.db", engine=RulesEngine(note))
    desk.say("I am Anna Berg")
    desk.write("operator_joined", operator="Eve")
    desk.write("operator_said", operator="Eve", text="Dear <name_1>, Anna Berg may call +1 415 555 2671")
    desk.write("handed_back", operator="Eve")
    desk.say("ok")
    assert "Dear <name_1>, <name_1> may call <phone_1>" in seen
    assert not any("Anna" in text or "555" in text for text in seen)


# time, threads and leases


def toolbox(work: Callable[[], object], **conduct: Any) -> Toolbox:
    @tool(**conduct)
    async def slow(context: ToolContext) -> Any:
        """Do something."""
        return work()

    return Toolbox.of([slow])


def test_a_turn_can_be_interrupted_and_gone_on_with(tmp_path: Path):
    box: list[Desk] = []
    desk = Desk(
        tmp_path / "s.db",
        [calls(("slow", "{}")), "After the tool."],
        toolbox=toolbox(lambda: {"stopped": box[0].agent.interrupt("c1")}),
    )
    box.append(desk)
    reply = desk.say("go")
    assert (reply.text, reply.said_at) == ("", None)
    assert desk.kinds()[-1] == "tool_returned"
    lease = desk.store.acquire("c1", "desk", 1)
    assert lease is not None
    desk.store.release(lease)
    assert desk.go_on().text == "After the tool."
    assert desk.agent.interrupt("c1") is False


def test_a_worker_whose_conversation_is_erased_stops(tmp_path: Path):
    box: list[Desk] = []
    desk = Desk(
        tmp_path / "s.db",
        [calls(("slow", "{}"))],
        toolbox=toolbox(lambda: {"erased": bool(box[0].store.erase("c1", reason="asked"))}),
    )
    box.append(desk)
    with pytest.raises(RequestError) as refused:
        desk.say("I am Anna Berg")
    assert (refused.value.status, refused.value.code) == (409, "conversation_erased")
    assert desk.kinds()[-1] == "erased"
    assert desk.store.vault.kept("c1") == []


def test_a_worker_that_lost_its_lease_gives_the_answer_that_another_one_gave(tmp_path: Path):
    """It slept past its lease in a tool; another one took the conversation and finished the turn."""
    box: list[Desk] = []

    def work() -> dict[str, Any]:
        if len(box) == 1:
            lease = stolen(box[0])
            box.append(Desk(tmp_path / "s.db", ["By the other."], toolbox=toolbox(dict)))
            box[0].store.release(lease)
            thread = Thread(target=box[1].go_on)
            thread.start()
            thread.join()
        return {}

    desk = Desk(tmp_path / "s.db", [calls(("slow", "{}")), "By the first."], toolbox=toolbox(work))
    box.append(desk)
    assert desk.say("go").text == "By the other."
    assert desk.kinds().count("user_said") == 1
    assert desk.kinds().count("agent_said") == 1


def stolen(desk: Desk) -> Lease:
    """The lease as a worker gets it after the first one's ran out."""
    with sqlite3.connect(desk.store.where) as database:
        database.execute("UPDATE leases SET until = 0")
    database.close()
    lease = desk.store.acquire("c1", "thief", 60)
    assert lease is not None
    return lease


def test_a_transactional_tool_out_of_time_is_tried_again_with_its_key_and_then_a_persons(tmp_path: Path):
    keys: list[str] = []

    @tool(transactional=True, time_limit=0.02)
    async def slow(context: ToolContext) -> dict[str, Any]:
        """Never come back."""
        keys.append(context.idempotency_key)
        await asyncio.Event().wait()
        return {}

    desk = Desk(tmp_path / "s.db", [calls(("slow", "{}"))], toolbox=Toolbox.of([slow]), settings={"confirm": False})
    assert desk.say("go").phase == "asked"
    assert keys == ["c1:call_1"] * 3
    assert [event.reason for event in desk.events() if event.kind == "escalated"] == ["a call's outcome is not known"]


def test_a_long_turn_keeps_its_lease(tmp_path: Path):
    taken: list[object] = []

    async def run() -> str:
        agent_desk: list[Desk] = []

        @tool()
        async def slow(context: ToolContext) -> dict[str, Any]:
            """Wait until the lease would have run out three times over."""
            for _ in range(6):
                await asyncio.sleep(0.05)
                taken.append(await asyncio.to_thread(agent_desk[0].store.acquire, "c1", "thief", 1))
            return {}

        desk = Desk(
            tmp_path / "s.db", [calls(("slow", "{}")), "Done."], toolbox=Toolbox.of([slow]), settings={"lease": 0.15}
        )
        agent_desk.append(desk)
        return (await whole(desk.agent.say("c1", "go"))).text

    assert asyncio.run(run()) == "Done."
    assert taken == [None] * 6


def test_a_conversation_that_another_worker_holds_is_busy(tmp_path: Path):
    desk = Desk(tmp_path / "s.db", ["Hello."])
    assert desk.store.acquire("c1", "other", 600) is not None
    assert desk.recover() == []
    held = desk.agent._held("c1", patience=0.02)

    async def wait() -> None:
        async with held:
            pass

    with pytest.raises(RequestError) as refused:
        asyncio.run(wait())
    assert (refused.value.status, refused.value.code) == (409, "busy")


def test_another_agents_conversations_are_left_alone(tmp_path: Path):
    source = desk_at(tmp_path / "whole.db", Ledger())
    source.say("hello")
    copied(source, tmp_path / "cut.db", 2)
    other = Desk(tmp_path / "cut.db")
    other.agent.name = "other"
    assert other.recover() == []
    with pytest.raises(RequestError) as refused:
        other.go_on()
    assert (refused.value.status, refused.value.code) == (409, "other_agent")
    with pytest.raises(RequestError) as refused:
        other.go_on("c9")
    assert refused.value.status == 404


def test_the_state_of_a_finished_turn_is_what_the_fold_says(tmp_path: Path):
    desk = desk_at(tmp_path / "s.db", Ledger())
    reply = desk.say("hello")
    state: State = fold(desk.events())
    assert (state.seq, state.phase) == (reply.seq, reply.phase)


def test_where_the_store_fails_the_turn_is_left_to_be_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    desk = desk_at(tmp_path / "s.db", Ledger())
    append, left = desk.store.append, [3]

    def failing(*given: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise StoreError("the disk is full", remedy="make room")
        return append(*given, **more)

    monkeypatch.setattr(desk.store, "append", failing)
    with pytest.raises(StoreError, match="disk is full"):
        desk.say("what is free?", key="m")
    upto = len(desk.events())
    assert desk.recover() == ["c1"]
    assert len(desk.events()) > upto
    check_finished(desk.events(), desk)
    assert desk.say("what is free?", key="m").text.endswith("Here: ['time'].")
    assert desk.kinds().count("user_said") == 1
