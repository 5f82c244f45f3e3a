"""The vault that lasts: true values behind stand-ins, by conversation, in a table of their own beside the log.

It keeps what a privacy vault must (see `dialoop.privacy.Vault`) in plain types: two workers that keep one value at once
get one number, and a number is never given twice, not even after erasing. What is kept is on the disk before the text
that holds its stand-in is. It knows no stand-ins and no events.
"""

from __future__ import annotations

import hashlib
import json

from dialoop.errors import DataError, LeaseLost, StoreError
from dialoop.store.database import Database, Session
from dialoop.store.log import check_name

_TRIES = 50
"""Times that a number is tried for; each try fails only where another worker has just kept a value."""


class StoreVault:
    """The values of one store. Every method is one transaction and may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, conversation: str, kind: str, same: str, value: str) -> int:
        """The number of (conversation, kind, same); the next one, kept now with `value`, if it had none.

        Raises LeaseLost where the conversation was erased: whoever was at it stops, and nothing of it is kept.
        StoreError where the database fails, DataError for a name that no database can hold.
        """
        check_name("conversation", conversation)
        alike, written = _digest(same), _written(value, conversation)
        with self._database.transaction(write=False) as session:
            number = _number(session, conversation, kind, alike)
        for _ in range(_TRIES):
            if number is not None:
                return number
            with self._database.transaction(write=True) as session:
                _check_not_erased(session, conversation)
                number = _number(session, conversation, kind, alike)
                number = number or _added(session, conversation, kind, alike, written)
        raise StoreError(
            f"no number could be given in {_TRIES} tries", where=self._database.driver.where, remedy="try again"
        )

    def kept(self, conversation: str) -> list[tuple[str, int, str]]:
        """All that is kept for a conversation as (kind, number, value), in order of kind and number."""
        statement = """SELECT kind, number, value FROM vault WHERE conversation = ? AND value IS NOT NULL
                       ORDER BY kind, number"""
        with self._database.transaction(write=False) as session:
            return [
                (kind, int(number), json.loads(value)) for kind, number, value in session.rows(statement, conversation)
            ]

    def value(self, conversation: str, kind: str, number: int) -> str | None:
        """The value as it was first written; None where none is kept."""
        statement = "SELECT value FROM vault WHERE conversation = ? AND kind = ? AND number = ?"
        with self._database.transaction(write=False) as session:
            row = session.row(statement, conversation, kind, number)
        return None if row is None or row[0] is None else str(json.loads(row[0]))

    def erase(self, conversation: str) -> int:
        """Forgets the values of a conversation for good; how many they were. Erasing the conversation does it too, and
        lets none be kept any more."""
        with self._database.transaction(write=True) as session:
            return erase_values(session, conversation)


def erase_values(session: Session, conversation: str) -> int:
    """The values and their writings are gone; their numbers stay taken. Gives how many values they were."""
    statement = "UPDATE vault SET same = NULL, value = NULL WHERE conversation = ? AND value IS NOT NULL"
    return session.run(statement, conversation)


def _check_not_erased(session: Session, conversation: str) -> None:
    """Raises LeaseLost for an erased conversation; keeps whoever erases it out until the transaction ends.

    A worker that called a tool meanwhile has lost its lease, as erasing took it away, and does not know it yet.
    """
    statement = f"SELECT phase FROM conversations WHERE id = ? {session.driver.locked}"
    row = session.row(statement, conversation)
    if row is not None and row[0] == "erased":
        remedy = "stop; nothing can be done with it any more"
        raise LeaseLost("the conversation was erased", where=conversation, remedy=remedy)


def _digest(same: str) -> str:
    """Of one length whatever it is made of, for an index takes no long keys. It is no secret beside its value."""
    return hashlib.sha256(same.encode("utf-8", "surrogatepass")).hexdigest()


def _written(value: str, conversation: str) -> str:
    """The value as JSON, for no database keeps U+0000 in a text."""
    written = json.dumps(value, ensure_ascii=False)
    try:
        written.encode("utf-8")
    except UnicodeEncodeError:
        what = "a value holds half of a surrogate pair"
        raise DataError(what, where=conversation, remedy="write the whole character") from None
    return written


def _number(session: Session, conversation: str, kind: str, same: str) -> int | None:
    statement = "SELECT number FROM vault WHERE conversation = ? AND kind = ? AND same = ?"
    row = session.row(statement, conversation, kind, same)
    return None if row is None else int(row[0])


def _added(session: Session, conversation: str, kind: str, same: str, value: str) -> int | None:
    """The next number, or None where another worker was faster: with this value, or with this number."""
    row = session.row(
        """INSERT INTO vault (conversation, kind, number, same, value)
           SELECT ?, ?, COALESCE(MAX(number), 0) + 1, ?, ? FROM vault WHERE conversation = ? AND kind = ?
           ON CONFLICT DO NOTHING RETURNING number""",
        *(conversation, kind, same, value, conversation, kind),
    )
    return None if row is None else int(row[0])
