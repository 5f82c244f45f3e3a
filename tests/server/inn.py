"""A small inn behind the server: an agent with tools, answers by script, a store in a file. Made-up words."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dialoop.agent import Agent, AgentSettings, Toolbox, tool
from dialoop.conversation import FunctionCall, Message, ToolCall
from dialoop.engine import ScriptedEngine
from dialoop.errors import RequestError
from dialoop.server import House, InService, Operators, Running, ServedAgent
from dialoop.store import Store

SYSTEM = "You are the desk of the Lake Inn."


def find_rooms(date: str, guests: int) -> dict[str, Any]:
    """Find free rooms."""
    return {"date": date, "rooms": [{"room": "12", "beds": guests, "price": 95}]}


@tool(transactional=True)
def cancel_booking(booking: str) -> dict[str, Any]:
    """Cancel a booking."""
    return {"booking": booking, "cancelled": True}


def calls(name: str, **arguments: Any) -> Message:
    """A message of the model that calls a tool."""
    call = ToolCall(id="x", function=FunctionCall(name=name, arguments=json.dumps(arguments)))
    return Message(role="assistant", tool_calls=[call])


def inn(
    store: Store,
    answers: Iterable[str | Message | RequestError],
    *,
    operators: Path | None = None,
    engine: Any = None,
    name: str = "inn",
    **settings: Any,
) -> House:
    """The house with its one agent."""
    engine = engine or ScriptedEngine(answers, width=3)
    chosen = AgentSettings(system=SYSTEM, confirm=False, approve=["cancel_booking"], **settings)
    agent = Agent(name, chosen, engine, Toolbox.of([find_rooms, cancel_booking]), store, store.vault)
    served = ServedAgent(agent, InService(Running(engine, "v1")), chosen.greeting)
    return House({name: served}, store, Operators(operators))
