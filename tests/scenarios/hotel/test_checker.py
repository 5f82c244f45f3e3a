"""The checker accepts what the reference agent does and rejects what was planted: wrong ends and wrong answers."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest

from dialoop.scenarios.hotel import World
from dialoop.scenarios.hotel.checker import faults, stands
from dialoop.scenarios.hotel.goals import Book, Cancel, Change, Complain, Find
from dialoop.scenarios.hotel.live import Turn
from dialoop.scenarios.hotel.reader import hear
from dialoop.scenarios.hotel.talk import Heard, Said
from dialoop.scenarios.hotel.world import Booking, Complaint
from tests.scenarios.hotel.talks import Talk, talk

SEEDS = range(60)
Ending = Callable[[Talk, World], bool]
"""Plants a wrong end into a copy of the house; False where the conversation has no place for it."""


@pytest.fixture(scope="module")
def talks() -> list[Talk]:
    return [talk(lang, seed) for lang in ("en", "zh") for seed in SEEDS]


def check(one: Talk, end: World | None = None, turns: list[Turn] | None = None) -> list[str]:
    return faults(one.start, one.end if end is None else end, one.goals, one.turns if turns is None else turns)


def test_it_accepts_the_reference_agents_conversations(talks: list[Talk]):
    assert [found for one in talks if (found := check(one))] == []
    assert all(not check(talk(lang, seed, "train")) for lang in ("en", "zh") for seed in range(15))


# wrong ends


def booked(one: Talk, end: World) -> Booking | None:
    return next((end.bookings[number] for number in end.bookings if number not in one.start.bookings), None)


def of(one: Talk, kind: type) -> list:
    return [goal for goal in one.goals if isinstance(goal, kind) and not getattr(goal, "given_up", False)]


def never_booked(one: Talk, end: World) -> bool:
    made = booked(one, end)
    return made is not None and end.bookings.pop(made.booking) is made


def booked_otherwise(**change: Callable[[Booking, World], object]) -> Ending:
    def plant(one: Talk, end: World) -> bool:
        made = booked(one, end)
        if made is None:
            return False
        for name, value in change.items():
            setattr(made, name, value(made, end))
        return True

    return plant


def booked_twice(one: Talk, end: World) -> bool:
    made = booked(one, end)
    if made is not None:
        end.bookings["ZZ1"] = replace(made, booking="ZZ1")
    return made is not None


def booked_though_given_up(one: Talk, end: World) -> bool:
    goal = next((goal for goal in one.goals if isinstance(goal, Book) and goal.given_up), None)
    if goal is None:
        return False
    end.book(next(iter(end.rooms.values())), goal.check_in, goal.nights, goal.name, goal.contact)
    return True


def cancelled_otherwise(one: Talk, end: World) -> bool:
    for goal in (goal for goal in one.goals if isinstance(goal, Cancel)):
        status = end.bookings[goal.booking].status
        end.bookings[goal.booking].status = "booked" if status == "cancelled" else "cancelled"
        return True
    return False


def another_cancelled(one: Talk, end: World) -> bool:
    meant = {goal.booking for goal in one.goals if isinstance(goal, Change | Cancel)}
    other = next(
        booking for number, booking in end.bookings.items() if number not in meant and number in one.start.bookings
    )
    other.status = "cancelled"
    return True


def never_changed(one: Talk, end: World) -> bool:
    for goal in of(one, Change):
        end.bookings[goal.booking] = replace(one.start.bookings[goal.booking])
        return True
    return False


def changed_too_much(one: Talk, end: World) -> bool:
    for goal in of(one, Change):
        if goal.room is None:
            booking = end.bookings[goal.booking]
            booking.room = next(room for room in end.rooms if room != booking.room)
            return True
    return False


def changed_though_given_up(one: Talk, end: World) -> bool:
    for goal in one.goals:
        if isinstance(goal, Change) and goal.given_up:
            end.bookings[goal.booking].nights += 1
            return True
    return False


def found_and_cancelled(one: Talk, end: World) -> bool:
    for goal in of(one, Find):
        end.bookings[goal.booking].status = "cancelled"
        return True
    return False


def complaint(change: Callable[[list[Complaint]], object]) -> Ending:
    def plant(one: Talk, end: World) -> bool:
        if not of(one, Complain):
            return False
        change(end.complaints)
        return True

    return plant


def complained_for_nothing(one: Talk, end: World) -> bool:
    end.complain(101, "nobody said so")
    return True


ENDS: dict[str, Ending] = {
    "never booked": never_booked,
    "booked twice": booked_twice,
    "booked though given up": booked_though_given_up,
    "another day": booked_otherwise(check_in=lambda made, end: made.check_in + timedelta(days=1)),
    "another length": booked_otherwise(nights=lambda made, end: made.nights + 1),
    "another room": booked_otherwise(room=lambda made, end: next(room for room in end.rooms if room != made.room)),
    "another name": booked_otherwise(name=lambda made, end: "Somebody Else"),
    "another contact": booked_otherwise(contact=lambda made, end: "000"),
    "cancelled or not": cancelled_otherwise,
    "another guest's booking cancelled": another_cancelled,
    "never changed": never_changed,
    "changed too much": changed_too_much,
    "changed though given up": changed_though_given_up,
    "found and cancelled": found_and_cancelled,
    "no complaint": complaint(lambda filed: filed.clear()),
    "complained twice": complaint(lambda filed: filed.append(replace(filed[0], ticket="T1"))),
    "another room's complaint": complaint(lambda filed: filed.append(replace(filed.pop(), room_number=1))),
    "another complaint": complaint(lambda filed: filed.append(replace(filed.pop(), problem="all is well"))),
    "a complaint of nobody": complained_for_nothing,
}


def wrong_ends(talks: list[Talk]) -> Iterator[tuple[str, Talk, World]]:
    for name, plant in ENDS.items():
        for one in talks:
            end = deepcopy(one.end)
            if plant(one, end):
                yield name, one, end


def test_it_rejects_planted_wrong_ends(talks: list[Talk]):
    planted = Counter(name for name, _, _ in wrong_ends(talks))
    assert planted.total() >= 50
    assert set(planted) == set(ENDS)
    assert [name for name, one, end in wrong_ends(talks) if not check(one, end=end)] == []


# wrong answers


def told_otherwise(one: Talk, change: Callable[[Turn], str | None]) -> list[Turn] | None:
    """The turns with every text changed that can be; None where none can."""
    texts = [change(turn) for turn in one.turns]
    if all(text is None or text == turn.text for text, turn in zip(texts, one.turns, strict=True)):
        return None
    return [turn if text is None else replace(turn, text=text) for text, turn in zip(texts, one.turns, strict=True)]


def another_number(pattern: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, lambda found: found[0].replace(found[1], str(int(found[1]) + 1)), text)


def wrong_rule(one: Talk) -> Callable[[Turn], str | None]:
    rules = list(one.start.rules.values())

    def change(turn: Turn) -> str | None:
        said = next((rule for rule in rules if rule in turn.text), None)
        return None if said is None else turn.text.replace(said, next(rule for rule in rules if rule != said))

    return change


def wrong_fee(one: Talk) -> Callable[[Turn], str | None]:
    def change(turn: Turn) -> str | None:
        said = next((rule for rule in one.start.rules.values() if rule in turn.text and re.search(r"\d", rule)), None)
        return None if said is None else turn.text.replace(said, another_number(r"(\d+)")(said))

    return change


def no_rule_told(one: Talk) -> Callable[[Turn], str | None]:
    known = one.start.rules
    missing = lambda turn: turn.said.intent == "rule" and turn.said.values["topic"] not in known  # noqa: E731
    return lambda turn: "It costs 3 euros a day. 每天3元。" if missing(turn) else None


def rule_denied(one: Talk) -> Callable[[Turn], str | None]:
    asked = lambda turn: turn.said.intent == "rule" and turn.said.values["topic"] in one.start.rules  # noqa: E731
    return lambda turn: "There is no rule on that. 没有规定。" if asked(turn) else None


def wrong_detail(name: str, intents: tuple[str, ...]) -> Callable[[Talk], Callable[[Turn], str | None]]:
    def planted(one: Talk) -> Callable[[Turn], str | None]:
        def change(turn: Turn) -> str | None:
            room = one.start.rooms.get(str(turn.said.values.get("room")))
            if turn.said.intent not in intents or room is None:
                return None
            value = str(getattr(room, name))
            return re.sub(rf"(?<!\d){re.escape(value)}(?!\d)", "777", turn.text)

        return change

    return planted


def compared_the_wrong_way_round(one: Talk) -> Callable[[Turn], str | None]:
    def change(turn: Turn) -> str | None:
        if turn.said.intent != "compare":
            return None
        first, other = (str(turn.said.values[slot]) for slot in ("room", "other_room"))
        return turn.text.replace(first, "\0").replace(other, first).replace("\0", other)

    return change


def silent_about(kind: type) -> Callable[[Talk], Callable[[Turn], str | None]]:
    """Nothing is said of what became of the wish: numbers, tickets and days are left out of all texts."""

    def planted(one: Talk) -> Callable[[Turn], str | None]:
        wished = any(isinstance(goal, kind) and not getattr(goal, "given_up", False) for goal in one.goals)
        plain = r"[A-Z]{1,2}\d{3,}|\d{4}-\d{2}-\d{2}"
        return lambda turn: re.sub(plain, "…", turn.text) if wished else None

    return planted


def wrong_total(one: Talk) -> Callable[[Turn], str | None]:
    made = booked(one, one.end)
    total = None if made is None else str(one.end.rooms[made.room].price * made.nights)
    return lambda turn: None if total is None else re.sub(rf"(?<!\d){total}(?!\d)", str(int(total) + 10), turn.text)


def wrong_nights_found(one: Talk) -> Callable[[Turn], str | None]:
    goal = next(iter(of(one, Find)), None)
    if goal is None:
        return lambda turn: None
    nights = one.start.bookings[goal.booking].nights
    return lambda turn: re.sub(rf"(?<!\d){nights}(?=(?: nights?|晚))", str(nights + 1), turn.text)


def wrong_price_offered(one: Talk) -> Callable[[Turn], str | None]:
    def change(turn: Turn) -> str | None:
        prices = sorted((str(room.price) for room in one.start.rooms.values()), key=len, reverse=True)
        return re.sub("|".join(prices), "1", turn.text) if turn.heard.act == "offered" else None

    return change


ANSWERS: dict[str, Callable[[Talk], Callable[[Turn], str | None]]] = {
    "another rule": wrong_rule,
    "another fee": wrong_fee,
    "a rule that is none": no_rule_told,
    "a rule denied": rule_denied,
    "another price of a room": wrong_detail("price", ("room", "compare")),
    "another size": wrong_detail("size", ("room", "compare")),
    "another bed": wrong_detail("bed", ("room", "compare")),
    "another view": wrong_detail("view", ("room",)),
    "compared the wrong way round": compared_the_wrong_way_round,
    "no word of the booking": silent_about(Book),
    "no word of the change": silent_about(Change),
    "no word of what was found": silent_about(Find),
    "no word of the ticket": silent_about(Complain),
    "another total": wrong_total,
    "another length found": wrong_nights_found,
    "another price offered": wrong_price_offered,
}


def wrong_answers(talks: list[Talk]) -> Iterator[tuple[str, Talk, list[Turn]]]:
    for name, plan in ANSWERS.items():
        for one in talks:
            turns = told_otherwise(one, plan(one))
            if turns is not None:
                yield name, one, turns


def test_it_rejects_planted_wrong_answers(talks: list[Talk]):
    planted = Counter(name for name, _, _ in wrong_answers(talks))
    assert planted.total() >= 50
    assert set(planted) == set(ANSWERS)
    missed = [
        (name, [turn.text for turn in turns])
        for name, one, turns in wrong_answers(talks)
        if not check(one, turns=turns)
    ]
    assert missed == []


# refusals that are none


def refusal(one: Talk, goal: object, text: str) -> list[Turn]:
    return [*one.turns, Turn(Said("?", "inform"), text, hear(text, one.start.lang), goal)]


def test_it_rejects_refusals_that_are_none(talks: list[Talk]):
    rejected = 0
    for one in (one for one in talks if one.start.lang == "en"):
        for goal in of(one, Book):
            free = one.start.free_rooms(goal.check_in, goal.nights, goal.guests)
            if not free:
                continue
            for text in (
                "Sorry, nothing is free then. The next free day is 2031-01-01. Would that do?",
                f"Our lowest price for that stay is {free[0].price + 5}. May it cost a little more?",
                "Sorry, no room is free for that stay. Would another day do?",
            ):
                asked = replace(goal, room=None) if "no room" in text else goal
                assert any(fault.startswith("untrue") for fault in check(one, turns=refusal(one, asked, text)))
                rejected += 1
        for goal in one.goals:
            if isinstance(goal, Cancel) and goal.possible:
                text = "I am sorry, bookings can be cancelled only until 2 days before arrival."
                assert any(fault.startswith("untrue") for fault in check(one, turns=refusal(one, goal, text)))
                rejected += 1
    assert rejected >= 20


def test_a_change_that_could_be_made_must_not_be_refused(talks: list[Talk]):
    one = next(one for one in talks if of(one, Change))
    goal = of(one, Change)[0]
    before = one.start.bookings[goal.booking]
    free = replace(goal, check_in=None, room=None, nights=before.nights % 5 + 1)
    untouched = Talk(one.start, one.start, [free], [])
    room = one.start.rooms[before.room]
    possible = one.start.is_free(room, before.check_in, free.nights, leaving_out=goal.booking)
    turn = Turn(Said("?", "inform"), "", Heard("asked", ("changes",), note="not_free"), free)
    assert any(fault.startswith("untrue") for fault in check(untouched, turns=[turn])) == possible


def test_faults_tell_nothing_private(talks: list[Talk]):
    for one in talks:
        private = {goal.name for goal in of(one, Book)} | {goal.contact for goal in of(one, Book)}
        told = " ".join(check(one, end=deepcopy(one.start), turns=one.turns))
        assert not any(value in told for value in private)


@pytest.mark.parametrize(
    ("value", "text", "is_there"),
    [
        ("12", "It costs 12 euros.", True),
        ("12", "It costs 112 euros.", False),
        ("12", "It costs 120 euros.", False),
        ("Pets are welcome.", "Our rule is: pets are  welcome", True),
        ("Pets are welcome.", "Pets are not welcome.", False),
        ("停车免费。", "规定是：停车免费。", True),
    ],
)
def test_a_value_stands_in_a_text(value: str, text: str, is_there: bool):
    assert stands(value, text) is is_there
