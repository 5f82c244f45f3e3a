"""Leases: who may write a conversation now. Each lease carries a fencing token that only ever grows.

A lease ends by the database's clock, not by a worker's. The token is what protects the log: a worker that slept past
its lease, while another one went on, holds an older token, and what it writes is refused. It knows nothing of events.
"""

from __future__ import annotations

from dataclasses import dataclass

from dialoop.errors import LeaseLost, SettingsError
from dialoop.store.database import Session


@dataclass(frozen=True)
class Lease:
    """The right to write one conversation, while no newer `token` was given out."""

    conversation: str
    worker: str
    token: int


def acquire(session: Session, conversation: str, worker: str, seconds: float) -> Lease | None:
    """The lease, or None while any worker holds it: a second thread of the same worker does not get it either."""
    now, length = session.driver.now, _milliseconds(seconds)
    row = session.row(
        f"""INSERT INTO leases (conversation, token, worker, until) VALUES (?, 1, ?, {now} + ?)
            ON CONFLICT (conversation) DO UPDATE
            SET token = leases.token + 1, worker = excluded.worker, until = {now} + ?
            WHERE leases.worker IS NULL OR leases.until <= {now} RETURNING token""",
        conversation,
        worker,
        length,
        length,
    )
    return None if row is None else Lease(conversation, worker, int(row[0]))


def renew(session: Session, lease: Lease, seconds: float) -> None:
    """The lease ends `seconds` from now. Raises LeaseLost where another worker has it."""
    hold(session, lease)
    statement = f"UPDATE leases SET until = {session.driver.now} + ? WHERE conversation = ?"
    session.run(statement, _milliseconds(seconds), lease.conversation)


def release(session: Session, lease: Lease) -> bool:
    """Gives the lease back at once; false where it was lost already."""
    statement = "UPDATE leases SET worker = NULL, until = 0 WHERE conversation = ? AND token = ? AND worker IS NOT NULL"
    return session.run(statement, lease.conversation, lease.token) == 1


def hold(session: Session, lease: Lease) -> None:
    """Keeps every other writer out until the transaction ends. Raises LeaseLost for a stale token.

    A lease that ran out but that nobody else took is still good: no other writer can have come between.
    """
    statement = f"SELECT token, worker FROM leases WHERE conversation = ? {session.driver.locked}"
    token, worker = session.row(statement, lease.conversation) or (0, None)
    if (token, worker) == (lease.token, lease.worker):
        return
    taken = "it was given back" if token == lease.token else f"a newer one, {token}, was given out"
    if token < lease.token:
        taken = f"this store has given out no more than {token}"
    what = f"the lease of {lease.worker!r} with token {lease.token} no longer holds: {taken}"
    raise LeaseLost(what, where=lease.conversation, remedy="stop; acquire the lease again and read the log anew")


def take_away(session: Session, conversation: str) -> None:
    """Ends whatever lease there is, by a new token that nobody holds; keeps others out until the transaction ends."""
    session.run(
        """INSERT INTO leases (conversation, token, worker, until) VALUES (?, 1, NULL, 0)
           ON CONFLICT (conversation) DO UPDATE SET token = leases.token + 1, worker = NULL, until = 0""",
        conversation,
    )


def seize(session: Session, conversation: str, worker: str, seconds: float) -> Lease:
    """The lease, whoever has it; that worker's next write is refused."""
    take_away(session, conversation)
    lease = acquire(session, conversation, worker, seconds)
    assert lease is not None
    return lease


def abandoned(session: Session, limit: int) -> list[str]:
    """Conversations whose worker neither gave the lease back nor renewed it in time, the longest ago first."""
    statement = f"""SELECT conversation FROM leases WHERE worker IS NOT NULL AND until <= {session.driver.now}
                    ORDER BY until LIMIT ?"""
    return [conversation for (conversation,) in session.rows(statement, limit)]


def _milliseconds(seconds: float) -> int:
    if not 0 < seconds <= 86_400:
        remedy = "give more than 0 and no more than 86400 (a day)"
        raise SettingsError(f"a lease of {seconds} seconds", remedy=remedy)
    return max(1, round(seconds * 1000))
