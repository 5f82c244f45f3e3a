"""What a person sees of a conversation: its lines, what waits for a person, and since when. A fold over events.

`see(b, see(a)) == see(a + b)`, so that a page which is open only reads what is new. Texts are as the events
have them: with the true values where those come through `agent.told`. It knows no store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from dialoop.conversation import Event, State, fold
from dialoop.conversation.events import (
    AgentSaid,
    AnswerWithdrawn,
    Closed,
    Erased,
    Escalated,
    HandedBack,
    HandedTo,
    OperatorEdited,
    OperatorJoined,
    OperatorSaid,
    Rated,
    ToolApproved,
    ToolDenied,
    ToolRequested,
    ToolReturned,
    ToolStarted,
    UserSaid,
)

Who = Literal["customer", "agent", "operator"]
CallStep = Literal["requested", "waiting", "approved", "denied", "started", "returned", "failed"]
Turn = Literal["asked", "joined", "handed_back", "handed_to", "closed", "erased"]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    seq: int
    at: str


class Said(_Line):
    """What somebody said. `original`: the agent's words that a person replaced; `name`: the operator's."""

    kind: Literal["said"] = "said"
    who: Who
    text: str
    name: str | None = None
    original: str | None = None
    withdrawn: bool = False
    rating: float | None = None


class Called(_Line):
    """What the agent did or wants to do. `waiting`: a person must let it. `by`: who let or refused it."""

    kind: Literal["call"] = "call"
    call_id: str
    name: str
    arguments: str
    step: CallStep
    by: str | None = None
    reason: str | None = None
    result: str | None = None


class Note(_Line):
    """How the conversation went on: who was asked for, who came and left, how it ended."""

    kind: Literal["note"] = "note"
    what: Turn
    name: str | None = None
    text: str | None = None


Line = Said | Called | Note


@dataclass(frozen=True)
class Sight:
    """A conversation as a person sees it. `asked`: when a person was asked for and why, while nobody has come."""

    state: State = field(default_factory=State)
    lines: tuple[Line, ...] = ()
    asked: tuple[str, str] | None = None
    last_at: str = ""

    @property
    def waiting_calls(self) -> list[Called]:
        """The calls that wait for a person, in order."""
        return [line for line in self.lines if isinstance(line, Called) and line.step == "waiting"]


def see(events: Iterable[Event], sight: Sight | None = None) -> Sight:
    """What is seen after these events. Raises DataError at what cannot follow, as `fold` does."""
    sight = sight or Sight()
    for event in events:
        sight = _next(sight, event)
    return sight


def _next(sight: Sight, event: Event) -> Sight:
    state = fold([event], sight.state)
    asked = sight.asked
    if isinstance(event, Escalated):
        asked = asked or (event.at, event.reason)
    elif state.phase != "asked":
        asked = None
    lines = _lines(sight.lines, event)
    return Sight(state, lines, asked, event.at)


def _lines(lines: tuple[Line, ...], event: Event) -> tuple[Line, ...]:
    """The lines after one more event."""
    if isinstance(event, UserSaid | AgentSaid | OperatorSaid):
        return (*lines, _said(event))
    if isinstance(event, ToolRequested):
        head: dict[str, Any] = {"seq": event.seq, "at": event.at}
        said = (Said(**head, who="agent", text=event.text),) if event.text else ()
        step: CallStep = "waiting" if event.needs_approval else "requested"
        call = Called(**head, call_id=event.call_id, name=event.name, arguments=event.arguments, step=step)
        return (*lines, *said, call)
    if isinstance(event, ToolApproved | ToolDenied | ToolStarted | ToolReturned):
        return tuple(_moved(line, event) if _is_call(line, event.call_id) else line for line in lines)
    if isinstance(event, OperatorEdited | AnswerWithdrawn | Rated):
        return tuple(_judged(line, event) if _is_answer(line, event.said_at) else line for line in lines)
    if isinstance(event, Erased):
        kept = tuple(line for line in lines if isinstance(line, Note))
        return (*kept, Note(seq=event.seq, at=event.at, what="erased", text=event.reason))
    note = _note(event)
    return lines if note is None else (*lines, note)


def _said(event: UserSaid | AgentSaid | OperatorSaid) -> Said:
    who: Who = "customer" if isinstance(event, UserSaid) else "agent" if isinstance(event, AgentSaid) else "operator"
    name = event.operator if isinstance(event, OperatorSaid) else None
    return Said(seq=event.seq, at=event.at, who=who, text=event.text, name=name)


def _is_call(line: Line, call_id: str) -> bool:
    return isinstance(line, Called) and line.call_id == call_id


def _is_answer(line: Line, said_at: int | None) -> bool:
    return isinstance(line, Said) and line.who != "customer" and line.seq == said_at


def _moved(line: Line, event: ToolApproved | ToolDenied | ToolStarted | ToolReturned) -> Line:
    if isinstance(event, ToolApproved):
        return line.model_copy(update={"step": "approved", "by": event.by})
    if isinstance(event, ToolDenied):
        return line.model_copy(update={"step": "denied", "by": event.by, "reason": event.reason})
    if isinstance(event, ToolStarted):
        return line.model_copy(update={"step": "started"})
    return line.model_copy(update={"step": "failed" if event.failed else "returned", "result": event.content})


def _judged(line: Line, event: OperatorEdited | AnswerWithdrawn | Rated) -> Line:
    assert isinstance(line, Said)
    if isinstance(event, Rated):
        return line.model_copy(update={"rating": event.score})
    if isinstance(event, AnswerWithdrawn):
        return line.model_copy(update={"withdrawn": True})
    original = line.text if line.original is None else line.original
    return line.model_copy(update={"text": event.text, "original": original, "name": event.operator})


def _note(event: Event) -> Note | None:
    head: dict[str, Any] = {"seq": event.seq, "at": event.at}
    if isinstance(event, Escalated):
        return Note(**head, what="asked", text=event.reason)
    if isinstance(event, OperatorJoined):
        return Note(**head, what="joined", name=event.operator)
    if isinstance(event, HandedBack):
        return Note(**head, what="handed_back", name=event.operator)
    if isinstance(event, HandedTo):
        return Note(**head, what="handed_to", name=event.to)
    if isinstance(event, Closed):
        return Note(**head, what="closed", name=event.by, text=event.outcome)
    return None


def without_details(sight: Sight) -> Sight:
    """What the customer may see: no arguments and results of calls, no reasons, no replaced or withdrawn words."""
    lines: list[Line] = []
    for line in sight.lines:
        if isinstance(line, Called) and line.step == "denied" and (line.by or "").startswith("rule:"):
            continue  # it was never made: the agent asked first, or tried again
        if isinstance(line, Called):
            lines.append(line.model_copy(update={"arguments": "{}", "result": None, "reason": None, "by": None}))
        elif isinstance(line, Note):
            lines.append(line.model_copy(update={"text": None}))
        elif not line.withdrawn:
            lines.append(line.model_copy(update={"original": "" if line.original is not None else None}))
    return replace(sight, lines=tuple(lines), asked=None)
