"""A simulated customer: pursues goals one by one, and decides each turn by what the agent's last one asked for.

It tells some things unasked, digresses, corrects itself, mistakes a booking number, takes up another offer or gives
up, as its manner and chance have it, and puts right what was read back wrong. When it takes up another offer its goal
changes with it, so that the goal can be checked against the world. It never sees the world's state, only what it heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.goals import Ask, Book, Cancel, Change, Chat, Complain, Find, Goal
from dialoop.scenarios.hotel.talk import Heard, Said, Wrong
from dialoop.scenarios.hotel.voice import Spoken, Voice

_CHANGES = ("new_room", "new_check_in", "new_nights")


@dataclass
class Knowledge:
    """What a customer may bring up besides the goals: digressions, and values to get wrong at first."""

    topics: list[str] = field(default_factory=list)
    chats: list[str] = field(default_factory=list)
    wrong_reference: str | None = None
    wrong_room_number: int | None = None
    impossible_day: str | None = None
    private_id: str | None = None


class Customer:
    """Says what leads to its goals. `goals` are worked through in order."""

    def __init__(self, goals: list[Goal], knowledge: Knowledge, voice: Voice, dice: Dice) -> None:
        self.goals, self._knows, self._voice, self._dice = goals, knowledge, voice, dice
        self._manner = voice.manner
        self._at = -1
        self._asked: list[Said] = []
        self._refusals = 0
        self._corrected = self._digressed = self._compared = self._thanked = False

    def opening(self) -> Said:
        """The first turn: a greeting, or straight to the point."""
        return self._voice.say("greet", "greet") if self._dice.chance(0.1) else self._next()

    def reply(self, heard: Heard) -> Said | None:
        """The answer to the agent's turn; None after the good-bye."""
        if heard.wrong is not None and self.goal is not None:
            return self.put_right(self.goal, heard.wrong)
        if heard.act == "left":
            return None
        if heard.act in ("greeted", "told", "refused"):
            return self._next()
        if self.has_given_up:
            return self._voice.say("no", "no")
        if digression := self._digression(heard):
            return digression
        goal = self.goal
        if goal is None:
            return self._next()
        if isinstance(goal, Book):
            return self._booking(goal, heard)
        if heard.act == "confirming":
            return self._confirm(goal)
        return self._inform(self._asked_values(goal, heard))

    @property
    def goal(self) -> Goal | None:
        """The goal that is being pursued; None before the first and after the last."""
        return self.goals[self._at] if 0 <= self._at < len(self.goals) else None

    @property
    def has_given_up(self) -> bool:
        """Whether it has said no to what it came for."""
        return isinstance(self.goal, Book | Change | Cancel) and self.goal.given_up

    @property
    def private_id(self) -> str | None:
        """An identity number that may be told though nobody asks; None where there is none, or it was told."""
        return self._knows.private_id

    def insist(self) -> Said:
        """Says once more what the goal being pursued is: to an agent that did not take it up."""
        goal = self.goal
        return self._next() if goal is None else self._start(goal)

    def put_right(self, goal: Goal, wrong: Wrong) -> Said:
        """Says what is right to an agent that read back something else."""
        match goal, wrong:
            case Book(room=str(room)), "room":
                return self.choose(goal, room)
            case Book(), "check_in":
                return self._voice.say("inform", "correct", {"check_in": self._voice.day(goal.check_in)})
            case Book(), ("nights" | "guests") as unit:
                return self._correct_count(unit, getattr(goal, unit))
            case Change(), "changes":
                return self._inform(self._change_values(goal))
        return self.insist()

    def choose(self, goal: Book, room: str) -> Said:
        """Takes the room by its name."""
        goal.room = room
        return self._voice.say("choose", "choose", {"room": Spoken(room, room)})

    # the way through the goals

    def _next(self) -> Said:
        if self._asked:
            return self._asked.pop(0)
        self._at += 1
        if self._at >= len(self.goals):
            return self._farewell()
        return self._start(self.goals[self._at])

    def _farewell(self) -> Said:
        if not self._thanked and self._dice.chance(0.12):
            self._thanked = True
            return self._voice.say("thanks", "thanks")
        return self._voice.say("bye", "bye")

    def _start(self, goal: Goal) -> Said:
        match goal:
            case Book():
                return self._start_booking(goal)
            case Change():
                told = self._volunteer({"reference": self._reference(goal)})
                if self._dice.chance(self._manner.talkative):
                    told |= self._change_values(goal)
                return self._voice.say("change", "want_change", told, private=self._private())
            case Cancel():
                told = {"reference": self._reference(goal)}
                return self._voice.say("cancel", "want_cancel", self._volunteer(told), private=self._private())
            case Find():
                told = {"reference": self._reference(goal)}
                return self._voice.say("find", "want_find", self._volunteer(told))
            case Complain():
                return self._start_complaint(goal)
            case Chat():
                return self._chat(goal.topic)
            case Ask():
                self._asked = [self._rule(topic) for topic in goal.topics] + [
                    self._voice.say("room", "ask_room", {"room": Spoken(room, room)}) for room in goal.rooms
                ]
                return self._next()

    def _start_booking(self, goal: Book) -> Said:
        stay = self._stay(goal)
        if goal.room is not None:
            told = self._volunteer({slot: stay[slot] for slot in ("check_in", "nights")})
            return self._voice.say("book", "want_book_room", told | {"room": Spoken(goal.room, goal.room)})
        told = self._volunteer(stay)
        if goal.max_price is not None:
            told["max_price"] = Spoken(str(goal.max_price), goal.max_price)
        if self._dice.chance(0.1):
            told |= {"name": Spoken(goal.name, goal.name), "contact": Spoken(goal.contact, goal.contact)}
        return self._voice.say("book", self._dice.pick(["want_book", "want_book", "want_search"]), told)

    def _start_complaint(self, goal: Complain) -> Said:
        number = self._knows.wrong_room_number or goal.room_number
        told = {"problem": Spoken(goal.problem, goal.problem)}
        if self._dice.chance(0.7):
            told["room_number"] = Spoken(str(number), number)
        return self._voice.say("complain", "complain", told)

    # a booking

    def _booking(self, goal: Book, heard: Heard) -> Said:
        match heard.act:
            case "offered":
                return self._offered(goal, heard)
            case "sold_out":
                return self._another_day(goal, heard.note)
            case "too_dear":
                return self._another_price(goal, heard.note)
            case "confirming":
                if correction := self._correction(goal, ("check_in", "nights")):
                    return correction
                return self._confirm(goal)
        if heard.note == "sold_out":
            self._refusals += 1
            if self._refusals > 1:
                return self._give_up(goal)
            return self._another_day(goal, (goal.check_in + timedelta(days=7)).isoformat())
        return self._inform(self._asked_values(goal, heard))

    def _offered(self, goal: Book, heard: Heard) -> Said:
        if not self._compared and self._dice.chance(0.35):
            self._compared = True
            if len(heard.rooms) > 1 and self._dice.chance(0.5):
                one, other = self._dice.some(heard.rooms, 2)
                return self._voice.say(
                    "compare", "compare", {"room": Spoken(one, one), "other_room": Spoken(other, other)}
                )
            room = self._dice.pick(heard.rooms)
            return self._voice.say("room", "ask_room", {"room": Spoken(room, room)})
        if correction := self._correction(goal, ("check_in", "nights", "guests")):
            return correction
        return self._choose(goal, heard.rooms)

    def _choose(self, goal: Book, rooms: tuple[str, ...]) -> Said:
        places = {"first": 0, "last": len(rooms) - 1, "any": self._dice.number(0, len(rooms) - 1)}
        goal.room = rooms[places[goal.taste]]
        spoken = {"room": Spoken(goal.room, goal.room)}
        if goal.taste == "any" or self._dice.chance(0.5):
            return self._voice.say("choose", "choose", spoken)
        key = "choose_only" if len(rooms) == 1 else f"choose_{goal.taste}"
        said = self._voice.say("choose", key)
        return Said(said.text, "choose", {"room": goal.room}, said.spans)

    def _another_day(self, goal: Book, next_free: str) -> Said:
        if next_free == "None" or self._dice.chance(0.15):
            return self._give_up(goal)
        goal.check_in = date.fromisoformat(next_free)
        return self._voice.say("inform", "other_day", {"check_in": self._voice.day(goal.check_in)})

    def _another_price(self, goal: Book, cheapest: str) -> Said:
        if self._dice.chance(0.25):
            return self._give_up(goal)
        goal.max_price = -(-int(cheapest) // 10) * 10
        return self._voice.say("inform", "other_price", {"max_price": Spoken(str(goal.max_price), goal.max_price)})

    def _correction(self, goal: Book, slots: tuple[str, ...]) -> Said | None:
        """Once, another day, length or number of guests than was said before."""
        if self._corrected or not self._dice.chance(self._manner.corrects):
            return None
        self._corrected = True
        match self._dice.pick(slots):
            case "check_in":
                goal.check_in += timedelta(days=self._dice.number(1, 3))
                return self._voice.say("inform", "correct", {"check_in": self._voice.day(goal.check_in)})
            case "guests":
                goal.guests = goal.guests % 4 + 1
                return self._correct_count("guests", goal.guests)
        goal.nights = goal.nights % 5 + 1
        return self._correct_count("nights", goal.nights)

    def _correct_count(self, unit: str, number: int) -> Said:
        return self._voice.say("inform", "correct", {unit: self._voice.count(unit, number)})

    # values

    def _stay(self, goal: Book) -> dict[str, Spoken]:
        day, nights = self._voice.day(goal.check_in), self._voice.count("nights", goal.nights)
        if self._knows.impossible_day:
            day = Spoken(self._knows.impossible_day, self._knows.impossible_day)
        elif self._dice.chance(self._manner.repairs):
            day = Spoken(day.text, day.value, self._voice.day(goal.check_in + timedelta(days=1)).text)
        elif self._dice.chance(self._manner.repairs):
            nights = Spoken(nights.text, nights.value, self._voice.count("nights", goal.nights + 1).text)
        return {"check_in": day, "nights": nights, "guests": self._voice.count("guests", goal.guests)}

    def _asked_values(self, goal: Goal, heard: Heard) -> dict[str, Spoken]:
        """What was asked for; a value that was refused is given right this time."""
        if heard.note == "bad_day":
            self._knows.impossible_day = None
        if heard.note == "not_found":
            self._knows.wrong_reference = None
        if heard.note == "no_such_number":
            self._knows.wrong_room_number = None
        values = self._all_values(goal)
        if heard.slots == ("changes",):
            return self._new_changes(goal, heard) if isinstance(goal, Change) else {}
        return {slot: values[slot] for slot in heard.slots if slot in values}

    def _all_values(self, goal: Goal) -> dict[str, Spoken]:
        match goal:
            case Book():
                own = {"name": Spoken(goal.name, goal.name), "contact": Spoken(goal.contact, goal.contact)}
                return self._stay(goal) | own
            case Change() | Cancel() | Find():
                return {"reference": self._reference(goal)}
            case Complain():
                number = self._knows.wrong_room_number or goal.room_number
                return {"room_number": Spoken(str(number), number), "problem": Spoken(goal.problem, goal.problem)}
        return {}

    def _reference(self, goal: Change | Cancel | Find) -> Spoken:
        said = self._knows.wrong_reference or goal.reference
        return Spoken(said, said)

    def _change_values(self, goal: Change) -> dict[str, Spoken]:
        values = {}
        if goal.room is not None:
            values["new_room"] = Spoken(goal.room, goal.room)
        if goal.check_in is not None:
            values["new_check_in"] = self._voice.day(goal.check_in)
        if goal.nights is not None:
            values["new_nights"] = self._voice.count("nights", goal.nights)
        return values

    def _new_changes(self, goal: Change, heard: Heard) -> dict[str, Spoken]:
        if heard.note == "not_free":
            self._refusals += 1
            if self._refusals > 1 or self._dice.chance(0.2):
                goal.given_up = True
                return {}
            if heard.rooms and (goal.check_in is None or self._dice.chance(0.5)):
                goal.room = self._dice.pick(heard.rooms)
            elif goal.check_in is not None:
                goal.check_in += timedelta(days=self._dice.number(2, 5))
            else:
                goal.given_up = True
                return {}
        return self._change_values(goal)

    def _volunteer(self, values: Mapping[str, Spoken]) -> dict[str, Spoken]:
        """What is told unasked, of all that will be asked."""
        return {slot: one for slot, one in values.items() if self._dice.chance(self._manner.talkative)}

    # turns

    def _inform(self, values: dict[str, Spoken]) -> Said:
        if not values:
            return self._voice.say("no", "no")
        own_key = "answer_changes" if values.keys() & {*_CHANGES} else "answer_" + "_".join(values)
        key = own_key if self._voice.knows(own_key) else "answer"
        return self._voice.say("inform", key, values, private=self._private() if "contact" in values else "")

    def _confirm(self, goal: Goal) -> Said:
        if isinstance(goal, Book | Change | Cancel) and self._dice.chance(0.05):
            goal.given_up = True
            return self._voice.say("no", "no")
        return self._voice.say("yes", "yes")

    def _give_up(self, goal: Book) -> Said:
        goal.given_up = True
        return self._voice.say("no", "no")

    def _digression(self, heard: Heard) -> Said | None:
        """Once, something else before the open question is answered."""
        open_question = heard.act in ("asked", "offered", "confirming") and not heard.note
        if self._digressed or not open_question or not self._dice.chance(self._manner.digresses):
            return None
        self._digressed = True
        if self._knows.chats and self._dice.chance(0.3):
            return self._chat(self._dice.pick(self._knows.chats))
        return self._rule(self._dice.pick(self._knows.topics), "digress") if self._knows.topics else None

    def _rule(self, topic: str, key: str = "ask_rule") -> Said:
        return self._voice.say("rule", key, {"topic": Spoken(topic, topic)})

    def _chat(self, topic: str) -> Said:
        said = self._voice.say("chat", f"chat_{topic}")
        return Said(said.text, "chat", {"topic": topic}, said.spans)

    def _private(self) -> str:
        """The customer's identity number where it would be told though nobody asked, else nothing; only once."""
        if self._knows.private_id is None or not self._dice.chance(self._manner.private):
            return ""
        told, self._knows.private_id = self._knows.private_id, None
        return told
