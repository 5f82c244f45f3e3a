"""An agent of this project as a partner in a rehearsal: one conversation in its store, by the same way as any other.

What it gives of the conversation comes from the store, where stand-ins stand for private values. It knows no scenario.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from dialoop.agent import Agent, whole
from dialoop.conversation import Event, fold
from dialoop.conversation.events import Closed
from dialoop.errors import StoreError
from dialoop.rehearsal.customers import Answered
from dialoop.rehearsal.results import Line
from dialoop.store import Store

_LEASE_SECONDS = 30.0
_WITH_A_PERSON = ("asked", "with_operator")


class AgentPartner:
    """Talks for `agent` in the conversation `conversation` of `tenant`."""

    def __init__(
        self,
        agent: Agent,
        store: Store,
        conversation: str,
        *,
        tenant: str = "default",
        customer: str | None = None,
        lang: str | None = None,
    ) -> None:
        self._agent, self._store, self._conversation = agent, store, conversation
        self._tenant, self._customer, self._lang = tenant, customer, lang
        self._turns = 0

    async def answer(self, text: str) -> Answered:
        """See `Partner.answer`."""
        self._turns += 1
        key = f"{self._conversation}/{self._turns}"
        reply = await whole(
            self._agent.say(
                self._conversation,
                text,
                key=key,
                tenant=self._tenant,
                customer=self._customer,
                lang=self._lang,
            )
        )
        reason = await self._reason() if reply.phase in _WITH_A_PERSON else None
        return Answered(reply.text, reason)

    async def close(self, outcome: str) -> None:
        """See `Partner.close`: a `closed` event, by "checker". One that is closed, or was never opened, stays so."""
        await asyncio.to_thread(self._close, outcome)

    def _close(self, outcome: str) -> None:
        lease = self._store.acquire(self._conversation, "rehearsal", _LEASE_SECONDS)
        if lease is None:
            raise StoreError("a turn still runs in this conversation", where=self._conversation, remedy="wait for it")
        try:
            state = fold(self._store.events(self._conversation))
            if state.phase in ("new", "closed", "erased") or state.tenant is None:
                return
            event = Closed(
                conversation=self._conversation,
                seq=state.seq + 1,
                at=self._store.now(),
                tenant=state.tenant,
                customer=state.customer,
                outcome=outcome,
                by="checker",
            )
            self._store.append([event], lease=lease)
        finally:
            self._store.release(lease)

    async def decided(self) -> Counter[str]:
        """See `Partner.decided`: the conversation's `decided` events by their action."""
        return Counter(event.action for event in await self._events() if event.kind == "decided")

    async def lines(self) -> list[Line]:
        """See `Partner.lines`."""
        return [line for event in await self._events() if (line := _line(event)) is not None]

    async def _reason(self) -> str:
        reasons = [event.reason for event in await self._events() if event.kind == "escalated"]
        return reasons[-1] if reasons else "no reason in the log"

    async def _events(self) -> list[Event]:
        return await asyncio.to_thread(lambda: list(self._store.events(self._conversation)))


def _line(event: Event) -> Line | None:
    match event.kind:
        case "user_said":
            return Line("customer", event.text)
        case "agent_said":
            return Line("agent", event.text)
        case "tool_requested":
            return Line("call", f"{event.name} {event.arguments}")
        case "tool_returned":
            return Line("result", event.content)
        case "tool_denied" | "escalated":
            return Line("note", f"{event.kind}: {event.reason}")
    return None
