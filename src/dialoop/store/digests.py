"""An event as the store keeps it: a head in the chain of digests, and a body apart from it.

The body holds what people said (the fields in `events.SAID`) and whose conversation it is (`customer`); the head is
everything else. Both are JSON without spaces, keys in the order that they were given in: a model that is shown a tool's
schema reads its parameters in their order, and a log that sorted them would show it another prompt than it was trained
on. With SHA-256 over those texts, as they are kept, in UTF-8:

    body_digest = sha256({"body": body, "salt": salt})                    null where there is no body
    digest      = sha256({"body": body_digest, "event": head, "previous": digest})

`previous` is the digest of the event before, null at the first.

The salt is random and goes with the body: once both are erased, the digest that stays in the chain tells nothing about
what was said, and the chain still verifies. It knows no database.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

from dialoop.conversation import EVENT, SAID, Event, dump_line
from dialoop.errors import DataError, StoreError


@dataclass(frozen=True)
class Stored:
    """One event's row. `head` and `body` are JSON; `body` and `salt` are None where there is none."""

    conversation: str
    seq: int
    head: str
    body_digest: str | None
    digest: str
    salt: str | None = None
    body: str | None = None


def store_form(event: Event, previous: str | None) -> Stored:
    """The event's row, behind one with the digest `previous`. Raises DataError for what JSON or UTF-8 cannot hold."""
    head = event.model_dump()  # not as JSON: pydantic would write NaN as null, in silence
    body = {name: head.pop(name) for name in _personal(event.kind)}
    body = {name: value for name, value in body.items() if value not in (None, {})}
    said = dump_line(body) if body else None
    salt = secrets.token_hex(16) if body else None
    text = dump_line(head)
    try:
        under_body = None if said is None or salt is None else body_digest(said, salt)
        return Stored(event.conversation, event.seq, text, under_body, digest(text, under_body, previous), salt, said)
    except UnicodeEncodeError:
        where = f"{event.conversation}, event {event.seq}"
        raise DataError(
            "the text holds half of a surrogate pair", where=where, remedy="write the whole character"
        ) from None


def body_digest(body: str, salt: str) -> str:
    """The digest of a body, of its JSON as it is kept, in hexadecimal."""
    return _sha256(f'{{"body":{body},"salt":"{salt}"}}')


def digest(head: str, under_body: str | None, previous: str | None) -> str:
    """The digest of an event in the chain, in hexadecimal. `head` is its JSON as it is kept."""
    return _sha256(f'{{"body":{_quoted(under_body)},"event":{head},"previous":{_quoted(previous)}}}')


def event_of(row: Stored) -> Event:
    """The event again; where its body was erased, what it said is empty.

    Raises StoreError where the row is no event that this code can read.
    """
    try:
        record: dict[str, Any] = json.loads(row.head)
        if row.body is not None:
            record.update(json.loads(row.body))
        elif row.body_digest is not None:
            record.update({name: _EMPTY[name] for name in _personal(record["kind"]) if name in _EMPTY})
        return EVENT.validate_python(record)
    except (ValueError, KeyError, TypeError) as error:
        what = f"this event cannot be read: {str(error).splitlines()[0]}"
        remedy = "verify the store; bring back the last backup with `dialoop restore`"
        raise StoreError(what, where=f"{row.conversation}, event {row.seq}", remedy=remedy) from error


_EMPTY = {"text": "", "content": "", "arguments": "{}"}
"""What stands for erased words where an event cannot lack them."""


def _personal(kind: str) -> tuple[str, ...]:
    return ("customer", *SAID.get(kind, ()))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _quoted(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'
