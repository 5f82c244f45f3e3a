"""The tables, and the numbered steps that lead to them: applied in order, each once, and recorded.

A step that was released is never changed; what must change is a new step at the end. All steps that are missing are
applied in one transaction. It knows nothing of what the rows mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dialoop.errors import StoreError
from dialoop.store.database import MARK, Database, Session


@dataclass(frozen=True)
class Migration:
    """One step. `NUMBER` in a statement becomes a column that counts rows by itself."""

    number: int
    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        1,
        "the event log",
        (
            """CREATE TABLE conversations (
                number NUMBER, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, customer TEXT, agent TEXT,
                phase TEXT NOT NULL, opened_at TEXT NOT NULL, last_at TEXT NOT NULL,
                seq BIGINT NOT NULL, digest TEXT NOT NULL)""",
            """CREATE TABLE events (
                conversation TEXT NOT NULL, seq BIGINT NOT NULL, head TEXT NOT NULL, body_digest TEXT,
                digest TEXT NOT NULL, PRIMARY KEY (conversation, seq))""",
            """CREATE TABLE bodies (
                conversation TEXT NOT NULL, seq BIGINT NOT NULL, salt TEXT NOT NULL, body TEXT NOT NULL,
                PRIMARY KEY (conversation, seq))""",
            """CREATE TABLE leases (
                conversation TEXT NOT NULL PRIMARY KEY, token BIGINT NOT NULL, worker TEXT, until BIGINT NOT NULL)""",
        ),
    ),
    Migration(
        2,
        "keys of messages that came in",
        (
            """CREATE TABLE message_keys (
                tenant TEXT NOT NULL, customer TEXT NOT NULL, name TEXT NOT NULL, conversation TEXT NOT NULL,
                first BIGINT NOT NULL, last BIGINT NOT NULL, PRIMARY KEY (tenant, customer, name))""",
            "CREATE INDEX message_keys_by_conversation ON message_keys (conversation)",
        ),
    ),
    Migration(
        3,
        "ways to find conversations",
        (
            "CREATE INDEX conversations_by_customer ON conversations (tenant, customer, number)",
            "CREATE INDEX conversations_by_phase ON conversations (tenant, phase, number)",
            "CREATE INDEX leases_that_are_held ON leases (until) WHERE worker IS NOT NULL",
        ),
    ),
    Migration(
        4,
        "the vault",
        (
            """CREATE TABLE vault (
                conversation TEXT NOT NULL, kind TEXT NOT NULL, number BIGINT NOT NULL, same TEXT, value TEXT,
                PRIMARY KEY (conversation, kind, number), UNIQUE (conversation, kind, same))""",
        ),
    ),
)


def migrate(database: Database, migrations: Sequence[Migration] = MIGRATIONS) -> list[int]:
    """Brings the tables up to date and gives the numbers of the steps that were applied.

    Processes that do this at once wait for one another. Raises StoreError where the tables are newer than this code, or
    are not a store's.
    """
    with database.transaction(write=False) as session:
        if _missing(session, migrations) == ():
            return []
    with database.transaction(write=True) as session:
        database.driver.lock_schema(session)
        steps = _missing(session, migrations)
        if MARK not in database.driver.tables(session):
            session.run(f"CREATE TABLE {MARK} (number BIGINT PRIMARY KEY, name TEXT NOT NULL, at BIGINT NOT NULL)")
        for step in steps:
            for statement in step.statements:
                session.run(statement.replace("NUMBER", database.driver.number_column))
            session.run(
                f"INSERT INTO {MARK} (number, name, at) VALUES (?, ?, ?)", step.number, step.name, session.now()
            )
    return [step.number for step in steps]


def _missing(session: Session, migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """The steps that are not recorded yet."""
    tables, where = session.driver.tables(session), session.driver.where
    if MARK not in tables:
        if ours := tables & {"conversations", "events", "bodies", "leases"}:
            what = f"it has a table {sorted(ours)[0]!r}, but it is no store of dialoop"
            raise StoreError(what, where=where, remedy="name another file, database or schema")
        if tables and session.driver.alone:
            what = f"this is a database of something else, with a table {sorted(tables)[0]!r}"
            raise StoreError(what, where=where, remedy="name another file")
        return tuple(migrations)
    known = [step.number for step in migrations]
    applied = [number for (number,) in session.rows(f"SELECT number FROM {MARK} ORDER BY number")]
    if applied and applied[-1] > known[-1]:
        what = (
            f"the store was written by a newer dialoop: its tables have step {applied[-1]}, this one knows {known[-1]}"
        )
        raise StoreError(what, where=where, remedy="update dialoop; nothing was changed")
    if applied != known[: len(applied)]:
        what = f"the steps that the store records are {applied}, and {known[: len(applied)]} was to be expected"
        raise StoreError(what, where=where, remedy="bring back the last backup with `dialoop restore`")
    return tuple(migrations[len(applied) :])
