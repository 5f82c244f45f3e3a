"""Verifying: whatever is changed behind the store's back is found, at its place."""

import sqlite3
from collections.abc import Callable

import psycopg
import pytest

from dialoop.errors import DataError
from dialoop.store import Store
from tests.store.samples import filled


@pytest.fixture
def behind(url: str) -> Callable[[str], None]:
    """Runs a statement on the database itself."""

    def run(statement: str) -> None:
        if url.startswith("sqlite"):
            connection = sqlite3.connect(url.removeprefix("sqlite:///"))
            connection.execute(statement)
            connection.commit()
            connection.close()
        else:
            with psycopg.connect(url) as postgres:
                postgres.execute(statement.encode())

    return run


@pytest.mark.parametrize(
    ("statement", "seq", "what"),
    [
        ("UPDATE bodies SET body = replace(body, '555', '666') WHERE {c2} AND seq = 3", 3, "what was said was changed"),
        ("UPDATE bodies SET salt = 'x' WHERE {c2} AND seq = 4", 4, "what was said was changed"),
        ("DELETE FROM bodies WHERE {c2} AND seq = 3", 3, "no erasure is written"),
        ("UPDATE events SET head = replace(head, 'hotel', 'motel') WHERE {c2} AND seq = 3", 3, "its digest is not"),
        ("UPDATE events SET digest = 'x' WHERE {c2} AND seq = 2", 2, "its digest is not"),
        ("UPDATE events SET body_digest = NULL WHERE {c2} AND seq = 4", 4, "its digest is not"),
        ("DELETE FROM events WHERE {c2} AND seq = 2", 3, "the events from 2 up to here are gone"),
        ("DELETE FROM events WHERE {c2} AND seq = 4", 4, "up to 4 are gone"),
        ("DELETE FROM events WHERE {c2}", 1, "up to 4 are gone"),
        ("UPDATE conversations SET digest = 'x' WHERE id = 'c2'", 4, "another one"),
        ("UPDATE conversations SET phase = 'closed' WHERE id = 'c2'", 4, "own row tells another"),
        ("UPDATE conversations SET customer = 'bob' WHERE id = 'c2'", 4, "own row tells another"),
        ("UPDATE conversations SET tenant = 'inn' WHERE id = 'c2'", 1, "its head names another"),
        ("DELETE FROM conversations WHERE id = 'c2'", 1, "own row is gone"),
    ],
)
def test_a_change_is_found_at_its_place(
    store: Store, behind: Callable[[str], None], statement: str, seq: int, what: str
):
    for name in ("c1", "c2", "c3"):
        filled(store, name)
    assert store.verify().whole
    behind(statement.replace("{c2}", "conversation = 'c2'"))
    verdict = store.verify()
    assert not verdict.whole
    assert [(found.conversation, found.seq) for found in verdict.breaks] == [("c2", seq)]
    assert what in str(verdict)
    assert store.verify("c1").whole


def test_words_that_came_back_after_an_erasure_are_found(store: Store, behind: Callable[[str], None]):
    filled(store)
    filled(store, "c2")
    store.erase("c1", reason="r")
    behind("INSERT INTO bodies SELECT 'c1', seq, salt, body FROM bodies WHERE conversation = 'c2' AND seq = 2")
    assert store.verify("c1").breaks[0].seq == 2


def test_an_event_of_another_conversation_in_its_place_is_found(store: Store, behind: Callable[[str], None]):
    filled(store)
    filled(store, "c2")
    behind("DELETE FROM bodies WHERE conversation = 'c2'")
    behind("DELETE FROM events WHERE conversation = 'c2'")
    for table in ("events", "bodies"):
        behind(f"CREATE TABLE other AS SELECT * FROM {table} WHERE conversation = 'c1'")
        behind("UPDATE other SET conversation = 'c2'")
        behind(f"INSERT INTO {table} SELECT * FROM other")
        behind("DROP TABLE other")
    assert [(found.conversation, found.seq) for found in store.verify().breaks] == [("c2", 1)]


def test_verifying_an_unknown_conversation_is_refused(store: Store):
    with pytest.raises(DataError, match="no such conversation"):
        store.verify("unknown")
