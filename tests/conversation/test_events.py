"""Events, their folds and the model's view."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dialoop.conversation import EVENT, SAID, Event, State, check_conversation, fold, history, model_view
from dialoop.conversation import training_conversation as record_of
from dialoop.errors import DataError, Place

SAMPLES: dict[str, dict[str, Any]] = {
    "opened": {"system": "Be kind.", "tools": [{"type": "function", "function": {"name": "find"}}], "lang": "en"},
    "user_said": {"text": "I am Ann", "shown": "I am NAME"},
    "understood": {"intents": ["greet"], "passages": [{"text": "We open at nine.", "source": "faq"}]},
    "decided": {"action": "answer"},
    "tool_requested": {"step": "s", "call_id": "c", "name": "find", "arguments": "{}", "idempotency_key": "i"},
    "tool_approved": {"call_id": "c", "by": "rule"},
    "tool_denied": {"call_id": "c", "by": "Eve", "reason": "too dear"},
    "tool_started": {"call_id": "c"},
    "tool_returned": {"call_id": "c", "content": "42"},
    "agent_said": {"text": "Hello Ann", "shown": "Hello NAME"},
    "answer_withdrawn": {"said_at": 2, "reason": "rude"},
    "handed_to": {"to": "billing", "system": "Bill.", "shown_from": 3},
    "escalated": {"reason": "angry"},
    "operator_joined": {"operator": "Eve"},
    "operator_said": {"operator": "Eve", "text": "I am a person."},
    "operator_edited": {"operator": "Eve", "said_at": 3, "text": "Better."},
    "handed_back": {"operator": "Eve"},
    "summarised": {"upto": 3, "text": "Ann greeted."},
    "rated": {"by": "Ann", "score": 1.0},
    "closed": {"outcome": "booked", "by": "agent"},
    "erased": {"reason": "asked for"},
}


def events(*steps: str | tuple[str, dict[str, Any]]) -> list[Event]:
    """Events of these kinds, `opened` before them, numbered."""
    made = []
    for seq, step in enumerate(("opened", *steps), start=1):
        kind, fields = step if isinstance(step, tuple) else (step, {})
        head = {"kind": kind, "conversation": "c1", "seq": seq, "at": "2025-01-01T00:00:00Z", "tenant": "t"}
        made.append(EVENT.validate_python({**head, **SAMPLES[kind], **fields}))
    return made


def asked(identity: str, step: str = "s", **fields: Any) -> tuple[str, dict[str, Any]]:
    return "tool_requested", {"call_id": identity, "step": step, **fields}


def back(identity: str, content: str = "42") -> tuple[str, dict[str, Any]]:
    return "tool_returned", {"call_id": identity, "content": content}


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_kind_is_typed_versioned_and_comes_back_from_json(kind: str):
    event = events(kind)[1] if kind != "opened" else events()[0]
    assert event.schema_version == 1
    assert EVENT.validate_json(event.model_dump_json()) == event
    with pytest.raises(ValidationError):
        EVENT.validate_python({**event.model_dump(), "more": 1})
    with pytest.raises(ValidationError):
        EVENT.validate_python({**event.model_dump(), "schema_version": 2})
    assert set(SAID.get(kind, ())) <= set(type(event).model_fields)


def test_the_list_of_kinds_is_the_designs():
    assert {type_.model_fields["kind"].default for type_ in EVENT._type.__origin__.__args__} == set(SAMPLES)


def said(messages) -> list[tuple[str, str | None]]:
    return [(message.role, message.content) for message in messages]


def test_history_is_what_was_said_and_done():
    log = events("user_said", "understood", "decided", asked("a"), "tool_started", back("a"), "agent_said")
    log[5] = log[5].model_copy(update={"call_id": "a"})
    assert said(history(log)) == [("user", "I am Ann"), ("assistant", None), ("tool", "42"), ("assistant", "Hello Ann")]


def test_the_model_sees_stand_ins_and_passages_and_not_what_was_withdrawn():
    log = events("user_said", "understood", "agent_said", "agent_said", ("answer_withdrawn", {"said_at": 4}))
    assert said(model_view(log).messages) == [
        ("system", "Be kind."),
        ("user", "I am NAME\n\n[1] We open at nine."),
        ("assistant", "Hello NAME"),
    ]


def test_calls_of_one_step_are_one_message_and_results_follow_their_call():
    log = events(
        "user_said", asked("a"), asked("b"), ("user_said", {"text": "hurry", "shown": None}), back("b"), back("a")
    )
    assert [len(message.tool_calls or []) for message in history(log)] == [0, 2, 0, 0, 0]
    assert [message.tool_call_id for message in history(log)] == [None, None, "b", "a", None]


def test_a_call_without_result_is_not_shown_but_counted():
    log = events("user_said", asked("a"), asked("b", "s2"), back("b"))
    view = model_view(log)
    assert view.waiting == 1
    assert [call.id for message in view.messages for call in message.tool_calls or []] == ["b"]
    assert fold(log).open_calls == {"a": "requested"}
    assert fold(log + events(*["decided"] * 4, ("tool_started", {"call_id": "a"}))[5:]).open_calls == {"a": "started"}


def test_a_denied_call_tells_the_model_why():
    log = events("user_said", asked("c"), "tool_denied")
    assert said(model_view(log).messages)[-1] == ("tool", '{"denied":"too dear"}')
    assert fold(log).open_calls == {}


def test_a_correction_keeps_what_was_rejected_and_a_bad_answer_is_no_target():
    log = events("user_said", "agent_said", "operator_edited", "user_said", "agent_said")
    log += events(*["decided"] * 5, ("rated", {"said_at": 6, "score": -1.0}))[6:]
    record = record_of(log)
    assert [(m.content, m.rejected, m.weight) for m in record.messages if m.role == "assistant"] == [
        ("Better.", "Hello Ann", None),
        ("Hello NAME", None, 0),
    ]
    assert check_conversation(record, Place("log")) == []
    assert record.outcome is None


def test_ratings_of_answers_stand_in_the_record():
    log = events("user_said", "agent_said", ("rated", {"said_at": 3, "score": -1.0}), "user_said", "agent_said")
    log += events(*["decided"] * 5, ("rated", {"said_at": 6, "score": 0.5}), "rated")[6:]
    assert record_of(log).ratings == {2: -1.0, 4: 0.5}
    edited = record_of([*log, *events(*["decided"] * 7, "operator_edited")[8:]])
    assert edited.ratings == {4: 0.5}  # what was rated stands there no more
    assert edited.messages[2].is_target


def test_a_hand_over_shows_the_next_agent_what_it_may_see():
    log = events(
        "user_said", "agent_said", ("user_said", {"text": "My bill?", "shown": None}), ("handed_to", {"shown_from": 4})
    )
    assert said(model_view(log).messages) == [("system", "Bill."), ("user", "My bill?")]
    assert fold(log).agent == "billing"
    assert len(history(log)) == 3


def test_a_summary_stands_for_what_it_sums_up():
    log = events("user_said", "agent_said", ("user_said", {"text": "And now?", "shown": None}), "summarised")
    assert said(model_view(log).messages) == [("system", "Be kind.\n\nAnn greeted."), ("user", "And now?")]


def test_whole_turns_leave_from_the_front_and_are_counted():
    log = events("user_said", "agent_said", "user_said", asked("a"), back("a"), "agent_said", "user_said")
    assert model_view(log, 8).left_out == 0
    view = model_view(log, 7)
    assert view.left_out == 2
    assert [message.role for message in view.messages] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert model_view(log, 5).left_out == 6
    with pytest.raises(DataError, match="the window is 1"):
        model_view(log, 1)
    by_letters = model_view(log, 30, cost=lambda message: len(message.content or ""))
    assert by_letters.left_out == 2 + 4


def test_phases_and_persons():
    assert fold(events()).phase == "open"
    assert fold(events("escalated")).phase == "asked"
    state = fold(events("escalated", "operator_joined", "operator_said"))
    assert (state.phase, state.operator, state.entries[0].by_person) == ("with_operator", "Eve", True)
    assert fold(events("operator_joined", "handed_back")).operator is None
    assert (fold(events("closed")).phase, fold(events("closed")).outcome) == ("closed", "booked")
    assert fold(events("rated")).rating == 1.0


def test_after_erasure_nothing_said_is_left_and_nothing_follows():
    log = events("user_said", "agent_said", "erased")
    state = fold(log)
    assert state.phase == "erased"
    assert "Ann" not in state.model_dump_json()
    with pytest.raises(DataError, match="erased"):
        record_of(log)
    with pytest.raises(DataError, match="nothing can follow"):
        fold([*log, events("decided", "decided", "decided", "user_said")[4]])


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (events("user_said")[1:], "gap"),
        ([events("user_said", "agent_said")[index] for index in (0, 2)], "gap"),
        (events("user_said") + events("user_said")[1:], "gap"),
        (events() + [event.model_copy(update={"conversation": "c2"}) for event in events("decided")[1:]], "another"),
        (events("opened"), "'opened', once"),
        (events("tool_returned"), "no such call"),
        (events(asked("a"), back("a"), back("a")), "no such call"),
        (events(asked("a"), asked("a", "s2")), "second call"),
        (events("user_said", "answer_withdrawn"), "no answer was said"),
        (events("user_said", ("operator_edited", {"said_at": 9})), "no answer was said"),
    ],
)
def test_a_log_that_cannot_be_is_refused(log: list[Event], reason: str):
    with pytest.raises(DataError, match=reason):
        fold(log)


def test_nothing_said_is_nothing_to_learn():
    with pytest.raises(DataError, match="nothing was said"):
        record_of(events())


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Any log that can be: calls are answered once, judgements are of answers."""
    steps: list[Any] = []
    open_calls: list[str] = []
    answers: list[int] = []
    for seq in range(2, draw(st.integers(3, 25))):
        kinds = [
            "user_said",
            "agent_said",
            "understood",
            "decided",
            "tool_requested",
            "operator_said",
            "rated",
            "handed_to",
        ]
        kinds += ["summarised", "escalated", "operator_joined", "handed_back"]
        kinds += ["tool_returned", "tool_denied", "tool_started"] * bool(open_calls)
        kinds += ["answer_withdrawn", "operator_edited"] * bool(answers)
        kind = draw(st.sampled_from(kinds))
        fields: dict[str, Any] = {}
        if kind == "tool_requested":
            open_calls.append(f"call{seq}")
            fields = {"call_id": f"call{seq}", "step": f"step{draw(st.integers(0, 3))}"}
        elif kind.startswith("tool_"):
            fields = {"call_id": draw(st.sampled_from(open_calls))}
            if kind != "tool_started":
                open_calls.remove(fields["call_id"])
        elif kind in ("answer_withdrawn", "operator_edited"):
            fields = {"said_at": draw(st.sampled_from(answers))}
        elif kind in ("handed_to", "summarised"):
            fields = {"shown_from" if kind == "handed_to" else "upto": draw(st.integers(1, seq))}
        elif kind in ("agent_said", "operator_said"):
            answers.append(seq)
        steps.append((kind, fields))
    return events(*steps)


@given(logs(), st.data())
def test_a_fold_does_not_depend_on_where_it_was_cut(log: list[Event], data: st.DataObject):
    whole = fold(log)
    cut = data.draw(st.integers(0, len(log)))
    kept = State.model_validate_json(fold(log[:cut]).model_dump_json())
    assert fold(log[cut:], kept) == whole
    assert model_view(whole) == model_view(log)


@given(logs())
def test_every_view_is_a_sound_conversation(log: list[Event]):
    try:
        record = record_of(log)
    except DataError:
        assert not [message for message in model_view(log).messages if message.role != "system"]
        return
    assert [fault for fault in check_conversation(record, Place("log")) if fault.level == "error"] == []
    view = model_view(log).messages
    assert [(m.role, m.content, m.tool_calls) for m in view] == [
        (m.role, m.content, m.tool_calls) for m in record.messages
    ]


@given(logs(), st.integers(2, 12))
def test_a_window_keeps_the_end_of_the_view(log: list[Event], window: int):
    whole = model_view(log).messages
    try:
        view = model_view(log, window)
    except DataError:
        return
    assert len(view.messages) <= window
    assert len(view.messages) + view.left_out == len(whole)
    head = [message for message in whole if message.role == "system"]
    assert view.messages == head + whole[len(head) + view.left_out :]
