"""Which parts of a served conversation are to be learnt, and who says that they were good.

A conversation as a whole is judged by a rating or by its outcome. Judged good, every answer in it is a target; judged
bad, or by nobody, only what a person wrote or praised is one, and the rest is context. Never a target: an answer that
was rated bad, a call that failed or was denied, and, unless praised, what the agent said before a person had to be
asked, or to tell that one is. It knows no store: it is given the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dialoop.conversation import Event, State, fold
from dialoop.conversation.events import (
    AgentSaid,
    Closed,
    Escalated,
    OperatorEdited,
    OperatorJoined,
    OperatorSaid,
    Rated,
    ToolDenied,
    ToolReturned,
    UserSaid,
)
from dialoop.conversation.fold import Entry
from dialoop.learning.settings import LearnSettings, Speaker

PEOPLE: tuple[Speaker, ...] = ("customer", "operator")
"""Their word stands above a checker's."""


@dataclass(frozen=True)
class Judgement:
    """`good` or not, by whom (the kind of speaker and the name in the log), and in which words.

    `outcome`: whether the conversation's outcome says so, and not a rating.
    """

    good: bool
    speaker: Speaker
    by: str
    words: str
    outcome: bool = False


@dataclass(frozen=True)
class Selected:
    """A conversation with what is to be learnt from it: `state`'s entries say what is taught, and believed ratings.

    `edits`: answers that a person replaced; `messages`: those that a person wrote; `context`: answers that are none of
    the targets. `praised`: single answers that were rated well where nobody judged the whole.
    """

    state: State
    judgement: Judgement | None
    targets: int
    edits: int
    messages: int
    context: int
    praised: int
    unheard: tuple[Judgement, ...] = field(default=())


def select(events: Sequence[Event], settings: LearnSettings) -> Selected:
    """What is to be learnt from the conversation; `targets` is 0 where nothing is.

    Raises DataError for events that cannot be folded.
    """
    state = fold(events)
    operators = {
        event.operator for event in events if isinstance(event, OperatorJoined | OperatorSaid | OperatorEdited)
    }
    whole: list[Judgement] = []
    unheard: list[Judgement] = []
    ratings: dict[int, float] = {}
    failed = _failed_calls(events)
    asked = max((event.seq for event in events if isinstance(event, Escalated | OperatorJoined)), default=0)
    asked = max([asked, *_told_of_a_person(events)])
    for event in events:
        if isinstance(event, OperatorEdited):
            ratings.pop(event.said_at, None)  # what was rated before it stands there no more
        elif isinstance(event, Rated | Closed):
            judgement = _judgement(event, state, operators, settings)
            if judgement is None:
                if isinstance(event, Rated):
                    _take_back(event, speaker_of(event.by, state, operators), settings, ratings, whole)
                continue
            if judgement.speaker not in settings.believed:
                unheard.append(judgement)
            elif isinstance(event, Rated) and event.said_at is not None:
                ratings[event.said_at] = event.score
            else:
                whole.append(judgement)
    judgement = _last_word(whole)
    entries = tuple(_marked(entry, judgement, ratings, failed, asked) for entry in state.entries)
    chosen = [entry for entry in entries if entry.message.role == "assistant" and not entry.withdrawn]
    taught = [entry for entry in chosen if entry.taught]
    return Selected(
        state=state.model_copy(update={"entries": entries}),
        judgement=judgement,
        targets=len(taught),
        edits=sum(entry.message.rejected is not None for entry in taught),
        messages=sum(entry.by_person and entry.message.rejected is None for entry in taught),
        context=len(chosen) - len(taught),
        praised=sum(ratings.get(entry.seq, 0) > 0 for entry in taught) if judgement is None else 0,
        unheard=tuple(unheard),
    )


def speaker_of(by: str, state: State, operators: set[str]) -> Speaker:
    """Who is called `by` in the log: the name itself tells, or its beginning (`operator:anna`, `checker`)."""
    kind = by.partition(":")[0].strip().casefold()
    if by in operators or kind == "operator":
        return "operator"
    if kind in ("customer", "user") or (state.customer is not None and by == state.customer):
        return "customer"
    if kind in ("checker", "rehearsal"):
        return "checker"
    if kind in ("agent", "model", "rule") or (state.agent is not None and by == state.agent):
        return "agent"
    return "other"


def _judgement(event: Rated | Closed, state: State, operators: set[str], settings: LearnSettings) -> Judgement | None:
    speaker = speaker_of(event.by, state, operators)
    if isinstance(event, Closed):
        good = event.outcome.strip().casefold() in {outcome.casefold() for outcome in settings.good}
        return Judgement(good, speaker, event.by, f"outcome {event.outcome!r}", outcome=True)
    if event.score == 0:
        return None
    return Judgement(event.score > 0, speaker, event.by, f"rating {event.score:+g}")


def _take_back(
    event: Rated, speaker: Speaker, settings: LearnSettings, ratings: dict[int, float], whole: list[Judgement]
) -> None:
    """A rating of 0 takes back what was rated before: a single answer's rating, or one's own of the whole.

    What somebody else rated stands, and so does an outcome. There is one customer, by whatever name.
    """
    if speaker not in settings.believed:
        return
    if event.said_at is not None:
        ratings.pop(event.said_at, None)
        return
    whole[:] = [
        one for one in whole if one.outcome or one.speaker != speaker or (speaker != "customer" and one.by != event.by)
    ]


def _last_word(judgements: Sequence[Judgement]) -> Judgement | None:
    """A person's last word, else the last one."""
    people = [one for one in judgements if one.speaker in PEOPLE]
    heard = people or judgements
    return heard[-1] if heard else None


def _told_of_a_person(events: Sequence[Event]) -> list[int]:
    """Where the agent said that a person was asked: its answers between that and the customer's next message."""
    told, telling = [], False
    for event in events:
        if isinstance(event, Escalated):
            telling = True
        elif isinstance(event, UserSaid):
            telling = False
        elif telling and isinstance(event, AgentSaid):
            told.append(event.seq)
    return told


def _failed_calls(events: Sequence[Event]) -> set[str]:
    denied = {event.call_id for event in events if isinstance(event, ToolDenied)}
    return denied | {event.call_id for event in events if isinstance(event, ToolReturned) and event.failed}


def _marked(
    entry: Entry, judgement: Judgement | None, ratings: dict[int, float], failed: set[str], asked: int
) -> Entry:
    """The entry with the rating that is believed, and whether it is to be learnt."""
    if entry.message.role != "assistant":
        return entry
    rating = ratings.get(entry.seq, 0.0)
    good = judgement is not None and judgement.good and entry.seq > asked
    taught = rating >= 0 and (rating > 0 or entry.by_person or good)
    if any(call.id in failed for call in entry.message.tool_calls or []):
        taught = False
    return entry.model_copy(update={"rating": rating or None, "taught": taught})
