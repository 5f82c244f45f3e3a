"""A fault in data: its place, what is wrong, and what to do. It knows nothing of where data comes from.

`error`: the record cannot be used and is refused. `warning`: it is used, and its owner should know.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from dialoop.errors import DataError, Place

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Fault:
    """One fault. `kind` is a short stable word by which faults of one sort are counted.

    `nth`: of the records that begin on its line, which one; the reason says so from the second on. `ends`: of the file
    nothing after its line was read. `seen`: the text of a line with bytes that are none, these as
    lone surrogates; enough to tell where the record ends that it belongs to.
    """

    place: Place
    reason: str
    remedy: str
    level: Level = "error"
    conversation_id: str | None = None
    kind: str = "form"
    ends: bool = False
    nth: int = 1
    seen: str | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.place}: {self.level}: {self.reason}\n  what to do: {self.remedy}"

    def to_error(self) -> DataError:
        """The same as an error to raise."""
        return DataError(self.reason, where=self.place, remedy=self.remedy)

    def and_no_more(self) -> Fault:
        """The same fault, after which nothing of the file is read; it says so."""
        return replace(self, reason=f"{self.reason}; nothing after this line was read", ends=True)

    def in_record(self, nth: int) -> Fault:
        """The same fault, of the `nth` of the records that begin on its line."""
        return self if nth == 1 else replace(self, reason=f"record {nth} of this line: {self.reason}", nth=nth)

    def in_conversation(self, conversation_id: str) -> Fault:
        """The same fault, with the conversation named."""
        return replace(self, conversation_id=conversation_id)


class Refusal(Exception):
    """Raised inside this room where a record is refused and only the caller knows its place."""

    def __init__(self, reason: str, remedy: str, kind: str = "form") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.kind = kind

    def at(self, place: Place, conversation_id: str | None = None) -> Fault:
        """The fault that this refusal is at a place."""
        return Fault(place, self.reason, self.remedy, "error", conversation_id, self.kind)
