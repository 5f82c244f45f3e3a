"""The hotel's tools, as the agent calls them: typed functions on the houses in `world.db`. Edit them, or add your own.

A house is found by the customer, the tenant or the language of the conversation. A call that changes it is made once
for its idempotency key, whatever is repeated; so every tool here is repeatable. `Verbatim` texts are copied from the
conversation, `Said` ones from what the customer said; rooms and rules are chosen among those of the house (`options`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dialoop.agent import Code, ToolContext, Verbatim, tool
from dialoop.scenarios.hotel import tools as hotel
from dialoop.scenarios.hotel.houses import Houses

HOUSES = Houses(Path(__file__).with_name("world.db"))
ROOMS = {"room": HOUSES.rooms}
TOPICS = {"topic": HOUSES.topics}


@tool(repeatable=True)
def search_rooms(
    context: ToolContext,
    check_in: hotel.DaySaid,
    nights: hotel.Nights,
    guests: hotel.Guests,
    max_price: hotel.Price | None = None,
) -> dict[str, Any]:
    """List free rooms.

    Args:
        check_in: day in the customer's words
    """
    return HOUSES.call(
        hotel.search_rooms, context, check_in=check_in, nights=nights, guests=guests, max_price=max_price
    )


@tool(repeatable=True, options=ROOMS)
def room_details(context: ToolContext, room: Verbatim) -> dict[str, Any]:
    """Describe a room."""
    return HOUSES.call(hotel.room_details, context, room=room)


@tool(transactional=True, repeatable=True, options=ROOMS)
def book_room(
    context: ToolContext,
    room: Verbatim,
    check_in: hotel.Day,
    nights: hotel.Nights,
    name: hotel.Said,
    contact: hotel.Contact,
) -> dict[str, Any]:
    """Book after the customer confirms.

    Args:
        contact: phone or e-mail
    """
    return HOUSES.call(
        hotel.book_room, context, room=room, check_in=check_in, nights=nights, name=name, contact=contact
    )


@tool(repeatable=True)
def find_booking(context: ToolContext, reference: hotel.Reference) -> dict[str, Any]:
    """Find a booking.

    Args:
        reference: booking number, phone or e-mail
    """
    return HOUSES.call(hotel.find_booking, context, reference=reference)


@tool(transactional=True, repeatable=True, options=ROOMS)
def change_booking(
    context: ToolContext,
    booking: Code,
    check_in: hotel.Day | None = None,
    nights: hotel.Nights | None = None,
    room: hotel.Said | None = None,
) -> dict[str, Any]:
    """Change a booking; give only what changes."""
    return HOUSES.call(hotel.change_booking, context, booking=booking, check_in=check_in, nights=nights, room=room)


@tool(transactional=True, repeatable=True)
def cancel_booking(context: ToolContext, booking: Code) -> dict[str, Any]:
    """Cancel after the customer confirms."""
    return HOUSES.call(hotel.cancel_booking, context, booking=booking)


@tool(repeatable=True, options=TOPICS)
def house_rule(context: ToolContext, topic: Verbatim) -> dict[str, Any]:
    """Look up a house rule."""
    return HOUSES.call(hotel.house_rule, context, topic=topic)


@tool(repeatable=True)
def file_complaint(context: ToolContext, room_number: hotel.RoomNumber, problem: hotel.Told) -> dict[str, Any]:
    """Report a problem in a room.

    Args:
        problem: in the customer's words
    """
    return HOUSES.call(hotel.file_complaint, context, room_number=room_number, problem=problem)
