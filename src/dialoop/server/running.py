"""Listens and serves until it is told to end: the socket first, so that a taken port is known before a model is loaded.

It knows sockets and uvicorn, not engines or models.
"""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from dialoop.errors import SettingsError

GRACE = 8
"""Seconds that answers under way may take when the server ends."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at `host` and `port` (0: a free one). Raises SettingsError where it cannot."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, proto)
    except OSError as error:
        raise SettingsError(
            f"{host!r} is no address of this machine: {error}", remedy="choose another --host"
        ) from error
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(512)
    except OSError as error:
        taken.close()
        if error.errno == errno.EADDRINUSE:
            what, remedy = f"port {port} of {host} is taken", "choose another --port, or stop what listens there"
        elif error.errno == errno.EACCES:
            what, remedy = f"port {port} may not be opened by this user", "choose a --port above 1023"
        else:
            what, remedy = f"cannot listen at {host}:{port}: {error.strerror}", "choose another --host"
        raise SettingsError(what, remedy=remedy) from error
    return taken


def address_of(listening: socket.socket) -> str:
    """The address for clients, such as http://127.0.0.1:8000."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_app(app: FastAPI, listening: socket.socket) -> None:
    """Serves until SIGINT or SIGTERM; then takes nothing new, and gives answers under way 8 s to end."""
    with _signals_end_quietly():
        server_of(app).run(sockets=[listening])


def server_of(app: FastAPI, *, log_level: str = "warning", grace: int = GRACE) -> uvicorn.Server:
    """The server of an application; open pages stop following when it ends, so that nothing waits for them."""
    config = uvicorn.Config(
        app, log_level=log_level, access_log=False, timeout_graceful_shutdown=grace, server_header=False
    )
    return _Server(config, getattr(app.state, "ending", lambda: None))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)


@contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """uvicorn raises the signal again that ended it; that it has ended is all that is wanted here."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
