"""The hotel's tools, as the agent calls them: typed functions on the houses in `world.db`. Edit them, or add your own.

A house is found by the customer, the tenant or the language of the conversation. A call that changes it is made once
for its idempotency key, whatever is repeated; so every tool here is repeatable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dialoop.agent import ToolContext, tool
from dialoop.scenarios.hotel import tools as hotel
from dialoop.scenarios.hotel.houses import Houses

HOUSES = Houses(Path(__file__).with_name("world.db"))


@tool(repeatable=True)
def search_rooms(
    context: ToolContext, check_in: str, nights: int, guests: int, max_price: int | None = None
) -> dict[str, Any]:
    """List free rooms.

    Args:
        check_in: day in the customer's words
    """
    return HOUSES.call(
        hotel.search_rooms, context, check_in=check_in, nights=nights, guests=guests, max_price=max_price
    )


@tool(repeatable=True)
def room_details(context: ToolContext, room: str) -> dict[str, Any]:
    """Describe a room."""
    return HOUSES.call(hotel.room_details, context, room=room)


@tool(transactional=True, repeatable=True)
def book_room(context: ToolContext, room: str, check_in: str, nights: int, name: str, contact: str) -> dict[str, Any]:
    """Book after the customer confirms.

    Args:
        contact: phone or e-mail
    """
    return HOUSES.call(
        hotel.book_room, context, room=room, check_in=check_in, nights=nights, name=name, contact=contact
    )


@tool(repeatable=True)
def find_booking(context: ToolContext, reference: str) -> dict[str, Any]:
    """Find a booking.

    Args:
        reference: booking number, phone or e-mail
    """
    return HOUSES.call(hotel.find_booking, context, reference=reference)


@tool(transactional=True, repeatable=True)
def change_booking(
    context: ToolContext, booking: str, check_in: str | None = None, nights: int | None = None, room: str | None = None
) -> dict[str, Any]:
    """Change a booking; give only what changes."""
    return HOUSES.call(hotel.change_booking, context, booking=booking, check_in=check_in, nights=nights, room=room)


@tool(transactional=True, repeatable=True)
def cancel_booking(context: ToolContext, booking: str) -> dict[str, Any]:
    """Cancel after the customer confirms."""
    return HOUSES.call(hotel.cancel_booking, context, booking=booking)


@tool(repeatable=True)
def house_rule(context: ToolContext, topic: str) -> dict[str, Any]:
    """Look up a house rule.

    Args:
        topic: in the customer's words
    """
    return HOUSES.call(hotel.house_rule, context, topic=topic)


@tool(repeatable=True)
def file_complaint(context: ToolContext, room_number: int, problem: str) -> dict[str, Any]:
    """Report a problem in a room.

    Args:
        problem: in the customer's words
    """
    return HOUSES.call(hotel.file_complaint, context, room_number=room_number, problem=problem)
