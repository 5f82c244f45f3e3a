"""The store: conversations that last, on SQLite or PostgreSQL, behind one small set of methods.

Every method is one transaction, blocks until it is done, and may be called from any thread: an asynchronous server
calls it in threads. (SQLite has no asynchronous form, a commit waits for the disk either way, and one plain path is
easier to get right than two.) It knows no models and no tools.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from dialoop.conversation import Event
from dialoop.errors import DataError, SettingsError, StoreError
from dialoop.store import backup, chain, leases, log
from dialoop.store.chain import PAGE, Verdict
from dialoop.store.database import Database, Driver
from dialoop.store.digests import event_of
from dialoop.store.leases import Lease
from dialoop.store.log import Added, Outline, check_name, check_phase
from dialoop.store.migrations import migrate
from dialoop.store.sqlite import SqliteDriver
from dialoop.store.vault import StoreVault


@dataclass(frozen=True)
class Erasure:
    """The conversations that were erased. `cleared`: no copy is left in the database's own log and free room either."""

    conversations: tuple[str, ...]
    cleared: bool


class Store:
    """An open store; made by `open_store`. Every method raises StoreError where the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.where = database.driver.where
        self.vault = StoreVault(database)
        """The true values behind stand-ins; erasing a conversation erases its values."""

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives all connections back; the store cannot be used after that."""
        self._database.close()

    def now(self) -> str:
        """The database's time, as events write it: RFC 3339 in UTC."""
        with self._database.transaction(write=False) as session:
            return log.written_time(session.now())

    # who may write

    def acquire(self, conversation: str, worker: str, seconds: float) -> Lease | None:
        """The right to write the conversation, for so long; None while another worker or thread holds it.

        The conversation need not be there yet. A newer lease has a greater token, always.
        """
        check_name("conversation", conversation)
        check_name("worker", worker)
        with self._database.transaction(write=True) as session:
            return leases.acquire(session, conversation, worker, seconds)

    def seize(self, conversation: str, worker: str, seconds: float) -> Lease:
        """The same right, taken from whoever has it: for a person who takes over. That worker gets LeaseLost."""
        check_name("conversation", conversation)
        check_name("worker", worker)
        with self._database.transaction(write=True) as session:
            return leases.seize(session, conversation, worker, seconds)

    def renew(self, lease: Lease, seconds: float) -> None:
        """The lease ends `seconds` from now. Raises LeaseLost where it was lost."""
        with self._database.transaction(write=True) as session:
            leases.renew(session, lease, seconds)

    def release(self, lease: Lease) -> bool:
        """Gives the lease back at once; false where it was lost already."""
        with self._database.transaction(write=True) as session:
            return leases.release(session, lease)

    def abandoned(self, limit: int = 100) -> list[str]:
        """Conversations whose worker stopped without giving the lease back: another one should go on with them."""
        with self._database.transaction(write=False) as session:
            return leases.abandoned(session, limit)

    # the log

    def append(self, events: Sequence[Event], *, lease: Lease, key: str | None = None) -> Added:
        """Adds events behind the conversation's last one: all or nothing, and on the disk when this returns.

        `key` is the idempotency key of the message that came in, unique for its tenant and customer: where the same
        message was added under it before, nothing is written, and the answer tells where it stands.
        Raises LeaseLost for a lease that no longer holds; DataError for a gap or a seq that is there already, for what
        does not belong in this conversation, and for a key that came with another message.
        """
        with self._database.transaction(write=True) as session:
            return log.append(session, events, lease, key)

    def remembered(self, key: str, *, tenant: str, customer: str | None = None) -> Added | None:
        """Where the message stands that was added under this key, if it was."""
        with self._database.transaction(write=False) as session:
            return log.remembered(session, check_name("message key", key), tenant, customer)

    def events(self, conversation: str, after: int = 0) -> Iterator[Event]:
        """The events with a seq above `after`, in order, read in pages; none for an unknown conversation.

        Where the conversation was erased, what its events said is empty.
        """
        while True:
            with self._database.transaction(write=False) as session:
                rows = log.page(session, conversation, after, PAGE)
            for row in rows:
                yield event_of(row)
            if len(rows) < PAGE:
                return
            after = rows[-1].seq

    def conversation(self, conversation: str) -> Outline | None:
        """What is known of a conversation without reading it, if it was opened."""
        with self._database.transaction(write=False) as session:
            return log.outline(session, conversation)

    def conversations(
        self,
        *,
        tenant: str | None,
        customer: str | None = None,
        agent: str | None = None,
        phase: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[Outline]:
        """Conversations, the one opened last first; `before`: the number of the last one seen, for the next page.

        `tenant` must be said, so that no tenant sees another's by an oversight; None means all of them.
        """
        if not 1 <= limit <= 1000:
            raise SettingsError(f"a page of {limit} conversations", remedy="give 1 to 1000")
        phase = None if phase is None else check_phase(phase)
        wanted = {"tenant": tenant, "customer": customer, "agent": agent, "phase": phase}
        with self._database.transaction(write=False) as session:
            return log.outlines(session, wanted, before, limit)

    # erasing, verifying, keeping

    def erase(self, conversation: str, *, reason: str) -> Erasure:
        """What people said in the conversation is gone, an `erased` event is added, and its chain still verifies.

        Its worker is stopped: the lease is taken away, and the vault keeps no value for it any more. Of one that was
        erased before, only what is left is erased. DataError for an unknown conversation.
        """
        return self._erase([conversation], reason)

    def erase_customer(self, customer: str, *, tenant: str, reason: str) -> Erasure:
        """The same for every conversation of a person, all or none."""
        with self._database.transaction(write=False) as session:
            found = log.outlines(session, {"tenant": tenant, "customer": customer}, None, limit=1_000_000_000)
        return self._erase([known.conversation for known in reversed(found)], reason)

    def _erase(self, conversations: list[str], reason: str) -> Erasure:
        with self._database.transaction(write=True) as session:
            erased = tuple(name for name in conversations if log.erase(session, name, reason))
        return Erasure(erased, self._database.scrub())

    def verify(self, conversation: str | None = None) -> Verdict:
        """Computes every digest anew, of one conversation or of all, and says where a chain breaks.

        DataError for an unknown conversation.
        """
        with self._database.transaction(write=False) as session:
            if conversation is None:
                return chain.verify(session)
            known = log.outline(session, conversation)
            if known is None:
                raise DataError("there is no such conversation", where=conversation, remedy="check its id")
            return chain.verify(session, [known])

    def backup(self, path: str | Path) -> Verdict:
        """Writes the whole store into one file while others go on writing; see `dialoop.store.backup`.

        Gives what verifying the snapshot showed. Raises StoreError or DataError where the file cannot be written.
        """
        return backup.back_up(self._database, Path(path))


def open_store(where: str | Path, *, create: bool = True) -> Store:
    """Opens a store and brings its tables up to date: a path, `sqlite:///path`, or `postgresql://user@host/name`.

    Without `create`, a SQLite file that is not there is an error. Raises SettingsError for an address that is none,
    StoreError for a store that cannot be opened or was written by a newer dialoop.
    """
    database = Database(_driver(where, create))
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return Store(database)


def restore_store(path: str | Path, where: str | Path) -> Verdict:
    """Fills an empty or new store from a backup, all or nothing; gives what verifying the new store showed.

    Raises StoreError for a backup that is torn or was changed, and for a store that is not empty.
    """
    for _ in backup.read(Path(path)):  # a torn backup is refused before a store is made
        pass
    with open_store(where) as store:
        return backup.load(store._database, Path(path))


def _driver(where: str | Path, create: bool) -> Driver:
    scheme, colon, rest = str(where).partition("://")
    if not colon or isinstance(where, Path):
        return SqliteDriver(_path(str(where)), create=create)
    if scheme == "sqlite":
        return SqliteDriver(_path(rest.removeprefix("/") if rest.startswith("/") else ""), create=create)
    if scheme in ("postgresql", "postgres"):
        try:
            from dialoop.store.postgres import PostgresDriver
        except ImportError as error:
            remedy = "pip install 'dialoop[postgres]'"
            raise StoreError(f"PostgreSQL cannot be spoken to: {error}", remedy=remedy) from error
        return PostgresDriver(str(where))
    remedy = "write a path, sqlite:///path, or postgresql://user@host/name"
    raise SettingsError(f"no store is kept under {scheme!r} addresses", remedy=remedy)


def _path(text: str) -> Path:
    if text in ("", ":memory:"):
        remedy = "name a file: a path, or sqlite:///path (sqlite:////path from the root)"
        raise SettingsError(f"{text!r} names no file, and a store must last", remedy=remedy)
    return Path(text)
