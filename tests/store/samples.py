"""Events to put into a store: made-up words."""

from collections.abc import Iterator
from typing import Any

from dialoop.conversation import EVENT, Event
from dialoop.store import Lease, Store

AT = "2026-01-01T00:00:00Z"
SECRET = "my number is 555-0199"


def event(kind: str, seq: int, conversation: str = "c1", **fields: Any) -> Event:
    head = {"kind": kind, "conversation": conversation, "seq": seq, "at": AT, "tenant": "hotel"}
    return EVENT.validate_python({**head, **fields})


def opened(conversation: str = "c1", seq: int = 1, **fields: Any) -> Event:
    return event("opened", seq, conversation, **{"customer": "ann@example.org", "agent": "desk", **fields})


def said(seq: int, text: str = SECRET, conversation: str = "c1", **fields: Any) -> Event:
    return event("user_said", seq, conversation, **{"text": text, "customer": "ann@example.org", **fields})


def every_kind(conversation: str = "c1") -> list[Event]:
    """One event of every kind but `erased`, in an order that can be folded."""
    steps: list[tuple[str, dict[str, Any]]] = [
        ("opened", {"system": "Be kind.", "tools": [{"type": "function", "function": {"name": "find"}}], "lang": "en"}),
        ("user_said", {"text": f"I am Ann, {SECRET}", "shown": "I am NAME", "customer": "ann@example.org"}),
        ("understood", {"intents": ["greet"], "slots": {"name": "Ann", "age": 41.0, "room": 0.5}}),
        ("decided", {"action": "look", "agent": "desk", "model": "v1"}),
        (
            "tool_requested",
            {"step": "s", "call_id": "a", "name": "find", "arguments": '{"q":1}', "idempotency_key": "i"},
        ),
        ("tool_requested", {"step": "s", "call_id": "b", "name": "find", "arguments": "{}", "idempotency_key": "j"}),
        ("tool_approved", {"call_id": "a", "by": "rule"}),
        ("tool_denied", {"call_id": "b", "by": "Eve", "reason": "too dear"}),
        ("tool_started", {"call_id": "a"}),
        ("tool_returned", {"call_id": "a", "content": "42 安娜 \x00 😀"}),
        ("agent_said", {"text": "Hello Ann", "shown": "Hello NAME", "model": "v1"}),
        ("operator_edited", {"operator": "Eve", "said_at": 11, "text": "Good day, Ann."}),
        ("rated", {"by": "Ann", "score": 1.0, "said_at": 11, "note": "fine"}),
        ("answer_withdrawn", {"said_at": 11, "reason": "rude"}),
        ("summarised", {"upto": 3, "text": "Ann greeted."}),
        ("handed_to", {"to": "billing", "system": "Bill."}),
        ("escalated", {"reason": "asked"}),
        ("operator_joined", {"operator": "Eve"}),
        ("operator_said", {"operator": "Eve", "text": "I am a person."}),
        ("handed_back", {"operator": "Eve"}),
        ("closed", {"outcome": "booked", "by": "agent"}),
    ]
    return [event(kind, seq, conversation, **fields) for seq, (kind, fields) in enumerate(steps, start=1)]


def held(store: Store, conversation: str = "c1", worker: str = "w", seconds: float = 600) -> Lease:
    lease = store.acquire(conversation, worker, seconds)
    assert lease is not None
    return lease


def filled(store: Store, conversation: str = "c1", *, words: int = 3, **fields: Any) -> None:
    """A conversation of so many user messages, its lease given back."""
    lease = held(store, conversation)
    customer = {"customer": fields["customer"]} if "customer" in fields else {}
    events = [opened(conversation, **fields)]
    events += [said(seq, f"{SECRET}, {seq}", conversation, **customer) for seq in range(2, words + 2)]
    store.append(events, lease=lease)
    assert store.release(lease)


def until_some(lines: Iterator[str], count: int) -> list[str]:
    return [next(lines) for _ in range(count)]
