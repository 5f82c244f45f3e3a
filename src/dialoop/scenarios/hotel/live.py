"""Customers for a live agent: each with a house of its own, deciding by the agent's text alone.

A live customer is a simulated one whose ears are `reader.hear`. It fits what it heard to what it came for, takes up an
offer that was made earlier, insists once where the agent let its wish fall, and puts right what was read back wrong. It
keeps what passed, for the checker. It sees no tool result and no world.
"""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass, replace
from datetime import date

from dialoop.scenarios.hotel.customer import Customer
from dialoop.scenarios.hotel.goals import Ask, Book, Cancel, Change, Chat, Complain, Find, Goal
from dialoop.scenarios.hotel.readback import misread
from dialoop.scenarios.hotel.reader import hear
from dialoop.scenarios.hotel.talk import Heard, Said

_ANSWERS = {
    Book: {"check_in", "nights", "guests", "name", "contact"},
    Change: {"reference", "changes"},
    Cancel: {"reference"},
    Find: {"reference"},
    Complain: {"room_number", "problem"},
    Ask: set(),
    Chat: set(),
}
"""By goal, the slots that a customer who has it can fill."""

PATIENCE = 5
"""Times that a customer is asked the same in a row until it leaves."""


@dataclass(frozen=True)
class Turn:
    """What the customer said, what the agent answered, what was heard in it, and the goal as it then was."""

    said: Said
    text: str
    heard: Heard
    goal: Goal | None


class LiveCustomer:
    """Talks to an agent by text. `turns` is what passed so far."""

    def __init__(self, customer: Customer, lang: str, today: date) -> None:
        self.lang, self.today, self.turns = lang, today, list[Turn]()
        self.gave_up = False
        self._customer = customer
        self._said: Said | None = None
        self._rooms: tuple[str, ...] = ()
        self._answered = False
        self._insisted: set[int] = set()

    @property
    def goals(self) -> list[Goal]:
        """What it came for, as it is now."""
        return self._customer.goals

    @property
    def said(self) -> Said | None:
        """Its last turn; None before the first and after it left."""
        return self._said

    def opening(self) -> str:
        """The first message."""
        self._said = self._customer.opening()
        return self._said.text

    def reply(self, text: str) -> str | None:
        """The answer to the agent's text; None where the customer leaves."""
        if self._said is None:
            raise RuntimeError("the customer has left, or has not spoken yet")
        goal = self._customer.goal
        heard = self._fitting(hear(text, self.lang), goal)
        self.turns.append(Turn(self._said, text, heard, copy(goal)))
        said = None if self._has_enough(heard) else self._answer(text, heard, goal)
        if self._customer.goal is not goal:
            self._rooms, self._answered = (), False
        self._answered = self._answered or (said is not None and said.intent in ("yes", "no"))
        self._said = said
        return None if said is None else said.text

    def _has_enough(self, heard: Heard) -> bool:
        """Whether it leaves now: it has said good-bye, or was asked the same again and again."""
        last = [turn.heard for turn in self.turns[-PATIENCE:]]
        self.gave_up = len(last) == PATIENCE and heard.act != "told" and all(one == heard for one in last)
        return self.gave_up or (self._said is not None and self._said.intent == "bye")

    def _answer(self, text: str, heard: Heard, goal: Goal | None) -> Said | None:
        if self._customer.has_given_up:
            return self._customer.reply(heard)
        reads_back = heard.act in ("offered", "confirming")
        if goal is not None and reads_back and (wrong := misread(text, goal, self.lang, self.today)):
            return self._customer.put_right(goal, wrong)
        if isinstance(goal, Book) and heard.act == "offered" and goal.room in heard.rooms:
            return self._customer.choose(goal, goal.room)
        if heard.act in ("greeted", "told") and goal is not None and not self._sounds_done(goal):
            if isinstance(goal, Book) and self._rooms and goal.room is None:
                return self._customer.reply(Heard("offered", rooms=self._rooms))
            if id(goal) not in self._insisted:
                self._insisted.add(id(goal))
                return self._customer.insist()
        return self._customer.reply(heard)

    def _sounds_done(self, goal: Goal) -> bool:
        """Whether the agent took up the wish; whether it was done rightly is not the customer's to know."""
        if isinstance(goal, Ask | Chat):
            return True
        if isinstance(goal, Find | Complain):
            mark = "[A-Z]{2}[0-9]{3,}" if isinstance(goal, Find) else "T[0-9]{3,}"
            return self._answered or any(_found(mark, turn.text) for turn in self.turns if turn.goal == goal)
        return self._answered

    def _fitting(self, heard: Heard, goal: Goal | None) -> Heard:
        """What was heard, as far as it has to do with the goal."""
        if heard.act == "left" or goal is None:
            return heard if heard.act == "left" else Heard("told")
        if heard.rooms and isinstance(goal, Book):
            self._rooms = heard.rooms
        match heard.act:
            case "asked":
                slots = tuple(slot for slot in heard.slots if slot in _ANSWERS[type(goal)])
                return replace(heard, slots=slots) if slots else Heard("told")
            case "offered" if isinstance(goal, Book):
                return replace(heard, rooms=heard.rooms or self._rooms) if heard.rooms or self._rooms else Heard("told")
            case "offered" | "sold_out" | "too_dear" if isinstance(goal, Change):
                return Heard("asked", ("changes",), heard.rooms, "not_free")
            case "offered" | "sold_out" | "too_dear" if not isinstance(goal, Book):
                return Heard("told")
            case "confirming" if isinstance(goal, Ask | Chat):
                return Heard("told")
        return heard


def _found(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None
