"""Steps that bring a store's tables up to date, from an empty and from an older database; a newer one is refused."""

from pathlib import Path

import pytest

from dialoop.errors import StoreError
from dialoop.store import open_store
from dialoop.store.database import Database
from dialoop.store.digests import store_form
from dialoop.store.log import insert_outline, insert_rows
from dialoop.store.migrations import MIGRATIONS, Migration, migrate
from dialoop.store.store import _driver
from tests.store.samples import filled, held, opened, said


@pytest.fixture
def database(url: str):
    made = Database(_driver(url, create=True))
    yield made
    made.close()


def recorded(database: Database) -> list[tuple[int, str]]:
    with database.transaction(write=False) as session:
        return [(n, name) for n, name in session.rows("SELECT number, name FROM dialoop_migrations ORDER BY number")]


def test_steps_are_numbered_without_gaps():
    assert [step.number for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_an_empty_database_gets_every_step_once(database: Database):
    assert migrate(database) == [step.number for step in MIGRATIONS]
    assert migrate(database) == []
    assert recorded(database) == [(step.number, step.name) for step in MIGRATIONS]


@pytest.mark.parametrize("upto", [1, 2])
def test_an_older_store_keeps_what_it_holds(database: Database, url: str, upto: int):
    assert migrate(database, MIGRATIONS[:upto]) == list(range(1, upto + 1))
    first = store_form(opened(), None)
    second = store_form(said(2), first.digest)
    with database.transaction(write=True) as session:
        insert_rows(session, [first, second])
        known = ("c1", "hotel", "ann@example.org", "desk", "open", "2026", "2026", 2, second.digest)
        insert_outline(session, *known)
    with open_store(url) as store:
        assert list(store.events("c1")) == [opened(), said(2)]
        store.append([said(3)], lease=held(store), key="m1")
        assert store.verify().whole
    assert migrate(database) == []


def test_a_newer_store_is_refused_and_left_alone(database: Database, url: str):
    newer = (*MIGRATIONS, Migration(len(MIGRATIONS) + 1, "from the future", ("CREATE TABLE future (x TEXT)",)))
    migrate(database, newer)
    with pytest.raises(StoreError, match=f"newer dialoop: its tables have step {newer[-1].number}") as error:
        open_store(url)
    assert "update dialoop" in str(error.value)
    assert len(recorded(database)) == len(newer)


def test_a_step_that_fails_leaves_everything_as_it_was(database: Database):
    migrate(database, MIGRATIONS[:1])
    wrong = Migration(2, "wrong", ("CREATE TABLE half (x TEXT)", "CREATE TABEL other (x TEXT)"))
    with pytest.raises(StoreError, match="refuses"):
        migrate(database, (MIGRATIONS[0], wrong))
    assert recorded(database) == [(1, MIGRATIONS[0].name)]
    with database.transaction(write=False) as session:
        assert "half" not in database.driver.tables(session)
    assert migrate(database) == [step.number for step in MIGRATIONS[1:]]


def test_a_record_with_a_gap_is_refused(database: Database, url: str):
    migrate(database)
    with database.transaction(write=True) as session:
        session.run("DELETE FROM dialoop_migrations WHERE number = 1")
    with pytest.raises(StoreError, match="steps that the store records"):
        open_store(url)


def test_tables_of_the_same_names_that_are_no_stores_are_refused(database: Database, url: str):
    with database.transaction(write=True) as session:
        session.run("CREATE TABLE events (x TEXT)")
    with pytest.raises(StoreError, match="'events'"):
        open_store(url)


def test_the_form_of_a_digest_is_the_documented_one():
    """Written out by hand: whoever keeps a digest elsewhere must be able to compute it again years later."""
    import hashlib

    row = store_form(said(2, "Hi"), "previous")
    assert row.body == '{"customer":"ann@example.org","text":"Hi"}'
    under = f'{{"body":{row.body},"salt":"{row.salt}"}}'
    assert row.body_digest == hashlib.sha256(under.encode()).hexdigest()
    head = '{"schema_version":1,"conversation":"c1","seq":2,"at":"' + said(2).at
    head += '","tenant":"hotel","agent":null,"model":null,"kind":"user_said"}'
    assert row.head == head
    chained = f'{{"body":"{row.body_digest}","event":{head},"previous":"previous"}}'
    assert row.digest == hashlib.sha256(chained.encode()).hexdigest()
    assert store_form(said(2, "Hi"), "previous").body_digest != row.body_digest


def test_a_store_is_readable_by_its_owner_alone(tmp_path: Path):
    with open_store(tmp_path / "store.db") as store:
        filled(store)
        assert [file.stat().st_mode & 0o077 for file in tmp_path.iterdir()] == [0, 0, 0]
