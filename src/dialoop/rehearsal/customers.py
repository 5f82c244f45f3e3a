"""Who takes part in a rehearsal: simulated customers, and the partner that they talk to. Types only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dialoop.rehearsal.results import Line


class Customer(Protocol):
    """One simulated customer. It hears texts and nothing else."""

    @property
    def name(self) -> str:
        """Its own in a rehearsal; the name of its conversation."""

    @property
    def lang(self) -> str:
        """The language that it speaks."""

    def opening(self) -> str:
        """What it says first."""

    def reply(self, text: str) -> str | None:
        """What it answers to the agent's text; None where it leaves."""

    def faults(self) -> Sequence[str]:
        """Why it did not get what it came for, without private data; empty where it did. Asked after the end."""

    def private_values(self) -> Sequence[str]:
        """The private values that it knows, as it says them, so that a check can look for them where they must not be.

        Nothing of a rehearsal's results holds them.
        """


@dataclass(frozen=True)
class Answered:
    """The partner's turn. `called_person`: why it cannot go on by itself, where it called a person; else None."""

    text: str
    called_person: str | None = None


class Partner(Protocol):
    """The one who is rehearsed, in one conversation. What it raises of `DialoopError` ends that conversation alone."""

    async def answer(self, text: str) -> Answered:
        """The turn that follows on the customer's text."""

    async def decided(self) -> Mapping[str, int]:
        """How many turns were decided by whom: "model", "rule:<name>", ..."""

    async def close(self, outcome: str) -> None:
        """Ends the conversation: `outcome` is "reached" or "missed", as the customer judged."""

    async def lines(self) -> Sequence[Line]:
        """What was said and done, with stand-ins in the place of private values."""


def private_values(customers: Sequence[Customer]) -> list[str]:
    """All private values of these customers, each once, the longest first: what a check looks for after a rehearsal."""
    values = {value for customer in customers for value in customer.private_values()}
    return sorted(values, key=lambda value: (-len(value), value))
