"""Folds over events: the state of a conversation, and its history.

The state is a pure function of the events so far: `fold(fold(state, a), b) == fold(state, a + b)`, so a worker can keep
it, lose it, or make it anew from any point. It knows no store and no model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from dialoop.conversation.events import (
    AgentSaid,
    AnswerWithdrawn,
    Closed,
    Erased,
    Escalated,
    Event,
    HandedBack,
    HandedTo,
    Opened,
    OperatorEdited,
    OperatorJoined,
    OperatorSaid,
    Passage,
    Rated,
    Summarised,
    ToolApproved,
    ToolDenied,
    ToolRequested,
    ToolReturned,
    ToolStarted,
    Understood,
    UserSaid,
)
from dialoop.conversation.json_text import canonical_json
from dialoop.conversation.record import FunctionCall, Message, ToolCall
from dialoop.conversation.tool_schema import choices_of
from dialoop.errors import DataError, Place

Phase = Literal["new", "open", "asked", "with_operator", "closed", "erased"]
CallState = Literal["requested", "approved", "started"]


class Entry(BaseModel):
    """One message with the seq of the event that brought it, and what only the model's view needs.

    `taught`: whether an answer is to be learnt; None: unless it is rated below 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    seq: int
    message: Message
    shown: str | None = None
    step: str | None = None
    passages: tuple[Passage, ...] = ()
    by_person: bool = False
    withdrawn: bool = False
    rating: float | None = None
    taught: bool | None = None


class State(BaseModel):
    """What is known after some events. `open_calls`: calls without a result, and how far each is."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    conversation: str | None = None
    tenant: str | None = None
    customer: str | None = None
    agent: str | None = None
    model: str | None = None
    seq: int = 0
    phase: Phase = "new"
    system: str | None = None
    tools: tuple[dict[str, Any], ...] = ()
    lang: str | None = None
    source: str | None = None
    entries: tuple[Entry, ...] = ()
    open_calls: dict[str, CallState] = {}
    operator: str | None = None
    shown_from: int = 0
    summary: tuple[int, str] | None = None
    outcome: str | None = None
    rating: float | None = None

    @property
    def house(self) -> list[str]:
        """The house's own texts, which are nobody's secret: the system message and what its tools are chosen among."""
        return [*([self.system] if self.system else []), *choices_of(self.tools)]


def fold(events: Iterable[Event], state: State | None = None) -> State:
    """The state after the events. Raises DataError at a gap, a mixture of conversations, or what cannot follow."""
    state = state or State()
    for event in events:
        state = _next(state, event)
    return state


def history(events: Iterable[Event]) -> list[Message]:
    """What was said and done, as the customer and the desk see it: without answers that were withdrawn."""
    return [entry.message for entry in fold(events).entries if not entry.withdrawn]


def answered(state: State) -> list[Entry]:
    """The entries less calls that have no result yet; a message that loses all its calls and says nothing goes too."""
    entries = []
    for entry in state.entries:
        calls = entry.message.tool_calls
        if calls and any(call.id in state.open_calls for call in calls):
            kept = [call for call in calls if call.id not in state.open_calls] or None
            if kept is None and not entry.message.content:
                continue
            entry = entry.model_copy(update={"message": entry.message.model_copy(update={"tool_calls": kept})})
        entries.append(entry)
    return entries


def _next(state: State, event: Event) -> State:
    _check(state, event)
    change: dict[str, Any] = {"seq": event.seq}
    if event.agent is not None:
        change["agent"] = event.agent
    if event.model is not None:
        change["model"] = event.model
    if isinstance(event, UserSaid | AgentSaid | OperatorSaid):
        change["entries"] = (*state.entries, _said(event))
    elif isinstance(event, ToolRequested | ToolApproved | ToolDenied | ToolStarted | ToolReturned):
        change |= _tool(state, event)
    elif isinstance(event, Understood):
        if event.passages:
            change["entries"] = _with_passages(state.entries, tuple(event.passages))
    elif isinstance(event, AnswerWithdrawn | OperatorEdited | Rated):
        change |= _judged(state, event)
    else:
        change |= _course(event)
    return state.model_copy(update=change)


def _check(state: State, event: Event) -> None:
    place = Place(f"{event.conversation}, event {event.seq}")
    if state.conversation is not None and event.conversation != state.conversation:
        raise DataError(f"an event of another conversation than {state.conversation!r}", where=place, remedy=_LOG)
    if event.seq != state.seq + 1:
        raise DataError(f"the event before it has seq {state.seq}: a gap or a doublet", where=place, remedy=_LOG)
    if (event.kind == "opened") != (event.seq == 1):
        raise DataError("a conversation begins with 'opened', once", where=place, remedy=_LOG)
    if state.phase == "erased":
        raise DataError("nothing can follow after 'erased'", where=place, remedy="open a new conversation")


_LOG = "fold the events of one conversation in order of seq, all of them"


def _said(event: UserSaid | AgentSaid | OperatorSaid) -> Entry:
    role: Literal["user", "assistant"] = "user" if isinstance(event, UserSaid) else "assistant"
    message = Message(role=role, content=event.text)
    return Entry(seq=event.seq, message=message, shown=event.shown, by_person=isinstance(event, OperatorSaid))


def _course(event: Event) -> dict[str, Any]:
    """What changes by events that say nothing."""
    if isinstance(event, Opened):
        known = {field: getattr(event, field) for field in ("conversation", "tenant", "customer", "lang", "source")}
        return {**known, "phase": "open", "system": event.system, "tools": tuple(event.tools)}
    if isinstance(event, HandedTo):
        told = {"agent": event.to, "system": event.system, "tools": tuple(event.tools)}
        return {**told, "shown_from": event.shown_from or 0}
    if isinstance(event, Escalated):
        return {"phase": "asked"}
    if isinstance(event, OperatorJoined):
        return {"phase": "with_operator", "operator": event.operator}
    if isinstance(event, HandedBack):
        return {"phase": "open", "operator": None}
    if isinstance(event, Summarised):
        return {"summary": (event.upto, event.text)}
    if isinstance(event, Closed):
        return {"phase": "closed", "outcome": event.outcome}
    if isinstance(event, Erased):
        return {"phase": "erased", "entries": (), "open_calls": {}, "summary": None, "customer": None}
    return {}  # `decided` explains, and changes nothing


def _tool(
    state: State, event: ToolRequested | ToolApproved | ToolDenied | ToolStarted | ToolReturned
) -> dict[str, Any]:
    place = Place(f"{event.conversation}, event {event.seq}")
    if isinstance(event, ToolRequested):
        known = {call.id for entry in state.entries for call in entry.message.tool_calls or []}
        if event.call_id in known:
            raise DataError(f"a second call with the id {event.call_id!r}", where=place, remedy="give it its own id")
        return {
            "entries": _with_call(state.entries, event),
            "open_calls": {**state.open_calls, event.call_id: "requested"},
        }
    if event.call_id not in state.open_calls:
        raise DataError(f"{event.kind} for {event.call_id!r}, but no such call is open", where=place, remedy=_LOG)
    if isinstance(event, ToolApproved | ToolStarted):
        step: CallState = "approved" if isinstance(event, ToolApproved) else "started"
        return {"open_calls": {**state.open_calls, event.call_id: step}}
    if isinstance(event, ToolDenied):
        content, shown = canonical_json({"denied": event.reason}), None
    else:
        content, shown = event.content, event.shown
    message = Message(role="tool", tool_call_id=event.call_id, content=content)
    entry = Entry(seq=event.seq, message=message, shown=shown)
    still_open = {call: step for call, step in state.open_calls.items() if call != event.call_id}
    return {"entries": _after_call(state.entries, entry), "open_calls": still_open}


def _with_call(entries: tuple[Entry, ...], event: ToolRequested) -> tuple[Entry, ...]:
    """The call as a message of its own, or in the message of its step."""
    call = ToolCall(id=event.call_id, function=FunctionCall(name=event.name, arguments=event.arguments))
    for index, entry in enumerate(entries):
        if entry.step == event.step:
            message = entry.message.model_copy(update={"tool_calls": [*(entry.message.tool_calls or []), call]})
            return (*entries[:index], entry.model_copy(update={"message": message}), *entries[index + 1 :])
    message = Message(role="assistant", content=event.text, tool_calls=[call])
    return (*entries, Entry(seq=event.seq, message=message, step=event.step))


def _after_call(entries: tuple[Entry, ...], result: Entry) -> tuple[Entry, ...]:
    """The result behind its call and the results that came before, whatever was said meanwhile."""
    for index, entry in enumerate(entries):
        if any(call.id == result.message.tool_call_id for call in entry.message.tool_calls or []):
            at = index + 1
            while at < len(entries) and entries[at].message.role == "tool":
                at += 1
            return (*entries[:at], result, *entries[at:])
    return (*entries, result)


def _with_passages(entries: tuple[Entry, ...], passages: tuple[Passage, ...]) -> tuple[Entry, ...]:
    for index in reversed(range(len(entries))):
        if entries[index].message.role == "user":
            entry = entries[index].model_copy(update={"passages": passages})
            return (*entries[:index], entry, *entries[index + 1 :])
    return entries


def _judged(state: State, event: AnswerWithdrawn | OperatorEdited | Rated) -> dict[str, Any]:
    if isinstance(event, Rated) and event.said_at is None:
        return {"rating": event.score}
    for index, entry in enumerate(state.entries):
        if entry.seq != event.said_at or entry.message.role != "assistant":
            continue
        if isinstance(event, AnswerWithdrawn):
            changed = entry.model_copy(update={"withdrawn": True})
        elif isinstance(event, Rated):
            changed = entry.model_copy(update={"rating": event.score})
        else:
            rejected = entry.message.rejected if entry.message.rejected is not None else entry.message.content
            message = entry.message.model_copy(update={"content": event.text, "rejected": rejected})
            told = {"message": message, "shown": None, "by_person": True, "rating": None}  # that was of the old text
            changed = entry.model_copy(update=told)
        return {"entries": (*state.entries[:index], changed, *state.entries[index + 1 :])}
    place = Place(f"{event.conversation}, event {event.seq}")
    raise DataError(f"{event.kind} of event {event.said_at}, but no answer was said there", where=place, remedy=_LOG)
