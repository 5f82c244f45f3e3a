"""What a customer came for, and whether the world shows at the end that it was reached.

A goal is plain data that changes only when its customer takes up another offer (another room, day or price), so that
it can be checked against the world alone. It knows nothing of what is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from dialoop.scenarios.hotel.world import Booking, World


@dataclass
class Book:
    """A stay. `room` is None where the customer picks one of those offered, by `taste`."""

    check_in: date
    nights: int
    guests: int
    name: str
    contact: str
    max_price: int | None = None
    room: str | None = None
    taste: Literal["first", "last", "any"] = "any"
    given_up: bool = False

    def reached(self, world: World) -> bool:
        """Whether the stay is booked, once and as wanted – or nothing is booked where the customer gave it up."""
        same = [one for one in _booked(world) if one.name == self.name and one.contact == self.contact]
        if self.given_up:
            return not same
        return len(same) == 1 and _stay(same[0]) == (self.room, self.check_in, self.nights)


@dataclass
class Change:
    """Another day, length or room for a booking; None stays as it is."""

    booking: str
    reference: str
    check_in: date | None = None
    nights: int | None = None
    room: str | None = None
    given_up: bool = False

    def reached(self, world: World) -> bool:
        """Whether the booking now has what was wanted."""
        one = world.bookings[self.booking]
        wanted = (self.room or one.room, self.check_in or one.check_in, self.nights or one.nights)
        return self.given_up or (one.status == "booked" and _stay(one) == wanted)


@dataclass
class Cancel:
    """A booking to be cancelled. `possible`: whether the hotel still allows it."""

    booking: str
    reference: str
    possible: bool = True
    given_up: bool = False

    def reached(self, world: World) -> bool:
        """Whether the booking is cancelled, or stands where it had to or was to."""
        gone = world.bookings[self.booking].status == "cancelled"
        return gone == (self.possible and not self.given_up)


@dataclass
class Find:
    """A booking whose details the customer wants to hear."""

    booking: str
    reference: str

    def reached(self, world: World) -> bool:
        """Whether it still stands: asking changes nothing."""
        return world.bookings[self.booking].status == "booked"


@dataclass
class Ask:
    """Questions: house rules by topic, rooms by name."""

    topics: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()

    def reached(self, world: World) -> bool:
        """Asking changes nothing, so that there is nothing in the world to check."""
        return True


@dataclass
class Complain:
    """A fault in a room."""

    room_number: int
    problem: str

    def reached(self, world: World) -> bool:
        """Whether exactly one complaint about it was filed, with the problem in the customer's words."""
        filed = [one for one in world.complaints if one.room_number == self.room_number and self.problem in one.problem]
        return len(filed) == 1


@dataclass
class Chat:
    """Talk that calls for no tool: a greeting, a thank-you, small talk, something that a hotel desk does not do."""

    topic: str

    def reached(self, world: World) -> bool:
        """Talk changes nothing."""
        return True


Goal = Book | Change | Cancel | Find | Ask | Complain | Chat


def _booked(world: World) -> list[Booking]:
    return [one for one in world.bookings.values() if one.status == "booked"]


def _stay(one: Booking) -> tuple[str | None, date, int]:
    return one.room, one.check_in, one.nights
