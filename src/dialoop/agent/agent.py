"""The agent: answers customers, one turn at a time, so that no crash loses a message or does a thing twice.

A message is in the log before anything is made of it; a turn runs to its end in a task of its own, whoever listens;
what a crash left unfinished is finished from the log. It knows engines, tools and rules only as what it was given.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dialoop.agent.course import Course
from dialoop.agent.holding import holding
from dialoop.agent.notices import Notices
from dialoop.agent.pieces import TurnPiece
from dialoop.agent.replaying import answer_to, replayed
from dialoop.agent.seams import Guard, Rule, Search, Understand
from dialoop.agent.settings import AgentSettings
from dialoop.agent.speaking import Interrupted
from dialoop.agent.tools import Toolbox, ToolContext
from dialoop.agent.turn import Means, Turn
from dialoop.conversation import EVENT, Event, State, fold
from dialoop.conversation.events import UserSaid
from dialoop.engine import Engine
from dialoop.errors import DataError, DialoopError, LeaseLost, RequestError, SettingsError
from dialoop.privacy import Finder, Protector, Vault
from dialoop.store import Added, Lease, Outline, Store

log = logging.getLogger(__name__)
Emit = Callable[[TurnPiece], None]
LEASE_TRIES = 3
"""Times that a message is begun with, where another worker takes its conversation away."""
LONGEST_TEXT = 20_000
"""Characters of one message."""


@dataclass
class _Message:
    """A message that came in. `added`: where it stands, once it does."""

    conversation: str
    text: str
    key: str | None
    tenant: str
    customer: str | None
    lang: str | None
    source: str | None
    added: Added | None = None


class Agent:
    """Answers customers. Any number of conversations at once, in one event loop; any number of workers at one store."""

    def __init__(
        self,
        name: str,
        settings: AgentSettings,
        engine: Engine,
        toolbox: Toolbox,
        store: Store,
        vault: Vault,
        *,
        understand: Understand | None = None,
        search: Search | None = None,
        policy: Iterable[Rule] = (),
        guard: Guard | None = None,
        finders: Iterable[Finder] = (),
        model_version: str | None = None,
        worker: str | None = None,
        clock: Callable[[], str] | None = None,
    ) -> None:
        """`vault`: `store.vault` for one that lasts. `worker` names this process in leases, `clock` gives RFC 3339.

        Raises SettingsError for a notice or a tool to approve that there is not.
        """
        self.name, self.settings, self.toolbox, self.store, self.vault = name, settings, toolbox, store, vault
        self.worker = worker or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._engine, self._model_version = engine, model_version
        self._understand, self._search, self._guard = understand, search, guard
        self._policy, self._finders = tuple(policy), tuple(finders)
        self._clock = clock or _now
        self._notices = Notices(settings.notices)
        self._turns: dict[str, Turn] = {}
        self._running: set[asyncio.Task[None]] = set()
        for tool in settings.approve:
            if tool not in toolbox:
                remedy = f"the tools are: {', '.join(toolbox.names) or 'none'}"
                raise SettingsError(f"`approve` names {tool!r}, which is no tool of {name!r}", remedy=remedy)

    def use(self, engine: Engine, model_version: str | None = None) -> None:
        """Another engine from the next turn on; a turn that runs ends with the one that it began with."""
        self._engine, self._model_version = engine, model_version

    async def open(
        self,
        conversation: str | None = None,
        *,
        tenant: str = "default",
        customer: str | None = None,
        lang: str | None = None,
        source: str | None = None,
    ) -> str:
        """Opens a conversation (its id is made where none is given) and says the greeting, if there is one.

        Raises RequestError 409 where it is there already.
        """
        conversation = conversation or f"c_{secrets.token_urlsafe(12)}"
        async with self._held(conversation) as lease:
            if await asyncio.to_thread(self.store.conversation, conversation) is not None:
                what = f"there is a conversation {conversation!r} already"
                raise RequestError(what, status=409, code="conversation_exists", param="conversation_id")
            events = [await asyncio.to_thread(self._opened, conversation, tenant, customer, lang, source)]
            if self.settings.greeting:
                head = {"seq": 2, "at": self._clock(), "tenant": tenant, "agent": self.name}
                said = {"kind": "agent_said", "text": self.settings.greeting, "conversation": conversation, **head}
                events.append(EVENT.validate_python({**said, "customer": customer}))
            await asyncio.to_thread(lambda: self.store.append(events, lease=lease))
        return conversation

    def say(
        self,
        conversation: str,
        text: str,
        *,
        key: str | None = None,
        tenant: str = "default",
        customer: str | None = None,
        lang: str | None = None,
        source: str | None = None,
    ) -> AsyncIterator[TurnPiece]:
        """The customer says `text`: the turn that follows, piece by piece. A conversation that is new is opened.

        `key`: the message's idempotency key; a message that comes twice gets the answer that it got. The turn goes on
        to its end where nobody reads the pieces. Raises at the first step RequestError: 404 for another tenant's or
        customer's conversation, 409 for one that is closed, erased, another agent's or busy (also for a message that
        comes twice), 422 for a key that came with another text.
        """

        message = _Message(conversation, text, key, tenant, customer, lang, source)
        return self._pieces(lambda emit: self._answer(message, emit))

    def go_on(self, conversation: str) -> AsyncIterator[TurnPiece]:
        """Finishes what the log says is unfinished (a crash, an approval, a hand-back); else gives only `end`."""

        async def work(emit: Emit) -> None:
            async with self._held(conversation) as lease:
                course = await self._course(conversation)
                if not course.events:
                    what = f"there is no conversation {conversation!r}"
                    raise RequestError(what, status=404, code="no_such_conversation", param="conversation_id")
                self._check_agent(course.state.agent)
                await self._run(lease, course, emit)

        return self._pieces(work)

    async def recover(self) -> list[str]:
        """Goes on with all conversations of this agent whose worker died; gives their ids.

        One that cannot be finished is told in the log of the program, and the others are gone on with.
        """
        finished = []
        for conversation in await asyncio.to_thread(self.store.abandoned, 1000):
            known = await asyncio.to_thread(self.store.conversation, conversation)
            if known is not None and known.agent not in (None, self.name):
                continue
            try:
                async with self._held(conversation, patience=0) as lease:
                    course = await self._course(conversation)
                    await self._run(lease, course, _nobody)
                    finished.append(conversation)
            except RequestError as error:
                if error.code != "busy":  # another worker is at it already
                    log.warning("%s could not be gone on with: %s", conversation, error.what)
            except DialoopError as error:
                log.warning("%s could not be gone on with: %s", conversation, error.what)
            except Exception:
                log.exception("%s could not be gone on with", conversation)
        return finished

    def interrupt(self, conversation: str) -> bool:
        """Stops a turn that runs in this process; what it had in the making is not said. For who takes over.

        The lease is free as soon as a tool that is being called has returned. False where no turn runs here.
        """
        turn = self._turns.get(conversation)
        if turn is not None:
            turn.stopped = True
        return turn is not None

    async def close(self) -> None:
        """Waits for the turns that run."""
        while self._running:
            await asyncio.wait(self._running)

    # one run

    async def _answer(self, message: _Message, emit: Emit) -> None:
        """The message's turn, or once more the answer that it got."""
        _check_text(message.text)
        conversation, tenant, customer = message.conversation, message.tenant, message.customer
        if message.added is None and message.key is not None:
            message.added = await asyncio.to_thread(
                lambda: self.store.remembered(str(message.key), tenant=tenant, customer=customer)
            )
        if message.added is not None:
            return await self._again(message.added, conversation, message.text, emit)
        async with self._held(conversation) as lease:
            course = await self._course(conversation)
            self._check_owner(await asyncio.to_thread(self.store.conversation, conversation), tenant, customer)
            await self._run(lease, course, _nobody)  # what was left unfinished before comes first
            new = await asyncio.to_thread(self._said, message, course)
            message.added = await asyncio.to_thread(self._added, message, new, lease)
            if not message.added.repeated:
                course.add(new)
                return await self._run(lease, course, emit)
        return await self._again(message.added, conversation, message.text, emit)

    def _added(self, message: _Message, new: list[Event], lease: Lease) -> Added:
        """Where the message stands in the log, or the other one that came with its key while this one waited."""
        try:
            return self.store.append(new, lease=lease, key=message.key)
        except DataError:
            before = None
            if message.key is not None:
                before = self.store.remembered(message.key, tenant=message.tenant, customer=message.customer)
            if before is None:
                raise
            return before

    def _said(self, message: _Message, course: Course) -> list[Event]:
        """The message as events, protected; in a new conversation its opening comes first."""
        events: list[Event] = []
        state = course.state
        if not course.events:
            first = (message.tenant, message.customer, message.lang, message.source)
            events.append(self._opened(message.conversation, *first))
            state = fold(events)
        shown = self._protector(message.conversation, state).protect(message.text, asked=course.last_answer)
        head = {"conversation": message.conversation, "at": self._clock(), "tenant": message.tenant}
        said = {"kind": "user_said", "seq": course.state.seq + len(events) + 1, "text": shown}
        events.append(EVENT.validate_python({**head, **said, "customer": course.state.customer or message.customer}))
        return events

    async def _run(self, lease: Any, course: Course, emit: Emit) -> None:
        """Carries out what is to be done, and ends with the piece `end`."""
        before = course.state.seq
        if course.events:
            means = Means(
                self.name, self.settings, self.toolbox, self._engine, self._model_version, self._understand,
                self._search, self._policy, self._guard, self._notices, self._clock,
            )  # fmt: skip
            protector = self._protector(lease.conversation, course.state)
            turn = Turn(means, course, protector, lambda events: self.store.append(events, lease=lease), emit)
            self._turns[lease.conversation] = turn
            try:
                await turn.run()
            except Interrupted:
                pass  # what is left is gone on with after the hand-back
            finally:
                self._turns.pop(lease.conversation, None)
        said = [event.seq for event in course.since(before) if event.kind == "agent_said"]
        state = course.state
        emit(TurnPiece("end", seq=state.seq, phase=state.phase, said_at=said[-1] if said else None))

    async def _again(self, before: Added, conversation: str, text: str, emit: Emit) -> None:
        """The answer to a message that came before: out of the log, once its turn is done."""
        stored = await self._course(before.conversation)
        if stored.state.phase == "erased":
            what = f"the conversation {before.conversation!r} is erased"
            raise RequestError(what, status=409, code="conversation_erased", remedy="open a new one")
        self._check_agent(stored.state.agent)
        said = next((one for one in stored.since(before.first - 1) if one.kind == "user_said"), None)
        protector = self._protector(before.conversation, stored.state)
        if before.conversation != conversation or said is None or not await _is_same(said, text, stored, protector):
            what = "this key came with another message before"
            raise RequestError(what, status=422, code="idempotency_key_reused", remedy="give every message its own key")
        if answer_to(stored, said.seq) is None:
            async with self._held(conversation) as lease:
                stored = await self._course(conversation)
                await self._run(lease, stored, _nobody)
        for piece in await asyncio.to_thread(replayed, stored, said.seq, protector):
            emit(piece)

    async def _pieces(self, work: Callable[[Emit], Awaitable[None]]) -> AsyncIterator[TurnPiece]:
        """The pieces of a run that goes on by itself where nobody reads them."""
        pieces: asyncio.Queue[TurnPiece | None] = asyncio.Queue()

        async def run() -> None:
            try:
                await _persistently(work, pieces.put_nowait)
            finally:
                pieces.put_nowait(None)

        task = asyncio.create_task(run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        heard = False
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            heard = True
            await task
        finally:
            if not heard:
                task.add_done_callback(_tell_failure)

    def _held(self, conversation: str, *, patience: float | None = None) -> Any:
        length = self.settings.lease
        wait = length + 30 if patience is None else patience
        return holding(self.store, conversation, self.worker, length, patience=wait)

    async def _course(self, conversation: str) -> Course:
        return await asyncio.to_thread(lambda: Course(self.store.events(conversation)))

    def _protector(self, conversation: str, state: State) -> Protector:
        keys = self.settings.keys
        return Protector(self.vault, conversation, finders=self._finders, house=state.house, keys=keys)

    def _opened(
        self, conversation: str, tenant: str, customer: str | None, lang: str | None, source: str | None
    ) -> Event:
        head = {"kind": "opened", "conversation": conversation, "seq": 1, "at": self._clock(), "tenant": tenant}
        lang = lang or self.settings.lang
        tools = self.toolbox.schemas_for(ToolContext(conversation, tenant, customer, f"{conversation}:options", lang))
        told = {"system": self.settings.system, "tools": tools, "lang": lang}
        whose = {"customer": customer, "agent": self.name, "source": source}
        return EVENT.validate_python({**head, **told, **whose})

    def _check_owner(self, known: Outline | None, tenant: str, customer: str | None) -> None:
        """Raises RequestError for a conversation that this customer may not, or cannot, go on with."""
        if known is None:
            return
        strange = known.tenant != tenant or (known.customer is not None and known.customer != customer)
        if strange and known.phase != "erased":  # as if it were not there: its id tells nothing
            what = f"there is no conversation {known.conversation!r}"
            raise RequestError(what, status=404, code="no_such_conversation", param="conversation_id")
        if known.phase in ("closed", "erased"):
            what, remedy = f"the conversation {known.conversation!r} is {known.phase}", "open a new one"
            raise RequestError(what, status=409, code=f"conversation_{known.phase}", remedy=remedy)
        self._check_agent(known.agent)

    def _check_agent(self, agent: str | None) -> None:
        if agent not in (None, self.name):
            what = f"the conversation is with the agent {agent!r}, not with {self.name!r}"
            raise RequestError(what, status=409, code="other_agent", param="model", remedy=f"ask agent:{agent}")


async def _persistently(work: Callable[[Emit], Awaitable[None]], emit: Emit) -> None:
    """Does it again where the lease was lost to another worker, which goes on from the log, unless words were said."""
    spoken = False

    def heard(piece: TurnPiece) -> None:
        nonlocal spoken
        spoken = spoken or piece.kind == "text"
        emit(piece)

    for left in reversed(range(LEASE_TRIES)):
        try:
            return await work(heard)
        except LeaseLost as error:
            if not left or spoken:
                what, remedy = "another worker goes on with this conversation", "send the message again with its key"
                raise RequestError(what, status=409, code="lease_lost", remedy=remedy) from error


def _check_text(text: str) -> None:
    """Raises RequestError for what no log can hold and nobody can answer."""
    if not text.strip():
        raise RequestError("the message is empty", code="empty_message", param="messages")
    if len(text) > LONGEST_TEXT:
        what = f"the message has {len(text)} characters, above {LONGEST_TEXT}"
        raise RequestError(what, status=413, code="message_too_long", param="messages")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise RequestError("the message holds half of a surrogate pair", code="invalid_text", param="messages")


async def _is_same(said: UserSaid, text: str, course: Course, protector: Protector) -> bool:
    """Whether `text` is what was said: as it goes back, or (a value written otherwise) as it is protected."""
    if (await asyncio.to_thread(protector.restore, said.text)).value == text:
        return True
    asked = course.upto(said.seq).last_answer
    return await asyncio.to_thread(lambda: protector.protect(text, asked=asked)) == said.text


def _nobody(piece: TurnPiece) -> None:
    """Listens to a run that is nobody's."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error(
            "a turn that nobody listened to failed: %s", error, exc_info=not isinstance(error, DialoopError) and error
        )
