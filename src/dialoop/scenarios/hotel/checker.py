"""The checker of a rehearsed conversation: whether the house ended as the goals say, and the agent told what is so.

What was asked for becomes facts: values that must stand, together, in one of the agent's texts after the question.
Untrue refusals and prices are found, and changes that nobody wanted. It reads worlds and what was said; it trusts
neither the agent nor its tools' results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dialoop.scenarios.hotel.days import written_forms
from dialoop.scenarios.hotel.goals import Book, Cancel, Change, Complain, Find, Goal
from dialoop.scenarios.hotel.live import Turn
from dialoop.scenarios.hotel.reader import offered_rooms
from dialoop.scenarios.hotel.talk import Heard, Value
from dialoop.scenarios.hotel.world import NOTICE_DAYS, Booking, Room, World

_NO_RULE = re.compile(
    r"\bno (?:\w+ )?(?:rule|policy|regulation)|\bnothing\b[^.]*\b(?:on|about)\b|\b(?:not|n't)\b[^.]*\b(?:rule|policy)|"
    "没有[^。]*(?:规定|规则|政策)|(?:没有|没|未)查到|无[^。]*规定",
    re.I,
)
_CANCELLED = re.compile(r"cancel|no more|取消", re.I)
_STOPS = re.compile(r"[\s.,;:!?。，；：！？、“”\"'’]+")


@dataclass(frozen=True)
class Fact:
    """Something that the agent has to tell from turn `after` on: of each of `values` one form, all in one text.

    `room` and `others`: where several rooms are told of in one text, only what follows this room's name counts.
    """

    about: str
    after: int
    values: tuple[tuple[str, ...], ...]
    room: str | None = None
    others: tuple[str, ...] = ()

    def told(self, turns: Sequence[Turn]) -> bool:
        """Whether one text has all of it."""
        return any(self._stands_in(turn.text) for turn in turns[self.after :])

    def _stands_in(self, text: str) -> bool:
        part = _part_about(self.room, self.others, text) if self.room is not None else text
        return all(any(stands(form, part) for form in forms) for forms in self.values)


def faults(start: World, end: World, goals: Sequence[Goal], turns: Sequence[Turn]) -> list[str]:
    """Why the conversation is no success; empty where it is one. `start` and `end`: the house before and after."""
    found = [f"not reached: {_described(goal)}" for goal in goals if not _reached(goal, start, end)]
    found += _unwanted(start, end, goals)
    found += [f"not told rightly: {fact.about}" for fact in facts(start, end, goals, turns) if not fact.told(turns)]
    for turn in turns:
        found += _untrue(turn, start, end)
    found += _invented_rules(start, turns)
    return list(dict.fromkeys(found))


def facts(start: World, end: World, goals: Sequence[Goal], turns: Sequence[Turn]) -> Iterator[Fact]:
    """What the agent had to tell: answers to questions, and what became of each wish."""
    for at, turn in enumerate(turns):
        yield from _asked_facts(start, at, turn)
    for goal in goals:
        yield from _outcome_facts(goal, start, end, turns)


def stands(value: str, text: str) -> bool:
    """Whether the value stands in the text, whatever the case and punctuation; a number not as part of another."""
    plain, wanted = _plain(text), _plain(value)
    if value.isdigit():
        return re.search(rf"(?<!\d){wanted}(?!\d)", plain) is not None
    return wanted in plain


# facts


def _asked_facts(world: World, at: int, turn: Turn) -> Iterator[Fact]:
    values = turn.said.values
    if turn.said.intent == "rule" and (rule := _rule(world, values.get("topic"))) is not None:
        yield Fact(f"the rule {rule!r}", at, ((rule,),))
    if turn.said.intent == "room" and (room := _room(world, values.get("room"))) is not None:
        yield Fact(f"the {room.name}", at, _details(room, "price", "bed", "size", "guests", "view"))
    if turn.said.intent == "compare":
        rooms = [room for slot in ("room", "other_room") if (room := _room(world, values.get(slot))) is not None]
        for room in rooms:
            others = tuple(one.name for one in rooms if one is not room)
            yield Fact(f"the {room.name}, compared", at, _details(room, "price", "bed", "size"), room.name, others)


def _outcome_facts(goal: Goal, start: World, end: World, turns: Sequence[Turn]) -> Iterator[Fact]:
    match goal:
        case Book(given_up=False):
            for made in _new(start, end):
                if (made.name, made.contact) == (goal.name, goal.contact) and made.room in end.rooms:
                    total = str(end.rooms[made.room].price * made.nights)
                    yield Fact("the booking's number, day and total", 0, ((made.booking,), _day(made), (total,)))
        case Change(given_up=False):
            now = end.bookings[goal.booking]
            yield Fact(
                "the booking as it now is",
                _agreed(turns, goal),
                ((now.booking,), (now.room,), _day(now), (str(now.nights),)),
            )
        case Cancel(given_up=False, possible=False):
            yield Fact("that it is too late to cancel", 0, ((str(NOTICE_DAYS),),))
        case Find():
            one = start.bookings[goal.booking]
            told = ((one.booking,), (one.room,), _day(one), (str(one.nights),), (one.name,))
            yield Fact("the booking's details", _first(turns, goal), told)
        case Complain():
            for filed in end.complaints[len(start.complaints) :]:
                if filed.room_number == goal.room_number:
                    minutes = str(20 + 10 * (goal.room_number % 3))
                    yield Fact("the ticket and when somebody comes", 0, ((filed.ticket,), (minutes,)))


def _details(room: Room, *names: str) -> tuple[tuple[str, ...], ...]:
    return tuple((str(getattr(room, name)),) for name in names)


def _day(one: Booking) -> tuple[str, ...]:
    return (one.check_in.isoformat(), *written_forms(one.check_in))


def _first(turns: Sequence[Turn], goal: Goal) -> int:
    return next((at for at, turn in enumerate(turns) if turn.goal == goal), 0)


def _agreed(turns: Sequence[Turn], goal: Change) -> int:
    """The turn in which the customer said yes to the change: before it nothing was done that could be told of."""
    said_yes = [
        at
        for at, turn in enumerate(turns)
        if turn.said.intent == "yes" and isinstance(turn.goal, Change) and turn.goal.booking == goal.booking
    ]
    return max(said_yes, default=0)


def _part_about(room: str, others: tuple[str, ...], text: str) -> str:
    """What stands behind the room's first mention, up to the next other room."""
    low = text.casefold()
    begin = low.find(room.casefold())
    if begin < 0:
        return ""
    ends = [at for other in others if (at := low.find(other.casefold(), begin + len(room))) >= 0]
    return text[begin : min(ends, default=len(text))]


def _plain(text: str) -> str:
    return _STOPS.sub(" ", text.casefold()).strip()


# the house


def _reached(goal: Goal, start: World, end: World) -> bool:
    if not goal.reached(end):
        return False
    match goal:
        case Change():
            before, now = start.bookings[goal.booking], end.bookings[goal.booking]
            wanted = before if goal.given_up else _changed(before, goal)
            return now == wanted
        case Find():
            return start.bookings[goal.booking] == end.bookings[goal.booking]
    return True


def _described(goal: Goal) -> str:
    """The goal in words, without names and contacts."""
    private = ("name", "contact", "reference")
    told = ", ".join(
        f"{name} {value}" for name, value in vars(goal).items() if name not in private and value is not None
    )
    return f"{type(goal).__name__.lower()} ({told})"


def _changed(one: Booking, goal: Change) -> Booking:
    return replace(
        one,
        room=goal.room or one.room,
        check_in=goal.check_in or one.check_in,
        nights=goal.nights or one.nights,
    )


def _unwanted(start: World, end: World, goals: Sequence[Goal]) -> Iterator[str]:
    """What happened to the house that no goal asked for."""
    meant = {goal.booking for goal in goals if isinstance(goal, Change | Cancel)}
    for number, one in start.bookings.items():
        if number not in meant and end.bookings.get(number) != one:
            yield f"unwanted: booking {number} was touched"
    for number in meant:
        before, now = start.bookings[number], end.bookings[number]
        if (before.name, before.contact) != (now.name, now.contact):
            yield f"unwanted: the guest of {number} was changed"
    stays = [goal for goal in goals if isinstance(goal, Book) and not goal.given_up]
    guests = {(goal.name, goal.contact) for goal in stays}
    new = _new(start, end)
    if len(new) > len(stays) or any((one.name, one.contact) not in guests for one in new):
        yield f"unwanted: {len(new)} new bookings, {len(stays)} wanted"
    complaints = end.complaints[len(start.complaints) :]
    wanted = sum(isinstance(goal, Complain) for goal in goals)
    if len(complaints) > wanted:
        yield f"unwanted: {len(complaints)} complaints filed, {wanted} wanted"


def _new(start: World, end: World) -> list[Booking]:
    return [one for number, one in end.bookings.items() if number not in start.bookings]


# what is untrue


def _untrue(turn: Turn, start: World, end: World) -> Iterator[str]:
    """Refusals that were none, and wrong prices; true is what was so before or after the conversation."""
    if turn.heard.act == "offered":
        for name, price in offered_rooms(turn.text, start.lang):
            room = _room(start, name)
            if room is not None and price is not None and price != room.price:
                yield f"untrue: {name} at {price}, it costs {room.price}"
    goal, heard = turn.goal, turn.heard
    if isinstance(goal, Book) and not any(_refusal_true(goal, heard, world) for world in (start, end)):
        yield f"untrue: {heard.act} {heard.note} for {goal.check_in}, {goal.nights} nights"
    if isinstance(goal, Change) and heard.note == "not_free" and _possible(goal, start) and _possible(goal, end):
        yield f"untrue: the change of {goal.booking} is possible"
    if isinstance(goal, Cancel) and heard.act == "refused" and goal.possible:
        yield f"untrue: {goal.booking} can be cancelled"


def _refusal_true(goal: Book, heard: Heard, world: World) -> bool:
    """Whether what was refused is so; true for what is no refusal."""
    free = world.free_rooms(goal.check_in, goal.nights, goal.guests)
    if heard.act == "sold_out":
        next_free = heard.note == "None" or world.free_rooms(date.fromisoformat(heard.note), goal.nights, goal.guests)
        return not free and bool(next_free)
    if heard.act == "too_dear":
        cheapest = min((room.price for room in free), default=None)
        return cheapest is not None and heard.note == str(cheapest) and cheapest > (goal.max_price or 0)
    if heard.note in ("sold_out", "not_free") and goal.room is not None and goal.room in world.rooms:
        return not world.is_free(world.rooms[goal.room], goal.check_in, goal.nights)
    if heard.note == "sold_out":
        return not free
    return True


def _possible(goal: Change, world: World) -> bool:
    wanted = _changed(world.bookings[goal.booking], goal)
    room = world.rooms.get(wanted.room)
    if wanted == world.bookings[goal.booking] or room is None:
        return False
    return world.is_free(room, wanted.check_in, wanted.nights, leaving_out=goal.booking)


def _invented_rules(world: World, turns: Sequence[Turn]) -> Iterator[str]:
    """Where the house has no rule the agent has to say so."""
    for turn in turns:
        if turn.said.intent != "rule" or _rule(world, turn.said.values.get("topic")) is not None:
            continue
        if not _NO_RULE.search(turn.text) or any(stands(rule, turn.text) for rule in world.rules.values()):
            yield f"not told rightly: there is no rule on {turn.said.values.get('topic')!r}"


def _rule(world: World, topic: Value | None) -> str | None:
    return next((rule for name, rule in world.rules.items() if _plain(name) == _plain(str(topic))), None)


def _room(world: World, name: Value | None) -> Room | None:
    return next((room for room in world.rooms.values() if _plain(room.name) == _plain(str(name))), None)


__all__ = ["Fact", "facts", "faults", "stands"]
