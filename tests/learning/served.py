"""Made-up conversations in a store, as an agent would have served them."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from dialoop.conversation import EVENT, Conversation, Event, Message, write_conversations
from dialoop.privacy import Protector
from dialoop.store import Store

AT = "2026-01-01T00:00:00Z"
THINGS = ("kettle", "lamp", "desk", "chair", "plant", "clock", "shelf", "rug")
PLACES = ("kitchen", "hall", "attic", "cellar", "garden")
SYSTEM = "You keep house."
Step = tuple[str, dict[str, Any]]


def where(thing: str) -> str:
    """Where a thing is, always the same: so a model can learn it."""
    return PLACES[THINGS.index(thing) % len(PLACES)] if thing in THINGS else "shed"


def events_of(name: str, steps: Sequence[Step], **head: Any) -> list[Event]:
    """The events of a conversation, numbered, after `opened`."""
    opened: Step = ("opened", {"system": SYSTEM, "lang": "en", "agent": "house", **head})
    return [
        EVENT.validate_python({"kind": kind, "conversation": name, "seq": seq, "at": AT, "tenant": "home", **fields})
        for seq, (kind, fields) in enumerate([opened, *steps], start=1)
    ]


def serve(store: Store, name: str, *steps: Step, **head: Any) -> list[Event]:
    """The conversation in the store, with its lease given back."""
    events = events_of(name, steps, **head)
    add(store, events)
    return events


def go_on(store: Store, name: str, *steps: Step) -> None:
    """More events of a conversation that is there."""
    first = len(list(store.events(name))) + 1
    head = {"conversation": name, "at": AT, "tenant": "home"}
    add(store, [EVENT.validate_python({"kind": k, "seq": first + n, **head, **f}) for n, (k, f) in enumerate(steps)])


def add(store: Store, events: Sequence[Event]) -> None:
    lease = store.acquire(events[0].conversation, "w", 60)
    assert lease is not None
    store.append(events, lease=lease)
    store.release(lease)


def said(text: str) -> Step:
    return "user_said", {"text": text}


def answered(text: str) -> Step:
    return "agent_said", {"text": text, "model": "v1"}


def closed(outcome: str = "done", by: str = "checker") -> Step:
    return "closed", {"outcome": outcome, "by": by}


def asked_where(thing: str, number: int = 0) -> list[Step]:
    """A turn about a thing."""
    return [said(f"Where is the {thing} number {number}?"), answered(f"The {thing} is in the {where(thing)}.")]


def days(store: Store, count: int, *, first: int = 0, things: Sequence[str] = THINGS, outcome: str = "done") -> None:
    """`count` conversations of one turn, judged by a checker."""
    dice = Random(first)
    for number in range(first, first + count):
        serve(store, f"day-{number}", *asked_where(dice.choice(things), number), closed(outcome))


def protecting(store: Store, name: str, text: str) -> Step:
    """What a customer said, as an agent keeps it: with stand-ins, the values in the vault."""
    return said(Protector(store.vault, name).protect(text))


def records(count: int, *, prefix: str = "old", first: int = 1000) -> list[Conversation]:
    """The same as records of a file."""
    dice = Random(first)
    made = []
    for number in range(first, first + count):
        thing = dice.choice(THINGS)
        messages = [
            Message(role="system", content=SYSTEM),
            Message(role="user", content=f"Where is the {thing} number {number}?"),
            Message(role="assistant", content=f"The {thing} is in the {where(thing)}."),
        ]
        made.append(Conversation(id=f"{prefix}-{number}", messages=messages, lang="en"))
    return made


def file_of(path: Path, conversations: Sequence[Conversation]) -> str:
    write_conversations(path, conversations)
    return str(path)
