"""The course of a conversation so far: its events, their fold, and what a turn must know of them.

Kept in memory while a turn runs and made anew from the store after a crash: nothing is known that is not in the log.
It knows no engine and no store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

from dialoop.agent.hearing import language_of_text
from dialoop.agent.seams import Situation
from dialoop.conversation import Event, State, canonical_json, fold, parse_tool_arguments
from dialoop.conversation.events import (
    AgentSaid,
    AnswerWithdrawn,
    Decided,
    Escalated,
    OperatorJoined,
    OperatorSaid,
    ToolDenied,
    ToolRequested,
    ToolReturned,
    ToolStarted,
    Understood,
    UserSaid,
)
from dialoop.errors import DataError

CONFIRM = "rule:confirm"
"""Who denies a transactional call until the customer said yes to it."""
NONSENSE = frozenset({"rule:schema", "rule:stand_in", "rule:repeated"})
"""Who denies calls that make no sense."""
UNKNOWN = canonical_json({"error": "unknown_outcome"})
"""The result of a call that may have had its effect or not."""


class Course:
    """Events in order, and questions about them."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        self.state = State()
        self.add(events)

    def add(self, events: Iterable[Event]) -> None:
        """Puts events behind the last one. Raises DataError where they cannot stand there."""
        new = list(events)
        self.state = fold(new, self.state)
        self.events += new

    def upto(self, seq: int) -> Course:
        """The course as it was before the event `seq`."""
        return Course(self.events[: seq - 1])

    # the turn

    @property
    def said(self) -> UserSaid | None:
        """The customer's last message."""
        return next((event for event in reversed(self.events) if isinstance(event, UserSaid)), None)

    def turn(self) -> list[Event]:
        """What happened after the customer's last message, or from the beginning."""
        said = self.said
        return self.events[said.seq if said is not None else 0 :]

    @property
    def last(self) -> Event | None:
        """What was last said or given back: the turn is done once that is an answer."""
        kinds = UserSaid | ToolReturned | ToolDenied | AgentSaid | OperatorSaid
        return next((event for event in reversed(self.events) if isinstance(event, kinds)), None)

    @property
    def last_answer(self) -> str:
        """What was last said to the customer."""
        told = (event.text for event in reversed(self.events) if isinstance(event, AgentSaid | OperatorSaid))
        return next(told, "")

    def since(self, seq: int) -> list[Event]:
        """The events behind `seq`."""
        return self.events[seq:]

    @property
    def asked(self) -> str:
        """What was said to the customer before its last message."""
        said = self.said
        before = self.events[: said.seq] if said is not None else self.events
        told = (event.text for event in reversed(before) if isinstance(event, AgentSaid | OperatorSaid))
        return next(told, "")

    @property
    def customer_texts(self) -> str:
        """All that the customer said."""
        return "\n".join(event.text for event in self.events if isinstance(event, UserSaid))

    @property
    def understood(self) -> Understood | None:
        """What was made of the last message, if it was looked at."""
        return next((event for event in reversed(self.turn()) if isinstance(event, Understood)), None)

    # calls

    @property
    def requested(self) -> dict[str, ToolRequested]:
        """Every call by its id."""
        return {event.call_id: event for event in self.events if isinstance(event, ToolRequested)}

    def open_calls(self) -> Iterator[tuple[ToolRequested, str]]:
        """The calls without a result, in order, and how far each is."""
        known = self.requested if self.state.open_calls else {}
        for call_id, step in self.state.open_calls.items():
            yield known[call_id], step

    def attempts(self, call_id: str) -> int:
        """How often the call was begun."""
        return sum(isinstance(event, ToolStarted) and event.call_id == call_id for event in self.events)

    def waiting(self) -> list[ToolRequested]:
        """The calls that wait for a person."""
        return [call for call, step in self.open_calls() if call.needs_approval and step == "requested"]

    def said_while_waiting(self) -> int | None:
        """Where the agent told the customer of a call that waited and is back now, unless that was taken back.

        A result stands behind its call whatever was said meanwhile, which would come between it and the answer.
        """
        last = self.last
        if not isinstance(last, ToolReturned | ToolDenied):
            return None
        withdrawn = {event.said_at for event in self.events if isinstance(event, AnswerWithdrawn)}
        meanwhile = self.events[self.requested[last.call_id].seq : last.seq]
        told = (event.seq for event in meanwhile if isinstance(event, AgentSaid) and event.seq not in withdrawn)
        return next(told, None)

    def taken_over_since(self, seq: int) -> bool:
        """Whether a person took over behind `seq`."""
        return any(isinstance(event, OperatorJoined) for event in self.since(seq))

    def unconfirmed(self) -> list[ToolRequested]:
        """The calls that the customer was asked about in the last answer, less those made since."""
        said = self.said
        if said is None:
            return []
        before = self.events[: said.seq - 1]
        answers = [at for at, event in enumerate(before) if isinstance(event, AgentSaid | OperatorSaid)]
        if not answers or not isinstance(before[answers[-1]], AgentSaid):
            return []
        first = answers[-2] if len(answers) > 1 else 0
        denied = {event.call_id for event in before[first : answers[-1]] if _unconfirmed(event)}
        made = {meaning(event) for event in self.turn() if isinstance(event, ToolRequested)}
        found = [call for call_id, call in self.requested.items() if call_id in denied and meaning(call) not in made]
        return list({meaning(call): call for call in found}.values())

    def to_ask(self) -> list[ToolRequested]:
        """The calls denied in this turn until the customer said yes, which it was not asked about yet."""
        since = max((event.seq for event in self.events if isinstance(event, AgentSaid)), default=0)
        since = max(since, self.said.seq if self.said else 0)
        found = [self.requested[event.call_id] for event in self.since(since) if _unconfirmed(event)]
        return list({meaning(call): call for call in found}.values())

    # how well it goes

    def nonsense(self) -> int:
        """How often in this turn the model made no sense."""
        return sum(
            (isinstance(event, ToolDenied) and event.by in NONSENSE)
            or (isinstance(event, Decided) and event.action == "repair")
            for event in self.turn()
        )

    def failures(self) -> int:
        """The failed results in a row at the end of this turn's results."""
        count = 0
        for event in reversed(self.turn()):
            if isinstance(event, ToolReturned):
                if not event.failed:
                    break
                count += 1
        return count

    def steps(self) -> int:
        """The messages with calls in this turn."""
        return len({event.step for event in self.turn() if isinstance(event, ToolRequested)})

    def escalating(self) -> Decided | Escalated | None:
        """What began calling a person behind the last words, where the customer was not told yet."""
        last = self.last
        for event in reversed(self.since(last.seq if last is not None else 0)):
            if isinstance(event, Escalated) or (isinstance(event, Decided) and event.action == "escalate"):
                return event
        return None

    # for others to look at

    @property
    def lang(self) -> str:
        """The language to answer in."""
        return language_of_text(self.said.text if self.said else "", self.state.lang)

    def situation(self) -> Situation:
        """What rules and guards may look at."""
        understood, known = self.understood, self.requested
        results = tuple(
            (known[event.call_id].name, event.content) for event in self.turn() if isinstance(event, ToolReturned)
        )
        return Situation(
            state=self.state,
            text=self.said.text if self.said else "",
            asked=self.asked,
            lang=self.lang,
            intents=_confidence(understood),
            out_of_scope=understood.out_of_scope if understood else False,
            slots=understood.slots if understood else {},
            step=self.steps(),
            results=results,
        )


def meaning(call: ToolRequested) -> tuple[str, str]:
    """What makes two calls the same one: the tool, and the arguments however they are written."""
    try:
        return call.name, canonical_json(arguments_of(call))
    except DataError:
        return call.name, call.arguments


def arguments_of(call: ToolRequested) -> dict[str, Any]:
    """The call's arguments. Raises DataError where they are no JSON object."""
    return parse_tool_arguments(call.arguments or "{}")


def _confidence(understood: Understood | None) -> dict[str, float]:
    if understood is None:
        return {}
    return {name: understood.confidence.get(name, 1.0) for name in understood.intents}


def _unconfirmed(event: Event) -> TypeGuard[ToolDenied]:
    return isinstance(event, ToolDenied) and event.by == CONFIRM
