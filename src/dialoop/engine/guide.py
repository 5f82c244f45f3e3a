"""What may be said at each place of an answer: free text, and calls in the Hermes/Qwen form that fit a tool.

    <tool_call>
    {"name": "book_room", "arguments": {"nights": 2}}
    </tool_call>

An answer is a stack of grammar frames: prose, in which the opening of a call leads to a call; between two calls nothing
but another call. It knows tools and tool choice, not tokens or models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dialoop.conversation import VERBATIM, Message, Tool
from dialoop.engine.grammar import Choice, Frame, Stack, Value, begun_sequence, closing, feed, is_complete
from dialoop.engine.request import NamedTool, ToolChoice
from dialoop.engine.schema import Budget, Shape, json_bytes
from dialoop.engine.source import Source, quotable
from dialoop.privacy import STAND_IN

OPENING = "<tool_call>"
CLOSING = "</tool_call>"
_OPENING = OPENING.encode()
_STAND_IN_BEGUN = re.compile(rb"<[a-z]{0,16}|<[a-z]{1,16}_(?:[1-9][0-9]{0,5}>?)?")
"""The beginning of what `dialoop.privacy.STAND_IN` matches."""
_NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Prose(Frame):
    """Free text in UTF-8; `matched` bytes of the opening of a call have just been read. `after` is what follows it.

    `after` None: no call may be opened, the byte that would complete its opening is refused. `need` continuation bytes
    of a character are open, the next in [low, high]. `known`: the stand-ins that may be said; None: any. `mark` are the
    bytes that may have begun one.
    """

    after: Stack | None
    matched: int = 0
    need: int = 0
    low: int = 0x80
    high: int = 0xBF
    known: frozenset[bytes] | None = None
    mark: bytes = b""

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        if self.need:
            more = Prose(self.after, need=self.need - 1, known=self.known)
            return (more,) if self.low <= byte <= self.high else None
        mark = self._marked(byte)
        if mark is None:
            return None
        if byte == _OPENING[self.matched]:
            if self.matched + 1 == len(_OPENING):
                return self.after
            return (Prose(self.after, self.matched + 1, known=self.known, mark=mark),)
        begun = begun_sequence(byte)
        matched = 1 if byte == _OPENING[0] else 0
        return (Prose(self.after, matched, *begun, known=self.known, mark=mark),) if begun else None

    def _marked(self, byte: int) -> bytes | None:
        """What may have begun a stand-in after `byte`; None where it has become one that is not known."""
        if self.known is None:
            return b""
        grown = self.mark + bytes([byte])
        if not _STAND_IN_BEGUN.fullmatch(grown):
            return b"<" if byte == 0x3C else b""
        numbered = not grown[-1:].isalpha() and grown[-1:] not in b"<_"
        if numbered and not any(one.startswith(grown) for one in self.known):
            return None
        return b"" if byte == 0x3E else grown

    @property
    def skippable(self) -> bool:
        """See Frame."""
        return not self.need

    def closing(self) -> bytes:
        """See Frame."""
        return bytes([self.low]) + b"\x80" * (self.need - 1) if self.need else b""

    @property
    def is_plain(self) -> bool:
        """Whether neither a character nor the opening of a call has begun."""
        return not (self.need or self.matched or self.mark)


@dataclass(frozen=True, slots=True)
class Between(Frame):
    """After a call: a line break and another call, or the end."""

    calls: tuple[tuple[bytes, Stack], ...]

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        opening = Choice(((b"\n" + _OPENING, (Call(self.calls, parallel=True),)),))
        return opening.take(byte)

    @property
    def skippable(self) -> bool:
        """See Frame."""
        return True


@dataclass(frozen=True, slots=True)
class Call(Frame):
    """What follows the opening of a call, up to its closing tag; `calls` are names, each with its arguments' frames."""

    calls: tuple[tuple[bytes, Stack], ...]
    parallel: bool

    def _choice(self) -> Choice:
        end = Choice(((b"}\n" + CLOSING.encode(), ()),))
        after: Stack = (end, Between(self.calls)) if self.parallel else (end,)
        return Choice(tuple((name, arguments + after) for name, arguments in self.calls))

    def take(self, byte: int) -> Stack | None:
        """See Frame."""
        return self._choice().take(byte)

    def closing(self) -> bytes:
        """See Frame."""
        return self._choice().closing()


def _named(tools: Sequence[Tool], source: Source, *, forced: bool) -> tuple[tuple[bytes, Stack], ...]:
    """For each tool the text before its arguments, and the frames of the arguments.

    A tool is left out that needs a value which nobody has told yet; where a call is `forced` and none else is left, all
    stay.
    """
    functions, budget = [tool["function"] for tool in tools], Budget()
    shapes = [(one["name"], _arguments_shape(one.get("parameters"), source, budget)) for one in functions]
    told = [(name, shape) for name, shape in shapes if shape.is_told]
    calls: dict[bytes, Stack] = {}
    for name, shape in shapes if forced and not told else told:
        calls.setdefault(b'\n{"name": ' + json_bytes(name) + b', "arguments": ', (Value(shape),))
    return tuple(calls.items())


def _arguments_shape(parameters: Any, source: Source, budget: Budget) -> Shape:
    """The shape of a tool's arguments: always an object, with no other keys than the known ones unless said."""
    if not isinstance(parameters, Mapping) or not parameters:
        return Shape(_NO_ARGUMENTS)
    shape = Shape(parameters, budget=budget)
    plain = {**shape.schema, "type": "object"}
    plain.setdefault("additionalProperties", False)
    return Shape(plain, parameters, source=source, budget=budget)


def _source(tools: Sequence[Tool], messages: Sequence[Message], *, patterns: bool) -> Source:
    """What may be quoted; empty where no tool asks for it."""
    wanted = any(VERBATIM in json.dumps(tool) for tool in tools)
    said = ((one.role, one.content or "") for one in messages)
    return quotable(said, patterns=patterns) if wanted else Source(())


def _stand_ins(messages: Sequence[Message]) -> Iterator[bytes]:
    return (found.encode() for one in messages for found in STAND_IN.findall(one.content or ""))


class Guide:
    """Follows one answer and says what may come next. `stack` is its state."""

    def __init__(
        self,
        tools: Sequence[Tool],
        choice: ToolChoice,
        messages: Sequence[Message] = (),
        *,
        parallel: bool = True,
        protected: bool = False,
        patterns: bool = True,
    ) -> None:
        """`parallel`: whether one answer may hold several calls; a named choice makes exactly one. `protected`: private
        data is shown as stand-ins, and the answer's text holds none but those of `messages`. `patterns`: whether the
        tools' regular expressions (`x-like`) are followed.

        Of `messages` those arguments are quoted that a tool wants verbatim; a tool that needs one of a form that none
        of them holds (a day, a code, a number) is not called before it is told. Raises RequestError for a tool whose
        parameters allow no arguments or hold more than can be read; TypeError, ValueError, OverflowError or
        RecursionError for parameters that are no JSON schema.
        """
        if isinstance(choice, NamedTool):
            tools = [tool for tool in tools if tool["function"]["name"] == choice.name]
        self.forced = choice == "required" or isinstance(choice, NamedTool)
        calls = _named(tools, _source(tools, messages, patterns=patterns), forced=self.forced)
        for name, arguments in calls:
            closing((Choice(((name, arguments),)),))  # a tool that cannot be called is refused before anything is said
        call = Call(calls, parallel=parallel and not isinstance(choice, NamedTool))
        opened: Stack = (Choice(((_OPENING, (call,)),)),)
        known = frozenset(_stand_ins(messages)) if protected else None
        prose = Prose((call,) if calls and choice == "auto" else None, known=known)
        self.stack: Stack = opened if self.forced else (prose,)

    def after(self, data: bytes) -> Stack | None:
        """The state after `data`, or None if it may not come next."""
        prose = self.stack[0] if len(self.stack) == 1 else None
        if isinstance(prose, Prose) and prose.is_plain and data.isascii() and b"<" not in data:
            return self.stack
        return feed(self.stack, data)

    @property
    def in_prose(self) -> bool:
        """Whether free text is being read."""
        return bool(self.stack) and isinstance(self.stack[0], Prose)

    @property
    def may_end(self) -> bool:
        """Whether the answer may end here."""
        return is_complete(self.stack)

    @property
    def must_end(self) -> bool:
        """Whether nothing can follow."""
        return not self.stack

    def closing(self) -> bytes:
        """The shortest text that ends the answer."""
        return closing(self.stack)
