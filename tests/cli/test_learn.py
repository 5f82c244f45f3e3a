"""`dialoop learn` and `dialoop shelf`, as a person calls them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dialoop.cli import main
from dialoop.store import open_store

from ..learning.served import days, file_of, records
from ..tiny_models import tiny_model

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_model("llama", folder / "base")
    with open_store(folder / "chat.db") as store:
        days(store, 4)
    file_of(folder / "old.jsonl", records(8))
    file_of(folder / "test.jsonl", records(4, prefix="test", first=5000))
    settings = "base: base\ndata: old.jsonl\nlearn:\n  store: chat.db\n  test: test.jsonl\n  max_new_tokens: 8\n"
    (folder / "dialoop.yaml").write_text(f"{settings}tune:\n  epochs: 1\n  precision: float32\n  device: cpu\n")
    return folder


@pytest.fixture
def run(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    monkeypatch.chdir(folder)

    def called(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(args))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return called


def test_a_round_by_the_project_file_then_the_shelf_and_back(run: Run):
    status, out, _ = run("learn")
    assert status == 0
    assert "4 to learn from (judged good: 4 by checker)" in out
    assert "# round-1: " in out
    assert "perplexity" in out
    status, out, _ = run("shelf", "--json")
    listed = json.loads(out)
    states = {version["name"]: version["state"] for version in listed["versions"]}
    assert set(states) == {"first", "round-1"}
    assert states[listed["current"]] == "in service"
    status, out, _ = run("shelf", "promote", "round-1", "--anyway", "--by", "anna", "--why", "asked for")
    assert status == 0
    assert "round-1" in out
    status, out, _ = run("shelf", "show", "round-1")
    assert "in service" in out
    assert "# round-1: " in out
    status, out, _ = run("shelf", "roll-back", "--by", "ben", "--why", "a complaint")
    assert (status, out.strip()) == (0, "in service: first; before: round-1")
    status, out, _ = run("shelf", "show", "first")
    assert "first rolled back (before: round-1) by ben: a complaint" in out
    status, out, _ = run("shelf")
    assert "served before" in out
    status, out, _ = run("learn", "--json")
    assert json.loads(out)["why"] == "nothing has come in since the last round"


def test_a_candidate_made_elsewhere_is_judged(run: Run):
    status, out, _ = run("learn", "--candidate", "base", "--json")
    told = json.loads(out)
    assert status == 0
    assert told["decision"]["promoted"] is False
    assert told["decision"]["candidate"] == "round-1"
    status, _, err = run("shelf", "promote", "round-1")
    assert status == 2
    assert "--anyway" in err
    assert "better in nothing" in err


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["learn", "--store", "nowhere.db"], "nowhere.db"),
        (["learn", "--data", "nowhere.jsonl"], "nowhere.jsonl"),
        (["learn", "--test", "nowhere.jsonl"], "nowhere.jsonl"),
        (["learn", "--margin", "7"], "--margin is 7"),
        (["learn", "--believed", "everybody"], "--believed"),
        (["learn", "--candidate", "nowhere"], "nowhere"),
        (["shelf", "show"], "names no version"),
        (["shelf", "roll-back", "round-1"], "takes no version"),
        (["shelf", "promote", "round-1"], "no version is called 'round-1'"),
        (["shelf", "roll-back"], "no version was in service before"),
    ],
)
def test_what_cannot_be_is_refused_in_words(run: Run, args: list[str], word: str):
    status, _, err = run(*args)
    assert status == 2
    assert word in err
    assert "Traceback" not in err
    assert "what to do" in err or "Usage" in err


def test_without_a_store_the_way_is_told(run: Run):
    Path("dialoop.yaml").unlink()
    status, _, err = run("learn")
    assert status == 2
    assert "--store chat.db" in err
    assert not Path("shelf").exists()


def test_an_empty_shelf_says_how_it_is_filled(run: Run):
    assert "dialoop learn" in run("shelf")[1]
