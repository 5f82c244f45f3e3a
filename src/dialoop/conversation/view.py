"""The model's view: what the model is shown of a conversation, and nothing else.

One of the two functions that make training and serving see the same text; the other turns these messages into tokens.
Stand-ins take the place of private data, a summary that of what it sums up, a hand-over hides what came before it, and
whole turns leave from the front where the window is too small. It knows nothing of tokens: who
knows them passes `cost`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dialoop.conversation.events import Event
from dialoop.conversation.fold import Entry, State, answered, fold
from dialoop.conversation.record import Annotations, Conversation, Message, MessageAnnotation
from dialoop.errors import DataError


@dataclass(frozen=True)
class ModelView:
    """The messages, how many messages left for length, and how many calls wait for a result and are not shown."""

    messages: list[Message]
    left_out: int = 0
    waiting: int = 0


def _one(message: Message) -> int:
    return 1


def model_view(
    events: Iterable[Event] | State, window: int | None = None, *, cost: Callable[[Message], int] = _one
) -> ModelView:
    """What the model is shown after these events (or in this state, if they are folded already).

    `window` is the most that all messages may cost together; by default each costs 1. What goes first is the oldest
    turn: a user message and all that follows up to the next one. The last turn and the system message always stay;
    DataError where they alone cost more than the window.
    """
    state = events if isinstance(events, State) else fold(events)
    head = _head(state)
    turns = _turns([_shown(entry) for entry in _visible(state)])
    left_out = 0
    if window is not None:
        room = window - sum(map(cost, head))
        costs = [sum(map(cost, turn)) for turn in turns]
        while len(turns) > 1 and sum(costs) > room:
            left_out += len(turns.pop(0))
            costs.pop(0)
        if sum(costs) > room:
            what = f"the last turn and the system message cost {sum(costs) + window - room}, and the window is {window}"
            raise DataError(what, where=state.conversation, remedy="use a larger window or a shorter system message")
    return ModelView([*head, *(message for turn in turns for message in turn)], left_out, len(state.open_calls))


def training_conversation(events: Iterable[Event] | State) -> Conversation:
    """The record to learn from: the view of the model after all events, with its targets.

    Answers rated below 0, or marked as not taught, are context (`weight` 0), answers that a person put in another's
    place keep it as `rejected`. Ratings of answers stand in the annotations. Raises DataError where
    nothing was said, or all of it was erased.
    """
    state = events if isinstance(events, State) else fold(events)
    visible = _visible(state)
    if state.conversation is None or not visible:
        what = "the conversation was erased" if state.phase == "erased" else "nothing was said in the conversation"
        raise DataError(what, where=state.conversation, remedy="leave it out")
    messages, ratings = _head(state), []
    for entry in visible:
        taught = entry.taught if entry.taught is not None else (entry.rating or 0) >= 0
        kept = {"rejected": entry.message.rejected, "weight": None if taught else 0}
        if entry.rating:
            ratings.append(MessageAnnotation(index=len(messages), rating=entry.rating))
        messages.append(_shown(entry).model_copy(update=kept))
    return Conversation(
        id=state.conversation,
        messages=messages,
        tools=list(state.tools),
        lang=state.lang,
        source=state.source,
        customer=state.customer,
        outcome=state.outcome,
        annotations=Annotations(messages=ratings) if ratings else None,
    )


def _head(state: State) -> list[Message]:
    """The system message, and the summary at its end."""
    parts = [] if state.system is None else [state.system]
    if state.summary is not None:
        parts.append(state.summary[1])
    return [Message(role="system", content="\n\n".join(parts))] if parts else []


def _visible(state: State) -> list[Entry]:
    """What the model may see: answered, not withdrawn, after a hand-over's cut, not summed up, no result by itself."""
    first = max(state.shown_from, state.summary[0] + 1 if state.summary else 0)
    entries = [entry for entry in answered(state) if entry.seq >= first and not entry.withdrawn]
    called = {call.id for entry in entries for call in entry.message.tool_calls or []}
    return [entry for entry in entries if entry.message.role != "tool" or entry.message.tool_call_id in called]


def _shown(entry: Entry) -> Message:
    """A message as the model sees it: with stand-ins and passages, without what only training and the desk know."""
    content = entry.shown if entry.shown is not None else entry.message.content
    if entry.passages:
        found = "\n".join(f"[{number}] {passage.text}" for number, passage in enumerate(entry.passages, start=1))
        content = f"{content}\n\n{found}"
    return entry.message.model_copy(update={"content": content, "rejected": None, "weight": None})


def _turns(messages: list[Message]) -> list[list[Message]]:
    """Each user message with what follows; what stands before the first user message goes with it."""
    turns: list[list[Message]] = []
    begun = False
    for message in messages:
        if not turns or (message.role == "user" and begun):
            turns.append([])
            begun = False
        turns[-1].append(message)
        begun = begun or message.role == "user"
    return turns
