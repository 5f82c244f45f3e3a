"""What is collected from a store: each once, protected, nothing of the test, and a reason for all that is left out."""

import json

import pytest

from dialoop.conversation import Conversation, Message
from dialoop.learning import Known, LearnSettings, collect, frozen, protected_record
from dialoop.store import Store

from .served import SYSTEM, answered, asked_where, closed, days, go_on, protecting, said, serve

SETTINGS = LearnSettings()


def everything(conversation: Conversation) -> str:
    return json.dumps(conversation.to_json(), ensure_ascii=False)


def test_what_is_left_out_is_counted_by_reason(store: Store):
    serve(store, "good", *asked_where("lamp"), closed("done", "customer"))
    serve(store, "again", *asked_where("lamp"), closed("done", "operator:ben"))
    serve(store, "bad", *asked_where("desk"), closed("failed"))
    serve(store, "unjudged", *asked_where("rug"))
    serve(store, "silent", said("Hello?"), closed())
    serve(store, "self-praise", *asked_where("clock"), closed("done", "agent"))
    found = collect(store, SETTINGS)
    assert [one.id for one in found.conversations] == ["good"]
    assert found.report.looked_at == 6
    assert found.report.taken == 1
    assert found.report.good_by == {"customer": 1}
    assert found.report.left_out == {
        "says what is trained on already": 1,
        "judged bad by checker": 1,
        "nobody who is believed says that it was good": 2,
        "nothing was answered": 1,
    }
    assert found.report.unheard == {"agent (agent)": 1}
    assert found.report.taken + sum(found.report.left_out.values()) == found.report.looked_at


def test_rated_answers_are_kept_where_nothing_is_to_be_learnt_too(store: Store):
    bad = ("rated", {"by": "customer", "score": -1.0, "said_at": 3})
    serve(store, "bad", *asked_where("lamp"), bad)
    serve(store, "both", *asked_where("lamp"), *asked_where("desk"), bad, closed("done", "customer"))
    serve(store, "good", *asked_where("rug"), closed())
    serve(store, "secret", said("I come in June."), answered("In june then."), bad)
    store.vault.keep("secret", "name", "june", "June")
    found = collect(store, SETTINGS)
    assert [one.id for one in found.conversations] == ["both", "good"]
    assert [(one.id, one.ratings) for one in found.rated] == [("bad", {2: -1.0}), ("both", {2: -1.0})]
    assert found.report.rated == 2
    assert found.report.left_out == {"nobody who is believed says that it was good": 2}
    store.erase("bad", reason="asked for")
    assert collect(store, SETTINGS, Known(seen=found.seen)).report.erased == []


def test_ratings_alone_are_kept_of_the_annotations_of_old_data():
    told = {"index": 1, "rating": -1.0, "state": {"mail": "eve.stone@example.org"}}
    messages = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "What?"}]
    record = Conversation.model_validate({"id": "a", "messages": messages, "annotations": {"messages": [told]}})
    kept, _ = protected_record(record)
    assert kept.to_json()["annotations"] == {"messages": [{"index": 1, "rating": -1.0}]}


def test_only_what_changed_is_looked_at_again(store: Store):
    days(store, 3)
    first = collect(store, SETTINGS)
    assert len(first.conversations) == 3
    known = Known(seen=first.seen, learnt=frozenset(first.seen))
    assert collect(store, SETTINGS, known).report.unchanged == 3
    go_on(store, "day-1", ("rated", {"by": "customer", "score": -1.0}))
    second = collect(store, SETTINGS, known)
    assert (second.report.looked_at, second.report.unchanged) == (1, 2)
    assert second.report.taken_back == 1
    assert second.conversations == []


def test_many_conversations_are_all_read(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dialoop.learning.collecting._PAGE", 2)
    days(store, 7)
    assert [one.id for one in collect(store, SETTINGS).conversations] == [f"day-{number}" for number in range(7)]


def test_another_tenants_conversations_are_not_learnt_from(store: Store):
    serve(store, "here", *asked_where("lamp"), closed())
    assert collect(store, LearnSettings(tenant="elsewhere")).report.looked_at == 0
    assert collect(store, LearnSettings(tenant="home")).report.looked_at == 1


def test_nothing_that_stands_in_the_test_is_trained_on(store: Store):
    days(store, 4)
    same_text = collect(store, SETTINGS).conversations[0].model_copy(update={"id": "frozen-1"})
    loud = [one.model_copy(update={"content": f"  {(one.content or '').upper()} !"}) for one in same_text.messages]
    same_id = Conversation(id="day-2", messages=[Message(role="user", content="Other."), answer("Words.")])
    ids, keys = frozen([same_text.model_copy(update={"messages": loud}), same_id])
    found = collect(store, SETTINGS, Known(test_ids=ids, test_keys=keys))
    assert [one.id for one in found.conversations] == ["day-1", "day-3"]
    assert found.report.left_out == {"stands in the frozen test": 2}


def answer(text: str) -> Message:
    return Message(role="assistant", content=text)


def test_a_test_with_true_values_is_known_by_its_stand_ins(store: Store):
    words = "My number is 020 7946 0958. Where is the lamp?"
    serve(store, "c", protecting(store, "c", words), answered("In the hall."), closed())
    messages = [Message(role="system", content=SYSTEM), Message(role="user", content=words), answer("In the hall.")]
    ids, keys = frozen([Conversation(id="t", messages=messages)])
    found = collect(store, SETTINGS, Known(test_ids=ids, test_keys=keys))
    assert found.report.left_out == {"stands in the frozen test": 1}


def test_stand_ins_stay_as_they_were_shown_and_what_is_private_beside_them_gets_one(store: Store):
    mail, phone = "eve.stone@example.org", "020 7946 0958"
    serve(
        store,
        "c",
        protecting(store, "c", f"Write to {mail}."),
        answered("I will write to <email_1>."),
        ("operator_joined", {"operator": "ben"}),
        ("operator_edited", {"operator": "ben", "said_at": 3, "text": f"I wrote to {mail} and call {phone}."}),
        ("operator_said", {"operator": "ben", "text": f"Shall I call {phone} for <email_1>?"}),
        closed("done", "ben"),
        customer="eve.stone@example.org",
    )
    found = collect(store, SETTINGS)
    [record] = found.conversations
    assert [one.content for one in record.messages[1:]] == [
        "Write to <email_1>.",
        "I wrote to <email_1> and call <phone_1>.",
        "Shall I call <phone_1> for <email_1>?",
    ]
    assert record.messages[2].rejected == "I will write to <email_1>."
    assert mail not in everything(record)
    assert phone not in everything(record)
    assert found.report.protected_now == 2
    assert [value for _, _, value in store.vault.kept("c")] == [mail]  # nothing was written into the vault


def test_arguments_and_results_are_protected_too(store: Store):
    serve(
        store,
        "c",
        said("Call me on 020 7946 0958"),
        (
            "tool_requested",
            {
                "step": "1",
                "call_id": "a",
                "name": "note",
                "arguments": '{"phone": "<phone_1>", "mail": "eve.stone@example.org"}',
                "idempotency_key": "k",
            },
        ),
        ("tool_returned", {"call_id": "a", "content": '{"phone":"020 7946 0958"}'}),
        answered("Noted."),
        closed(),
    )
    [record] = collect(store, SETTINGS).conversations
    calls = record.messages[2].tool_calls
    assert calls is not None
    assert json.loads(calls[0].function.arguments) == {"phone": "<phone_1>", "mail": "<email_1>"}
    assert "7946" not in everything(record)
    assert "example.org" not in everything(record)


def test_a_conversation_that_holds_a_value_of_its_vault_still_is_left_out(store: Store):
    store.vault.keep("c", "name", "june", "June")  # a name that is a word, too, and so is not replaced everywhere
    serve(store, "c", said("I come in June."), answered("In june then."), closed())
    found = collect(store, SETTINGS)
    assert found.conversations == []
    assert found.report.left_out == {"holds a private value still": 1}


def test_erased_conversations_are_told_and_never_learnt(store: Store):
    days(store, 2)
    store.erase("day-0", reason="asked for")
    found = collect(store, SETTINGS, Known(seen={"day-0": 4}, learnt=frozenset({"day-0"})))
    assert found.report.erased == ["day-0"]
    assert [one.id for one in found.conversations] == ["day-1"]
