"""The demo as a chain of verbs: which commands in which order, going on, refusing, the five lines at the end."""

import json
from pathlib import Path

import pytest

from dialoop.cli import main
from dialoop.conversation import read_conversations
from dialoop.scenarios.hotel.project import make_project

FIGURES = {group: {"call_exact": {"value": value}} for group, value in (("all", 0.5), ("en", 0.25), ("zh", 0.75))}


class Verb:
    """A verb that keeps what it was asked, and leaves only what a later one reads."""

    def __init__(self, name: str, asked: list[list[str]], statuses: dict[str, int]) -> None:
        self.name, self.asked, self.statuses = name, asked, statuses

    def main(self, words: list[str], *, prog_name: str, standalone_mode: bool) -> int | None:
        assert (prog_name, standalone_mode) == (f"dialoop {self.name}", False)
        self.asked.append([self.name, *words])
        if self.name == "new":
            make_project(Path(words[1]), conversations=int(words[words.index("--conversations") + 1]))
        if self.name == "tune":
            (Path(words[words.index("--run") + 1]) / "model").mkdir(parents=True, exist_ok=True)
        if self.name == "evaluate":
            report = Path(words[words.index("--report") + 1])
            report.mkdir(exist_ok=True)
            text = json.dumps({"before": {"figures": FIGURES}, "after": {"figures": FIGURES}})
            (report / "evaluation.json").write_text(text, encoding="utf-8")
        return self.statuses.get(self.name)


@pytest.fixture
def statuses() -> dict[str, int]:
    return {}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, statuses: dict[str, int]) -> list[list[str]]:
    """Every word that the demo gave to a verb, in an empty working directory."""
    seen: list[list[str]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dialoop.cli.demo.load_verb", lambda name: Verb(name, seen, statuses))
    monkeypatch.setattr("dialoop.cli.demo.PROCESSORS", 1)
    return seen


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["demo", *args])
    return int(ended.value.code or 0)


SMALL = ("--folder", "demo", "--conversations", "20", "--held-out", "4", "--no-serve")


def test_the_logs_are_made_and_the_verbs_called_in_order(asked, capsys: pytest.CaptureFixture[str]):
    assert run(*SMALL) == 0
    assert [words[0] for words in asked] == ["new", "check", "tune", "evaluate", "rehearse"]
    logs = list(read_conversations(Path("demo/hotel/data/logs.jsonl")))
    others = list(read_conversations(Path("demo/held-out.jsonl")))
    assert len(logs) == 20
    assert len(others) == 4
    assert {one.lang for one in logs} == {one.lang for one in others} == {"en", "zh"}
    assert not {one.id for one in logs} & {one.id for one in others}
    out = capsys.readouterr().out
    for words in asked:
        assert " ".join(["dialoop", *words]) in out


def test_with_two_processors_the_rehearsal_runs_beside_the_comparison(
    asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    begun = []

    class Running:
        def __init__(self, words: list[str], threads: int) -> None:
            begun.append((words, threads, [one[0] for one in asked]))

        def result(self) -> tuple[int, str]:
            return (0, "all were served\n") if len(begun) == 1 else (3, "none was served\n")

        def end(self) -> None:
            begun.append("ended")

    monkeypatch.setattr("dialoop.cli.demo.PROCESSORS", 4)
    monkeypatch.setattr("dialoop.cli.beside.Beside", Running)
    assert run(*SMALL) == 0
    assert begun[0][0][:2] == ["rehearse", "hotel"]
    assert begun[0][1:] == (2, ["new", "check", "tune"])
    assert begun[1] == "ended"
    assert [words[0] for words in asked] == ["new", "check", "tune", "evaluate"]
    assert "all were served" in capsys.readouterr().out
    assert run(*SMALL) == 3
    assert begun[-1] == "ended"


def test_five_lines_at_the_end_say_what_happened_and_what_next(asked, capsys: pytest.CaptureFixture[str]):
    assert run(*SMALL) == 0
    closing = capsys.readouterr().out.rstrip("\n").split("\n\n")[-1].splitlines()
    assert len(closing) == 5
    assert "20 made-up conversations" in closing[0]
    assert "all 50.0% → 50.0%; English 25.0% → 25.0%; Chinese 75.0% → 75.0%" in closing[1]
    assert "dialoop tune LOGS" in closing[4]


def test_a_finished_demo_is_not_tuned_again(asked):
    assert run(*SMALL) == 0
    asked.clear()
    assert run(*SMALL) == 0
    assert [words[0] for words in asked] == ["check", "evaluate", "rehearse"]


def test_an_interrupted_demo_goes_on(asked):
    assert run(*SMALL) == 0
    Path("demo/hotel/runs/hotel/model").rmdir()
    asked.clear()
    assert run(*SMALL) == 0
    assert asked[1] == ["tune", "--run", "demo/hotel/runs/hotel", "--resume"]


@pytest.mark.parametrize("step", ["make_logs", "_intents", "_project_file"])
def test_a_demo_killed_while_its_project_was_made_goes_on(asked, monkeypatch: pytest.MonkeyPatch, step: str):
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(f"dialoop.scenarios.hotel.project.{step}", die)
        with pytest.raises(Killed):
            main(["demo", *SMALL])
    asked.clear()
    assert run(*SMALL) == 0
    assert [words[0] for words in asked] == ["new", "check", "tune", "evaluate", "rehearse"]
    assert Path("demo/hotel/dialoop.yaml").is_file()


def test_another_demo_in_the_same_folder_is_refused(asked, capsys: pytest.CaptureFixture[str]):
    assert run(*SMALL) == 0
    capsys.readouterr()
    assert run(*SMALL, "--seed", "7") == 2
    told = capsys.readouterr().err
    assert "demo: here is a demo made with" in told
    assert "seed 0" in told


def test_a_folder_with_other_things_in_it_is_left_alone(asked, capsys: pytest.CaptureFixture[str]):
    Path("demo").mkdir()
    Path("demo/thesis.txt").write_text("mine", encoding="utf-8")
    assert run(*SMALL) == 2
    assert "is no demo" in capsys.readouterr().err
    assert [path.name for path in Path("demo").iterdir()] == ["thesis.txt"]
    assert asked == []


def test_a_verb_that_fails_ends_the_demo_with_its_status(asked, statuses):
    statuses["check"] = 1
    assert run(*SMALL) == 1
    assert [words[0] for words in asked] == ["new", "check"]
