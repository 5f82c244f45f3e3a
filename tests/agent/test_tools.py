"""Functions as tools: their schema, what a call is checked for, what goes wrong with it as a result."""

import asyncio
import datetime
import functools
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dialoop.agent import Outcome, Toolbox, ToolContext, tool
from dialoop.agent.tools import MOST_AT_ONCE
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


def first_of_none() -> str:
    """Take the first of nothing."""
    return next(iter([]))


def ends() -> None:
    """End the program."""
    sys.exit("no key")


async def ends_later() -> None:
    """End the program."""
    sys.exit("no key")


async def gives_up() -> None:
    """Wait for what somebody cancelled."""
    raise asyncio.CancelledError


def wordless() -> None:
    """Fail with an error that cannot be written."""

    class Wordless(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    raise Wordless


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (first_of_none, "StopIteration"),
        (ends, "SystemExit"),
        (ends_later, "SystemExit"),
        (gives_up, "cancelled"),
        (wordless, "Wordless"),
    ],
)
def test_what_would_end_more_than_the_call_is_a_result_too(function: Callable[..., Any], told: str):
    outcome = call(function.__name__, "{}", function)
    assert (outcome.failed, outcome.unknown) == (True, False)
    assert told in json.loads(outcome.content)["error"]


@pytest.mark.parametrize("transactional", [True, False])
def test_a_tools_own_time_out_is_not_taken_for_its_limit(transactional: bool):
    @tool(transactional=transactional)
    def pay() -> None:
        """Pay."""
        raise TimeoutError("the till does not answer")

    outcome = call("pay", "{}", pay)
    assert json.loads(outcome.content) == {"error": "TimeoutError: the till does not answer"}
    assert (outcome.failed, outcome.unknown) == (True, transactional)


@pytest.mark.parametrize("transactional", [True, False])
def test_a_tool_that_did_its_work_and_gave_no_json_has_not_simply_failed(transactional: bool):
    @tool(transactional=transactional)
    def book() -> dict[str, Any]:
        """Book."""
        return {"day": datetime.date(2026, 1, 1)}

    outcome = call("book", "{}", book)
    assert "JSON cannot hold" in outcome.content
    assert (outcome.failed, outcome.unknown) == (True, transactional)


def test_an_async_function_behind_a_plain_decorator_is_awaited():
    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*given: Any, **named: Any) -> Any:
            return function(*given, **named)

        return inner

    assert call("add", '{"one": 2}', counted(add)) == Outcome("3.0")


def test_a_whole_number_is_an_int_however_it_is_written():
    def nights(count: int) -> list[int]:
        """Count nights."""
        return list(range(count))

    assert call("nights", '{"count": 2.0}', nights) == Outcome("[0, 1]")


@pytest.mark.parametrize("given", [[1, 2], [datetime.date(2026, 1, 1)], "Lark", ["a\ud800"], None])
def test_options_that_are_no_texts_are_left_out(given: Any):
    @tool(options={"room": lambda context: given})
    def book(room: str) -> None:
        """Book."""

    box = Toolbox.of([book])
    assert box.schemas_for(CONTEXT) == box.schemas


def test_options_by_an_async_function_are_refused():
    async def rooms(context: ToolContext) -> list[str]:
        return ["Lark"]

    @tool(options={"room": rooms})  # type: ignore[dict-item]
    def book(room: str) -> None:
        """Book."""

    with pytest.raises(SettingsError, match="options of room of tool book are given by an async function"):
        Toolbox.of([book])


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
        ("def f(x: 'int |') -> int:\n    '''F.'''\n    return x\n", "cannot be read", 1),
        (f"{LATER}import json\ndef f(x: json.No) -> int:\n    '''F.'''\n    return x\n", "cannot be read", 3),
        ("from typing import Annotated\ndef f(x: Annotated[str, []]):\n    '''F.'''\n", "has no schema here", 2),
        ("import sys\nsys.exit('no key')\n", "SystemExit: no key", 2),
        ("def f():\n    '''F.'''\ndef f(x: int):\n    '''F.'''\n", "two tools are named 'f': here and on line 1", 3),
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


def test_a_function_that_is_kept_in_mind_is_a_tool_too(tmp_path: Path):
    path = tmp_path / "tools.py"
    path.write_text("import functools\n\n@functools.cache\ndef rooms() -> int:\n    '''Count.'''\n    return 3\n")
    box = Toolbox.load(path)
    assert box.names == ["rooms"]
    assert asyncio.run(box.call("rooms", "{}", CONTEXT)) == Outcome("3")


def test_a_file_of_tools_may_import_what_lies_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "prices_of_the_tea_shop.py").write_text("TEA = 3\n")
    path = tmp_path / "tools.py"
    path.write_text("from prices_of_the_tea_shop import TEA\n\ndef price() -> int:\n    'Tell it.'\n    return TEA\n")
    assert asyncio.run(Toolbox.load(path).call("price", "{}", CONTEXT)) == Outcome("3")


HANGS = """
import asyncio, threading
from dialoop.agent import Toolbox, ToolContext, tool

@tool(time_limit=0.01)
def hangs() -> None:
    'Never come back.'
    threading.Event().wait()

print(asyncio.run(Toolbox.of([hangs]).call("hangs", "{}", ToolContext("c", "t", None, "k"))).content)
"""


def test_a_tool_that_never_comes_back_does_not_keep_the_program_from_ending():
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=True)
    assert "0.01 seconds" in ended.stdout


def test_more_calls_than_threads_wait_for_one():
    together, most, lock = 0, 0, threading.Lock()

    def busy() -> None:
        """Be busy."""
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        threading.Event().wait(0.005)
        with lock:
            together -= 1

    async def all_at_once() -> list[Outcome]:
        box = Toolbox.of([busy])
        return await asyncio.gather(*(box.call("busy", "{}", CONTEXT) for _ in range(3 * MOST_AT_ONCE)))

    assert asyncio.run(all_at_once()) == [Outcome("null")] * (3 * MOST_AT_ONCE)
    assert 1 < most <= MOST_AT_ONCE


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="no such file"):
        Toolbox.load(tmp_path / "tools.py")
    (tmp_path / "tools.txt").write_text("x = 1", encoding="utf-8")
    with pytest.raises(SettingsError, match="no Python file"):
        Toolbox.load(tmp_path / "tools.txt")
