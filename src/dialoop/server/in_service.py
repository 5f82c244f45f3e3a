"""The model in service: one engine, and another one in its place as soon as the shelf says so, between two turns.

A turn has one version from its beginning to its end; the engine that was replaced is closed when the last turn that
may use it has ended. How a version becomes an engine is passed in: this file knows no torch and no shelf.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dialoop.engine import Engine
from dialoop.errors import DialoopError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Running:
    """An engine, and the version of the model that it runs (None: not known)."""

    engine: Engine
    version: str | None = None


class InService:
    """Lends the engine in service for one turn after the other. One event loop."""

    def __init__(
        self,
        running: Running,
        *,
        current: Callable[[], str | None] | None = None,
        load: Callable[[str], Engine] | None = None,
    ) -> None:
        """`current` tells the version that should serve (cheap, asked before every turn); `load` opens it, in a thread.

        Without them the engine stays.
        """
        self.running = running
        self._current = current
        self._load = load
        self._refused: str | None = None
        self._turns: set[object] = set()
        self._leaving: list[tuple[Engine, set[object]]] = []
        self._changing = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Running]:
        """What serves this turn: a version that was promoted, or rolled back to, serves from the next turn on."""
        await self.follow()
        token = object()
        self._turns.add(token)
        try:
            yield self.running
        finally:
            self._turns.discard(token)
            await self._let_go(token)

    async def close(self) -> None:
        """Closes every engine."""
        for engine, _ in [*self._leaving, (self.running.engine, set())]:
            await engine.close()
        self._leaving = []

    async def follow(self) -> None:
        """Takes up the version that should serve, if it is another; one that could not be loaded is not tried again
        until another one was wanted."""
        if self._current is None or self._load is None:
            return
        async with self._changing:
            wanted: str | None = None
            try:
                wanted = self._current()
                if wanted in (None, self.running.version, self._refused):
                    return
                engine = await asyncio.to_thread(self._load, wanted)
            except Exception as error:
                # What serves goes on serving: a shelf that is being repaired, or a GPU that has no room for a second
                # model, must not stop the conversations.
                unforeseen = not isinstance(error, DialoopError)
                log.error("version %s stays in service: %s", self.running.version, error, exc_info=unforeseen)
                self._refused = wanted
                return
            log.warning("version %s serves now, in the place of %s", wanted, self.running.version)
            before, self.running, self._refused = self.running, Running(engine, wanted), None
            self._leaving.append((before.engine, set(self._turns)))
            await self._let_go(None)

    async def _let_go(self, token: object) -> None:
        """Closes engines that no turn can use any more."""
        for _, users in self._leaving:
            users.discard(token)
        ended = [engine for engine, users in self._leaving if not users]
        self._leaving = [(engine, users) for engine, users in self._leaving if users]
        for engine in ended:
            await engine.close()
