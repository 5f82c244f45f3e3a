"""The hotel as it is: rooms, prices, bookings, house rules and complaints, and what may happen to them.

Plain state with a few questions and changes; the day of today is part of it, and no clock is read. It knows nothing of
conversations, of tools or of how anything is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

NOTICE_DAYS = 2
"""A booking can be cancelled until this many days before the stay begins."""


@dataclass(frozen=True)
class Room:
    """A kind of room. `price` is for one night, `size` in square metres, `guests` the most allowed.

    `numbers` are the doors of this kind; `full` the days on which other guests have them all.
    """

    name: str
    price: int
    guests: int
    bed: str
    size: int
    view: str
    numbers: tuple[int, ...]
    full: frozenset[date] = frozenset()


@dataclass
class Booking:
    """A stay that a customer has booked. `contact` is a phone number or an e-mail address."""

    booking: str
    room: str
    check_in: date
    nights: int
    name: str
    contact: str
    status: Literal["booked", "cancelled"] = "booked"

    def covers(self, day: date) -> bool:
        """Whether the guest sleeps here in the night that begins on `day`."""
        return self.status == "booked" and self.check_in <= day < self.check_in + timedelta(days=self.nights)


@dataclass(frozen=True)
class Complaint:
    """A fault that a guest told us of."""

    ticket: str
    room_number: int
    problem: str


@dataclass
class World:
    """One hotel on one day. Rooms and bookings are found by name and by number, in the order in which they came."""

    lang: str
    hotel: str
    city: str
    today: date
    rooms: dict[str, Room]
    rules: dict[str, str]
    prefix: str
    next_number: int
    bookings: dict[str, Booking] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    def is_free(self, room: Room, check_in: date, nights: int, *, leaving_out: str | None = None) -> bool:
        """Whether a room of this kind is free in all of the nights; the booking `leaving_out` does not count."""
        for day in (check_in + timedelta(days=n) for n in range(nights)):
            taken = sum(one.room == room.name and one.covers(day) for one in self.others(leaving_out))
            if day in room.full or taken >= len(room.numbers):
                return False
        return True

    def others(self, leaving_out: str | None) -> list[Booking]:
        """All bookings but one."""
        return [one for one in self.bookings.values() if one.booking != leaving_out]

    def free_rooms(self, check_in: date, nights: int, guests: int = 1) -> list[Room]:
        """The kinds of room that are free for the stay and large enough, the cheapest first."""
        fitting = [room for room in self.rooms.values() if room.guests >= guests]
        return sorted((room for room in fitting if self.is_free(room, check_in, nights)), key=lambda room: room.price)

    def book(self, room: Room, check_in: date, nights: int, name: str, contact: str) -> Booking:
        """Writes a booking down. Whether the room is free is asked before."""
        made = Booking(f"{self.prefix}{self.next_number}", room.name, check_in, nights, name, contact)
        self.next_number += 7
        self.bookings[made.booking] = made
        return made

    def complain(self, room_number: int, problem: str) -> Complaint:
        """Writes a complaint down."""
        made = Complaint(f"T{self.next_number}", room_number, problem)
        self.next_number += 7
        self.complaints.append(made)
        return made
