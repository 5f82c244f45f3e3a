"""Transactions on a database of either kind: connections are lent, one a transaction; every failure is told in words.

Written without an ORM: the store has six tables and some forty statements, and what they promise (which row is
locked, when it is on the disk) must stand where it is read. What SQLite and PostgreSQL do differently is in a `Driver`
each; statements are written once, with `?` for values. It knows no table but the one that marks a store.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Protocol

from dialoop.errors import StoreError

MARK = "dialoop_migrations"
"""The table that makes a database a store of dialoop: the steps that led to its tables."""
MOST_CONNECTIONS = 8
"""Connections that one process opens to one store; further threads wait for one to come back."""


class Connection(Protocol):
    """What is used of a DB-API connection in autocommit mode."""

    def execute(self, sql: Any, values: Any = ..., /) -> Any:
        """Runs a statement and gives a cursor over its rows."""

    def cursor(self) -> Any:
        """A cursor, which can run one statement for many values."""

    def close(self) -> None:
        """Gives the connection back to the database."""


class Driver(Protocol):
    """One kind of database."""

    where: str
    """The store's name in messages, without a password."""
    failures: tuple[type[Exception], ...]
    """What the database's own library raises."""
    alone: bool
    """Whether nobody else's tables belong beside the store's."""
    number_column: str
    """SQL of a column that counts rows by itself."""
    now: str
    """SQL for the database's time, in whole milliseconds since 1970 UTC."""
    locked: str
    """SQL put behind a SELECT to keep its rows from other writers until the transaction ends."""

    def connect(self) -> Connection:
        """A new connection in autocommit mode."""

    def usable(self, connection: Any) -> bool:
        """Whether the connection can go on: it is open and stands outside a transaction."""

    def sql(self, statement: str) -> str:
        """The statement with this library's sign for values."""

    def begin(self, *, write: bool) -> str:
        """The statement that begins a transaction."""

    def writing(self) -> threading.Lock | None:
        """Held by the one thread of this process that writes, where only one can."""

    def tables(self, session: Session) -> set[str]:
        """The names of all tables that stand where the store's belong."""

    def lock_schema(self, session: Session) -> None:
        """Keeps other processes from changing the tables until the transaction ends."""

    def scrub(self, connection: Any) -> bool:
        """Clears what deleted rows left behind, as far as can be; tells whether nothing is left."""

    def explain(self, error: Exception) -> StoreError:
        """The failure in words."""


class Session:
    """One transaction under way."""

    def __init__(self, connection: Connection, driver: Driver) -> None:
        self._connection = connection
        self.driver = driver

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows that the statement gives."""
        return [tuple(row) for row in self._connection.execute(self.driver.sql(statement), values).fetchall()]

    def row(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row, if there is one."""
        found = self._connection.execute(self.driver.sql(statement), values).fetchone()
        return None if found is None else tuple(found)

    def run(self, statement: str, *values: Any) -> int:
        """Runs the statement and gives the number of rows that it changed."""
        return int(self._connection.execute(self.driver.sql(statement), values).rowcount)

    def run_all(self, statement: str, values: Sequence[Sequence[Any]]) -> None:
        """Runs the statement once for each of the values."""
        if values:
            self._connection.cursor().executemany(self.driver.sql(statement), values)

    def now(self) -> int:
        """The database's time, in milliseconds since 1970 UTC."""
        row = self.row(f"SELECT {self.driver.now}")
        assert row is not None
        return int(row[0])


class Database:
    """The connections of one process to one store; safe to use from several threads."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._idle: list[Connection] = []
        self._guard = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._closed = False

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Session]:
        """All or nothing. A reading one sees one state of the whole store, and holds up no writer.

        What was written is on the disk when this ends without an error. Raises StoreError where the database fails.
        """
        writing = self.driver.writing() if write else None
        with writing or nullcontext(), self._lent(self.driver.begin(write=write)) as connection:
            yield Session(connection, self.driver)
            connection.execute("COMMIT")

    def scrub(self) -> bool:
        """Clears what deleted rows left behind, as far as this kind of database can; tells whether nothing is left."""
        with self._lent("SELECT 1") as connection:
            return self.driver.scrub(connection)

    def close(self) -> None:
        """Closes every connection that is not in use; those in use close when they come back."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            self._drop(connection)

    @contextmanager
    def _lent(self, first: str) -> Iterator[Connection]:
        """A connection for one use, its first statement run; on any failure its transaction is rolled back."""
        with self._places:
            try:
                connection = self._begun(first)
            except self.driver.failures as error:
                raise self.driver.explain(error) from error
            sound = False
            try:
                yield connection
                sound = True
            except BaseException as error:
                with suppress(*self.driver.failures):
                    connection.execute("ROLLBACK")
                sound = self.driver.usable(connection)
                if isinstance(error, self.driver.failures):
                    raise self.driver.explain(error) from error
                raise
            finally:
                self._give_back(connection, sound)

    def _begun(self, first: str) -> Connection:
        """A connection with the statement run on it: one that lay idle, or where the server cut those, a new one."""
        while (idle := self._take()) is not None:
            try:
                idle.execute(first)
                return idle
            except self.driver.failures:
                sound = self.driver.usable(idle)
                self._give_back(idle, sound)
                if sound:
                    raise
        new = self.driver.connect()
        try:
            new.execute(first)
        except BaseException:
            self._drop(new)
            raise
        return new

    def _take(self) -> Connection | None:
        """A connection that lies idle, if there is one."""
        with self._guard:
            if self._closed:
                raise StoreError("the store is closed", where=self.driver.where, remedy="open it again")
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: Connection, sound: bool) -> None:
        with self._guard:
            if sound and not self._closed:
                self._idle.append(connection)
                return
            if not sound:  # the server went away, most likely: what else was open to it is of no use either
                lost, self._idle = [*self._idle, connection], []
            else:
                lost = [connection]
        for each in lost:
            self._drop(each)

    def _drop(self, connection: Connection) -> None:
        with suppress(*self.driver.failures):
            connection.close()
