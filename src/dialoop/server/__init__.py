"""HTTP: the OpenAI-compatible API over engines that are passed in. Loads no torch."""

from dialoop.server.app import build_app
from dialoop.server.running import address_of, listen, serve_app
from dialoop.server.settings import ServeSettings

__all__ = ["ServeSettings", "address_of", "build_app", "listen", "serve_app"]
