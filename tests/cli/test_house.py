"""What `serve` puts together: agents of one project, with what they have in common."""

import asyncio
from pathlib import Path

import pytest

from dialoop.agent import AgentSettings, ToolContext
from dialoop.cli.house import open_house
from dialoop.engine import Engine, ScriptedEngine
from dialoop.server import InService, Operators, Running, ServeSettings

TOOLS = """
drunk = []

def drink() -> int:
    'Drink a cup.'
    drunk.append(1)
    return len(drunk)
"""


def test_agents_with_one_file_of_tools_have_together_what_it_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def load(version: str) -> Engine:
        raise AssertionError("no agent names a version of its own")

    monkeypatch.chdir(tmp_path)
    (tmp_path / "dialoop.yaml").write_text("agents: {}\n", encoding="utf-8")
    (tmp_path / "tools.py").write_text(TOOLS, encoding="utf-8")
    agents = {"one": AgentSettings(tools="tools.py"), "two": AgentSettings(tools="./tools.py")}
    model, context = InService(Running(ScriptedEngine(["never"]))), ToolContext("c", "t", None, "k")
    with open_house(agents, ServeSettings(store="s.db"), Operators(None), model, load) as house:
        assert house is not None
        boxes = [served.agent.toolbox for served in house.agents.values()]
        assert [asyncio.run(box.call("drink", "{}", context)).content for box in boxes] == ["1", "2"]
