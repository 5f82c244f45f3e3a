"""SQLite: one file, any number of readers, one writer at a time; the others wait.

The file is in WAL mode with `synchronous=FULL`: a transaction that ended is on the disk. What is deleted is overwritten
(`secure_delete`). It knows no table but the one that marks a store.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from dialoop.errors import StoreError
from dialoop.store.database import MARK, Session

PATIENCE = 60.0
"""Seconds that a writer waits for other processes before it gives up."""
SCRUB_PATIENCE = 5.0
"""Seconds that clearing what was deleted waits for those who read."""
OLDEST = (3, 35, 0)
"""The first SQLite that knows RETURNING."""


class SqliteDriver:
    """One SQLite file. `create`: make the file where there is none; else that is an error."""

    failures: tuple[type[Exception], ...] = (sqlite3.Error,)
    alone = True
    number_column = "INTEGER PRIMARY KEY AUTOINCREMENT"
    now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    locked = ""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self.where = str(path)
        self._writing = threading.Lock()
        if sqlite3.sqlite_version_info < OLDEST:
            remedy = f"use a Python with SQLite {'.'.join(map(str, OLDEST))} or newer"
            raise StoreError(f"the SQLite of this Python is too old: {sqlite3.sqlite_version}", remedy=remedy)
        if not path.is_file():
            self._make(create)

    def _make(self, create: bool) -> None:
        """An empty file that only its owner can read."""
        if self.path.exists() and not self.path.is_file():  # another process may have made the file just now
            raise StoreError("this is no file", where=self.path, remedy="name a file")
        if not create:
            raise StoreError("there is no such store", where=self.path, remedy="check the path")
        if not self.path.parent.is_dir():
            remedy = f"mkdir -p {self.path.parent}"
            raise StoreError("the folder of this file does not exist", where=self.path, remedy=remedy)
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # SQLite makes sure of what is in the file, not of its name
            finally:
                os.close(folder)
        except OSError as error:
            remedy = "name a place that can be written"
            raise StoreError(f"the file cannot be made: {error.strerror}", where=self.path, remedy=remedy) from error

    def connect(self) -> sqlite3.Connection:
        """A connection in autocommit mode."""
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and MARK not in tables:
            return  # somebody else's database, which will be refused: its mode is left as it is
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL").fetchone()
                break
            except sqlite3.OperationalError as error:  # two processes make the file at once: SQLite does not wait here
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def usable(self, connection: Any) -> bool:
        """Whether the connection can go on: it stands outside a transaction."""
        return not connection.in_transaction

    def sql(self, statement: str) -> str:
        """The statement as it is."""
        return statement

    def begin(self, *, write: bool) -> str:
        """A writer takes its turn at once, so that nothing it read can be changed before it writes."""
        return "BEGIN IMMEDIATE" if write else "BEGIN"

    def writing(self) -> threading.Lock | None:
        """Threads of one process wait in line instead of asking the file again and again."""
        return self._writing

    def tables(self, session: Session) -> set[str]:
        """The names of all tables in the file."""
        return {name for (name,) in session.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def lock_schema(self, session: Session) -> None:
        """Nothing to do: a writer is alone."""

    def scrub(self, connection: Any) -> bool:
        """Moves the log into the file, where deleted rows are overwritten, and empties it; false while others read."""
        connection.execute(f"PRAGMA busy_timeout={SCRUB_PATIENCE * 1000:.0f}")
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.execute(f"PRAGMA busy_timeout={PATIENCE * 1000:.0f}")
        return not busy

    def explain(self, error: Exception) -> StoreError:
        """The failure in words."""
        what, remedy = _WORDS.get(_code(error), (f"SQLite refuses: {error}", "report this with the command you ran"))
        return StoreError(what, where=self.path, remedy=remedy)


def _code(error: Exception) -> int:
    """SQLite's primary result code."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


_WORDS = {
    sqlite3.SQLITE_BUSY: (
        f"another process has kept the store for {PATIENCE:.0f} seconds",
        "see what else has the file open, and try again",
    ),
    sqlite3.SQLITE_FULL: ("the disk is full; nothing of this step was written", "make room, and do the same again"),
    sqlite3.SQLITE_IOERR: (
        "the disk refuses to read or write; nothing of this step was written",
        "make room on the disk and check it, and do the same again",
    ),
    sqlite3.SQLITE_READONLY: ("the store cannot be written", "check who may write the file and its folder"),
    sqlite3.SQLITE_PERM: ("the store may not be read", "check who may read and write the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: ("the store cannot be opened", "check who may read and write the file and its folder"),
    sqlite3.SQLITE_NOTADB: ("this file is no database", "name the file of a store; was another one meant?"),
    sqlite3.SQLITE_CORRUPT: (
        "the file of the store is damaged",
        "keep it aside, and bring back the last backup with `dialoop restore`",
    ),
}
