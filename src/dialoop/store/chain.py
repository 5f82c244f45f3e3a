"""Verifying: whether what the store holds is what was written, and where it is not.

Every digest is computed again. What this cannot see is a conversation that was taken out with all its rows, or one that
was written anew with all its digests: for that, compare `Outline.digest` with one that is kept elsewhere, in a backup
for example. It knows no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dialoop.errors import StoreError
from dialoop.store.database import Session
from dialoop.store.digests import Stored, body_digest, digest, event_of
from dialoop.store.log import Course, Outline, outlines_in_order, page

PAGE = 500
"""Rows that are read at once."""


@dataclass(frozen=True)
class Break:
    """Where a conversation's chain first breaks, and how."""

    conversation: str
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.conversation}, event {self.seq}: {self.what}"


@dataclass
class Verdict:
    """How much was verified, how much of it was erased, and the first break of every conversation that has one."""

    conversations: int = 0
    events: int = 0
    erased: int = 0
    breaks: list[Break] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether no chain breaks."""
        return not self.breaks

    def __str__(self) -> str:
        counts = f"{self.conversations} conversations ({self.erased} erased), {self.events} events"
        if self.whole:
            return f"{counts}; the chain of digests is whole"
        places = "".join(f"\n  {each}" for each in self.breaks)
        return f"{counts}; the chain of digests breaks:{places}"

    def add(self, known: Outline, rows: Iterable[Stored]) -> Iterator[Stored]:
        """The same rows; once all were taken, the conversation is judged."""
        check = _Check(known)
        for row in rows:
            check.row(row)
            self.events += 1
            yield row
        self.conversations += 1
        self.erased += known.phase == "erased"
        if (found := check.end()) is not None:
            self.breaks.append(found)


def all_outlines(session: Session) -> Iterator[Outline]:
    """Every conversation, in the order in which they were opened."""
    after = 0
    while found := outlines_in_order(session, after, PAGE):
        yield from found
        after = found[-1].number


def all_rows(session: Session, conversation: str) -> Iterator[Stored]:
    """Every event's row of a conversation, in order."""
    after = 0
    while found := page(session, conversation, after, PAGE):
        yield from found
        after = found[-1].seq


def verify(session: Session, known: Iterable[Outline] | None = None) -> Verdict:
    """Verifies the conversations given; without, all of them, and that no event stands outside of one."""
    verdict = Verdict()
    for each in all_outlines(session) if known is None else known:
        for _ in verdict.add(each, all_rows(session, each.conversation)):
            pass
    if known is None:
        lost = """SELECT conversation, MIN(seq) FROM events WHERE conversation NOT IN (SELECT id FROM conversations)
                  GROUP BY conversation ORDER BY conversation"""
        verdict.breaks += [Break(name, seq, "the conversation's own row is gone") for name, seq in session.rows(lost)]
    return verdict


class _Check:
    """One conversation's rows, followed one after the other up to the first break."""

    def __init__(self, known: Outline) -> None:
        self.known = known
        self.found: Break | None = None
        self.seq = 0
        self.digest: str | None = None
        self.course = Course()
        self.bodiless: int | None = None
        self.spoken: int | None = None

    def row(self, row: Stored) -> None:
        """Looks at the next row."""
        if self.found is None and (what := self._wrong(row)) is not None:
            self._break(row.seq, what)
        self.seq, self.digest = row.seq, row.digest

    def _wrong(self, row: Stored) -> str | None:
        if row.seq != self.seq + 1:
            return f"the events from {self.seq + 1} up to here are gone"
        if row.digest != digest(row.head, row.body_digest, self.digest):
            return "its digest is not that of its head and of the event before"
        if row.body is not None and row.salt is not None:
            if body_digest(row.body, row.salt) != row.body_digest:
                return "what was said was changed"
            self.spoken = self.spoken or row.seq
        elif row.body_digest is not None:
            self.bodiless = self.bodiless or row.seq
        try:
            event = event_of(row)
        except StoreError as error:
            return error.what
        if (event.conversation, event.seq, event.tenant) != (self.known.conversation, row.seq, self.known.tenant):
            return "it is an event of another place: its head names another conversation, seq or tenant"
        self.course = self.course.after(event)
        return None

    def end(self) -> Break | None:
        """The first break; what only shows at the end is looked at now."""
        known = self.known
        erased = self.course.phase == "erased"
        if self.found is None and self.seq != known.seq:
            self._break(self.seq + 1, f"the events from here up to {known.seq} are gone")
        if self.found is None and self.digest != known.digest:
            self._break(self.seq, "the digest kept for the whole conversation is another one")
        if self.found is None and self.bodiless is not None and not erased:
            self._break(self.bodiless, "what was said is gone, and no erasure is written")
        if self.found is None and self.spoken is not None and erased:
            self._break(self.spoken, "the conversation was erased, and what was said is still there")
        if self.found is None and self.course != Course(known.customer, known.agent, known.phase):
            self._break(self.seq, "the conversation's own row tells another customer, agent or phase than its events")
        return self.found

    def _break(self, seq: int, what: str) -> None:
        self.found = Break(self.known.conversation, seq, what)
