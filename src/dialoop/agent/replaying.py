"""The answer to a message once more, out of the log: for a message that came twice, and for who reads a page anew.

It knows no engine and runs nothing.
"""

from __future__ import annotations

from dialoop.agent.course import Course
from dialoop.agent.pieces import TurnPiece
from dialoop.conversation import Event
from dialoop.privacy import Protector


def answer_to(course: Course, said: int) -> list[Event] | None:
    """What was said to the customer for its message at `said` (a seq): None where the turn is not done.

    The turn is done once something was said after all that was done, or a person or another message came after it.
    """
    texts: list[Event] = []
    done = course.state.phase in ("with_operator", "closed", "erased")
    for event in course.since(said):
        if event.kind == "user_said":
            return texts
        if event.kind in ("agent_said", "operator_said") or (event.kind == "tool_requested" and event.text):
            texts.append(event)
        if event.kind in ("agent_said", "operator_said"):
            done = True
        elif event.kind in ("tool_returned", "tool_denied", "tool_approved"):
            done = False
    return texts if done else None


def replayed(course: Course, said: int, protector: Protector) -> list[TurnPiece]:
    """The pieces of the turn of the message at `said`: its texts as they stand now, and the end."""
    pieces: list[TurnPiece] = []
    last = None
    now = {entry.seq: entry for entry in course.state.entries}
    for event in answer_to(course, said) or []:
        entry = now.get(event.seq)
        if entry is None or entry.withdrawn or not entry.message.content:
            continue
        text = protector.restore(entry.message.content).value
        pieces.append(TurnPiece("text", text=f"\n{text}" if pieces else text))
        last = event.seq if event.kind == "agent_said" else last
    return [*pieces, TurnPiece("end", seq=course.state.seq, phase=course.state.phase, said_at=last)]
