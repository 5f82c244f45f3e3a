"""Houses: hotels that last, several in one SQLite file, each with a name; tools run on them and survive a crash.

Every call is one transaction. A call that changes the house is written down together with its idempotency key and its
result, so that a repeat gives the same result and no second effect. It knows worlds and tool functions, no agent.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from dialoop.errors import DataError, StoreError
from dialoop.scenarios.hotel.tools import Result, book_room, cancel_booking, change_booking, file_complaint, topics
from dialoop.scenarios.hotel.world import Booking, Complaint, Room, World

CHANGING = (book_room, change_booking, cancel_booking, file_complaint)
"""The tools that change a house; the others only read."""

_WAIT_SECONDS = 30.0
_TABLES = """
CREATE TABLE IF NOT EXISTS houses (
    house TEXT PRIMARY KEY, lang TEXT NOT NULL, hotel TEXT NOT NULL, city TEXT NOT NULL, today TEXT NOT NULL,
    prefix TEXT NOT NULL, next_number INTEGER NOT NULL, rooms TEXT NOT NULL, rules TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS bookings (
    house TEXT NOT NULL, booking TEXT NOT NULL, room TEXT NOT NULL, check_in TEXT NOT NULL, nights INTEGER NOT NULL,
    name TEXT NOT NULL, contact TEXT NOT NULL, status TEXT NOT NULL, PRIMARY KEY (house, booking));
CREATE TABLE IF NOT EXISTS complaints (
    house TEXT NOT NULL, ticket TEXT NOT NULL, room_number INTEGER NOT NULL, problem TEXT NOT NULL,
    PRIMARY KEY (house, ticket));
CREATE TABLE IF NOT EXISTS effects (
    house TEXT NOT NULL, key TEXT NOT NULL, tool TEXT NOT NULL, arguments TEXT NOT NULL, result TEXT NOT NULL,
    changed INTEGER NOT NULL, PRIMARY KEY (house, key));
"""
_UPSERT_HOUSE = """
INSERT INTO houses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (house) DO UPDATE SET
    lang = excluded.lang, hotel = excluded.hotel, city = excluded.city, today = excluded.today,
    prefix = excluded.prefix, next_number = excluded.next_number, rooms = excluded.rooms, rules = excluded.rules
"""
_UPSERT_BOOKING = """
INSERT INTO bookings VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (house, booking) DO UPDATE SET
    room = excluded.room, check_in = excluded.check_in, nights = excluded.nights, name = excluded.name,
    contact = excluded.contact, status = excluded.status
"""


class Caller(Protocol):
    """What a house must know of who calls a tool; `dialoop.agent.ToolContext` says it."""

    @property
    def customer(self) -> str | None:
        """Names the house, where there is one of that name: a rehearsed customer has a house of its own."""

    @property
    def tenant(self) -> str:
        """Names the house, where the customer names none."""

    @property
    def lang(self) -> str | None:
        """The language of the house, where neither names one."""

    @property
    def idempotency_key(self) -> str:
        """The same for every repeat of one call."""


@dataclass(frozen=True)
class Effect:
    """A changing call that was made: once, whatever was repeated. `changed`: it did change the house."""

    key: str
    tool: str
    arguments: dict[str, Any]
    result: Result
    changed: bool


class Houses:
    """The houses in one file. Safe between threads and processes."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Raises StoreError for a file that is not there (without `create`) or holds no houses."""
        self.path = path
        if not create and not path.is_file():
            raise StoreError("no such file of houses", where=path, remedy="dialoop new hotel DIR makes one")
        with self._open() as connection:
            if create:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_TABLES)
            elif not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'effects'").fetchone():
                raise StoreError("this file holds no houses", where=path, remedy="dialoop new hotel DIR makes one")

    def add(self, name: str, world: World) -> None:
        """Keeps `world` under a name. Raises DataError where the name is taken."""
        with self._transaction() as connection:
            if connection.execute("SELECT 1 FROM houses WHERE house = ?", (name,)).fetchone():
                raise DataError(f"there is a house {name!r} already", where=self.path, remedy="give it another name")
            _write(connection, name, world, None)

    def names(self) -> list[str]:
        """The houses, in the order in which they came."""
        with self._open() as connection:
            return [row[0] for row in connection.execute("SELECT house FROM houses ORDER BY rowid")]

    def world(self, name: str) -> World:
        """The house as it stands; a copy. Raises DataError for an unknown name."""
        with self._transaction() as connection:
            return self._read(connection, name)

    def change(self, name: str, change: Callable[[World], None]) -> None:
        """Lets the house itself change its world: another room, another rule."""
        with self._transaction() as connection:
            world = self._read(connection, name)
            before = _copy(world)
            change(world)
            _write(connection, name, world, before)

    def call(self, function: Callable[..., Result], caller: Caller, /, **arguments: Any) -> Result:
        """Runs a tool on the caller's house, in one transaction; a repeat under the same key gives the same result.

        Raises DataError for a key that came with another call.
        """
        with self._transaction() as connection:
            name = self._house(connection, caller)
            world = self._read(connection, name)
            if function not in CHANGING:
                return function(world, **arguments)
            written = json.dumps(arguments, ensure_ascii=False, sort_keys=True)
            query = "SELECT tool, arguments, result FROM effects WHERE house = ? AND key = ?"
            known = connection.execute(query, (name, caller.idempotency_key)).fetchone()
            if known is not None:
                if known[:2] != (function.__name__, written):
                    what = f"the key {caller.idempotency_key!r} was used for another call of {known[0]}"
                    raise DataError(what, where=self.path, remedy="give every call a key of its own")
                done: Result = json.loads(known[2])
                return done
            before = _copy(world)
            result = function(world, **arguments)
            told = json.dumps(result, ensure_ascii=False)
            _write(connection, name, world, before)
            row = (name, caller.idempotency_key, function.__name__, written, told, world != before)
            connection.execute("INSERT INTO effects VALUES (?, ?, ?, ?, ?, ?)", row)
            return result

    def rooms(self, caller: Caller) -> list[str]:
        """The names of the rooms of the caller's house."""
        with self._transaction() as connection:
            return list(self._read(connection, self._house(connection, caller)).rooms)

    def topics(self, caller: Caller) -> list[str]:
        """What the caller's house can be asked about."""
        with self._transaction() as connection:
            return topics(self._read(connection, self._house(connection, caller)))

    def effects(self, name: str) -> list[Effect]:
        """The changing calls that were made on a house, in order."""
        query = "SELECT key, tool, arguments, result, changed FROM effects WHERE house = ? ORDER BY rowid"
        with self._open() as connection:
            rows = connection.execute(query, (name,)).fetchall()
        return [
            Effect(key, tool, json.loads(given), json.loads(told), bool(did)) for key, tool, given, told, did in rows
        ]

    def remove(self, name: str) -> None:
        """Takes a house down, with its bookings and effects."""
        with self._transaction() as connection:
            for table in ("houses", "bookings", "complaints", "effects"):
                connection.execute(f"DELETE FROM {table} WHERE house = ?", (name,))

    def _house(self, connection: sqlite3.Connection, caller: Caller) -> str:
        """The house named as the caller's customer, else as its tenant; else the first of its language, or at all."""
        rows = connection.execute("SELECT house, lang FROM houses ORDER BY rowid").fetchall()
        if not rows:
            raise DataError("there is no house", where=self.path, remedy="add one, or run dialoop new hotel DIR")
        asked = (caller.customer, caller.tenant)
        ranked = sorted(rows, key=lambda row: ([row[0] != name for name in asked], row[1] != caller.lang))
        return str(ranked[0][0])

    def _read(self, connection: sqlite3.Connection, name: str) -> World:
        row = connection.execute("SELECT * FROM houses WHERE house = ?", (name,)).fetchone()
        if row is None:
            raise DataError(f"there is no house {name!r}", where=self.path, remedy="see Houses.names()")
        _, lang, hotel, city, today, prefix, next_number, rooms, rules = row
        query = (
            "SELECT booking, room, check_in, nights, name, contact, status FROM bookings WHERE house = ? ORDER BY rowid"
        )
        bookings = [
            Booking(number, room, date.fromisoformat(check_in), *rest)
            for number, room, check_in, *rest in connection.execute(query, (name,))
        ]
        query = "SELECT ticket, room_number, problem FROM complaints WHERE house = ? ORDER BY rowid"
        return World(
            lang=lang,
            hotel=hotel,
            city=city,
            today=date.fromisoformat(today),
            rooms={room.name: room for room in map(_room, json.loads(rooms))},
            rules=json.loads(rules),
            prefix=prefix,
            next_number=next_number,
            bookings={one.booking: one for one in bookings},
            complaints=[Complaint(*row) for row in connection.execute(query, (name,))],
        )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                yield connection
        except sqlite3.Error as error:
            raise StoreError(f"the houses cannot be used: {error}", where=self.path, remedy="check the file") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _copy(world: World) -> World:
    bookings = {number: replace(one) for number, one in world.bookings.items()}
    rooms, rules, complaints = dict(world.rooms), dict(world.rules), list(world.complaints)
    return replace(world, bookings=bookings, rooms=rooms, rules=rules, complaints=complaints)


def _write(connection: sqlite3.Connection, name: str, world: World, before: World | None) -> None:
    """What is new in `world` since `before`."""
    if before == world:
        return
    rooms = json.dumps([_room_record(room) for room in world.rooms.values()], ensure_ascii=False)
    rules = json.dumps(world.rules, ensure_ascii=False)
    place = (
        world.lang,
        world.hotel,
        world.city,
        world.today.isoformat(),
        world.prefix,
        world.next_number,
        rooms,
        rules,
    )
    connection.execute(_UPSERT_HOUSE, (name, *place))
    for one in world.bookings.values():
        if before is None or before.bookings.get(one.booking) != one:
            row = (name, one.booking, one.room, one.check_in.isoformat(), one.nights, one.name, one.contact, one.status)
            connection.execute(_UPSERT_BOOKING, row)
    for filed in world.complaints[len(before.complaints) if before else 0 :]:
        ticket = (name, filed.ticket, filed.room_number, filed.problem)
        connection.execute("INSERT INTO complaints VALUES (?, ?, ?, ?)", ticket)


def _room_record(room: Room) -> dict[str, Any]:
    return {**vars(room), "full": sorted(day.isoformat() for day in room.full)}


def _room(record: dict[str, Any]) -> Room:
    numbers, full = tuple(record["numbers"]), frozenset(map(date.fromisoformat, record["full"]))
    return Room(**{**record, "numbers": numbers, "full": full})
