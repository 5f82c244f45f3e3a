"""What a person does at the desk, event by event, and what is refused, with its code."""

import threading
import time

import pytest

from dialoop import desk
from dialoop.conversation import EVENT, history, training_conversation
from dialoop.errors import DeskError, LeaseLost

from .talks import ASKED, JOINED, call, kinds, talk, write

PHONE = "138 1234 5678"


def refused(code, act, *args, **options):
    with pytest.raises(DeskError) as told:
        act(*args, **options)
    assert told.value.code == code
    assert told.value.remedy


def texts(store, conversation="c1"):
    return [message.content for message in history(store.events(conversation))]


def test_a_whole_take_over(store):
    talk(store, "c1", ASKED)
    joined = desk.take_over(store, "c1", "Lin")
    assert desk.take_over(store, "c1", "Lin") == joined
    desk.say(store, "c1", "Lin", "  I am a person.  ")
    desk.edit(store, "c1", "Lin", 3, "It is free for children.")
    desk.hand_back(store, "c1", "Lin")
    assert kinds(store, after=4) == ["operator_joined", "operator_said", "operator_edited", "handed_back"]
    assert texts(store) == ["Is breakfast free?", "It is free for children.", "I am a person."]
    assert store.conversation("c1").phase == "open"
    assert store.verify().whole


def test_an_edited_answer_is_a_target_and_keeps_what_it_replaced(store):
    talk(store)
    desk.edit(store, "c1", "Lin", 3, "It is free.")
    desk.edit(store, "c1", "Lin", 3, "It is free for children.")
    answer = training_conversation(store.events("c1")).messages[-1]
    assert (answer.content, answer.rejected) == ("It is free for children.", "It is never free.")


def test_a_draft_reaches_the_customer_only_as_it_was_edited(store):
    talk(store, "c1", JOINED, ("user_said", {"text": "And lunch?"}))
    said_at = desk.send_draft(store, "c1", "Lin", "No lunch.", "Lunch is from noon.")
    assert texts(store)[-1] == "Lunch is from noon."
    answer = training_conversation(store.events("c1")).messages[-1]
    assert (answer.content, answer.rejected) == ("Lunch is from noon.", "No lunch.")
    assert [event.seq for event in store.events("c1", said_at - 1)] == [said_at, said_at + 1]


def test_a_draft_that_is_sent_as_it_is_counts_as_approved(store):
    talk(store, "c1", JOINED)
    desk.send_draft(store, "c1", "Lin", "Lunch is from noon.", "Lunch is from noon. ")
    *_, answer, rated = store.events("c1")
    assert (answer.kind, rated.score, rated.said_at, rated.by) == ("agent_said", 1.0, answer.seq, "operator:Lin")


def test_approve_and_deny(store):
    talk(store, "c1", call("call_1"), call("call_2"))
    desk.approve(store, "c1", "Lin", "call_1")
    desk.deny(store, "c1", "Lin", "call_2", "too late")
    *_, approved, denied = store.events("c1")
    assert (approved.kind, approved.call_id, approved.by) == ("tool_approved", "call_1", "operator:Lin")
    assert (denied.kind, denied.reason) == ("tool_denied", "too late")
    refused("decided", desk.approve, store, "c1", "Lin", "call_1")
    refused("decided", desk.deny, store, "c1", "Lin", "call_2", "again")
    refused("no_call", desk.approve, store, "c1", "Lin", "call_3")


def test_a_call_that_needs_nobody_cannot_be_approved(store):
    talk(store, "c1", call(needs_approval=False))
    refused("decided", desk.approve, store, "c1", "Lin", "call_1")


def test_another_operators_conversation(store):
    talk(store, "c1", call(), JOINED)
    for act, args in (
        (desk.take_over, ()),
        (desk.say, ("hi",)),
        (desk.edit, (3, "hi")),
        (desk.send_draft, ("hi", "ho")),
        (desk.approve, ("call_1",)),
        (desk.deny, ("call_1", "no")),
        (desk.hand_back, ()),
        (desk.close, ("solved",)),
    ):
        refused("taken", act, store, "c1", "Kim", *args)
    assert kinds(store, after=4) == ["operator_joined"]
    desk.take_over(store, "c1", "Kim", from_other=True)
    refused("taken", desk.say, store, "c1", "Lin", "hi")
    desk.say(store, "c1", "Kim", "hi")


def test_what_nobody_has_taken_over(store):
    talk(store)
    for act, args in ((desk.say, ("hi",)), (desk.send_draft, ("hi", "ho")), (desk.hand_back, ())):
        refused("not_taken", act, store, "c1", "Lin", *args)


def test_a_closed_conversation_takes_corrections_and_ratings_alone(store):
    talk(store, "c1", call())
    desk.close(store, "c1", "Lin", "solved")
    assert list(store.events("c1"))[-1].by == "operator:Lin"
    for act, args in (
        (desk.take_over, ()),
        (desk.say, ("hi",)),
        (desk.approve, ("call_1",)),
        (desk.close, ("solved",)),
    ):
        refused("closed", act, store, "c1", "Lin", *args)
    refused("closed", desk.ask_for_person, store, "c1", "help")
    desk.edit(store, "c1", "Lin", 3, "It is free.")
    desk.rate(store, "c1", "customer", -1, said_at=3)
    assert texts(store)[1] == "It is free."


def test_an_erased_and_an_unknown_conversation(store):
    talk(store)
    store.erase("c1", reason="asked")
    for conversation, code in (("c1", "erased"), ("c2", "unknown")):
        refused(code, desk.take_over, store, conversation, "Lin")
        refused(code, desk.edit, store, conversation, "Lin", 3, "hi")
        refused(code, desk.rate, store, conversation, "customer", 1)
        refused(code, desk.ask_for_person, store, conversation, "help")
    assert store.acquire("c2", "w", 1).token == 1  # nothing was left behind for a name that is none


@pytest.mark.parametrize("text", ["", "  \n", "x" * 20_001, "\ud83d"])
def test_texts_that_are_none(store, text):
    talk(store, "c1", JOINED)
    refused("no_text", desk.say, store, "c1", "Lin", text)
    refused("no_text", desk.edit, store, "c1", "Lin", 3, text)
    assert kinds(store, after=4) == []


@pytest.mark.parametrize("name", ["", " Lin", "Li\nn", "x" * 81, "\ud83d"])
def test_names_that_are_none(store, name):
    talk(store)
    refused("no_name", desk.take_over, store, "c1", name)


def test_an_answer_that_was_not_said(store):
    talk(store)
    refused("no_answer", desk.edit, store, "c1", "Lin", 2, "a question")
    refused("no_answer", desk.rate, store, "c1", "customer", 1, said_at=9)


def test_a_person_is_asked_for_once(store):
    talk(store)
    first = desk.ask_for_person(store, "c1", "the customer asked")
    assert desk.ask_for_person(store, "c1", "again") == first
    desk.take_over(store, "c1", "Lin")
    desk.ask_for_person(store, "c1", "again")
    assert kinds(store, after=3) == ["escalated", "operator_joined"]


def test_what_people_type_is_kept_with_stand_ins(store):
    write(store, "c1", ("opened", {"system": "Our telephone is 139 8765 4321."}), JOINED)
    desk.say(store, "c1", "Lin", f"Call {PHONE}, or us at 139 8765 4321.")
    said_at = desk.send_draft(store, "c1", "Lin", f"Draft {PHONE}", f"Sent {PHONE}")
    desk.edit(store, "c1", "Lin", said_at, f"Edited {PHONE}")
    desk.rate(store, "c1", "customer", 1, note=f"I am at {PHONE}")
    kept = "".join(event.model_dump_json() for event in store.events("c1"))
    assert PHONE not in kept
    assert "Call <phone_1>, or us at 139 8765 4321." in kept
    shown = desk.look(store, "c1").lines
    assert [line.text for line in shown if line.kind == "said"] == [
        f"Call {PHONE}, or us at 139 8765 4321.",
        f"Edited {PHONE}",
    ]


def test_taking_over_silences_a_turn_under_way_at_once(store):
    talk(store)
    agent = store.acquire("c1", "agent", 30)
    refused("busy", desk.ask_for_person, store, "c1", "help", patience=0.05)
    began = time.monotonic()
    desk.take_over(store, "c1", "Lin")
    assert time.monotonic() - began < 2
    with pytest.raises(LeaseLost):
        write_under(store, agent, "agent_said", {"text": "too late"})
    desk.say(store, "c1", "Lin", "I am here.")


def test_taking_over_lets_a_tool_end_that_is_being_called(store):
    talk(store, "c1", call(needs_approval=False), ("tool_started", {"call_id": "call_1"}))
    agent = store.acquire("c1", "agent", 30)
    returned = {"call_id": "call_1", "content": "{}"}

    def end():
        time.sleep(0.2)
        write_under(store, agent, "tool_returned", returned)
        store.release(agent)

    thread = threading.Thread(target=end)
    thread.start()
    desk.take_over(store, "c1", "Lin")
    thread.join()
    assert kinds(store, after=5) == ["tool_returned", "operator_joined"]


def write_under(store, lease, kind, fields):
    seq = store.conversation("c1").seq + 1
    head = {"kind": kind, "conversation": "c1", "seq": seq, "at": store.now(), "tenant": "hotel"}
    store.append([EVENT.validate_python({**head, **fields})], lease=lease)


def test_of_many_operators_at_once_one_takes_over(store):
    talk(store, "c1", ASKED)
    told, names = [], [f"Lin {number}" for number in range(8)]
    ready = threading.Barrier(len(names))

    def try_it(name):
        ready.wait()
        try:
            desk.take_over(store, "c1", name)
            told.append("joined")
        except DeskError as error:
            told.append(error.code)

    threads = [threading.Thread(target=try_it, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["joined"] + ["taken"] * 7
    assert kinds(store, after=4) == ["operator_joined"]
