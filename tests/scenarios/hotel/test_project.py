"""A project folder of the hotel holds what its verbs need, and nothing is overwritten."""

from pathlib import Path

import pytest
import yaml

from dialoop.conversation import read_conversations, read_examples
from dialoop.errors import SettingsError
from dialoop.privacy import protect_conversation
from dialoop.scenarios.hotel import make_logs
from dialoop.scenarios.hotel.houses import Houses
from dialoop.scenarios.hotel.project import make_project


def test_it_holds_logs_intents_rules_tools_and_houses(tmp_path: Path):
    made = make_project(tmp_path / "mine", conversations=20, seed=3)
    names = {str(path.relative_to(tmp_path / "mine")) for path in made}
    assert names >= {"dialoop.yaml", "tools.py", "world.db", "README.md", "data/logs.jsonl", "data/intents.jsonl"}
    logs = list(read_conversations(tmp_path / "mine" / "data" / "logs.jsonl"))
    assert [one.messages for one in logs] == [protect_conversation(one).messages for one in make_logs(20, seed=3)]
    examples = list(read_examples(tmp_path / "mine" / "data" / "intents.jsonl"))
    assert {"book", "inform", "bye"} <= {one.label for one in examples}
    assert len({one.text for one in examples}) == len(examples)
    houses = Houses(tmp_path / "mine" / "world.db")
    assert houses.names() == ["en", "zh"]
    for lang in houses.names():
        world = houses.world(lang)
        page = (tmp_path / "mine" / "data" / "rules" / f"rules.{lang}.md").read_text("utf-8")
        assert all(f"## {topic}\n\n{rule}\n" in page for topic, rule in world.rules.items())
        settings = yaml.safe_load((tmp_path / "mine" / "dialoop.yaml").read_text("utf-8"))
        agent = settings["agents"][f"hotel-{lang}"]
        assert world.hotel in agent["system"]
        assert agent["tools"] == "tools.py"


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(SettingsError, match="no empty folder"):
        make_project(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]
    with pytest.raises(SettingsError, match="no empty folder"):
        make_project(tmp_path / "note.txt")


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@pytest.mark.parametrize("step", ["make_logs", "_intents", "_project_file"])
@pytest.mark.parametrize("there", [False, True])
def test_a_project_whose_making_was_killed_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, there: bool
):
    folder = tmp_path / "mine"
    if there:
        folder.mkdir()

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(f"dialoop.scenarios.hotel.project.{step}", die)
        with pytest.raises(Killed):
            make_project(folder, conversations=20)
    assert folder.exists() == there
    assert not (folder / "dialoop.yaml").exists()
    made = make_project(folder, conversations=20)
    assert {path.name for path in made} >= {"dialoop.yaml", "tools.py", "logs.jsonl"}
    assert [path.name for path in tmp_path.rglob("*.part")] == []
    assert Houses(folder / "world.db").names() == ["en", "zh"]


def test_an_empty_folder_that_somebody_stands_in_stays_the_same_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    made = make_project(Path(), conversations=20)
    assert Path("dialoop.yaml") in made
    assert Path("dialoop.yaml").read_text("utf-8") == (tmp_path / "dialoop.yaml").read_text("utf-8")
