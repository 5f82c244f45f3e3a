"""Customers of a rehearsal in the hotel: each has a house of its own in a file of houses, and is judged by the checker.

A house is named as its customer, and the tools find it by that name, so that many customers talk at once and none gets
in another's way. Their seeds are never those of logs. It knows no agent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dialoop.errors import SettingsError
from dialoop.scenarios.dice import Dice
from dialoop.scenarios.hotel.checker import faults
from dialoop.scenarios.hotel.customer import Customer
from dialoop.scenarios.hotel.goals import Book, Goal
from dialoop.scenarios.hotel.houses import Houses
from dialoop.scenarios.hotel.live import PATIENCE, LiveCustomer, Turn
from dialoop.scenarios.hotel.logs import LANGUAGES, system_message
from dialoop.scenarios.hotel.makers import make_customer, make_world
from dialoop.scenarios.hotel.wording import Part
from dialoop.scenarios.hotel.world import World


class HotelCustomer:
    """A customer of `dialoop.rehearsal`. `system`: what an agent of its house is told."""

    def __init__(self, name: str, houses: Houses, world: World, customer: Customer, system: str) -> None:
        houses.remove(name)  # a rehearsal that was killed leaves its houses
        houses.add(name, world)
        self.name, self.lang, self.system = name, world.lang, system
        self._houses, self._start = houses, houses.world(name)
        self._live = LiveCustomer(customer, world.lang, world.today)
        self._private = _private_values(world, customer)

    @property
    def goals(self) -> Sequence[Goal]:
        """What it came for, as it is now."""
        return self._live.goals

    @property
    def turns(self) -> Sequence[Turn]:
        """What passed so far."""
        return self._live.turns

    @property
    def live(self) -> LiveCustomer:
        """The customer behind it."""
        return self._live

    def opening(self) -> str:
        """See `rehearsal.Customer`."""
        return self._live.opening()

    def reply(self, text: str) -> str | None:
        """See `rehearsal.Customer`."""
        return self._live.reply(text)

    def faults(self) -> list[str]:
        """See `rehearsal.Customer`: what the checker finds."""
        found = faults(self._start, self._houses.world(self.name), self._live.goals, self._live.turns)
        return [f"gave up: asked the same {PATIENCE} times", *found] if self._live.gave_up else found

    def private_values(self) -> list[str]:
        """See `rehearsal.Customer`; those of the other guests of its house too."""
        return self._private


def make_customers(
    houses: Houses,
    count: int,
    *,
    lang: str | None = None,
    seed: int = 0,
    part: Part = "test",
    label: str = "rehearsal",
    change: Callable[[World], None] | None = None,
) -> list[HotelCustomer]:
    """`count` customers with a house each, kept in `houses`; without `lang`, English and Chinese take turns.

    `label` begins their names and those of their houses; a house of that name is replaced.
    The houses are of the part "test"; `part` is how the customers talk. `change` is made to every house before its
    customer is: another kind of room, another rule. Raises SettingsError for an unknown language.
    """
    if lang not in (None, *LANGUAGES):
        raise SettingsError(f"the hotel speaks no {lang!r}", remedy=f"use one of {', '.join(LANGUAGES)}")
    made = []
    for number in range(count):
        spoken = lang or LANGUAGES[number % len(LANGUAGES)]
        dice = Dice("rehearsal", part, spoken, seed, number)
        world = make_world(spoken, "test", dice)
        if change is not None:
            change(world)
        system = system_message(world, "train", dice)
        name = f"{label}-{part}-{spoken}-{seed}-{number:04d}"
        made.append(HotelCustomer(name, houses, world, make_customer(world, part, dice), system))
    return made


def _private_values(world: World, customer: Customer) -> list[str]:
    values = {value for one in world.bookings.values() for value in (one.name, one.contact)}
    for goal in customer.goals:
        values |= {goal.name, goal.contact} if isinstance(goal, Book) else set()
    if customer.private_id is not None:
        values.add(customer.private_id)
    return sorted(values)
