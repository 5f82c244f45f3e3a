"""The bytes of an answer, as they come, become pieces: text, reasoning, calls; nothing given out may yet change.

Held back until it is sure: the open bytes of a character, a text that may become a stop string or the opening of a
call, white space before a call. The stop string that is complete first ends the text of an answer; none is looked for
inside reasoning and calls. It knows the form of calls (see guide), not tokens or models. What it gives equals
`parse_answer` of the whole text, which a test checks.
"""

from __future__ import annotations

import codecs
import json
import secrets
from collections.abc import Iterator

from dialoop.engine.guide import CLOSING, OPENING
from dialoop.engine.request import Piece, ToolCallDelta

_THINK, _THOUGHT = "<think>", "</think>"


class AnswerReader:
    """Reads one answer. `stopped`: a stop string has come; `calls`: how many calls are complete."""

    def __init__(self, stop: tuple[str, ...] = (), *, may_call: bool = True, strip_first_space: bool = False) -> None:
        self.stop = stop
        self.may_call = may_call
        self.stopped = False
        self.calls = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._strip = strip_first_space
        self._text = ""  # decoded, not yet given out
        self._where = "start"  # start, prose, thinking or call
        self._spoke = False
        self._trim = False  # white space at either end is no part of the content: there was reasoning or a call

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that are sure after `data`."""
        if self.stopped:
            return []
        self._add(self._decoder.decode(data))
        return list(self._read(last=False))

    def finish(self) -> list[Piece]:
        """The pieces that are left when nothing more comes. A call that has not ended gives nothing."""
        if self.stopped:
            return []
        self._add(self._decoder.decode(b"", final=True))
        return list(self._read(last=True))

    def _add(self, text: str) -> None:
        if self._strip and text:
            text, self._strip = text.removeprefix(" "), False
        self._text += text

    def _read(self, *, last: bool) -> Iterator[Piece]:
        read = {"start": self._start, "thinking": self._thinking, "prose": self._prose, "call": self._call}
        before = None
        while (self._where, self._text) != before and not self.stopped:
            before = (self._where, self._text)
            yield from read[self._where](last)

    def _start(self, last: bool) -> Iterator[Piece]:
        """Before the first words: reasoning may begin here, and only here."""
        said = self._text.lstrip()
        if said.startswith(_THINK):
            self._text, self._where = said[len(_THINK) :], "thinking"
        elif last or not _THINK.startswith(said):
            self._where = "prose"
        yield from ()

    def _thinking(self, last: bool) -> Iterator[Piece]:
        thought, end, rest = self._text.partition(_THOUGHT)
        if end:
            self._text, self._where, self._trim = rest, "prose", True
        else:
            keep = 0 if last else _overlap(thought, _THOUGHT)
            thought, self._text = thought[: len(thought) - keep], thought[len(thought) - keep :]
        if thought:
            yield Piece(reasoning_delta=thought)

    def _prose(self, last: bool) -> Iterator[Piece]:
        found = [(at + len(stop), at) for stop in self.stop if (at := self._text.find(stop)) >= 0]
        stop_end, stop_at = min(found, default=(-1, -1))
        call_at = self._text.find(OPENING) if self.may_call else -1
        if found and (call_at < 0 or stop_end < call_at + len(OPENING)):
            self.stopped = True
            yield from self._say(stop_at, stop_at)
        elif call_at >= 0:
            self._where, self._trim = "call", True
            yield from self._say(len(self._text[:call_at].rstrip()), call_at + len(OPENING))
        elif last:
            yield from self._say(len(self._text.rstrip()) if self._trim else len(self._text), len(self._text))
        else:
            marks = [*self.stop, OPENING] if self.may_call else self.stop
            sure = len(self._text) - max((_overlap(self._text, mark) for mark in marks), default=0)
            sure = len(self._text[:sure].rstrip())
            yield from self._say(sure, sure)

    def _say(self, end: int, rest: int) -> Iterator[Piece]:
        """Gives out the text up to `end` and keeps it from `rest` on."""
        text, self._text = self._text[:end], self._text[rest:]
        if self._trim and not self._spoke:
            text = text.lstrip()
        if text:
            self._spoke = True
            yield Piece(text_delta=text)

    def _call(self, last: bool) -> Iterator[Piece]:
        """A call ends at the first closing tag before which stands a whole JSON value (a string may hold the tag)."""
        end = self._text.find(CLOSING)
        while end >= 0:
            try:
                call = json.loads(self._text[:end])
            except ValueError:
                end = self._text.find(CLOSING, end + 1)
                continue
            self._text, self._where = self._text[end + len(CLOSING) :], "prose"
            yield Piece(tool_call_delta=self._delta(call))
            return

    def _delta(self, call: dict[str, object]) -> ToolCallDelta:
        arguments = json.dumps(call["arguments"], ensure_ascii=False)
        self.calls += 1
        return ToolCallDelta(self.calls - 1, f"call_{secrets.token_hex(8)}", str(call["name"]), arguments)

    @property
    def in_call(self) -> bool:
        """Whether a call has begun and not ended."""
        return self._where == "call"


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` may be the beginning of `mark`."""
    for length in range(min(len(text), len(mark) - 1), 0, -1):
        if text.endswith(mark[:length]):
            return length
    return 0
