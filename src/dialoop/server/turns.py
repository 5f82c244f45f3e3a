"""Runs the agents' turns: a turn goes on to its end whether or not somebody reads it, and pages hear of it as it goes.

Also what nobody asked for: conversations that a worker left behind, and those that an operator let go on. It knows
agents and the store, no HTTP.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass

from dialoop.agent import Agent, TurnPiece
from dialoop.conversation import fold
from dialoop.errors import DialoopError, RequestError
from dialoop.server.in_service import InService
from dialoop.server.live import Live
from dialoop.store import Outline, Store

log = logging.getLogger(__name__)

PICK_UP = 10.0
"""Seconds between two looks for conversations that nobody goes on with."""
_DECIDED = ("tool_approved", "tool_denied", "handed_back")
"""An operator's last word after which the agent must go on."""
_GOES_ON = ("open", "asked", "with_operator")
"""Phases in which an agent may have something to do: with an operator it makes what was approved, and says nothing."""


@dataclass(frozen=True)
class ServedAgent:
    """An agent and the model that it answers with."""

    agent: Agent
    model: InService
    greeting: str | None = None


class Turns:
    """The turns of all agents at one store. One event loop."""

    def __init__(self, agents: Mapping[str, ServedAgent], store: Store, tenant: str) -> None:
        self.agents = agents
        self.store = store
        self.tenant = tenant
        self.live = Live()
        self._running: set[asyncio.Task[None]] = set()
        self._looked: dict[str, int] = {}

    def agent(self, name: str) -> ServedAgent:
        """The agent called `name`. Raises RequestError 404 with those that there are."""
        if name not in self.agents:
            known = ", ".join(f"agent:{one}" for one in self.agents) or "none: a project file names agents"
            what = f"there is no agent {name!r} here"
            raise RequestError(what, status=404, code="model_not_found", param="model", remedy=f"ask for {known}")
        return self.agents[name]

    async def open(self, name: str, conversation: str, *, customer: str, lang: str | None) -> None:
        """Opens a conversation with the agent's greeting, if it has one; nothing where it is open already."""
        try:
            opened = self.agent(name).agent.open(conversation, tenant=self.tenant, customer=customer, lang=lang)
            await opened
        except RequestError as error:
            if error.code != "conversation_exists":
                raise

    def say(
        self, name: str, conversation: str, text: str, *, key: str | None, customer: str | None, lang: str | None = None
    ) -> AsyncGenerator[TurnPiece, None]:
        """The customer says `text` to the agent `name`. Raises RequestError at the first step; see `Agent.say`."""

        def turn(agent: Agent) -> AsyncIterator[TurnPiece]:
            return agent.say(conversation, text, key=key, tenant=self.tenant, customer=customer, lang=lang)

        return self._read(name, conversation, turn)

    def go_on(self, conversation: str) -> None:
        """The conversation's agent goes on in the background, if there is anything to go on with."""
        known = self.store.conversation(conversation)
        if known is None or known.agent not in self.agents or known.phase not in _GOES_ON:
            return
        assert known.agent is not None
        self._begin(self._drain(self._read(known.agent, conversation, lambda agent: agent.go_on(conversation))))

    async def interrupt(self, conversation: str) -> None:
        """The agent's turn in this conversation, if one runs here, ends without another word."""
        for served in self.agents.values():
            served.agent.interrupt(conversation)
        self.live.changed(conversation)

    async def keep_going(self) -> None:
        """Until cancelled: goes on with what other workers, or this one before a restart, left behind.

        What fails is told in the log of the program, and the next look tries it again.
        """
        while True:
            for name in self.agents:
                await _surely(self._recover(name), f"conversations of {name} that were left behind")
            await _surely(self._pick_up(), "conversations that an operator let go on")
            await asyncio.sleep(PICK_UP)

    async def close(self) -> None:
        """No page follows any more; turns that run come to their end."""
        self.live.close()
        for served in self.agents.values():
            await served.agent.close()
        if self._running:
            await asyncio.wait(self._running, timeout=5)

    def _read(
        self, name: str, conversation: str, turn: Callable[[Agent], AsyncIterator[TurnPiece]]
    ) -> AsyncGenerator[TurnPiece, None]:
        """The pieces of a turn that runs in a task of its own: closing this leaves the turn as it is."""
        served = self.agent(name)
        pieces: asyncio.Queue[TurnPiece | BaseException | None] = asyncio.Queue()

        async def run() -> None:
            try:
                async with served.model.turn() as running:
                    served.agent.use(running.engine, running.version)
                    async for piece in turn(served.agent):
                        self._tell(conversation, piece)
                        pieces.put_nowait(piece)
                pieces.put_nowait(None)
            except BaseException as error:
                pieces.put_nowait(error)
                if not isinstance(error, DialoopError):
                    raise
            finally:
                self.live.changed(conversation)

        async def read() -> AsyncGenerator[TurnPiece, None]:
            self._begin(run())
            while (piece := await pieces.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece

        return read()

    def _tell(self, conversation: str, piece: TurnPiece) -> None:
        if piece.kind == "text":
            self.live.say(conversation, piece.text)
        elif piece.kind == "action":
            self.live.changed(conversation)

    async def _recover(self, name: str) -> None:
        served = self.agents[name]
        async with served.model.turn() as running:
            served.agent.use(running.engine, running.version)
            for conversation in await served.agent.recover():
                log.warning("went on with %s, which its worker had left", conversation)
                self.live.changed(conversation)

    async def _pick_up(self) -> None:
        """Goes on where an operator's decision stands last: who took it ended before the agent began."""
        for conversation in await asyncio.to_thread(self._decided):
            self.go_on(conversation)

    def _decided(self) -> list[str]:
        found, looked = [], dict[str, int]()
        for phase in _GOES_ON:
            before = None
            while page := self.store.conversations(tenant=self.tenant, phase=phase, before=before, limit=1000):
                for known in page:
                    looked[known.conversation] = known.seq
                    if self._looked.get(known.conversation) != known.seq and self._waits_for_agent(known):
                        found.append(known.conversation)
                before = page[-1].number
        self._looked = looked
        return found

    def _waits_for_agent(self, known: Outline) -> bool:
        """Whether an operator's decision stands last, or an approved call before what people have said since."""
        if any(event.kind in _DECIDED for event in self.store.events(known.conversation, known.seq - 1)):
            return True
        asked = known.phase != "open"
        return asked and "approved" in fold(self.store.events(known.conversation)).open_calls.values()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _drain(self, pieces: AsyncGenerator[TurnPiece, None]) -> None:
        try:
            async for _ in pieces:
                pass
        except DialoopError as error:
            log.error("a turn could not go on: %s", error)


async def _surely(work: Coroutine[None, None, None], what: str) -> None:
    """Does it; what it raises is told, and ends nothing else."""
    try:
        await work
    except Exception as error:
        log.error("%s: %s", what, error, exc_info=not isinstance(error, DialoopError))
