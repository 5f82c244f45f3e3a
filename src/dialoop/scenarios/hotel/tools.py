"""The hotel's tools: plain typed functions that read and change a World. Their schemas are made from what stands here.

Days come in the customer's own words, names and contacts as the customer wrote them; the tools read them leniently, so
that a caller has only to copy. Rooms and rules are chosen among those that the house has. A refusal is a result,
{"error": code, ...}, never an exception. They know nothing of who calls.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from dialoop.agent.typed_tools import Between, Code, Quoted, ToolFunction, Verbatim, tool_schema, with_options
from dialoop.conversation import Tool
from dialoop.errors import DataError
from dialoop.scenarios.hotel.days import DAY, parse_day
from dialoop.scenarios.hotel.world import NOTICE_DAYS, Booking, Room, World

Result = dict[str, Any]
MOST_NIGHTS = 30
MOST_GUESTS = 12
LEAST_PRICE = 20
MOST_SHOWN = 3
OTHER = "other"
"""The topic of a question that no rule of the house is about."""

_CONTACT = r"<(?:phone|email)_\d+>|\S+@\S+|(?!\d{4}-)\+?[(\d][\d ().-]{5,17}"
Said = Annotated[str, Quoted(by="user")]
"""The customer's own words."""

Told = Annotated[str, Quoted(by="user", clause=True)]
"""The customer's own words to the end of a clause."""

Contact = Annotated[str, Quoted(code=True, by="user", like=_CONTACT)]
"""A telephone number or an e-mail address that the customer gave."""

Reference = Annotated[str, Quoted(code=True, by="user", like=rf"[A-Za-z]{{2}}\d{{2,6}}|{_CONTACT}")]
"""A booking's number, or what it was made under, as the customer gave it."""

DaySaid = Annotated[str, Quoted(by="user", like=DAY)]
"""A day in the customer's own words."""

Day = Annotated[str, Quoted(like=DAY)]
"""A day as anybody has named it, or a tool."""

Nights = Annotated[int, Between(1, MOST_NIGHTS)]
Guests = Annotated[int, Between(1, MOST_GUESTS)]
Price = Annotated[int, Quoted(code=True, by="user"), Between(LEAST_PRICE)]
"""A number that the customer gave."""

RoomNumber = Annotated[int, Quoted(code=True, by="user"), Between(1)]


def search_rooms(
    world: World, check_in: DaySaid, nights: Nights, guests: Guests, max_price: Price | None = None
) -> Result:
    """List free rooms.

    Args:
        check_in: day in the customer's words
    """
    day = _day(world, check_in)
    if day is None or not 1 <= nights <= MOST_NIGHTS:
        return {"error": "bad_day" if day is None else "bad_nights"}
    free = world.free_rooms(day, nights, guests)
    if not free:
        return {"rooms": [], "next_free": _next_free(world, day, nights, guests)}
    fitting = [room for room in free if max_price is None or room.price <= max_price]
    if not fitting:
        return {"rooms": [], "cheapest": free[0].price}
    return {"rooms": [{"room": room.name, "price": room.price} for room in fitting[:MOST_SHOWN]]}


def room_details(world: World, room: Verbatim) -> Result:
    """Describe a room."""
    found = _room(world, room)
    if found is None:
        return {"error": "no_such_room"}
    return {
        "room": found.name,
        "price": found.price,
        "bed": found.bed,
        "size": found.size,
        "guests": found.guests,
        "view": found.view,
    }


def book_room(world: World, room: Verbatim, check_in: Day, nights: Nights, name: Said, contact: Contact) -> Result:
    """Book after the customer confirms.

    Args:
        contact: phone or e-mail
    """
    found, day = _room(world, room), _day(world, check_in)
    if found is None or day is None or not 1 <= nights <= MOST_NIGHTS:
        return {"error": "no_such_room" if found is None else "bad_day" if day is None else "bad_nights"}
    if not world.is_free(found, day, nights):
        return {"error": "not_free", "free": _names(world, day, nights)}
    made = world.book(found, day, nights, name.strip(), contact.strip())
    return {"booking": made.booking, "room": made.room, "check_in": day.isoformat(), "total": found.price * nights}


def find_booking(world: World, reference: Reference) -> Result:
    """Find a booking.

    Args:
        reference: booking number, phone or e-mail
    """
    wanted = _bare(reference)
    for one in world.bookings.values():
        if wanted and wanted in (_bare(one.booking), _bare(one.contact)) and one.status == "booked":
            return {
                "booking": one.booking,
                "room": one.room,
                "check_in": one.check_in.isoformat(),
                "nights": one.nights,
                "name": one.name,
            }
    return {"error": "not_found"}


def change_booking(
    world: World,
    booking: Code,
    check_in: Day | None = None,
    nights: Nights | None = None,
    room: Said | None = None,
) -> Result:
    """Change a booking; give only what changes."""
    one = _booking(world, booking)
    if one is None:
        return {"error": "not_found"}
    kind = _room(world, one.room if room is None else room)
    day = one.check_in if check_in is None else _day(world, check_in)
    stay = one.nights if nights is None else nights
    if kind is None or day is None or not 1 <= stay <= MOST_NIGHTS:
        return {"error": "no_such_room" if kind is None else "bad_day" if day is None else "bad_nights"}
    if not world.is_free(kind, day, stay, leaving_out=one.booking):
        return {"error": "not_free", "free": _names(world, day, stay)}
    one.room, one.check_in, one.nights = kind.name, day, stay
    return {"booking": one.booking, "room": one.room, "check_in": day.isoformat(), "nights": stay}


def cancel_booking(world: World, booking: Code) -> Result:
    """Cancel after the customer confirms."""
    one = _booking(world, booking)
    if one is None:
        return {"error": "not_found"}
    if (one.check_in - world.today).days < NOTICE_DAYS:
        return {"error": "too_late", "notice_days": NOTICE_DAYS}
    one.status = "cancelled"
    return {"booking": one.booking, "status": "cancelled"}


def house_rule(world: World, topic: Verbatim) -> Result:
    """Look up a house rule."""
    name = rule_of(world, topic)
    return {"error": "no_rule"} if name == OTHER else {"topic": name, "rule": world.rules[name]}


def file_complaint(world: World, room_number: RoomNumber, problem: Told) -> Result:
    """Report a problem in a room.

    Args:
        problem: in the customer's words
    """
    if not any(room_number in room.numbers for room in world.rooms.values()):
        return {"error": "no_such_room"}
    made = world.complain(room_number, problem.strip())
    return {"ticket": made.ticket, "room_number": room_number, "minutes": 20 + 10 * (room_number % 3)}


FUNCTIONS: tuple[ToolFunction, ...] = (
    search_rooms,
    room_details,
    book_room,
    find_booking,
    change_booking,
    cancel_booking,
    house_rule,
    file_complaint,
)
TOOLS = [tool_schema(function) for function in FUNCTIONS]


def tools_of(world: World) -> list[Tool]:
    """The tools as an agent of this house is shown them: with the names of its rooms and of its rules."""
    return [with_options(tool, {"room": list(world.rooms), "topic": topics(world)}) for tool in TOOLS]


def topics(world: World) -> list[str]:
    """What can be asked about: the house's rules, or other things."""
    return [*world.rules, OTHER]


def rule_of(world: World, text: str) -> str:
    """The name of the rule that is meant, or OTHER."""
    return next((name for name in world.rules if _words(name) == _words(text)), OTHER)


def _day(world: World, text: str) -> date | None:
    try:
        return parse_day(text, world.today)
    except DataError:
        return None


def _bare(text: str) -> str:
    """A number or address without what people put between its parts: spaces, hyphens, dots of a phone number, case."""
    return "".join(char for char in text.casefold() if char.isalnum() or char == "@")


def _words(text: str) -> str:
    """The words of a name, whatever their case and spacing, without an article before them."""
    return " ".join(text.casefold().split()).removeprefix("the ")


def _room(world: World, name: str) -> Room | None:
    return next((room for room in world.rooms.values() if _words(room.name) == _words(name)), None)


def _booking(world: World, number: str) -> Booking | None:
    found = next((one for one in world.bookings.values() if _bare(one.booking) == _bare(number)), None)
    return found if found is not None and found.status == "booked" else None


def _names(world: World, day: date, nights: int) -> list[str]:
    return [room.name for room in world.free_rooms(day, nights)][:MOST_SHOWN]


def _next_free(world: World, day: date, nights: int, guests: int) -> str | None:
    for later in (day + timedelta(days=n) for n in range(1, 60)):
        if world.free_rooms(later, nights, guests):
            return later.isoformat()
    return None
