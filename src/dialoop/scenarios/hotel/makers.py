"""Makes worlds and customers by chance, from the packaged names, places, rooms, rules and prices of a part.

It knows nothing of conversations. A part's worlds hold no name, place, rule or price of the other part's.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.customer import Customer, Knowledge
from dialoop.scenarios.hotel.goals import Ask, Book, Cancel, Change, Chat, Complain, Find, Goal
from dialoop.scenarios.hotel.voice import Manner, Voice
from dialoop.scenarios.hotel.wording import load
from dialoop.scenarios.hotel.world import NOTICE_DAYS, Booking, Room, World

SMALL_TALK = ("hello_again", "who", "abilities", "mood", "weather", "compliment")
NOT_OURS = ("flight", "homework", "politics")
_ROOMS, _RULES, _BOOKINGS, _HORIZON_DAYS = 5, 12, 5, 75
_GOALS = {"book": 40.0, "ask": 12.0, "change": 14.0, "cancel": 12.0, "find": 7.0, "complain": 9.0, "chat": 8.0}
_OFTEN: dict[str, dict[str, float]] = {"train": {"find": 2.0, "change": 1.5, "ask": 2.0}, "test": {}}
"""Times as often that a booking is only looked up, lest a wish that names one be taken for a cancellation; that it is
changed, which takes most to learn; and that something is asked, in ever other words."""
_CHANGES: dict[str, dict[tuple[str, ...], float]] = {
    "train": {
        ("check_in",): 4.0,
        ("nights",): 3.0,
        ("room",): 3.0,
        ("check_in", "nights"): 4.0,
        ("check_in", "room"): 4.0,
        ("nights", "room"): 1.0,
    },
    "test": {("check_in",): 4.0, ("nights",): 3.0, ("room",): 2.0, ("check_in", "nights"): 2.0},
}
"""How often what is changed; two things in one breath are trained on more."""
_REPAIRS = {"train": [0.0, 0.2, 0.5], "test": [0.0, 0.1, 0.2]}
_CORRECTS = {"train": [0.0, 0.3, 0.6], "test": [0.0, 0.2, 0.3]}
"""How often customers put themselves right, in the same breath and later: it is hard, so it is trained on more."""


def make_world(lang: str, part: str, dice: Dice) -> World:
    """A hotel with rooms, rules and bookings of others. The same dice make the same world."""
    names = load("names", lang, part)
    today = date(dice.pick(names["years"]), 1, 1) + timedelta(days=dice.number(0, 364))
    world = World(
        lang=lang,
        hotel=_name(lang, dice.pick(names["hotel_first"]), dice.pick(names["hotel_last"])),
        city=dice.pick(names["cities"]),
        today=today,
        rooms={room.name: room for room in _rooms(names, lang, today, dice)},
        rules={topic: _rule(names, dice, topic) for topic in dice.some(list(names["rules"]), _RULES)},
        prefix=dice.pick(names["prefixes"]),
        next_number=dice.number(1000, 90000),
    )
    while len(world.bookings) < _BOOKINGS:
        room = dice.pick(list(world.rooms.values()))
        check_in, nights = today + timedelta(days=dice.number(0, _HORIZON_DAYS)), dice.number(1, 4)
        if world.is_free(room, check_in, nights):
            world.book(room, check_in, nights, person(names, lang, dice), _new_contact(world, names, dice))
    return world


def _rooms(names: dict[str, Any], lang: str, today: date, dice: Dice) -> list[Room]:
    """Rooms of different names and kinds; the more guests a room takes, the larger and dearer it is."""
    sold_out = dice.number(3, _HORIZON_DAYS)
    everywhere = {today + timedelta(days=sold_out + n) for n in range(4)}
    made = []
    firsts = dice.some(names["room_first"], _ROOMS)
    kinds = sorted(dice.some(names["room_kinds"], _ROOMS), key=lambda kind: int(kind["guests"]))
    prices, sizes = sorted(dice.some(names["prices"], _ROOMS)), sorted(dice.some(names["sizes"], _ROOMS))
    for number, (first, kind) in enumerate(zip(firsts, kinds, strict=True)):
        full = {today + timedelta(days=dice.number(0, _HORIZON_DAYS) + n) for _ in range(4) for n in range(3)}
        made.append(
            Room(
                name=_name(lang, first, kind["name"]),
                price=prices[number],
                guests=kind["guests"],
                bed=kind["bed"],
                size=sizes[number],
                view=dice.pick(names["views"]),
                numbers=tuple(100 * (number + 1) + door for door in sorted(dice.some(range(1, 30), 3))),
                full=frozenset(full | everywhere),
            )
        )
    return made


def _rule(names: dict[str, Any], dice: Dice, topic: str) -> str:
    fee, hour = dice.pick(names["fees"]), dice.pick(names["hours"])
    return str(dice.pick(names["rules"][topic])).format(fee=fee, hour=hour)


def _name(lang: str, first: str, last: str) -> str:
    return first + last if lang == "zh" else f"{first} {last}"


def person(names: dict[str, Any], lang: str, dice: Dice) -> str:
    """A person's name."""
    return _name(lang, dice.pick(names["person_first"]), dice.pick(names["person_last"]))


def contact(names: dict[str, Any], dice: Dice) -> str:
    """A phone number, or, less often, an e-mail address at a domain that nobody can own."""
    if dice.chance(0.25):
        return f"{dice.pick(names['mailboxes'])}{dice.number(1, 99)}@{dice.pick(names['mail_hosts'])}"
    return digits(dice.pick(names["phones"]), dice)


def _new_contact(world: World, names: dict[str, Any], dice: Dice) -> str:
    """A contact that no booking has, so that it finds one booking at most."""
    known = {one.contact for one in world.bookings.values()}
    while (drawn := contact(names, dice)) in known:
        pass
    return drawn


def digits(pattern: str, dice: Dice) -> str:
    """The pattern with a digit for each #."""
    return "".join(str(dice.number(0, 9)) if char == "#" else char for char in pattern)


def make_customer(world: World, part: str, dice: Dice) -> Customer:
    """A customer of this world with one or two goals and habits of its own."""
    names = load("names", world.lang, part)
    weights = {kind: weight * _OFTEN[part].get(kind, 1.0) for kind, weight in _GOALS.items()}
    kind = dice.weighted(weights)
    existing = dice.some(list(world.bookings.values()), 2)
    goals = [_goal(kind, existing[0], world, part, dice)]
    if kind in ("ask", "chat") or dice.chance(0.08):
        goals.append(_goal(dice.weighted(weights | {kind: 0.0, "chat": 4.0}), existing[1], world, part, dice))
    manner = Manner(
        careless=dice.pick([0.0, 0.0, 0.2, 0.9]),
        mistypes=dice.pick([0.0, 0.0, 0.15, 0.4]),
        mixes=dice.pick([0.0, 0.0, 0.0, 0.7]),
        repairs=dice.pick(_REPAIRS[part]),
        corrects=dice.pick(_CORRECTS[part]),
        digresses=dice.pick([0.0, 0.0, 0.1, 0.25]),
        private=dice.pick([0.0, 0.0, 0.5]),
        talkative=dice.pick([0.3, 0.6, 0.8, 0.95]),
    )
    chats = [f"{topic}" for topic in (*SMALL_TALK[1:], *NOT_OURS)]
    knowledge = Knowledge(topics=_some_topics(world, names, dice, 4), chats=chats)
    knowledge.private_id = digits(dice.pick(names["identity_numbers"]), dice)
    if dice.chance(0.08):
        knowledge.wrong_reference = f"{world.prefix}{dice.number(100, 999)}"
    if dice.chance(0.08):
        knowledge.wrong_room_number = dice.number(60, 95) * 10 + 9
    if dice.chance(0.03):
        knowledge.impossible_day = dice.pick(names["impossible_days"])
    return Customer(goals, knowledge, Voice(world.lang, part, manner, dice, world.today), dice)


def _goal(kind: str, one: Booking, world: World, part: str, dice: Dice) -> Goal:
    names = load("names", world.lang, part)
    if kind == "ask":
        return _questions(world, names, dice)
    if kind == "complain":
        room = dice.pick(list(world.rooms.values()))
        return Complain(dice.pick(room.numbers), dice.pick(names["problems"]))
    if kind == "chat":
        return Chat(dice.pick((*SMALL_TALK, *NOT_OURS)))
    if kind == "book":
        return _stay(world, names, dice)
    reference = one.booking if dice.chance(0.7) else one.contact
    if kind == "find":
        return Find(one.booking, reference)
    if kind == "cancel":
        return Cancel(one.booking, reference, possible=(one.check_in - world.today).days >= NOTICE_DAYS)
    change = Change(one.booking, reference)
    what = dice.weighted(_CHANGES[part])
    if "check_in" in what:
        change.check_in = max(one.check_in, world.today) + timedelta(days=dice.number(1, 9))
    if "nights" in what:
        change.nights = one.nights % 5 + 1
    if "room" in what:
        change.room = dice.pick([room for room in world.rooms if room != one.room])
    return change


def _questions(world: World, names: dict[str, Any], dice: Dice) -> Ask:
    topics = tuple(_some_topics(world, names, dice, dice.pick([1, 1, 2])))
    rooms = tuple(dice.some(list(world.rooms), 1)) if dice.chance(0.4) else ()
    return Ask(topics, rooms)


def _some_topics(world: World, names: dict[str, Any], dice: Dice, n: int) -> list[str]:
    """Mostly rules that the house has."""
    return dice.some(list(world.rules) if dice.chance(0.85) else list(names["rules"]), n)


def _stay(world: World, names: dict[str, Any], dice: Dice) -> Book:
    goal = Book(
        check_in=world.today + timedelta(days=dice.number(1, _HORIZON_DAYS)),
        nights=dice.number(1, 5),
        guests=dice.number(1, 4),
        name=person(names, world.lang, dice),
        contact=_new_contact(world, names, dice),
        taste=dice.pick(["first", "last", "any", "any"]),
    )
    if dice.chance(0.3):
        goal.room = dice.pick(list(world.rooms))
    elif dice.chance(0.35):
        goal.max_price = dice.pick(names["budgets"])
    return goal
