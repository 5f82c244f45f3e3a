"""`dialoop new` and `dialoop rehearse` by their commands: what they make, show, write and refuse."""

import json
from pathlib import Path

import pytest

from dialoop.cli import main
from dialoop.engine import ScriptedEngine
from dialoop.scenarios.hotel.houses import Houses


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    return int(ended.value.code or 0)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert run("new", "hotel", "mine", "--conversations", "20") == 0
    return tmp_path / "mine"


def test_a_new_project_is_told_and_never_made_over_another(project: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert run("new", "hotel", "second", "--conversations", "20") == 0
    assert "dialoop rehearse hotel" in capsys.readouterr().out
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert run("new", "hotel", "mine") == 2
    assert "no empty folder" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before
    assert run("new", "airport", "other") == 2


def test_a_model_and_the_rules_stand_side_by_side(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    engine = ScriptedEngine(["Goodbye!"] * 99)
    monkeypatch.setattr("dialoop.cli.rehearse.open_in_process", lambda model, max_batch: (engine, "in a test"))
    file = project.parent / "all.json"
    words = ["--model", "small", "--customers", "2", "--json", str(file), "--project", str(project), "--at-once", "1"]
    assert run("rehearse", "hotel", *words) == 0
    told = capsys.readouterr().out
    assert all(part in told for part in ("small", "rules only", "success, English", "success, Chinese", "by a rule"))
    first, second = json.loads(file.read_text("utf-8"))["rehearsals"]
    assert [first["name"], second["name"]] == ["small", "rules only"]
    assert first["shares"]["all"]["success"]["of"] == 4
    assert first["shares"]["en"]["decided"] == {"model": 2}
    assert set(second["shares"]["all"]["decided"]) == {"rule"}
    assert all(one["lines"] for one in first["results"] if one["faults"])
    assert Houses(project / "world.db").names() == ["en", "zh"]
    assert [path.name for path in (project / "runs").glob("rehearsal-*/store.db")] == ["store.db"]


def test_without_a_project_one_is_made_and_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    assert run("rehearse", "hotel", "--rules-only", "--customers", "2", "--lang", "zh", "--part", "train") == 0
    told = capsys.readouterr().out
    assert "rules only" in told
    assert "success, Chinese" in told
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_rehearsed_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("rehearse", "hotel", "--project", str(tmp_path)) == 2
    assert "no project of the hotel" in capsys.readouterr().err
    assert run("rehearse", "hotel", "--rules-only", "--json", str(tmp_path / "no" / "all.json")) == 2
    assert "folder of this file" in capsys.readouterr().err
    assert run("rehearse", "airport") == 2
