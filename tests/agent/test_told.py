"""Events as a person may read them: values in the place of stand-ins, JSON stays JSON, the model's view stays."""

import json

from dialoop.agent import told
from dialoop.conversation import EVENT, Event
from dialoop.privacy import MemoryVault

AT = "2026-01-01T00:00:00Z"


def event(kind: str, seq: int, **fields: object) -> Event:
    head = {"kind": kind, "conversation": "c1", "seq": seq, "at": AT, "tenant": "inn"}
    return EVENT.validate_python({**head, **fields})


def test_values_come_back_everywhere_but_in_what_the_model_was_shown():
    vault = MemoryVault()
    vault.keep("c1", "name", "x", 'Anna "Ann" Berg')
    call = {"step": "s", "call_id": "a", "name": "book", "idempotency_key": "k"}
    events = [
        event("opened", 1, system="You are <name_1>'s desk."),
        event("user_said", 2, text="I am <name_1>", shown="I am <name_1>"),
        event("understood", 3, slots={"who": "<name_1>", "nights": 2}),
        event("tool_requested", 4, arguments='{"name": "<name_1>"}', **call),
        event("tool_returned", 5, call_id="a", content='{"name":"<name_1>"}'),
        event("agent_said", 6, text="Done, <name_1>; not <name_7>."),
    ]
    read = list(told(events, vault))
    assert read[0] == events[0]
    assert (read[1].text, read[1].shown) == ('I am Anna "Ann" Berg', "I am <name_1>")  # type: ignore[union-attr]
    assert read[2].slots == {"who": 'Anna "Ann" Berg', "nights": 2}  # type: ignore[union-attr]
    assert json.loads(read[3].arguments) == {"name": 'Anna "Ann" Berg'}  # type: ignore[union-attr]
    assert json.loads(read[4].content) == {"name": 'Anna "Ann" Berg'}  # type: ignore[union-attr]
    assert read[5].text == 'Done, Anna "Ann" Berg; not <name_7>.'  # type: ignore[union-attr]


def test_a_result_that_is_a_list_or_no_json_is_told_too():
    vault = MemoryVault()
    vault.keep("c1", "name", "x", 'Anna "Ann" Berg')
    call = {"step": "s", "call_id": "a", "name": "find", "idempotency_key": "k", "arguments": "{}"}
    events = [
        event("opened", 1),
        event("tool_requested", 2, **call),
        event("tool_returned", 3, call_id="a", content='["<name_1>", 1]'),
        event("tool_requested", 4, **{**call, "step": "t", "call_id": "b"}),
        event("tool_returned", 5, call_id="b", content="It is <name_1>"),
    ]
    read = list(told(events, vault))
    assert json.loads(read[2].content) == ['Anna "Ann" Berg', 1]  # type: ignore[union-attr]
    assert read[4].content == 'It is Anna "Ann" Berg'  # type: ignore[union-attr]
