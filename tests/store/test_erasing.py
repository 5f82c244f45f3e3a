"""Erasing a person: the words are gone, from the files too, the chain holds, and nobody goes on writing."""

import sqlite3
from pathlib import Path
from threading import Event, Thread

import pytest

from dialoop.conversation import fold
from dialoop.errors import DataError, LeaseLost
from dialoop.store import Store, log, open_store, sqlite
from tests.store.samples import SECRET, every_kind, filled, held, said


def test_words_and_customer_are_gone_and_the_chain_holds(store: Store):
    lease = held(store)
    events = every_kind()
    store.append(events, lease=lease, key="m1")
    erasure = store.erase("c1", reason="asked for")
    assert erasure.conversations == ("c1",)
    left = list(store.events("c1"))
    assert [one.kind for one in left] == [one.kind for one in events] + ["erased"]
    told = "".join(one.model_dump_json() for one in left)
    for word in (SECRET, "Ann", "ann@example.org", "NAME", "Good day", "a person", '"q"', "安娜"):
        assert word not in told.replace('"by":"Ann"', "")
    assert fold(left).phase == "erased"
    assert store.verify().whole
    assert store.verify().erased == 1
    known = store.conversation("c1")
    assert known is not None
    assert (known.customer, known.phase) == (None, "erased")
    assert store.remembered("m1", tenant="hotel") is None


def test_the_worker_of_an_erased_conversation_is_stopped(store: Store):
    lease = held(store)
    store.append(every_kind(), lease=lease)
    store.erase("c1", reason="asked for")
    with pytest.raises(LeaseLost):
        store.append([said(23)], lease=lease)
    with pytest.raises(DataError, match="was erased"):
        store.append([said(23)], lease=held(store))


def test_all_conversations_of_a_person_and_no_others(store: Store):
    filled(store, "c1")
    filled(store, "c2", customer="bob@example.org")
    filled(store, "c3")
    filled(store, "c4", customer=None)
    assert store.erase_customer("ann@example.org", tenant="inn", reason="r").conversations == ()
    assert store.erase_customer("ann@example.org", tenant="hotel", reason="r").conversations == ("c1", "c3")
    assert store.erase_customer("ann@example.org", tenant="hotel", reason="r").conversations == ()
    assert store.conversations(tenant="hotel", customer="ann@example.org") == []
    assert [one.text for one in store.events("c2") if one.kind == "user_said"] == [f"{SECRET}, {n}" for n in (2, 3, 4)]
    assert store.verify().whole


def test_erasing_twice_changes_nothing_and_an_unknown_one_is_told(store: Store):
    filled(store)
    store.erase("c1", reason="r")
    assert store.erase("c1", reason="r").conversations == ()
    assert len(list(store.events("c1"))) == 5
    with pytest.raises(DataError, match="no such conversation"):
        store.erase("unknown", reason="r")


def test_no_byte_of_the_words_stays_in_the_files(tmp_path: Path):
    path = tmp_path / "store.db"

    def found() -> list[str]:
        words = (SECRET.encode(), b"ann@example.org", b"m-key")
        return [word.decode() for word in words for file in tmp_path.iterdir() if word in file.read_bytes()]

    with open_store(path) as store:
        filled(store, words=300)
        lease = held(store)
        store.append([said(302)], lease=lease, key="m-key")
        filled(store, "c2", customer="bob@example.org", words=1)
        assert set(found()) == {SECRET, "ann@example.org", "m-key"}
        with open_store(path) as other:
            other.erase("c2", reason="r")
            assert other.erase_customer("ann@example.org", tenant="hotel", reason="r").cleared
        assert found() == []


def test_whoever_reads_meanwhile_keeps_old_bytes_and_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "SCRUB_PATIENCE", 0.01)
    path = tmp_path / "store.db"
    with open_store(path) as store:
        filled(store)
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM bodies").fetchone()
        assert not store.erase("c1", reason="r").cleared
        reader.close()
        assert store.erase("c1", reason="r").cleared
        assert not [file for file in tmp_path.iterdir() if SECRET.encode() in file.read_bytes()]


def test_the_vault_keeps_nothing_of_an_erased_conversation(store: Store):
    filled(store)
    store.vault.keep("c1", "name", "ann", "Ann")
    store.erase("c1", reason="asked for")
    for same in ("ann", "bob"):  # what a tool gave back that was being called meanwhile
        with pytest.raises(LeaseLost, match="was erased"):
            store.vault.keep("c1", "name", same, same)
    assert store.vault.kept("c1") == []
    assert store.vault.keep("c2", "name", "ann", "Ann") == 1  # a conversation that is not opened yet


def test_a_value_that_comes_while_its_conversation_is_erased_is_not_kept(store: Store):
    filled(store)
    ended, raised = Event(), []

    def keep() -> None:
        try:
            store.vault.keep("c1", "name", "ann", "Ann")
        except LeaseLost as error:
            raised.append(error)
        finally:
            ended.set()

    thread = Thread(target=keep)
    with store._database.transaction(write=True) as session:
        log.erase(session, "c1", "asked for")
        thread.start()
        assert not ended.wait(0.2), "it did not wait for the erasing to end"
    thread.join()
    assert len(raised) == 1
    assert store.vault.kept("c1") == []


def test_erasing_again_erases_what_was_left(store: Store):
    filled(store)
    store.erase("c1", reason="asked for")
    with store._database.transaction(write=True) as session:  # as an older dialoop let a worker do
        statement = "INSERT INTO vault (conversation, kind, number, same, value) VALUES (?, ?, ?, ?, ?)"
        session.run(statement, "c1", "name", 1, "ann", '"Ann"')
    assert store.vault.kept("c1") == [("name", 1, "Ann")]
    assert store.erase("c1", reason="asked for").conversations == ()
    assert store.vault.kept("c1") == []
    assert len(list(store.events("c1"))) == 5
    assert store.verify().whole
