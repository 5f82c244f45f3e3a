"""Conversations in a store as an agent would have left them: made-up words."""

from pathlib import Path

import pytest

from dialoop.conversation import EVENT
from dialoop.store import Store, open_store


def write(store: Store, conversation: str, *kinds, tenant: str = "hotel", worker: str = "agent") -> int:
    """Appends events by kind and fields; gives the seq of the last."""
    known = store.conversation(conversation)
    first = 1 if known is None else known.seq + 1
    head = {"conversation": conversation, "tenant": tenant}
    events = [
        EVENT.validate_python({**head, "at": store.now(), "kind": kind, "seq": seq, **fields})
        for seq, (kind, fields) in enumerate(kinds, start=first)
    ]
    lease = store.acquire(conversation, worker, 30)
    assert lease is not None
    store.append(events, lease=lease)
    store.release(lease)
    return events[-1].seq


def talk(store: Store, conversation: str = "c1", *more, **options) -> int:
    """A customer who asked, an agent that answered at seq 3, and what follows."""
    begin = (
        ("opened", {"system": "You are the desk of the Pine Hotel.", "agent": "hotel", "lang": "en"}),
        ("user_said", {"text": "Is breakfast free?"}),
        ("agent_said", {"text": "It is never free.", "agent": "hotel", "model": "v1"}),
    )
    return write(store, conversation, *begin, *more, **options)


def call(call_id: str = "call_1", **fields):
    """A call that waits for a person, unless said otherwise."""
    given = {"step": call_id, "call_id": call_id, "name": "cancel", "arguments": '{"booking":"B1"}'}
    return "tool_requested", {**given, "idempotency_key": call_id, "needs_approval": True, **fields}


ASKED = ("escalated", {"reason": "the customer asked"})
JOINED = ("operator_joined", {"operator": "Lin"})


def kinds(store: Store, conversation: str = "c1", after: int = 0) -> list[str]:
    return [event.kind for event in store.events(conversation, after)]


@pytest.fixture
def store(tmp_path: Path):
    with open_store(tmp_path / "store.db") as opened:
        yield opened
