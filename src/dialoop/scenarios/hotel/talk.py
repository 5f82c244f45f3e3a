"""What passes between customer and agent: `Said` one way, `Heard` the other, besides the text itself.

Plain data. The scripted agent reads a customer's intent from `Said` in place of understanding; a scripted customer
reads `Heard`, what the agent's turn asked of it. A live agent's text must be turned into `Heard` by whoever talks to
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dialoop.conversation import Message, SlotSpan

Value = str | int

Intent = Literal[
    "greet",
    "book",
    "room",
    "compare",
    "find",
    "change",
    "cancel",
    "rule",
    "complain",
    "chat",
    "inform",
    "choose",
    "yes",
    "no",
    "thanks",
    "bye",
]

Act = Literal[
    "greeted",  # the agent waits for a wish
    "asked",  # for the values of `slots`
    "offered",  # `rooms`: which of them?
    "confirming",  # may it be done? yes or no
    "sold_out",  # nothing is free on those days; `note` is the next free day, if any
    "too_dear",  # nothing at that price; `note` is the lowest price
    "told",  # an answer or a result; nothing is open
    "refused",  # it cannot be done; nothing is open
    "left",  # good-bye
]


Wrong = Literal["act", "check_in", "nights", "guests", "room", "changes"]
"""What is wrong with what is read back: another act than the one that was wanted, or the value that was not said."""


@dataclass(frozen=True)
class Said:
    """A customer's turn: its text, what it wants, and the values as a tool would be given them."""

    text: str
    intent: Intent
    values: dict[str, Value] = field(default_factory=dict)
    spans: list[SlotSpan] = field(default_factory=list)
    private: bool = False
    """Whether it holds private data that nobody asked for."""


@dataclass(frozen=True)
class Heard:
    """What the agent's turn asks of the customer. `wrong`: what a scripted agent meant to read back wrongly."""

    act: Act
    slots: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    note: str = ""
    wrong: Wrong | None = None


@dataclass(frozen=True)
class Answer:
    """An agent's turn: messages up to and with its text, and what a customer hears in it."""

    messages: list[Message]
    heard: Heard
