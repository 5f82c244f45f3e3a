"""The event log: adding, reading, finding, erasing. Each function works inside a transaction that it is given.

It knows of events only what decides whether they may be added; what they mean is told by folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from dialoop.conversation import SAID, Event
from dialoop.conversation.events import Erased
from dialoop.conversation.fold import Phase
from dialoop.errors import DataError
from dialoop.store.database import Session
from dialoop.store.digests import Stored, event_of, store_form
from dialoop.store.leases import Lease, hold, take_away

LONGEST_NAME = 200
"""Characters that the name of a conversation, tenant, customer, agent, worker or message key may have."""


@dataclass(frozen=True)
class Outline:
    """What is known of a conversation without reading it. `number` counts conversations as they were opened."""

    conversation: str
    number: int
    tenant: str
    customer: str | None
    agent: str | None
    phase: Phase
    opened_at: str
    last_at: str
    seq: int
    digest: str


@dataclass(frozen=True)
class Added:
    """Where events stand in the log: the seq of the first and the last. `repeated`: they stood there already."""

    conversation: str
    first: int
    last: int
    repeated: bool = False


def append(session: Session, events: Sequence[Event], lease: Lease, key: str | None) -> Added:
    """Adds the events behind the conversation's last one. Raises LeaseLost, or DataError, and then nothing is added."""
    if not events:
        raise DataError("no events are given", where=lease.conversation, remedy="append at least one")
    hold(session, lease)
    known = outline(session, lease.conversation)
    if key is not None and (before := _repeated(session, events, key)) is not None:
        return before
    _check(events, lease.conversation, known)
    _put(session, events, known)
    first, last = events[0], events[-1]
    if key is not None:
        statement = (
            "INSERT INTO message_keys (tenant, customer, name, conversation, first, last) VALUES (?, ?, ?, ?, ?, ?)"
        )
        owner = (first.tenant, first.customer or "", check_name("message key", key))
        session.run(statement, *owner, lease.conversation, first.seq, last.seq)
    return Added(lease.conversation, first.seq, last.seq)


def remembered(session: Session, key: str, tenant: str, customer: str | None) -> Added | None:
    """What was added under the key of a message, if it came in before."""
    statement = "SELECT conversation, first, last FROM message_keys WHERE tenant = ? AND customer = ? AND name = ?"
    row = session.row(statement, tenant, customer or "", key)
    if row is None:
        return None
    conversation, first, last = row
    return Added(conversation, first, last, repeated=True)


def page(session: Session, conversation: str, after: int, limit: int) -> list[Stored]:
    """Up to `limit` events of the conversation behind seq `after`."""
    rows = session.rows(
        """SELECT e.conversation, e.seq, e.head, e.body_digest, e.digest, b.salt, b.body FROM events e
           LEFT JOIN bodies b ON b.conversation = e.conversation AND b.seq = e.seq
           WHERE e.conversation = ? AND e.seq > ? ORDER BY e.seq LIMIT ?""",
        conversation,
        after,
        limit,
    )
    return [Stored(*row) for row in rows]


_OUTLINE = "id, number, tenant, customer, agent, phase, opened_at, last_at, seq, digest"


def outline(session: Session, conversation: str) -> Outline | None:
    """What is known of one conversation, if it was opened."""
    row = session.row(f"SELECT {_OUTLINE} FROM conversations WHERE id = ?", conversation)
    return None if row is None else Outline(*row)


def outlines(session: Session, wanted: dict[str, str | None], before: int | None, limit: int) -> list[Outline]:
    """Conversations, the newest first, whose columns have the values wanted (None: any), older than number `before`."""
    given = {column: value for column, value in wanted.items() if value is not None}
    conditions = [f"{column} = ?" for column in given]
    values: list[Any] = list(given.values())
    if before is not None:
        conditions.append("number < ?")
        values.append(before)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    statement = f"SELECT {_OUTLINE} FROM conversations {where} ORDER BY number DESC LIMIT ?"
    return [Outline(*row) for row in session.rows(statement, *values, limit)]


def outlines_in_order(session: Session, after: int, limit: int) -> list[Outline]:
    """Conversations in the order in which they were opened, behind number `after`."""
    statement = f"SELECT {_OUTLINE} FROM conversations WHERE number > ? ORDER BY number LIMIT ?"
    return [Outline(*row) for row in session.rows(statement, after, limit)]


def erase(session: Session, conversation: str, reason: str) -> bool:
    """What people said in it, and whose it was, is gone; its worker is stopped. False where it was erased before: then
    whatever came behind is gone too.

    Raises DataError for a conversation that is not there.
    """
    take_away(session, conversation)
    known = outline(session, conversation)
    if known is None:
        raise DataError("there is no such conversation", where=conversation, remedy="check its id")
    is_new = known.phase != "erased"
    if is_new:
        at = written_time(session.now())
        last = Erased(conversation=conversation, seq=known.seq + 1, at=at, tenant=known.tenant, reason=reason)
        _put(session, [last], known)
    for statement in (
        "UPDATE conversations SET customer = NULL WHERE id = ?",
        "DELETE FROM bodies WHERE conversation = ?",
        "DELETE FROM message_keys WHERE conversation = ?",
        "UPDATE vault SET same = NULL, value = NULL WHERE conversation = ?",
    ):
        session.run(statement, conversation)
    return is_new


def written_time(milliseconds: int) -> str:
    """RFC 3339 time in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def check_name(what: str, name: str) -> str:
    """The name itself. Raises DataError for one that no database can hold."""
    remedy = f"use 1 to {LONGEST_NAME} characters, without U+0000"
    if not 1 <= len(name) <= LONGEST_NAME:
        raise DataError(f"the {what} has {len(name)} characters", remedy=remedy)
    if "\x00" in name or any("\ud800" <= sign <= "\udfff" for sign in name):
        raise DataError(f"the {what} {name!r} holds a character that cannot be kept", remedy=remedy)
    return name


def check_phase(phase: str) -> str:
    """The phase itself. Raises DataError for an unknown one."""
    if phase not in get_args(Phase):
        raise DataError(f"there is no phase {phase!r}", remedy=f"use one of {', '.join(get_args(Phase))}")
    return phase


PHASES: dict[str, Phase] = {
    "opened": "open",
    "escalated": "asked",
    "operator_joined": "with_operator",
    "handed_back": "open",
    "closed": "closed",
    "erased": "erased",
}
"""The phase that an event of this kind begins, as `fold` tells it."""


@dataclass(frozen=True)
class Course:
    """What a conversation's row tells of its events so far: whose it is, who answers, how far it is."""

    customer: str | None = None
    agent: str | None = None
    phase: Phase = "new"

    def after(self, event: Event) -> Course:
        """The same after one more event."""
        agent = event.to if event.kind == "handed_to" else event.agent
        return Course(self.customer or event.customer, agent or self.agent, PHASES.get(event.kind, self.phase))


def _check(events: Sequence[Event], conversation: str, known: Outline | None) -> None:
    """Raises DataError where an event cannot stand where it is to be put."""
    expected = 1 if known is None else known.seq + 1
    first = events[0]
    tenant, customer = (first.tenant, first.customer) if known is None else (known.tenant, known.customer)
    if known is not None and known.phase == "erased":
        raise DataError("the conversation was erased", where=conversation, remedy="open a new conversation")
    for name, value in (("conversation", conversation), ("tenant", tenant)):
        check_name(name, value)
    for event in events:
        where = f"{conversation}, event {event.seq}"
        if event.conversation != conversation:
            what = f"an event of {event.conversation!r}, and the lease is for {conversation!r}"
            raise DataError(what, where=where, remedy="append to one conversation at a time")
        if event.seq != expected:
            what = f"seq {event.seq}, and the log goes on with {expected}: a gap or a doublet"
            raise DataError(what, where=where, remedy="read the events that stand there, and number from the last")
        if (event.kind == "opened") != (event.seq == 1):
            raise DataError("a conversation begins with 'opened', once", where=where, remedy="put 'opened' first")
        if event.kind == "erased":
            raise DataError("'erased' is written by erasing alone", where=where, remedy="call erase")
        if event.tenant != tenant:
            what = f"tenant {event.tenant!r}, and the conversation is of {tenant!r}"
            raise DataError(what, where=where, remedy="open a conversation for each tenant")
        if customer is not None and event.customer is not None and event.customer != customer:
            raise DataError("another customer than before", where=where, remedy="open a conversation for each customer")
        customer = customer or event.customer
        named = {"customer": event.customer, "agent": event.to if event.kind == "handed_to" else event.agent}
        for name, given in named.items():
            if given is not None:
                check_name(name, given)
        expected += 1


def _put(session: Session, events: Sequence[Event], known: Outline | None) -> None:
    """Writes the rows of the events and what changes in the conversation's own row."""
    previous = None if known is None else known.digest
    course = Course() if known is None else Course(known.customer, known.agent, known.phase)
    rows = []
    for event in events:
        rows.append(store_form(event, previous))
        previous, course = rows[-1].digest, course.after(event)
    insert_rows(session, rows)
    last = events[-1]
    if known is None:
        new = (last.conversation, last.tenant, course.customer, course.agent, course.phase)
        insert_outline(session, *new, events[0].at, last.at, last.seq, previous)
        return
    session.run(
        "UPDATE conversations SET customer = ?, agent = ?, phase = ?, last_at = ?, seq = ?, digest = ? WHERE id = ?",
        *(course.customer, course.agent, course.phase, last.at, last.seq, previous, last.conversation),
    )


def insert_outline(session: Session, *values: Any) -> None:
    """Writes a conversation's own row: the columns of an outline without its number, which the database gives."""
    session.run(
        """INSERT INTO conversations (id, tenant, customer, agent, phase, opened_at, last_at, seq, digest)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        *values,
    )


def insert_rows(session: Session, rows: Sequence[Stored]) -> None:
    """Writes events' rows as they are."""
    session.run_all(
        "INSERT INTO events (conversation, seq, head, body_digest, digest) VALUES (?, ?, ?, ?, ?)",
        [(row.conversation, row.seq, row.head, row.body_digest, row.digest) for row in rows],
    )
    session.run_all(
        "INSERT INTO bodies (conversation, seq, salt, body) VALUES (?, ?, ?, ?)",
        [(row.conversation, row.seq, row.salt, row.body) for row in rows if row.body is not None],
    )


def _repeated(session: Session, events: Sequence[Event], key: str) -> Added | None:
    """What was added under the key before. Raises DataError where that was something else."""
    before = remembered(session, key, events[0].tenant, events[0].customer)
    if before is None:
        return None
    stored = page(session, before.conversation, before.first - 1, before.last - before.first + 1)
    same = before.conversation == events[0].conversation
    if same and _meant(event_of(row) for row in stored) == _meant(events):
        return before
    what = f"the key {key!r} came with another message before, in {before.conversation!r}, event {before.first}"
    raise DataError(what, where=events[0].conversation, remedy="give every message a key of its own")


def _meant(events: Iterable[Event]) -> list[Any]:
    """What makes a repeated message the same one: its kind and words; not its time, number or stand-ins."""
    return [
        (event.kind, [getattr(event, name) for name in SAID[event.kind] if name != "shown"])
        for event in events
        if event.kind in SAID
    ]
