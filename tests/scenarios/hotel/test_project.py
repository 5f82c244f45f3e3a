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
