"""HTTP: OpenAI's protocol over engines and agents that are passed in, the chat page, the desk page. Loads no torch."""

from dialoop.server.app import House, build_app
from dialoop.server.in_service import InService, Running
from dialoop.server.operators import Operators, add_operator
from dialoop.server.running import address_of, listen, serve_app, server_of
from dialoop.server.settings import ServeSettings
from dialoop.server.site import LOOPBACK
from dialoop.server.turns import ServedAgent

__all__ = [
    "LOOPBACK",
    "House",
    "InService",
    "Operators",
    "Running",
    "ServeSettings",
    "ServedAgent",
    "add_operator",
    "address_of",
    "build_app",
    "listen",
    "serve_app",
    "server_of",
]
