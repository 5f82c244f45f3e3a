"""Functions as tools: their schema, what a call is checked for, what goes wrong with it as a result."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dialoop.agent import Outcome, Toolbox, ToolContext, tool
from dialoop.errors import SettingsError

CONTEXT = ToolContext("c1", "inn", "k1", "c1:call_1", "en")


def whose(context: ToolContext, note: str | None = None) -> dict[str, Any]:
    """Tell whose call it is."""
    return {"customer": context.customer, "key": context.idempotency_key, "note": note}


async def add(one: int, other: float = 1.0) -> float:
    """Add two numbers."""
    return one + other


def call(name: str, arguments: str, *functions: Callable[..., Any]) -> Outcome:
    return asyncio.run(Toolbox.of(functions or (whose, add)).call(name, arguments, CONTEXT))


def test_plain_and_async_functions_are_called_with_or_without_context():
    assert json.loads(call("whose", "{}").content) == {"customer": "k1", "key": "c1:call_1", "note": None}
    assert json.loads(call("whose", '{"note": null}').content)["note"] is None
    assert call("add", '{"one": 2}') == Outcome("3.0")
    assert [one["function"]["name"] for one in Toolbox.of([whose, add]).schemas] == ["whose", "add"]
    assert list(Toolbox.of([whose]).schemas[0]["function"]["parameters"]["properties"]) == ["note"]


@pytest.mark.parametrize(
    ("name", "arguments", "what"),
    [
        ("fly", "{}", "there is no tool fly; the tools are: whose, add"),
        ("add", "{}", "one is required and missing"),
        ("add", '{"one": "2"}', "one must be integer"),
        ("add", '{"one": 2, "third": 3}', "third is unknown"),
        ("add", '{"one": 2', "no JSON"),
        ("add", '{"one": 2, "one": 3}', "given twice"),
        ("whose", '{"context": {}}', "context is unknown"),
    ],
)
def test_a_wrong_call_is_told_and_not_made(name: str, arguments: str, what: str):
    outcome = call(name, arguments)
    assert outcome.failed
    assert not outcome.unknown
    assert what in json.loads(outcome.content)["error"]


def test_whatever_a_tool_does_is_a_result():
    def fails() -> None:
        """Fail."""
        raise RuntimeError("no line")

    def strange() -> object:
        """Give what JSON cannot hold."""
        return {1, 2}

    def endless() -> float:
        """Give no number."""
        return float("nan")

    def half() -> str:
        """Give half a character."""
        return "a\ud800"

    assert call("fails", "{}", fails) == Outcome('{"error": "RuntimeError: no line"}', failed=True)
    assert "JSON cannot hold" in call("strange", "{}", strange).content
    assert "JSON cannot hold" in call("endless", "{}", endless).content
    assert call("half", "{}", half) == Outcome('"a?"')


@pytest.mark.parametrize("transactional", [True, False])
def test_a_tool_out_of_time_has_an_unknown_outcome_if_it_changes_something(transactional: bool):
    @tool(transactional=transactional, time_limit=0.01)
    async def slow() -> None:
        """Never come back."""
        await asyncio.Event().wait()

    outcome = call("slow", "{}", slow)
    assert outcome.failed
    assert outcome.unknown is transactional
    assert "0.01 seconds" in outcome.content


def test_what_a_tool_does_is_said_by_its_mark():
    @tool(transactional=True, repeatable=False, time_limit=3)
    def book() -> None:
        """Book."""

    box = Toolbox.of([book, whose])
    assert (box.conduct("book").transactional, box.conduct("book").repeatable) == (True, False)
    assert (box.conduct("whose").transactional, box.conduct("whose").repeatable) == (False, True)
    assert not box.conduct("unknown").repeatable
    with pytest.raises(SettingsError, match="time limit"):
        tool(time_limit=0)
    with pytest.raises(SettingsError, match="two tools"):
        Toolbox.of([whose, whose])


FILE = '''"""Tools of a shop."""
from __future__ import annotations
import json
from dialoop.agent import ToolContext, tool

def _inner() -> None:
    pass

class Shop:
    pass

@tool(transactional=True)
def order(context: ToolContext, article: str) -> dict:
    """Order an article.

    Args:
        article: its name
    """
    return {"ordered": article, "by": context.customer}

def stock(article: str) -> int:
    """Tell the stock."""
    return 3
'''


def test_a_file_of_functions_is_a_toolbox(tmp_path: Path):
    path = tmp_path / "tools.py"
    path.write_text(FILE, encoding="utf-8")
    box = Toolbox.load(path)
    assert box.names == ["order", "stock"]
    outcome = asyncio.run(box.call("order", '{"article": "tea"}', CONTEXT))
    assert json.loads(outcome.content) == {"ordered": "tea", "by": "k1"}


LATER = "from __future__ import annotations\n"


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("def f(:\n  pass", "SyntaxError", 1),
        ("import json\nimport no_such_thing_at_all\n", "ModuleNotFoundError", 2),
        ("x = 1\n\nraise ValueError('no')\n", "ValueError: no", 3),
        ("import json\n", "defines no tool", None),
        ("def f(x: int) -> int:\n    return x\n", "has no docstring", 1),
        ("def f(x) -> int:\n    '''F.'''\n    return x\n", "has no type", 1),
        (f"{LATER}def f(x: Nothing) -> int:\n    '''F.'''\n    return x\n", "cannot be read", 2),
        ("def f(*x: int) -> int:\n    '''F.'''\n    return 1\n", "cannot be called by names", 1),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, what: str, line: int | None):
    path = tmp_path / "tools.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=what) as refused:
        Toolbox.load(path)
    assert str(path) in str(refused.value.where)
    if line is not None:
        assert str(refused.value.where).endswith(f":{line}")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="no such file"):
        Toolbox.load(tmp_path / "tools.py")
    (tmp_path / "tools.txt").write_text("x = 1", encoding="utf-8")
    with pytest.raises(SettingsError, match="no Python file"):
        Toolbox.load(tmp_path / "tools.txt")
