"""What comes next in a turn: a pure function of the log. The live turn and the one after a crash are the same path.

After every event that is written the question is asked anew, so that wherever a worker dies, another one goes on from
there. It decides nothing that needs a model, a tool or a store; those are asked by who carries the step out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dialoop.agent.course import CONFIRM, UNKNOWN, Course, arguments_of, meaning
from dialoop.agent.hearing import asked_for, is_yes, wants_person
from dialoop.agent.rules import PERSON
from dialoop.agent.settings import AgentSettings
from dialoop.agent.tools import Toolbox
from dialoop.conversation.events import (
    AgentSaid,
    Decided,
    OperatorSaid,
    ToolRequested,
    ToolReturned,
    Understood,
    UserSaid,
)

MOST_ATTEMPTS = 3
"""Times that one call is begun, with the same idempotency key."""


@dataclass(frozen=True)
class Understand:
    """Look at the customer's message, and search for passages."""


@dataclass(frozen=True)
class Decide:
    """Ask the rules; where none decides, the model is to."""


@dataclass(frozen=True)
class Propose:
    """Let the model speak or call. `anew`: the first try made no sense."""

    anew: bool = False


@dataclass(frozen=True)
class Start:
    """Call the tool."""

    call: ToolRequested
    attempt: int = 1


@dataclass(frozen=True)
class Deny:
    """Refuse the call."""

    call: ToolRequested
    by: str
    reason: str


@dataclass(frozen=True)
class LoseTrack:
    """Give the call back with an unknown outcome."""

    call: ToolRequested


@dataclass(frozen=True)
class Ask:
    """Ask the customer for a yes to these calls."""

    calls: tuple[ToolRequested, ...]


@dataclass(frozen=True)
class TellWaiting:
    """Tell the customer that these calls wait for a person."""

    calls: tuple[ToolRequested, ...]


@dataclass(frozen=True)
class TakeBack:
    """Take back what was said while a call waited, now that its result stands where it was asked for."""

    said_at: int


@dataclass(frozen=True)
class Escalate:
    """Call a person, and say so."""

    reason: str


Step = Understand | Decide | Propose | Start | Deny | LoseTrack | Ask | TellWaiting | TakeBack | Escalate


@dataclass(frozen=True)
class Standing:
    """What the next step depends on besides the log. `faults`: what is wrong with a call, its values restored."""

    settings: AgentSettings
    toolbox: Toolbox
    faults: Callable[[ToolRequested], list[tuple[str, str]]]
    understands: bool = False


def next_step(course: Course, standing: Standing) -> Step | None:
    """What is to be done now; None where the turn is done, or a person's."""
    phase = course.state.phase
    if phase in ("new", "erased"):
        return None
    for call, how_far in course.open_calls():
        step = _call_step(call, how_far, course, standing)
        if step is not None:
            return step
    if phase in ("with_operator", "closed"):
        return None
    return _talk_step(course, standing)


def _call_step(call: ToolRequested, how_far: str, course: Course, standing: Standing) -> Step | None:
    phase = course.state.phase
    conduct = standing.toolbox.conduct(call.name)
    if how_far == "started":
        attempts = course.attempts(call.call_id)
        again = conduct.repeatable and attempts < MOST_ATTEMPTS
        return Start(call, attempts + 1) if again else LoseTrack(call)
    if phase == "closed":
        return Deny(call, "rule:closed", "the conversation was closed before the call was made")
    if how_far == "approved":
        return Start(call)
    if (denial := _denial(call, course.upto(call.seq), standing)) is not None:
        return Deny(call, *denial)
    if call.needs_approval:
        return None
    if course.taken_over_since(call.seq):
        return Deny(call, "rule:operator", "a person took over before the call was made")
    return Start(call)


def _denial(call: ToolRequested, before: Course, standing: Standing) -> tuple[str, str] | None:
    """Who refuses a call that was just requested, and why."""
    if faults := standing.faults(call):
        return faults[0]
    known = before.requested
    for event in before.turn():
        twice = isinstance(event, ToolRequested) and event.step == call.step and meaning(event) == meaning(call)
        done = isinstance(event, ToolReturned) and not event.failed and meaning(known[event.call_id]) == meaning(call)
        if twice or done:
            return "rule:repeated", "this call was made already; its result stands above"
    if not standing.settings.confirm or not standing.toolbox.conduct(call.name).transactional:
        return None
    return None if _confirmed(call, before) else (CONFIRM, "the customer has not said yes to this; ask first")


def _confirmed(call: ToolRequested, before: Course) -> bool:
    """Whether the customer's last message is a yes to this call: the agent's last answer asked for just that."""
    situation = before.situation()
    if not is_yes(situation.text, situation.intents, asked=situation.asked, tools=[call.name]):
        return False
    if meaning(call) in map(meaning, before.unconfirmed()):
        return True
    return asked_for(arguments_of(call), situation.asked, before.customer_texts)


def _talk_step(course: Course, standing: Standing) -> Step | None:
    last, settings = course.last, standing.settings
    if (begun := course.escalating()) is not None:
        return Escalate(begun.reason or "")
    if waiting := course.waiting():
        return _waiting_step(course, waiting)
    if last is None or isinstance(last, AgentSaid | OperatorSaid):
        return None
    if (said_at := course.said_while_waiting()) is not None:
        return TakeBack(said_at)
    if isinstance(last, UserSaid):
        if standing.understands and not any(isinstance(event, Understood) for event in course.turn()):
            return Understand()
    elif any(_is_unknown(event) for event in _since_answer(course)):
        return Escalate("a call's outcome is not known")
    elif calls := course.to_ask():
        return Ask(tuple(calls))
    if course.nonsense() > settings.repairs:
        return Escalate("the model made no sense")
    if course.failures() >= settings.escalate_after:
        return Escalate("a tool failed")
    if course.steps() >= settings.max_steps:
        return Escalate(f"no answer after {settings.max_steps} steps")
    return _speak_step(course, last.seq)


def _speak_step(course: Course, seq: int) -> Step:
    """Decide, unless that is done and the model is to speak."""
    decided = [event.action for event in course.since(seq) if isinstance(event, Decided)]
    if decided and decided[-1] in ("model", "repair"):
        return Propose(anew=decided[-1] == "repair")
    return Decide()


def _waiting_step(course: Course, waiting: list[ToolRequested]) -> Step | None:
    """The customer is told once, and again after each message."""
    since = max(waiting[-1].seq, course.said.seq if course.said else 0)
    if any(isinstance(event, AgentSaid | OperatorSaid) for event in course.since(since)):
        return None
    said = course.said
    if said is not None and said.seq > waiting[-1].seq and wants_person(said.text):
        return Escalate(PERSON)
    return TellWaiting(tuple(waiting))


def _since_answer(course: Course) -> list[object]:
    answered = max((event.seq for event in course.events if isinstance(event, AgentSaid | OperatorSaid)), default=0)
    return list(course.since(answered))


def _is_unknown(event: object) -> bool:
    return isinstance(event, ToolReturned) and event.content == UNKNOWN
