"""The hotel: a world, tools on it, customers with goals, a reference agent, and the logs that they make.

`make_logs` writes conversations. For a live agent or a rehearsal: `make_world`, `TOOLS` and `FUNCTIONS` (run one with
`agent.typed_tools.call_tool`), `make_customer`, whose `goals` tell at the end whether the world is as wanted.
"""

from dialoop.scenarios.hotel.agent import ReferenceAgent
from dialoop.scenarios.hotel.customer import Customer
from dialoop.scenarios.hotel.edits import make_edited_logs
from dialoop.scenarios.hotel.logs import converse, make_logs, system_message
from dialoop.scenarios.hotel.makers import make_customer, make_world
from dialoop.scenarios.hotel.talk import Answer, Heard, Said
from dialoop.scenarios.hotel.tools import FUNCTIONS, TOOLS
from dialoop.scenarios.hotel.world import Booking, Complaint, Room, World

__all__ = [
    "FUNCTIONS",
    "TOOLS",
    "Answer",
    "Booking",
    "Complaint",
    "Customer",
    "Heard",
    "ReferenceAgent",
    "Room",
    "Said",
    "World",
    "converse",
    "make_customer",
    "make_edited_logs",
    "make_logs",
    "make_world",
    "system_message",
]
