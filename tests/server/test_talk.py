"""A talk in the terminal, in this process: stopping an answer, what a refusal leaves behind, files of tools."""

import asyncio
import json
from pathlib import Path

import pytest

from dialoop.cli.talk import Talk, read_tools
from dialoop.conversation import Message
from dialoop.engine import ScriptedEngine
from dialoop.errors import DataError, RequestError


class Typed:
    """Lines that were typed before."""

    def __init__(self, *lines):
        self._lines = list(lines)

    def read(self, prompt):
        return self._lines.pop(0) if self._lines else None


class Interrupted(ScriptedEngine):
    """An engine whose first answer is stopped by Ctrl-C after two pieces."""

    async def generate(self, request):
        begun = 0
        async for piece in super().generate(request):
            yield piece
            begun += 1
            if begun == 2 and len(self.requests) == 1:
                raise KeyboardInterrupt


def talked(engine, *lines):
    with asyncio.Runner() as runner:
        talk = Talk(engine, runner, Typed(*lines))
        talk.run()
    return talk


def test_ctrl_c_stops_an_answer_and_not_the_talk(capsys):
    engine = Interrupted(["a very long answer", "short"])
    talk = talked(engine, "tell me", "again")
    assert [message.content for message in talk.messages] == ["again", "short"]
    said = capsys.readouterr().out
    assert "a very l" in said
    assert "stopped" in said


def test_a_refusal_leaves_the_conversation_as_it_was(capsys):
    engine = ScriptedEngine(["hello", RequestError("too long for the window"), "still here"])
    talk = talked(engine, "hi", "x" * 10_000, "and now?")
    assert [message.content for message in talk.messages] == ["hi", "hello", "and now?", "still here"]
    assert "too long for the window" in capsys.readouterr().err


def test_reset_and_the_system_message():
    engine = ScriptedEngine(["1", "2"])
    talk = talked(engine, "/system  Be kind. ", "a", "/reset", "/system", "b", "/quit", "c")
    assert [[message.content for message in request.messages] for request in engine.requests] == [
        ["Be kind.", "a"],
        ["b"],
    ]
    assert talk.messages == [Message(role="user", content="b"), Message(role="assistant", content="2")]


FUNCTION = {"name": "look", "parameters": {"type": "object", "properties": {}}}
TOOL = {"type": "function", "function": FUNCTION}


@pytest.mark.parametrize("text", [json.dumps([TOOL]), json.dumps({"tools": [TOOL]}), json.dumps([FUNCTION])])
def test_files_of_tools(tmp_path: Path, text):
    file = tmp_path / "tools.json"
    file.write_text(text)
    assert read_tools(file) == [TOOL]


@pytest.mark.parametrize("text", ["{", "3", "[3]", '[{"type": "function", "function": {}}]', json.dumps([TOOL, TOOL])])
def test_files_that_hold_no_tools(tmp_path: Path, text):
    file = tmp_path / "tools.json"
    file.write_text(text)
    with pytest.raises(DataError, match=r"tools\.json"):
        read_tools(file)
