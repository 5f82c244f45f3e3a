"""What a person does with a conversation: take over, say, edit, approve or deny a call, hand back, close; and what a
customer asks for: a person, and to judge an answer.

Each is one or two events, written under the conversation's lease; what cannot be done is a DeskError with its code.
Texts that people type are kept with stand-ins for what is private. It knows no HTTP, no agent and no engine: who runs
the agent stops its turn at a take-over, and lets it go on after an approval or a hand-back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dialoop.conversation import State
from dialoop.desk.pen import PATIENCE, Pen, pen
from dialoop.desk.sight import Called, see
from dialoop.errors import DeskError
from dialoop.store import Store

TOOL_GRACE = 5.0
"""Seconds that a tool which is being called has to end before a take-over, so that its outcome is known."""
_MANNERS = 0.3
"""Seconds that a turn which was told to stop has to do so by itself."""
_TRIES = 3
LONGEST_TEXT = 20_000
LONGEST_NAME = 80


def take_over(
    store: Store, conversation: str, operator: str, *, from_other: bool = False, tool_grace: float = TOOL_GRACE
) -> int:
    """The operator joins, and the agent is silent from here on; gives the seq. Twice by the same one is once.

    A turn of the agent that is under way ends without another word; a tool that is just being called has `tool_grace`
    seconds to end. Raises DeskError: unknown, erased, closed; taken, unless `from_other`.
    """
    _check_name(operator)
    patience = tool_grace if _calls_under_way(store, conversation) else _MANNERS
    for _ in range(_TRIES):
        try:
            with pen(store, conversation, patience=patience, seize=True) as writing:
                return _join(writing, operator, from_other)
        except DeskError as error:
            if error.code != "busy":
                raise
            patience = PATIENCE  # another person was faster in this moment: let them finish
    raise DeskError("too many people at once", code="busy", where=conversation, remedy="try again")


def _join(writing: Pen, operator: str, from_other: bool) -> int:
    state = writing.state
    _check_open(state)
    if state.operator == operator:
        return state.seq
    if not from_other:
        _check_not_taken(state, operator)
    return writing.add(("operator_joined", {"operator": operator}))


def say(store: Store, conversation: str, operator: str, text: str) -> int:
    """What the operator tells the customer; gives the seq. Raises DeskError: not_taken, taken, closed, no_text, …"""
    with _taken(store, conversation, operator) as writing:
        return writing.add(("operator_said", {"operator": operator, "text": writing.protected(_checked(text))}))


def send_draft(store: Store, conversation: str, operator: str, draft: str, text: str) -> int:
    """The agent's draft goes out as the operator has edited it; gives the seq of the answer.

    Both are added at once: the customer reads `text` alone, and training learns it in the place of the draft.
    Raises DeskError as `say` does.
    """
    with _taken(store, conversation, operator) as writing:
        drafted, sent = writing.protected(_checked(draft)), writing.protected(_checked(text))
        said_at = writing.state.seq + 1
        answer = ("agent_said", {"text": drafted, "agent": writing.state.agent, "model": writing.state.model})
        if sent == drafted:
            approved = {"by": f"operator:{operator}", "score": 1.0, "said_at": said_at}
            return writing.add(answer, ("rated", approved))
        return writing.add(answer, ("operator_edited", {"operator": operator, "said_at": said_at, "text": sent}))


def edit(store: Store, conversation: str, operator: str, said_at: int, text: str) -> int:
    """`text` takes the place of the answer said at `said_at`, for the customer and in training; gives the seq.

    Also in a conversation that is closed. Raises DeskError: unknown, erased, taken, busy, no_answer, no_text.
    """
    _check_name(operator)
    with pen(store, conversation) as writing:
        _check_not_taken(writing.state, operator)
        _check_answer(writing.state, said_at)
        fields = {"operator": operator, "said_at": said_at, "text": writing.protected(_checked(text))}
        return writing.add(("operator_edited", fields))


def approve(store: Store, conversation: str, operator: str, call_id: str) -> int:
    """The waiting call may go ahead; gives the seq. Raises DeskError: no_call, decided, taken, closed, busy, …"""
    with _deciding(store, conversation, operator, call_id) as writing:
        return writing.add(("tool_approved", {"call_id": call_id, "by": f"operator:{operator}"}))


def deny(store: Store, conversation: str, operator: str, call_id: str, reason: str) -> int:
    """The waiting call is refused; the agent is told the reason. Gives the seq. Raises DeskError as `approve` does."""
    with _deciding(store, conversation, operator, call_id) as writing:
        told = writing.protected(_checked(reason))
        return writing.add(("tool_denied", {"call_id": call_id, "by": f"operator:{operator}", "reason": told}))


def hand_back(store: Store, conversation: str, operator: str) -> int:
    """The operator leaves, and the agent goes on; gives the seq. Raises DeskError: not_taken, taken, closed, …"""
    with _taken(store, conversation, operator) as writing:
        return writing.add(("handed_back", {"operator": operator}))


def close(store: Store, conversation: str, operator: str, outcome: str) -> int:
    """The conversation ends with this outcome (a word such as `solved`), which the operator decides; gives the seq.

    A call that was not begun will not be made any more, also one that was approved: it is refused in the same moment.
    Raises DeskError: unknown, erased, closed, taken, busy, no_text.
    """
    _check_name(operator)
    with pen(store, conversation) as writing:
        _check_open(writing.state)
        _check_not_taken(writing.state, operator)
        by = f"operator:{operator}"
        refused = {"by": by, "reason": "the conversation was closed before the call was made"}
        unmade = [call for call, step in writing.state.open_calls.items() if step != "started"]
        denials = [("tool_denied", {"call_id": call, **refused}) for call in unmade]
        return writing.add(*denials, ("closed", {"outcome": _checked(outcome), "by": by})) + len(denials)


def ask_for_person(store: Store, conversation: str, reason: str, *, patience: float = PATIENCE) -> int:
    """The customer wants a person; gives the seq. Where one was asked for or is there, nothing is added.

    Raises DeskError: unknown, erased, closed, busy.
    """
    with pen(store, conversation, patience=patience) as writing:
        _check_open(writing.state)
        if writing.state.phase != "open":
            return writing.state.seq
        return writing.add(("escalated", {"reason": _checked(reason)}))


def rate(
    store: Store, conversation: str, by: str, score: float, *, said_at: int | None = None, note: str | None = None
) -> int:
    """A judgement from -1 (bad) to 1 (good), of the answer said at `said_at` or of the whole; gives the seq.

    Also in a conversation that is closed. Raises DeskError: unknown, erased, busy, no_answer.
    """
    with pen(store, conversation) as writing:
        if said_at is not None:
            _check_answer(writing.state, said_at)
        told = None if note is None else writing.protected(_checked(note))
        return writing.add(("rated", {"by": by, "score": score, "said_at": said_at, "note": told}))


@contextmanager
def _taken(store: Store, conversation: str, operator: str) -> Iterator[Pen]:
    """The pen of a conversation that this operator has taken over."""
    _check_name(operator)
    with pen(store, conversation) as writing:
        _check_open(writing.state)
        _check_not_taken(writing.state, operator)
        if writing.state.operator is None:
            raise DeskError(
                "the agent is answering here", code="not_taken", where=conversation, remedy="take over first"
            )
        yield writing


@contextmanager
def _deciding(store: Store, conversation: str, operator: str, call_id: str) -> Iterator[Pen]:
    """The pen of a conversation in which the call waits for a person."""
    _check_name(operator)
    with pen(store, conversation) as writing:
        _check_open(writing.state)
        _check_not_taken(writing.state, operator)
        calls = [line for line in writing.sight.lines if isinstance(line, Called) and line.call_id == call_id]
        if not calls:
            what = f"there is no call {call_id!r} in this conversation"
            raise DeskError(what, code="no_call", where=conversation, remedy="look at the calls that wait")
        if calls[0].step != "waiting":
            what = f"the call of {calls[0].name} does not wait for a person any more: it is {calls[0].step}"
            raise DeskError(what, code="decided", where=conversation, remedy="look at what came of it")
        yield writing


def _calls_under_way(store: Store, conversation: str) -> bool:
    """Whether a tool is being called just now."""
    return "started" in see(store.events(conversation)).state.open_calls.values()


def _check_open(state: State) -> None:
    if state.phase == "closed":
        what = f"the conversation is closed: {state.outcome}"
        raise DeskError(what, code="closed", where=state.conversation, remedy="its answers can still be corrected")


def _check_not_taken(state: State, operator: str) -> None:
    if state.operator not in (None, operator):
        what = f"{state.operator} has taken over this conversation"
        raise DeskError(what, code="taken", where=state.conversation, remedy=f"ask {state.operator} to hand it back")


def _check_answer(state: State, said_at: int) -> None:
    if not any(entry.seq == said_at and entry.message.role == "assistant" for entry in state.entries):
        what = f"event {said_at} is no answer that was said"
        raise DeskError(what, code="no_answer", where=state.conversation, remedy="give the seq of an answer")


def _checked(text: str) -> str:
    """The text without spaces around it. Raises DeskError for none, and for what no event can hold."""
    text = text.strip()
    if not 1 <= len(text) <= LONGEST_TEXT or any("\ud800" <= sign <= "\udfff" for sign in text):
        what = f"a text of {len(text)} characters" if not 1 <= len(text) <= LONGEST_TEXT else "half of a character"
        raise DeskError(what, code="no_text", remedy=f"write 1 to {LONGEST_TEXT} whole characters")
    return text


def _check_name(operator: str) -> None:
    if not (1 <= len(operator) <= LONGEST_NAME and operator.isprintable() and operator == operator.strip()):
        remedy = f"use 1 to {LONGEST_NAME} printable characters"
        raise DeskError(f"{operator!r} cannot name an operator", code="no_name", remedy=remedy)
