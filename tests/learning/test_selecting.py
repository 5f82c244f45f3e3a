"""What of a served conversation is learnt, and who says that it was good."""

from typing import Any

import pytest

from dialoop.conversation import training_conversation
from dialoop.learning import LearnSettings, Selected, select

from .served import Step, answered, asked_where, closed, events_of, said


def selected(*steps: Step, settings: dict[str, Any] | None = None, **head: Any) -> Selected:
    return select(events_of("c", steps, **head), LearnSettings(**(settings or {})))


def targets(found: Selected) -> list[str | None]:
    record = training_conversation(found.state)
    return [message.content for message in record.messages if message.is_target]


@pytest.mark.parametrize(
    ("by", "speaker"),
    [("checker", "checker"), ("customer", "customer"), ("anna@example.org", "customer"), ("operator:ben", "operator")],
)
def test_a_good_outcome_counts_for_who_says_so(by: str, speaker: str):
    found = selected(*asked_where("lamp"), closed("Done", by), customer="anna@example.org")
    assert found.judgement is not None
    assert (found.judgement.good, found.judgement.speaker) == (True, speaker)
    assert targets(found) == ["The lamp is in the hall."]


@pytest.mark.parametrize("by", ["agent", "house", "a stranger"])
def test_the_agents_own_word_and_a_strangers_are_not_believed(by: str):
    found = selected(*asked_where("lamp"), closed("done", by))
    assert found.judgement is None
    assert found.targets == 0
    assert [one.by for one in found.unheard] == [by]
    assert targets(found) == []


def test_who_is_believed_can_be_set():
    steps = [*asked_where("lamp"), closed("gefunden", "agent")]
    found = selected(*steps, settings={"believed": ["agent"], "good": ["gefunden"]})
    assert targets(found) == ["The lamp is in the hall."]


def test_a_persons_word_stands_above_a_checkers():
    steps = [*asked_where("lamp"), ("rated", {"by": "customer", "score": -1.0}), closed("done", "checker")]
    found = selected(*steps)
    assert found.judgement is not None
    assert not found.judgement.good
    assert found.targets == 0


def test_the_last_word_of_people_counts():
    steps = [
        *asked_where("lamp"),
        ("rated", {"by": "customer", "score": -1.0}),
        ("rated", {"by": "customer", "score": 0.5}),
    ]
    found = selected(*steps)
    assert found.judgement is not None
    assert found.judgement.good
    assert found.judgement.words == "rating +0.5"


def test_a_rating_of_the_whole_that_was_taken_back_counts_no_more():
    rated = [*asked_where("lamp"), ("rated", {"by": "operator:ben", "score": 1.0})]
    back: Step = ("rated", {"by": "operator:ben", "score": 0.0})
    assert selected(*rated).targets == 1
    assert selected(*rated, back).judgement is None
    assert selected(*rated, back).targets == 0
    again = selected(*rated, back, ("rated", {"by": "operator:ben", "score": 0.5})).judgement
    assert again is not None
    assert again.words == "rating +0.5"


@pytest.mark.parametrize(
    ("by", "stays"),
    [("operator:ann", True), ("customer", True), ("checker", True), ("agent", True), ("operator:ben", False)],
)
def test_only_ones_own_rating_is_taken_back_and_no_outcome(by: str, stays: bool):
    steps = [*asked_where("lamp"), ("rated", {"by": "operator:ben", "score": 1.0}), ("rated", {"by": by, "score": 0.0})]
    assert (selected(*steps).judgement is not None) is stays
    closing = selected(*asked_where("lamp"), closed("done", by), ("rated", {"by": by, "score": 0.0}))
    assert (closing.judgement is not None) is (by != "agent")  # whose word is not believed


def test_a_customer_takes_back_by_whatever_name():
    steps = [
        *asked_where("lamp"),
        ("rated", {"by": "o@x.org", "score": -1.0}),
        ("rated", {"by": "customer", "score": 0}),
    ]
    found = selected(*steps, closed(), customer="o@x.org")
    assert found.judgement is not None
    assert found.judgement.speaker == "checker"


def test_an_answer_rated_bad_is_context_and_stays_in_sight():
    steps = [*asked_where("lamp"), *asked_where("desk"), ("rated", {"by": "customer", "score": -1.0, "said_at": 3})]
    found = selected(*steps, closed())
    assert targets(found) == ["The desk is in the attic."]
    record = training_conversation(found.state)
    assert record.messages[2].content == "The lamp is in the hall."
    assert (found.targets, found.context) == (1, 1)


def test_ratings_that_are_believed_stand_in_the_record_whatever_is_taught():
    steps: list[Step] = [
        *asked_where("lamp"),
        *asked_where("desk"),
        *asked_where("rug"),
        *asked_where("clock"),
        ("rated", {"by": "customer", "score": -1.0, "said_at": 3}),
        ("rated", {"by": "customer", "score": 1.0, "said_at": 5}),
        ("rated", {"by": "agent", "score": 1.0, "said_at": 7}),
        ("rated", {"by": "customer", "score": -1.0, "said_at": 9}),
        ("rated", {"by": "customer", "score": 0.0, "said_at": 9}),
    ]
    record = training_conversation(selected(*steps).state)
    assert record.ratings == {2: -1.0, 4: 1.0}  # the last one was taken back
    assert [message.weight for message in record.messages if message.role == "assistant"] == [0, None, 0, 0]
    assert selected(*steps, closed()).targets == 3


def test_a_single_answer_that_was_praised_is_learnt_alone():
    steps = [*asked_where("lamp"), *asked_where("desk"), ("rated", {"by": "customer", "score": 1.0, "said_at": 5})]
    found = selected(*steps)
    assert targets(found) == ["The desk is in the attic."]
    assert found.praised == 1
    assert selected(*steps, closed("failed")).praised == 0


def test_an_operators_edit_is_a_target_with_the_replaced_answer_as_rejected():
    steps: list[Step] = [
        *asked_where("lamp"),
        ("rated", {"by": "customer", "score": -1.0, "said_at": 3}),
        ("operator_edited", {"operator": "ben", "said_at": 3, "text": "In the shed."}),
    ]
    found = selected(*steps)
    assert targets(found) == ["In the shed."]
    [answer] = [message for message in training_conversation(found.state).messages if message.role == "assistant"]
    assert answer.rejected == "The lamp is in the hall."
    assert found.edits == 1
    worse = selected(*steps, ("rated", {"by": "customer", "score": -1.0, "said_at": 3}))
    assert worse.targets == 0  # rated after the edit


def test_a_persons_messages_are_targets_and_what_the_agent_said_before_is_not():
    steps: list[Step] = [
        *asked_where("lamp"),
        ("escalated", {"reason": "asked"}),
        ("operator_joined", {"operator": "ben"}),
        ("operator_said", {"operator": "ben", "text": "It is in the shed now."}),
        ("handed_back", {"operator": "ben"}),
        *asked_where("desk"),
    ]
    found = selected(*steps, closed("done", "ben"))
    assert found.judgement is not None
    assert found.judgement.speaker == "operator"
    assert targets(found) == ["It is in the shed now.", "The desk is in the attic."]
    assert (found.messages, found.context) == (1, 1)
    assert targets(selected(*steps, closed("failed", "ben"))) == ["It is in the shed now."]


def call(call_id: str, step: str) -> Step:
    fields = {"step": step, "call_id": call_id, "name": "find", "arguments": "{}", "idempotency_key": call_id}
    return "tool_requested", fields


def test_calls_that_failed_or_were_denied_are_context():
    steps: list[Step] = [
        said("Where is the lamp?"),
        call("a", "1"),
        ("tool_returned", {"call_id": "a", "content": '{"error":"no such thing"}', "failed": True}),
        call("b", "2"),
        ("tool_denied", {"call_id": "b", "by": "ben", "reason": "no"}),
        call("c", "3"),
        ("tool_returned", {"call_id": "c", "content": "{}"}),
        answered("In the hall."),
    ]
    found = selected(*steps, closed())
    record = training_conversation(found.state)
    calls = [message for message in record.messages if message.tool_calls]
    assert [message.weight for message in calls] == [0, 0, None]
    assert (found.targets, found.context) == (2, 2)


def test_a_withdrawn_answer_is_not_counted():
    steps = [*asked_where("lamp"), ("answer_withdrawn", {"said_at": 3, "reason": "wrong"})]
    found = selected(*steps, closed())
    assert (found.targets, found.context) == (0, 0)


def test_that_a_person_is_called_is_not_learnt():
    steps: list[Step] = [*asked_where("lamp"), ("escalated", {"reason": "it failed"}), answered("I call somebody.")]
    found = selected(*steps, *asked_where("desk"), closed())
    assert targets(found) == ["The desk is in the attic."]
