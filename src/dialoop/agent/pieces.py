"""What a turn gives while it runs, and the whole of it put together. Plain data; it knows no agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal

from dialoop.conversation.fold import Phase

PieceKind = Literal["text", "action", "decided", "end"]
ActionState = Literal["started", "returned", "failed", "waiting", "denied"]


@dataclass(frozen=True, slots=True)
class TurnPiece:
    """A part of a turn.

    `text`: `text` is what the customer may see now, with the true values, to be put behind what came before.
    `action`: the tool `name` is at `state` (`waiting`: for a person's approval; `denied`: by a person or a rule).
    `decided`: who decides what comes next, in `name`: "model", "rule:<name>", "repair" or "escalate".
    `end`: always the last. `seq` of the last event, the conversation's `phase`, and `said_at`, the seq of the last
    answer of this turn (None where the agent said nothing: a person has taken over, or there was nothing to finish).
    """

    kind: PieceKind
    text: str = ""
    name: str | None = None
    state: ActionState | None = None
    call_id: str | None = None
    seq: int | None = None
    phase: Phase | None = None
    said_at: int | None = None


@dataclass(slots=True)
class Reply:
    """A turn put together: its text, what was done (tool and last state, by call), and its end."""

    text: str = ""
    actions: dict[str, tuple[str, ActionState]] = field(default_factory=dict)
    decided: list[str] = field(default_factory=list)
    seq: int = 0
    phase: Phase = "new"
    said_at: int | None = None

    def add(self, piece: TurnPiece) -> None:
        """Appends one piece."""
        if piece.kind == "text":
            self.text += piece.text
        elif piece.kind == "decided" and piece.name is not None:
            self.decided.append(piece.name)
        elif piece.kind == "action" and piece.call_id is not None and piece.name is not None and piece.state:
            self.actions[piece.call_id] = (piece.name, piece.state)
        elif piece.kind == "end":
            self.seq, self.phase, self.said_at = piece.seq or 0, piece.phase or "new", piece.said_at


async def whole(pieces: AsyncIterator[TurnPiece]) -> Reply:
    """The whole turn, for who does not stream. Raises what the turn raises."""
    reply = Reply()
    async for piece in pieces:
        reply.add(piece)
    return reply
