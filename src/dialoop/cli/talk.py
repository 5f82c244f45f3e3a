"""A talk in the terminal: reads lines, streams answers, shows calls and asks the person for their results.

It knows an engine and lines of text, no models and no HTTP.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

import typer

from dialoop.conversation import Conversation, Message, Tool
from dialoop.conversation.rules import check_conversation
from dialoop.engine import Engine, Gathered, GenerateRequest
from dialoop.errors import DataError, Place, RequestError

HELP = """/system TEXT   tell the model what it is; without TEXT: nothing
/tools FILE    give it the tools in a JSON file; without FILE: none
/reset         begin the conversation anew
/quit          end (so does Ctrl-D); Ctrl-C stops an answer
anything else is said to the model"""


class Lines(Protocol):
    """Where a talk's lines come from."""

    def read(self, prompt: str) -> str | None:
        """The next line without its end, None after the last."""
        ...


class TerminalLines:
    """Lines of standard input, in UTF-8: edited by readline at a terminal, read plainly from a pipe."""

    def read(self, prompt: str) -> str | None:
        """The next line; a line that is no UTF-8 is told and left out. None at the end of input."""
        while True:
            try:
                if not sys.stdin.isatty():
                    raw = sys.stdin.buffer.readline()
                    return raw.decode("utf-8").rstrip("\r\n") if raw else None
                import readline  # noqa: F401 - importing it gives `input` editing and history

                line = input(prompt)
                line.encode("utf-8")
                return line
            except EOFError:
                typer.echo()
                return None
            except UnicodeError:
                typer.echo("that line is not in UTF-8; it was left out", err=True)


class Talk:
    """One conversation with an engine."""

    def __init__(
        self,
        engine: Engine,
        runner: asyncio.Runner,
        lines: Lines,
        *,
        temperature: float = 0.0,
        seed: int | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self.messages: list[Message] = []
        self._engine = engine
        self._runner = runner
        self._lines = lines
        self._system: str | None = None
        self._tools: list[Tool] = []
        self._sampling = (temperature, seed, max_tokens)

    def run(self) -> None:
        """Talks until the input ends or /quit."""
        typer.echo(f"{self._engine.models()[0]}; /help lists the commands")
        while (line := self._lines.read("you> ")) is not None:
            if not line.strip():
                continue
            if line.startswith("/"):
                if line.split()[0] == "/quit":
                    return
                self.command(line)
            else:
                self.say(line)

    def command(self, line: str) -> None:
        """Does what a line with a slash says."""
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if word == "/reset":
            self.messages.clear()
            typer.echo("a new conversation")
        elif word == "/system":
            self._system = rest or None
            typer.echo("the model is told so from now on" if rest else "the model is told nothing")
        elif word == "/tools" and rest:
            try:
                self.load_tools(Path(rest))
            except (DataError, OSError) as error:
                typer.echo(str(error), err=True)
        elif word == "/tools":
            self._tools = []
            typer.echo("no tools")
        else:
            typer.echo(HELP)

    def load_tools(self, path: Path) -> None:
        """Takes the tools of a JSON file. Raises DataError, OSError."""
        self._tools = read_tools(path)
        typer.echo("tools: " + ", ".join(tool["function"]["name"] for tool in self._tools))

    def say(self, text: str) -> None:
        """Says `text`, shows the answer, and asks for the results of its calls until it calls no more.

        What the engine refuses is told, and the conversation stands as before.
        """
        before = len(self.messages)
        self.messages.append(Message(role="user", content=text))
        try:
            while self._take_turn():
                pass
        except RequestError as error:
            typer.echo(f"{error}\n  /reset begins a new conversation", err=True)
            del self.messages[before:]
        except KeyboardInterrupt:
            typer.echo("\n(stopped; what was said last is taken back)")
            del self.messages[before:]

    def _take_turn(self) -> bool:
        """One answer; True if it called tools and their results are in."""
        answer = self._runner.run(self._answer())
        self.messages.append(answer.message)
        for call in answer.tool_calls:
            typer.secho(f"→ {call.function.name} {call.function.arguments}", fg=typer.colors.CYAN)
        for call in answer.tool_calls:
            result = self._lines.read(f"result of {call.function.name}> ")
            self.messages.append(Message(role="tool", content=result or "", tool_call_id=call.id))
        return bool(answer.tool_calls)

    async def _answer(self) -> Gathered:
        head = [Message(role="system", content=self._system)] if self._system else []
        temperature, seed, max_tokens = self._sampling
        request = GenerateRequest(
            [*head, *self.messages], self._tools, max_tokens=max_tokens, temperature=temperature, seed=seed
        )
        whole = Gathered()
        async with aclosing(self._engine.generate(request)) as pieces:
            async for piece in pieces:
                whole.add(piece)
                if piece.reasoning_delta:
                    typer.secho(piece.reasoning_delta, nl=False, dim=True)
                typer.echo(piece.text_delta, nl=False)
                sys.stdout.flush()
        typer.echo(" …" if whole.finish_reason == "length" else "")
        return whole


def read_tools(path: Path) -> list[Tool]:
    """The tools of a JSON file: a list, or an object with `tools`. Raises DataError with the file, OSError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"the file is no JSON in UTF-8: {error}", where=path) from error
    listed = found.get("tools") if isinstance(found, dict) else found
    if not isinstance(listed, list) or not all(isinstance(tool, dict) for tool in listed):
        raise DataError("the file holds no list of tools", where=path, remedy='write [{"type": "function", …}]')
    wrapped = [tool if "function" in tool else {"type": "function", "function": tool} for tool in listed]
    probe = Conversation(id="tools", messages=[Message(role="user", content="probe")], tools=wrapped)
    for fault in check_conversation(probe, Place(str(path))):
        if fault.level == "error":
            raise fault.to_error()
    return wrapped
