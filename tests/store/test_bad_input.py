"""What cannot be opened, read or written ends in one message with place and remedy, on both databases."""

import sqlite3
from pathlib import Path

import psycopg
import pytest

from dialoop.errors import DialoopError, SettingsError, StoreError
from dialoop.store import open_store, sqlite
from dialoop.store.database import Database
from dialoop.store.postgres import SETTINGS, PostgresDriver
from dialoop.store.sqlite import SqliteDriver
from tests.store.samples import filled, held, opened, said
from tests.store.workers import fill_the_disk, working


def refused(where: str | Path, *, create: bool = True) -> DialoopError:
    with pytest.raises(DialoopError) as error:
        open_store(where, create=create)
    assert error.value.remedy
    return error.value


def test_a_store_that_is_not_there(tmp_path: Path):
    error = refused(tmp_path / "no.db", create=False)
    assert "no such store" in error.what
    assert str(error.where) == str(tmp_path / "no.db")
    assert not (tmp_path / "no.db").exists()


def test_a_folder_that_is_not_there(tmp_path: Path):
    assert "mkdir -p" in str(refused(tmp_path / "no" / "store.db"))


def test_a_folder_in_place_of_a_file(tmp_path: Path):
    assert "no file" in refused(tmp_path).what


@pytest.mark.parametrize("content", [b"my thesis, chapter one\n" * 300, b"\x00\xff" * 4096])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes):
    path = tmp_path / "store.db"
    path.write_bytes(content)
    error = refused(path)
    assert "no database" in error.what
    assert str(error.where) == str(path)
    assert path.read_bytes() == content


def test_a_database_of_something_else(tmp_path: Path):
    connection = sqlite3.connect(tmp_path / "music.db")
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    before = (tmp_path / "music.db").read_bytes()
    assert "'songs'" in refused(tmp_path / "music.db").what
    assert (tmp_path / "music.db").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["music.db"]


def test_a_damaged_store(tmp_path: Path):
    path = tmp_path / "store.db"
    with open_store(path) as store:
        filled(store, words=500)
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged") as error, open_store(path) as store:
        store.verify()
    assert "dialoop restore" in str(error.value)


@pytest.mark.parametrize(
    "where",
    ["mysql://localhost/x", "sqlite://", "sqlite:///", "sqlite:///:memory:", ":memory:", "", "postgresql://h:x/y"],
)
def test_an_address_that_names_no_store(where: str):
    assert isinstance(refused(where), SettingsError | StoreError)


def test_a_server_that_is_not_there(tmp_path: Path):
    error = refused(f"postgresql://me:hidden@/chat?host={tmp_path}")
    assert "cannot be reached" in error.what
    assert "\n" not in error.what
    assert "hidden" not in str(error)


def test_a_database_that_the_server_does_not_have(server: str):
    error = refused(server.replace("/postgres?", "/nowhere?"))
    assert '"nowhere" does not exist' in error.what


def test_a_database_that_keeps_no_unicode(server: str):
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    assert "LATIN1" in refused(server.replace("/postgres?", "/latin?")).what


def test_a_server_that_is_only_read(postgres: str):
    error = refused(f"{postgres}%20-cdefault_transaction_read_only%3Don")
    assert "cannot be written" in error.what


def test_a_file_that_is_kept_by_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "PATIENCE", 0.01)
    path = tmp_path / "store.db"
    with open_store(path) as store:
        lease = held(store)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process has kept the store"):
            store.append([opened()], lease=lease)
        assert list(store.events("c1")) == []
        other.close()
        store.append([opened()], lease=lease)


def test_a_row_that_is_kept_by_another_process(postgres: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SETTINGS, "lock_timeout", "10ms")
    with open_store(postgres) as store, psycopg.connect(postgres) as other:
        lease = held(store)
        other.execute("SELECT * FROM leases FOR UPDATE")
        with pytest.raises(StoreError, match="kept a lock"):
            store.append([opened()], lease=lease)
        other.rollback()
        store.append([opened()], lease=lease)


def cut(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dialoop'")


def test_connections_that_were_cut_while_idle_are_made_anew(postgres: str, server: str):
    with open_store(postgres) as store:
        filled(store)
        cut(server)
        filled(store, "c2")
        assert store.verify().whole


def test_a_connection_that_is_cut_at_work_is_told_and_nothing_stays(postgres: str, server: str):
    database = Database(PostgresDriver(postgres))

    def work() -> None:
        with database.transaction(write=True) as session:
            session.run("INSERT INTO leases (conversation, token, until) VALUES ('c1', 9, 0)")
            cut(server)
            session.now()

    with open_store(postgres) as store:
        with pytest.raises(StoreError, match="went away") as error:
            work()
        assert "whole or not at all" in str(error.value)
        assert held(store).token == 1
        with database.transaction(write=False) as session:
            assert session.now() > 0
    database.close()


def test_a_full_disk_under_sqlite(tmp_path: Path):
    path = tmp_path / "store.db"
    with working(fill_the_disk, path) as (_, told):
        said_of_it, acknowledged = told.recv()
        after = told.recv()
    assert str(path) in said_of_it
    assert "nothing of this step was written" in said_of_it
    assert "make room" in said_of_it
    assert after == acknowledged + 1
    with open_store(path, create=False) as store:
        assert [event.seq for event in store.events("c1")] == list(range(1, after + 1))
        assert store.verify().whole


def test_a_full_disk_under_postgresql(postgres: str):
    with open_store(postgres) as store, psycopg.connect(postgres, autocommit=True) as connection:
        lease = held(store)
        store.append([opened()], lease=lease)
        connection.execute(
            """CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"""
        )
        connection.execute("CREATE TRIGGER no_room BEFORE INSERT ON bodies FOR EACH ROW EXECUTE FUNCTION full_disk()")
        with pytest.raises(StoreError, match="disk of the database is full") as error:
            store.append([said(2)], lease=lease)
        assert "make room" in str(error.value)
        connection.execute("DROP TRIGGER no_room ON bodies")
        store.append([said(2)], lease=lease)
        assert store.verify().whole


def test_every_commit_of_sqlite_waits_for_the_disk(tmp_path: Path):
    with open_store(tmp_path / "store.db"):
        connection = SqliteDriver(tmp_path / "store.db").connect()
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        connection.close()
    assert found == ["wal", 2]  # 2: FULL
