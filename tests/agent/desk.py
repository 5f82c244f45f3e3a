"""A small desk for the agent's tests: tools on a ledger, an engine by script, a store in a file."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dialoop.agent import Agent, AgentSettings, Reply, Toolbox, ToolContext, TurnPiece, tool, whole
from dialoop.conversation import Event, FunctionCall, Message, ToolCall
from dialoop.engine import GenerateRequest, Piece, ScriptedEngine
from dialoop.errors import RequestError
from dialoop.store import Store, open_store

SYSTEM = "You are the desk of the Harbour Inn. Never book without a yes."
AT = "2026-01-01T00:00:00.000Z"
Answer = str | Message | RequestError


@dataclass
class Ledger:
    """What the tools did: each effect once for each idempotency key."""

    effects: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    fail: list[Exception] = field(default_factory=list)

    def functions(self) -> list[Callable[..., Any]]:
        def free_rooms(context: ToolContext, nights: int) -> dict[str, Any]:
            """List free rooms."""
            self.calls.append(("free_rooms", context.idempotency_key))
            if self.fail:
                raise self.fail.pop(0)
            return {"rooms": ["Lark", "Heron"], "nights": nights}

        @tool(transactional=True)
        async def book(context: ToolContext, room: str, nights: int, name: str) -> dict[str, Any]:
            """Book a room."""
            self.calls.append(("book", context.idempotency_key))
            if self.fail:
                raise self.fail.pop(0)
            self.effects.setdefault(context.idempotency_key, (room, nights, name))
            return {"booking": "B1", "room": room, "name": name}

        @tool(transactional=True, repeatable=False)
        def charge(context: ToolContext, amount: int) -> dict[str, Any]:
            """Charge a card."""
            self.calls.append(("charge", context.idempotency_key))
            self.effects.setdefault(context.idempotency_key, (amount,))
            return {"charged": amount}

        def clock() -> dict[str, Any]:
            """Tell the time."""
            return {"time": "12:00"}

        return [free_rooms, book, charge, clock]

    @property
    def toolbox(self) -> Toolbox:
        return Toolbox.of(self.functions())


def calls(*wanted: tuple[str, str], text: str | None = None) -> Message:
    """A message of the model that calls tools."""
    made = [
        ToolCall(id=f"x{at}", function=FunctionCall(name=name, arguments=arguments))
        for at, (name, arguments) in enumerate(wanted)
    ]
    return Message(role="assistant", content=text, tool_calls=made)


BOOK = ("book", '{"room": "Lark", "nights": 2, "name": "<name_1>"}')


class Desk:
    """An agent, its store and its ledger."""

    def __init__(
        self, where: Path | str, answers: Iterable[Answer] = (), *, ledger: Ledger | None = None, **given: Any
    ) -> None:
        self.ledger = ledger or Ledger()
        self.store: Store = open_store(where)
        self.engine = ScriptedEngine(answers)
        settings = given.pop("settings", {})
        self.agent = Agent(
            "desk",
            AgentSettings(system=SYSTEM, **{"lease": 600.0, **settings}),
            given.pop("engine", self.engine),
            given.pop("toolbox", self.ledger.toolbox),
            self.store,
            self.store.vault,
            clock=lambda: AT,
            **given,
        )

    def say(self, text: str, conversation: str = "c1", **given: Any) -> Reply:
        return asyncio.run(whole(self.agent.say(conversation, text, **given)))

    def pieces(self, text: str, conversation: str = "c1", **given: Any) -> list[TurnPiece]:
        return asyncio.run(gathered(self.agent.say(conversation, text, **given)))

    def go_on(self, conversation: str = "c1") -> Reply:
        return asyncio.run(whole(self.agent.go_on(conversation)))

    def recover(self) -> list[str]:
        return asyncio.run(self.agent.recover())

    def events(self, conversation: str = "c1") -> list[Event]:
        return list(self.store.events(conversation))

    def kinds(self, conversation: str = "c1") -> list[str]:
        return [event.kind for event in self.events(conversation)]

    def write(self, kind: str, conversation: str = "c1", **fields: Any) -> None:
        """An event by somebody else, the desk for example."""
        from dialoop.conversation import EVENT

        lease = self.store.acquire(conversation, "somebody", 60)
        assert lease is not None
        known = self.store.conversation(conversation)
        assert known is not None
        head = {"conversation": conversation, "seq": known.seq + 1, "at": AT, "tenant": known.tenant}
        self.store.append([EVENT.validate_python({"kind": kind, **head, **fields})], lease=lease)
        self.store.release(lease)


async def gathered(pieces: AsyncIterator[TurnPiece]) -> list[TurnPiece]:
    return [piece async for piece in pieces]


class RulesEngine:
    """A model by rules: it says what `answer` makes of the messages that it is shown."""

    def __init__(self, answer: Callable[[list[Message]], str | Message]) -> None:
        self._answer = answer

    def models(self) -> list[str]:
        return ["rules"]

    async def ready(self) -> bool:
        return True

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Piece, None]:
        engine = ScriptedEngine([self._answer(list(request.messages))])
        async for piece in engine.generate(request):
            yield piece

    async def close(self) -> None:
        pass
