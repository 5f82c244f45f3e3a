"""A whole store in one file, the same for SQLite and PostgreSQL, so that one can be restored into the other.

The file is JSON, one object a line, compressed if its name ends with .gz: a line that says what it is, one for each
lease and each value of the vault, then for each conversation its own line, its events and its message keys; at the end
a line with the counts and the SHA-256 of everything before it. Fencing tokens are kept, so that no worker from before
can write after a restore.
It knows no SQL of its own beyond the tables' columns.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter, ValidationError

from dialoop.conversation import canonical_json, write_lines
from dialoop.errors import Place, StoreError
from dialoop.store.chain import PAGE, Verdict, all_outlines, all_rows, verify
from dialoop.store.database import MARK, Database, Session
from dialoop.store.digests import Stored
from dialoop.store.log import Outline, insert_outline, insert_rows, written_time

FORM = 1
"""The form of the file. A newer one is refused."""
_TITLE = "dialoop backup"


@dataclass(frozen=True)
class _Lease:
    conversation: str
    token: int


@dataclass(frozen=True)
class _Key:
    tenant: str
    customer: str
    name: str
    conversation: str
    first: int
    last: int


@dataclass(frozen=True)
class _Value:
    conversation: str
    kind: str
    number: int
    same: str | None
    value: str | None


_KINDS: dict[str, TypeAdapter[Any]] = {
    "lease": TypeAdapter(_Lease),
    "conversation": TypeAdapter(Outline),
    "event": TypeAdapter(Stored),
    "key": TypeAdapter(_Key),
    "value": TypeAdapter(_Value),
}


def back_up(database: Database, path: Path) -> Verdict:
    """Writes the store as it is at this moment; others go on writing meanwhile. Gives what verifying it showed.

    The file is written beside its place, flushed to the disk and renamed; only its owner can read it. Raises StoreError
    or DataError, and then the place holds what it held before.
    """
    if path.is_file() and not _is_backup(path):
        remedy = "name another file; nothing was changed"
        raise StoreError("this file is there already, and it is no backup of dialoop", where=path, remedy=remedy)
    verdict = Verdict()
    with database.transaction(write=False) as session:
        write_lines(path, _lines(session, verdict), private=True)
    return verdict


def load(database: Database, path: Path) -> Verdict:
    """Fills an empty store from a backup, all or nothing. Gives what verifying the new store showed.

    Raises StoreError where the file is torn, was changed, or is no backup, and where the store is not empty.
    """
    with database.transaction(write=True) as session:
        database.driver.lock_schema(session)
        for table in ("conversations", "events", "leases", "vault"):
            if session.row(f"SELECT 1 FROM {table} LIMIT 1") is not None:
                remedy = "restore into a new store, and change over once that is done"
                raise StoreError("the store is not empty", where=database.driver.where, remedy=remedy)
        lines = (_one(record, Place(str(path), number)) for number, record in read(path))
        while some := list(islice(lines, PAGE)):
            _put(session, some)
        return verify(session)


def read(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines between the first and the last, with their numbers.

    Raises StoreError: at once for what is no backup, at the end where the file is torn or was changed.
    """
    place = Place(str(path))
    ended = False
    try:
        with _opened(path) as stream:
            hashed = hashlib.sha256()
            for number, line in enumerate(stream, start=1):
                record = _object(line, Place(str(path), number))
                if number == 1:
                    _check_title(record, place)
                elif ended:
                    raise _torn(place, "something follows after its end")
                elif "end" in record:
                    ended = True
                    if record["end"].get("sha256") != hashed.hexdigest():
                        raise _torn(place, "its checksum is another one")
                else:
                    yield number, record
                hashed.update(line)
            if not ended:
                raise _torn(place, "its end is missing")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _torn(place, f"it cannot be unpacked ({error})") from error
    except OSError as error:
        remedy = "check the path and who may read it"
        raise StoreError(f"the backup cannot be read: {error.strerror or error}", where=path, remedy=remedy) from error


def _lines(session: Session, verdict: Verdict) -> Iterator[str]:
    """All lines of a backup; `verdict` is filled on the way."""
    hashed = hashlib.sha256()
    for line in _records(session, verdict):
        hashed.update(f"{line}\n".encode())
        yield line
    counts = {"conversations": verdict.conversations, "events": verdict.events}
    yield canonical_json({"end": {**counts, "sha256": hashed.hexdigest()}})


def _records(session: Session, verdict: Verdict) -> Iterator[str]:
    (step,) = session.row(f"SELECT MAX(number) FROM {MARK}") or (None,)  # the first row read fixes the moment
    yield canonical_json({"what": _TITLE, "form": FORM, "tables": step, "at": written_time(session.now())})
    after = ""
    while rows := session.rows(_LEASES, after, PAGE):
        yield from (canonical_json({"lease": asdict(_Lease(*row))}) for row in rows)
        after = rows[-1][0]
    place = ("", "", 0)
    while rows := session.rows(_VALUES, *place, PAGE):
        yield from (canonical_json({"value": asdict(_Value(*row))}) for row in rows)
        place = rows[-1][:3]
    for known in all_outlines(session):
        yield canonical_json({"conversation": asdict(known)})
        for event in verdict.add(known, all_rows(session, known.conversation)):
            yield canonical_json({"event": asdict(event)})
        for row in session.rows(_KEYS, known.conversation):
            yield canonical_json({"key": asdict(_Key(*row))})


_LEASES = "SELECT conversation, token FROM leases WHERE conversation > ? ORDER BY conversation LIMIT ?"
_VALUES = """SELECT conversation, kind, number, same, value FROM vault WHERE (conversation, kind, number) > (?, ?, ?)
             ORDER BY conversation, kind, number LIMIT ?"""
_KEYS = """SELECT tenant, customer, name, conversation, first, last FROM message_keys
           WHERE conversation = ? ORDER BY first"""


def _put(session: Session, some: list[_Lease | Outline | Stored | _Key | _Value]) -> None:
    insert_rows(session, [one for one in some if isinstance(one, Stored)])
    for one in some:
        if isinstance(one, Outline):
            told = {name: value for name, value in asdict(one).items() if name != "number"}
            insert_outline(session, *told.values())
    session.run_all(
        "INSERT INTO leases (conversation, token, worker, until) VALUES (?, ?, NULL, 0)",
        [(one.conversation, one.token) for one in some if isinstance(one, _Lease)],
    )
    session.run_all(
        "INSERT INTO message_keys (tenant, customer, name, conversation, first, last) VALUES (?, ?, ?, ?, ?, ?)",
        [tuple(asdict(one).values()) for one in some if isinstance(one, _Key)],
    )
    session.run_all(
        "INSERT INTO vault (conversation, kind, number, same, value) VALUES (?, ?, ?, ?, ?)",
        [tuple(asdict(one).values()) for one in some if isinstance(one, _Value)],
    )


def _one(record: dict[str, Any], place: Place) -> Any:
    """The record in a line: one key that names its kind."""
    kind = next(iter(record), "")
    if len(record) != 1 or kind not in _KINDS:
        raise StoreError("this line is none that a backup holds", where=place, remedy=_ANOTHER)
    try:
        return _KINDS[kind].validate_json(json.dumps(record[kind]), strict=True)
    except ValidationError as error:
        found = error.errors()[0]
        what = f"this line cannot be used: {'.'.join(map(str, found['loc']))}: {found['msg']}"
        raise StoreError(what, where=place, remedy=_ANOTHER) from None


_ANOTHER = "take another backup; nothing was changed"


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def _object(line: bytes, place: Place) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise _torn(place, "its last line is not whole")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise StoreError("this is no backup of dialoop, or a damaged one", where=place, remedy=_ANOTHER)
    return record


def _check_title(record: dict[str, Any], place: Place) -> None:
    if record.get("what") != _TITLE:
        raise StoreError("this is no backup of dialoop", where=place, remedy="name a file that `dialoop backup` wrote")
    if record.get("form") != FORM:
        what = f"the backup has form {record.get('form')}, and this dialoop reads form {FORM}"
        raise StoreError(what, where=place, remedy="update dialoop")


def _torn(place: Place, how: str) -> StoreError:
    return StoreError(f"the backup is torn or was changed: {how}", where=place, remedy=_ANOTHER)


def _is_backup(path: Path) -> bool:
    try:
        with _opened(path) as stream:
            return f'"what":"{_TITLE}"'.encode() in stream.readline(200)
    except (OSError, EOFError, zlib.error):
        return False
