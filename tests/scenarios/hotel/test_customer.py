"""Customers pursue their goals by what they hear; goals are checked against the world."""

from datetime import date

import pytest

from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel import Customer, Heard, ReferenceAgent, World, make_customer, make_world
from dialoop.scenarios.hotel.customer import Knowledge
from dialoop.scenarios.hotel.goals import Ask, Book, Cancel, Change, Complain, Find, Goal
from dialoop.scenarios.hotel.tools import book_room, cancel_booking, change_booking, file_complaint
from dialoop.scenarios.hotel.voice import Manner, Spoken, Voice


def world_of(lang: str = "en", seed: int = 2) -> World:
    return make_world(lang, "train", Dice("world", lang, seed))


def customer_of(world: World, *goals: Goal, manner: Manner | None = None, seed: int = 1) -> Customer:
    dice = Dice("customer", seed)
    return Customer(list(goals), Knowledge(), Voice(world.lang, "train", manner or Manner(), dice, world.today), dice)


def stay(world: World, **changes: object) -> Book:
    return Book(**{"check_in": world.today, "nights": 2, "guests": 1, "name": "Ann Bee", "contact": "123"} | changes)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("seed", range(20))
def test_with_the_reference_agent_every_goal_is_reached(lang: str, seed: int):
    dice = Dice("loop", lang, seed)
    world = make_world(lang, "test", dice)
    customer, agent = make_customer(world, "test", dice), ReferenceAgent(world, "test", dice)
    said = customer.opening()
    while said is not None:
        answer = agent.answer(said)
        assert answer.messages[-1].content
        said = customer.reply(answer.heard)
    assert all(goal.reached(world) for goal in customer.goals)


def test_an_agent_that_does_nothing_reaches_no_booking():
    world = world_of()
    goal = stay(world)
    customer = customer_of(world, goal)
    assert customer.opening().intent in ("book", "greet")
    for _ in range(3):
        customer.reply(Heard("told"))
    assert not goal.reached(world)


def test_a_customer_gives_what_is_asked_for():
    world = world_of()
    customer = customer_of(world, stay(world, check_in=date(world.today.year + 1, 1, 2)), manner=Manner(talkative=0))
    while customer.opening().intent != "book":
        customer = customer_of(world, stay(world), manner=Manner(talkative=0), seed=9)
    assert customer.reply(Heard("asked", ("nights", "guests"))).values == {"nights": 2, "guests": 1}
    said = customer.reply(Heard("asked", ("name", "contact")))
    assert said.values == {"name": "Ann Bee", "contact": "123"}
    assert "Ann Bee" in said.text


def test_a_customer_leaves_after_the_good_bye():
    world = world_of()
    assert customer_of(world, stay(world)).reply(Heard("left")) is None


def test_a_stay_is_reached_by_one_booking_as_wanted():
    world = world_of()
    room = next(iter(world.rooms))
    goal = stay(world, room=room, check_in=date(world.today.year + 1, 12, 1))
    made = book_room(world, room, goal.check_in.isoformat(), 3, "Ann Bee", "123")
    assert not goal.reached(world)
    change_booking(world, made["booking"], nights=2)
    assert goal.reached(world)
    book_room(world, room, goal.check_in.isoformat(), 2, "Ann Bee", "123")
    assert not goal.reached(world)


def test_a_stay_that_was_given_up_must_not_be_booked():
    world = world_of()
    goal = stay(world, given_up=True)
    assert goal.reached(world)
    book_room(world, next(iter(world.rooms)), f"{world.today.year + 1}-12-01", 2, "Ann Bee", "123")
    assert not goal.reached(world)


def test_change_and_cancel_are_reached_when_the_world_says_so():
    world = world_of()
    made = book_room(world, next(iter(world.rooms)), f"{world.today.year + 1}-12-01", 2, "Ann", "1")["booking"]
    change, cancel, find = Change(made, made, nights=3), Cancel(made, made), Find(made, made)
    assert (change.reached(world), cancel.reached(world), find.reached(world)) == (False, False, True)
    change_booking(world, made, nights=3)
    assert change.reached(world)
    assert Cancel(made, made, possible=False).reached(world)
    assert Cancel(made, made, given_up=True).reached(world)
    cancel_booking(world, made)
    assert (change.reached(world), cancel.reached(world), find.reached(world)) == (False, True, False)


def test_a_complaint_is_filed_once():
    world = world_of()
    number = next(iter(world.rooms.values())).numbers[0]
    goal = Complain(number, "the tap drips")
    assert not goal.reached(world)
    file_complaint(world, number, "the tap drips")
    assert goal.reached(world)
    file_complaint(world, number, "the tap drips")
    assert not goal.reached(world)
    assert Ask(("pets",)).reached(world)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_mistakes_fall_beside_the_values(lang: str):
    dice = Dice("slips", lang)
    voice = Voice(lang, "train", Manner(mistypes=1.0, careless=1.0, repairs=1.0), dice, date(2026, 1, 1))
    plain = Voice(lang, "train", Manner(), Dice("slips", lang), date(2026, 1, 1))
    said = []
    for _ in range(40):
        told = {"check_in": Spoken("Walpurgisnacht", "Walpurgisnacht", "Fastnacht"), "name": Spoken("Ötzi Müller", "Ö")}
        one = voice.say("book", "want_book", told)
        assert "Walpurgisnacht" in one.text
        assert "Ötzi Müller" in one.text
        assert one.values == {"check_in": "Walpurgisnacht", "name": "Ö"}
        assert [one.text[span.start : span.end] for span in one.spans if span.label == "check_in"] == ["Walpurgisnacht"]
        assert one.text.index("Fastnacht") < one.text.index("Walpurgisnacht")
        said.append((one.text, plain.say("book", "want_book", {}).text))
    assert len({text for text, _ in said}) > 20


def test_private_data_that_nobody_asked_for_are_no_value():
    world = world_of()
    voice = Voice("en", "train", Manner(), Dice(3), world.today)
    said = voice.say("inform", "answer_name", {"name": Spoken("Ann", "Ann")}, private="X1234567")
    assert said.private
    assert "X1234567" in said.text
    assert said.values == {"name": "Ann"}
    answer = ReferenceAgent(world, "train", Dice(4)).answer(said)
    assert "ID" in answer.messages[-1].content
