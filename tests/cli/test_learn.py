"""`dialoop learn` and `dialoop shelf`, as a person calls them."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from dialoop.cli import main
from dialoop.cli.engines import model_in_service, on_shelf, open_in_process
from dialoop.cli.house import in_service
from dialoop.cli.learn import _rehearsal, _serving
from dialoop.cli.rehearse import agents_by_language
from dialoop.engine import ScriptedEngine
from dialoop.model import load_base, shelf
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
    assert listed["current"] is None  # what serves is not known: `base`, which was tuned, is not what `serve` takes
    assert run("shelf", "promote", "first", "--by", "anna", "--why", "to begin with")[0] == 0
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
    assert "Nothing was measured on 10 conversations or more" in err


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


def promoted_name() -> str | None:
    current = shelf("shelf").current
    return None if current is None else current.name


def test_the_first_round_begins_from_what_serves_and_leaves_it_in_service(run: Run):
    assert run("tune", "old.jsonl", "--run", "runs/served", "--base", "base", "--seed", "5")[0] == 0
    before = load_base(model_in_service()).fingerprint
    assert before != load_base("base").fingerprint
    status, out, _ = run("learn", "--json")
    told = json.loads(out)
    assert status == 0
    assert (told["decision"]["against"], told["decision"]["promoted"]) == ("first", False)  # four conversations: few
    assert promoted_name() == "first"
    assert load_base(model_in_service()).fingerprint == before
    assert json.loads(Path("shelf/rounds/0001/round.json").read_text())["start"] == "runs/served"


def test_the_projects_model_is_what_serves(run: Run):
    shutil.copytree("base", "chosen")
    Path("dialoop.yaml").write_text("model: chosen\n" + Path("dialoop.yaml").read_text())
    assert run("tune", "old.jsonl", "--run", "runs/newer", "--base", "base")[0] == 0
    assert run("learn")[0] == 0
    assert shelf("shelf").get("first").fingerprint == load_base("chosen").fingerprint
    assert json.loads(Path("shelf/rounds/0001/round.json").read_text())["start"] == "chosen"


def test_a_base_that_does_not_serve_does_not_come_into_service(run: Run):
    assert model_in_service() == "mini"  # which `serve` would take: there is no run
    assert run("learn")[0] == 0
    assert promoted_name() is None
    assert model_in_service() == "mini"


@pytest.mark.parametrize(
    ("serve", "base", "serving"),
    [
        ({}, "mini", "mini"),
        ({}, "other", None),
        ({"model": "runs/x"}, "other", "runs/x"),
        ({"remote_url": "http://127.0.0.1:1/v1", "model": "their-name"}, "mini", None),
    ],
)
def test_what_serves_is_told_or_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: dict[str, str], base: str, serving: str | None
):
    monkeypatch.chdir(tmp_path)
    assert _serving(serve, base) == serving


def test_the_projects_shelf_is_that_of_every_verb(run: Run):
    settings = Path("dialoop.yaml").read_text().replace("learn:\n", "learn:\n  shelf: kept/versions\n")
    Path("dialoop.yaml").write_text(settings)
    assert run("learn")[0] == 0
    assert not Path("shelf").exists()
    listed = json.loads(run("shelf", "--json")[1])
    assert [version["name"] for version in listed["versions"]] == ["first", "round-1"]
    assert run("shelf", "promote", "round-1", "--anyway", "--why", "asked for")[0] == 0
    assert model_in_service() == "round-1"
    engine, _ = open_in_process("round-1")
    followed = in_service(engine, "round-0", follow=True, load=lambda version: open_in_process(version)[0])

    async def next_turn() -> str | None:
        async with followed.turn() as running:
            found = running.version
        await followed.close()
        return found

    assert asyncio.run(next_turn()) == "round-1"
    assert load_base(on_shelf("round-1")).fingerprint == shelf("kept/versions").get("round-1").fingerprint
    assert on_shelf("mini") == "mini"
    status, out, _ = run("learn", "--candidate", "round-1", "--json")
    assert (status, json.loads(out)["decision"]["against"]) == (0, "round-1")


def test_a_candidate_is_rehearsed_with_the_projects_agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["new", "hotel", ".", "--conversations", "20"])
    agents = agents_by_language(Path())
    given: list[object] = []

    async def rehearsed(*args: object, settings: object = None, **kwargs: object) -> object:
        given.append(settings)
        return SimpleNamespace(results=[])

    monkeypatch.setattr("dialoop.cli.engines.open_in_process", lambda model: (ScriptedEngine([]), "in a test"))
    monkeypatch.setattr("dialoop.scenarios.hotel.rehearsing.rehearse_hotel", rehearsed)
    rehearse = _rehearsal(1, print)
    assert rehearse is not None
    assert rehearse("any") == []
    assert given == [agents]
    assert {lang: one.lang for lang, one in agents.items()} == {"en": "en", "zh": "zh"}
