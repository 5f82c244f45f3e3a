"""The queue: conversations that need a person, who waited longest first, with the reason and the last lines.

A conversation stands in it because a person was asked for (by the customer, or by the agent when it failed), because a
call waits for a person, or because a person is in it. Only what is new since the last look is read, and only what waits
is remembered. It knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from dialoop.agent import told
from dialoop.desk.sight import Called, Said, Sight, see
from dialoop.store import Outline, Store

Why = Literal["asked", "approval", "with_operator"]
PAGE = 1000
LAST_LINES = 3


@dataclass(frozen=True)
class Waiting:
    """One conversation of the queue. `since`: when the waiting began (RFC 3339, UTC); `reason`: in words, if any."""

    conversation: str
    tenant: str
    customer: str | None
    agent: str | None
    lang: str | None
    why: Why
    since: str
    reason: str | None
    operator: str | None
    calls: tuple[Called, ...]
    last: tuple[Said, ...]


def look(store: Store, conversation: str, before: Sight | None = None) -> Sight:
    """The conversation as a person sees it, with the true values; `before`: how it was seen, to read what is new."""
    events = store.events(conversation, 0 if before is None else before.state.seq)
    return see(told(events, store.vault), before)


class Queue:
    """The queue of one tenant (None: of all), looked at again and again."""

    def __init__(self, store: Store, tenant: str | None) -> None:
        self._store = store
        self._tenant = tenant
        self._waiting: dict[str, Sight] = {}
        self._quiet: dict[str, int] = {}
        """Of the conversations that wait for nothing: how far they were when that was seen, as seq."""

    def look(self) -> list[Waiting]:
        """Who waits now, the longest first; those with an operator last. Reads what came since the last look.

        A conversation that waited for nothing is read anew when it goes on.
        """
        waiting: dict[str, Sight] = {}
        quiet: dict[str, int] = {}
        found: list[tuple[bool, str, int, Waiting]] = []
        for known in self._outlines():
            if self._quiet.get(known.conversation) == known.seq:
                quiet[known.conversation] = known.seq
                continue
            sight = self._waiting.get(known.conversation, Sight())
            if sight.state.seq < known.seq:
                sight = look(self._store, known.conversation, sight)
            if (one := waits(sight)) is not None:
                waiting[known.conversation] = sight
                found.append((one.why == "with_operator", one.since, known.number, one))
            else:
                quiet[known.conversation] = sight.state.seq
        self._waiting, self._quiet = waiting, quiet
        return [one for *_, one in sorted(found, key=lambda row: row[:3])]

    def _outlines(self) -> Iterator[Outline]:
        for phase in ("asked", "with_operator", "open"):
            before: int | None = None
            while True:
                page = self._store.conversations(tenant=self._tenant, phase=phase, before=before, limit=PAGE)
                yield from page
                if len(page) < PAGE:
                    break
                before = page[-1].number


def queue(store: Store, tenant: str | None) -> list[Waiting]:
    """Who waits now, the longest first: one look."""
    return Queue(store, tenant).look()


def waits(sight: Sight) -> Waiting | None:
    """The conversation's place in the queue, if it needs a person or has one."""
    state, calls = sight.state, sight.waiting_calls
    if state.phase not in ("open", "asked", "with_operator") or state.conversation is None:
        return None
    why: Why
    if state.phase == "with_operator":
        joined = [line for line in sight.lines if line.kind == "note" and line.what == "joined"]
        why, since, reason = "with_operator", joined[-1].at, None
    elif sight.asked is not None:
        why, (since, reason) = "asked", sight.asked
    elif calls:
        why, since, reason = "approval", calls[0].at, None
    else:
        return None
    return Waiting(
        conversation=state.conversation,
        tenant=state.tenant or "",
        customer=state.customer,
        agent=state.agent,
        lang=state.lang,
        why=why,
        since=since,
        reason=reason,
        operator=state.operator,
        calls=tuple(calls),
        last=_last(sight.lines),
    )


def _last(lines: Iterable[object]) -> tuple[Said, ...]:
    said = [line for line in lines if isinstance(line, Said) and not line.withdrawn]
    return tuple(said[-LAST_LINES:])
