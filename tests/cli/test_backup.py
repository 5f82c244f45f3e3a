"""`dialoop backup` and `dialoop restore` as a person uses them."""

import sqlite3
from pathlib import Path

import pytest

from dialoop.cli import main
from dialoop.store import open_store
from tests.store.samples import filled


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, words)))
    return int(ended.value.code or 0)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with open_store(tmp_path / "chat.db") as opened:
        filled(opened)
        filled(opened, "c2")
        opened.erase("c2", reason="asked for")
    return tmp_path / "chat.db"


def test_a_store_is_kept_and_brought_back(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("backup", store, tmp_path / "b.gz") == 0
    assert f"{tmp_path / 'b.gz'}: 2 conversations (1 erased), 9 events; the chain" in capsys.readouterr().err
    assert run("restore", tmp_path / "b.gz", f"sqlite:///{tmp_path / 'new.db'}") == 0
    assert "2 conversations (1 erased), 9 events" in capsys.readouterr().err
    with open_store(store) as old, open_store(tmp_path / "new.db", create=False) as new:
        assert list(new.events("c1")) == list(old.events("c1"))


def test_a_broken_chain_is_told_with_its_place_and_a_status(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    connection = sqlite3.connect(store)
    connection.execute("UPDATE bodies SET body = replace(body, '555', '666') WHERE seq = 3")
    connection.commit()
    connection.close()
    assert run("backup", store, tmp_path / "b.gz") == 1
    assert "c1, event 3: what was said was changed" in capsys.readouterr().err
    assert run("restore", tmp_path / "b.gz", tmp_path / "new.db") == 1
    assert "c1, event 3: what was said was changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("backup", "no.db", "b.gz"), "no.db: there is no such store"),
        (("backup", "chat.db", "chat.db"), "chat.db: this file is there already, and it is no backup"),
        (("backup", "chat.db", "no/b.gz"), "no/b.gz: the folder of this file does not exist"),
        (("backup", "mysql://x/y", "b.gz"), "'mysql'"),
        (("restore", "no.gz", "new.db"), "no.gz: the backup cannot be read"),
        (("restore", "chat.db", "new.db"), "chat.db:1: this is no backup"),
        (("restore", "b.gz", "chat.db"), "chat.db: the store is not empty"),
        (("restore", "torn.gz", "new.db"), "torn.gz: the backup is torn"),
        (("restore", "b.gz", "no/new.db"), "no/new.db: the folder of this file does not exist"),
    ],
)
def test_what_cannot_be_done_is_one_message_with_a_remedy(
    store: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    what: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    with open_store(store) as opened:
        opened.backup("b.gz")
    content = (tmp_path / "b.gz").read_bytes()
    (tmp_path / "torn.gz").write_bytes(content[: len(content) // 2])
    assert run(*words) == 2
    told = capsys.readouterr().err
    assert what in told
    assert "what to do: " in told
    assert "Traceback" not in told
    assert not (tmp_path / "new.db").exists()
