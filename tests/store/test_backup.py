"""Backup while others write, and restore into either kind of database; torn and changed backups are refused."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from dialoop.errors import DialoopError, LeaseLost, Place, StoreError
from dialoop.store import Store, backup, open_store, restore_store
from tests.store.samples import every_kind, filled, held, said
from tests.store.workers import back_up_to_a_full_disk, working, write_for_ever


def many(store: Store) -> None:
    """Conversations of several sorts: whole, erased, with keys, with a lease out."""
    store.append(every_kind(), lease=held(store), key="m1")
    filled(store, "c2", customer="bob@example.org", words=600)
    filled(store, "c3", customer=None)
    store.erase("c3", reason="r")
    held(store, "never opened")


@pytest.mark.parametrize("name", ["b.jsonl", "b.gz"])
@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_all_comes_back_in_either_database(
    store: Store, tmp_path: Path, target: str, name: str, request: pytest.FixtureRequest
):
    many(store)
    path = tmp_path / name
    made = store.backup(path)
    assert (made.conversations, made.events, made.erased, made.whole) == (3, 21 + 601 + 5, 1, True)
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith(".part")] == []
    # the second schema of this test, where the source is PostgreSQL too
    other = str(tmp_path / "other.db") if target == "sqlite" else request.getfixturevalue("second_postgres")
    assert restore_store(path, other) == made
    with open_store(other, create=False) as restored:
        for conversation in ("c1", "c2", "c3"):
            assert list(restored.events(conversation)) == list(store.events(conversation))
            known, before = restored.conversation(conversation), store.conversation(conversation)
            assert known is not None
            assert before is not None
            assert known.digest == before.digest
        found = [known.conversation for known in restored.conversations(tenant=None)]
        assert found == ["c3", "c2", "c1"]
        assert restored.remembered("m1", tenant="hotel") == store.remembered("m1", tenant="hotel")
        filled(restored, "c4")
        assert restored.verify().whole
        again = tmp_path / "again.jsonl"
        assert restored.backup(again).conversations == 4


def test_no_worker_from_before_can_write_after_a_restore(store: Store, tmp_path: Path):
    old = held(store)
    store.append(every_kind(), lease=old)
    store.backup(tmp_path / "b")
    restore_store(tmp_path / "b", tmp_path / "other.db")
    with open_store(tmp_path / "other.db") as restored:
        with pytest.raises(LeaseLost):
            restored.append([said(22)], lease=old)
        assert held(restored).token > old.token


def test_a_backup_is_of_one_moment_and_holds_up_no_writer(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for number in range(3):
        filled(store, f"c{number}")
    lease = held(store, "c2")
    write: Callable[..., int] = backup.write_lines

    def slowly(path: Path, lines: Iterable[str], *, private: bool) -> int:
        def told() -> Iterable[str]:
            for number, line in enumerate(lines):
                if number < 5:
                    store.append([said(5 + number, "later", "c2")], lease=lease)
                if number == 5:
                    filled(store, "later")
                yield line

        return write(path, told(), private=private)

    monkeypatch.setattr(backup, "write_lines", slowly)
    made = store.backup(tmp_path / "b")
    assert (made.conversations, made.events, made.whole) == (3, 12, True)
    assert len(list(store.events("c2"))) == 9
    assert "later" not in (tmp_path / "b").read_text(encoding="utf-8")


def test_a_backup_while_another_process_writes_is_whole(store: Store, url: str, tmp_path: Path):
    with working(write_for_ever, url, "c1") as (_, told):
        counts = []
        for number in range(3):
            acknowledged = told.recv()
            made = store.backup(tmp_path / f"{number}.gz")
            assert made.whole
            assert made.events >= acknowledged
            counts.append(made.events)
            while told.recv() <= made.events:
                pass
    assert counts == sorted(set(counts))
    assert restore_store(tmp_path / "2.gz", tmp_path / "other.db").events == counts[-1]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    with open_store(tmp_path / "source.db") as store:
        many(store)
        store.backup(tmp_path / "b.jsonl")
    return tmp_path / "b.jsonl"


def refused(path: Path, target: Path) -> StoreError:
    with pytest.raises(StoreError) as error:
        restore_store(path, target)
    assert error.value.remedy
    assert isinstance(error.value.where, Place)
    assert error.value.where.path == str(path)
    assert not target.exists()
    return error.value


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.999, 0.99999])
@pytest.mark.parametrize("packed", [False, True])
def test_a_torn_backup_is_refused_and_makes_no_store(made: Path, tmp_path: Path, share: float, packed: bool):
    whole = gzip.compress(made.read_bytes()) if packed else made.read_bytes()
    made.write_bytes(whole[: int(len(whole) * share)])
    said = refused(made, tmp_path / "other.db").what
    assert "torn" in said or "no backup" in said


def test_a_backup_that_ends_between_two_lines_is_torn(made: Path, tmp_path: Path):
    lines = made.read_bytes().splitlines(keepends=True)
    made.write_bytes(b"".join(lines[:-1]))
    assert "its end is missing" in refused(made, tmp_path / "other.db").what


def test_a_changed_backup_is_refused(made: Path, tmp_path: Path):
    made.write_bytes(made.read_bytes().replace(b"555-0199", b"555-0198", 1))
    assert "checksum" in refused(made, tmp_path / "other.db").what


def test_what_was_put_behind_the_end_is_refused(made: Path, tmp_path: Path):
    with made.open("ab") as stream:
        stream.write(b"{}\n")
    assert "after its end" in refused(made, tmp_path / "other.db").what


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "torn"),
        (b"hello\n", "no backup"),
        (b"[]\n", "no backup"),
        (b'{"messages":[]}\n', "no backup"),
        (b'{"what":"dialoop backup","form":2}\n', "form 2"),
        (b"\x1f\x8b\x08rubbish", "torn"),
        (bytes(range(256)) * 40 + b"\n", "no backup"),
    ],
)
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes, what: str):
    path = tmp_path / "b"
    path.write_bytes(content)
    assert what in refused(path, tmp_path / "other.db").what


def sealed(path: Path, *records: dict[str, Any]) -> Path:
    """A backup made by hand, its checksum right."""
    lines = [json.dumps(record) + "\n" for record in ({"what": "dialoop backup", "form": 1}, *records)]
    end = {"end": {"sha256": hashlib.sha256("".join(lines).encode()).hexdigest()}}
    path.write_text("".join(lines) + json.dumps(end) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "record", [{"toy": {}}, {"lease": {"conversation": "c"}}, {"event": []}, {"lease": {}, "key": {}}]
)
def test_a_line_that_cannot_be_used_is_told_and_nothing_is_restored(tmp_path: Path, record: dict[str, Any]):
    path = sealed(tmp_path / "b", {"lease": {"conversation": "c1", "token": 3}}, record)
    with pytest.raises(StoreError, match="this line") as error:
        restore_store(path, tmp_path / "other.db")
    assert error.value.where == Place(str(path), 3)
    with open_store(tmp_path / "other.db") as store:
        assert held(store).token == 1


def test_a_backup_with_a_broken_chain_is_restored_and_the_place_told(tmp_path: Path, made: Path):
    records = [json.loads(line) for line in made.read_text(encoding="utf-8").splitlines()][1:-1]
    for record in records:
        if "event" in record and record["event"]["conversation"] == "c2" and record["event"]["seq"] == 7:
            record["event"]["body"] = record["event"]["body"].replace("555", "666")
    verdict = restore_store(sealed(made, *records), tmp_path / "other.db")
    assert [(found.conversation, found.seq) for found in verdict.breaks] == [("c2", 7)]


def test_a_store_that_holds_something_is_not_restored_into(url: str, made: Path):
    with open_store(url) as store:
        filled(store)
        with pytest.raises(StoreError, match="not empty"):
            restore_store(made, url)
        assert len(store.conversations(tenant=None)) == 1


def test_a_file_that_is_no_backup_is_not_written_over(store: Store, tmp_path: Path):
    filled(store)
    mine = tmp_path / "mine.txt"
    mine.write_text("my thesis", encoding="utf-8")
    with pytest.raises(StoreError, match="no backup"):
        store.backup(mine)
    assert mine.read_text(encoding="utf-8") == "my thesis"
    store.backup(tmp_path / "b")
    store.backup(tmp_path / "b")


def test_a_folder_that_is_not_there_is_told(store: Store, tmp_path: Path):
    with pytest.raises(DialoopError, match="does not exist"):
        store.backup(tmp_path / "no" / "b")


def test_a_backup_without_room_leaves_the_last_one(made: Path, tmp_path: Path):
    before = made.read_bytes()
    with working(back_up_to_a_full_disk, tmp_path / "source.db", made) as (_, told):
        said = told.recv()
    assert str(made) in said
    assert "make room" in said
    assert made.read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))
