"""Why the agent said what it said: a fold over the events of one turn. No model is asked, and nothing is guessed.

What was understood, the passages found, which rule or version of the model decided, which calls were made with what
results, and what was withheld. It knows no store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from dialoop.conversation import Event
from dialoop.conversation.events import (
    AgentSaid,
    Decided,
    Escalated,
    Passage,
    ToolApproved,
    ToolDenied,
    ToolRequested,
    ToolReturned,
    ToolStarted,
    Understood,
    UserSaid,
)
from dialoop.errors import DataError


@dataclass(frozen=True)
class Decision:
    """Who decided what came next: "model", "rule:<name>", "repair", "escalate" or "go_on", and why."""

    seq: int
    by: str
    reason: str | None = None
    model: str | None = None


@dataclass(frozen=True)
class Call:
    """A tool call, how often it was begun, and what came of it. `denied`: by whom and why."""

    seq: int
    name: str
    arguments: str
    model: str | None = None
    attempts: int = 0
    approved_by: str | None = None
    denied: tuple[str, str] | None = None
    result: str | None = None
    failed: bool = False


@dataclass(frozen=True)
class Explanation:
    """One answer and what led to it. `seq` and `said_at`: where the answer and the customer's message stand."""

    conversation: str
    seq: int
    at: str
    text: str
    agent: str | None = None
    model: str | None = None
    said_at: int | None = None
    said: str | None = None
    intents: dict[str, float] = field(default_factory=dict)
    out_of_scope: bool = False
    sentiment: str | None = None
    passages: tuple[Passage, ...] = ()
    decisions: tuple[Decision, ...] = ()
    calls: tuple[Call, ...] = ()
    withheld: tuple[str, ...] = ()
    escalated: str | None = None

    @property
    def decided_by(self) -> str:
        """Who decided on the answer itself: the last rule or the model."""
        deciders = [one.by for one in self.decisions if one.by == "model" or one.by.startswith("rule:")]
        return deciders[-1] if deciders else "the agent itself"


def explain(events: Iterable[Event], seq: int | None = None) -> Explanation:
    """The explanation of the answer said at `seq`; of the answer to the message there; without it, of the last answer.

    Raises DataError where no answer stands there.
    """
    log = list(events)
    answer = _answer(log, seq)
    before = log[: answer.seq - 1]
    said = next((event for event in reversed(before) if isinstance(event, UserSaid)), None)
    turn = before[said.seq if said is not None else 0 :]
    understood = next((event for event in reversed(turn) if isinstance(event, Understood)), None)
    decisions = tuple(
        Decision(event.seq, event.action, event.reason, event.model) for event in turn if isinstance(event, Decided)
    )
    explanation = Explanation(
        conversation=answer.conversation,
        seq=answer.seq,
        at=answer.at,
        text=answer.text,
        agent=answer.agent,
        model=answer.model,
        said_at=said.seq if said is not None else None,
        said=said.text if said is not None else None,
        decisions=decisions,
        calls=_calls(turn, before),
        withheld=tuple(one.reason or "" for one in decisions if one.by in ("repair", "escalate")),
        escalated=next((event.reason for event in reversed(turn) if isinstance(event, Escalated)), None),
    )
    if understood is None:
        return explanation
    return replace(
        explanation,
        intents={name: understood.confidence.get(name, 1.0) for name in understood.intents},
        out_of_scope=understood.out_of_scope,
        sentiment=understood.sentiment,
        passages=tuple(understood.passages),
    )


def _answer(log: list[Event], seq: int | None) -> AgentSaid:
    """The answer that is meant."""
    answers = [event for event in log if isinstance(event, AgentSaid)]
    where = log[0].conversation if log else None
    if seq is None and answers:
        return answers[-1]
    if seq is not None:
        for at, event in enumerate(log):
            if event.seq == seq and isinstance(event, AgentSaid):
                return event
            if event.seq == seq and isinstance(event, UserSaid):
                following = log[at + 1 :]
                end = next((n for n, one in enumerate(following) if isinstance(one, UserSaid)), len(following))
                found = [one for one in following[:end] if isinstance(one, AgentSaid)]
                if found:
                    return found[-1]
    said = ", ".join(str(event.seq) for event in answers[-20:])
    what = "the agent has said nothing here" if not answers else f"no answer of the agent stands at event {seq}"
    raise DataError(what, where=where, remedy=f"answers stand at {said}" if said else "check the conversation's id")


def _calls(turn: list[Event], before: list[Event]) -> tuple[Call, ...]:
    """The calls that were requested in the turn or came back in it."""
    requested = {event.call_id: event for event in before if isinstance(event, ToolRequested)}
    calls: dict[str, Call] = {}
    for event in turn:
        if not isinstance(event, ToolRequested | ToolApproved | ToolDenied | ToolStarted | ToolReturned):
            continue
        asked = requested[event.call_id]
        call = calls.get(event.call_id) or Call(asked.seq, asked.name, asked.arguments, asked.model)
        if isinstance(event, ToolApproved):
            call = replace(call, approved_by=event.by)
        elif isinstance(event, ToolDenied):
            call = replace(call, denied=(event.by, event.reason))
        elif isinstance(event, ToolStarted):
            call = replace(call, attempts=event.attempt)
        elif isinstance(event, ToolReturned):
            call = replace(call, result=event.content, failed=event.failed)
        calls[event.call_id] = call
    return tuple(calls.values())
