"""The agents' way of a chat completion: `model: "agent:<name>"`, one durable conversation, the last message alone.

The form stays OpenAI's, with `conversation_id`, `phase` and `actions` added. A client that goes away loses the rest of
the stream and nothing else: the turn goes on. It knows pieces of turns and JSON, not how an agent answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from dialoop.agent import Reply as Turn
from dialoop.agent import TurnPiece
from dialoop.engine import Gathered, Piece
from dialoop.errors import DialoopError, RequestError
from dialoop.server.faults import for_clients
from dialoop.server.replies import DONE, Reply, error_event
from dialoop.server.turns import Turns
from dialoop.server.wire import ChatRequest

AGENT = "agent:"
HEADER = "X-Conversation-Id"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class AgentWay:
    """Answers chat completions that name an agent."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def names(self) -> list[str]:
        """The names that a request may ask for."""
        return [f"{AGENT}{name}" for name in self._turns.agents]

    async def complete(self, request: Request, asked: ChatRequest, count: Callable[[int], None]) -> Response:
        """One turn of the agent, streamed or whole. `count` is told the HTTP status that it ends with."""
        text = asked.to_agent()
        said = {"key": _key(request), "customer": asked.user}
        conversation = asked.conversation_id or await self._conversation(**said)
        pieces = self._turns.say(asked.model.removeprefix(AGENT), conversation, text, **said)
        first = await anext(pieces)  # the message stands in the log, or was refused
        headers = {HEADER: quote(conversation, safe=":"), "Cache-Control": "no-store"}
        if asked.wants_stream:
            events = _events(asked, conversation, first, pieces, count)
            return StreamingResponse(events, media_type="text/event-stream", headers=headers)
        turn = Turn()
        turn.add(first)
        async for piece in pieces:
            turn.add(piece)
        count(200)
        whole = Reply(asked.model).whole(Gathered(text=turn.text, finish_reason="stop"))
        return JSONResponse({**whole, **_about(conversation, turn)}, headers=headers)

    async def _conversation(self, key: str | None, customer: str | None) -> str:
        """The conversation of a message that names none: the one that its key came in before, else a new one.

        A new one of a message with a key has its id from the key, so that two equal requests at once come to one.
        """
        if key is None:
            return f"api-{secrets.token_urlsafe(16)}"
        store, tenant = self._turns.store, self._turns.tenant
        before = await asyncio.to_thread(lambda: store.remembered(key, tenant=tenant, customer=customer))
        if before is not None:
            return before.conversation
        return f"api-{hashlib.sha256(json.dumps([tenant, customer, key]).encode()).hexdigest()}"


async def _events(
    asked: ChatRequest,
    conversation: str,
    first: TurnPiece,
    pieces: AsyncGenerator[TurnPiece, None],
    count: Callable[[int], None],
) -> AsyncIterator[bytes]:
    """The events of a streamed turn. An error in its middle is an event too."""
    reply, turn, status = Reply(asked.model, conversation_id=conversation), Turn(), 499
    try:
        piece: TurnPiece | None = first
        while piece is not None:
            turn.add(piece)
            if piece.kind == "text":
                for event in reply.events(Piece(text_delta=piece.text), with_usage=False):
                    yield event
            piece = await anext(pieces, None)
        reply.add(**_about(conversation, turn))
        for event in reply.events(Piece(finish_reason="stop"), with_usage=False):
            yield event
        status = 200
        yield DONE
    except Exception as error:
        told = for_clients(error)
        status = told.status
        yield error_event(told)
        if not isinstance(error, DialoopError):
            raise
    finally:
        count(status)
        await pieces.aclose()


def _about(conversation: str, turn: Turn) -> dict[str, Any]:
    """What an agent's answer tells besides OpenAI's fields."""
    actions = [{"name": name, "state": state} for name, state in turn.actions.values()]
    return {"conversation_id": conversation, "phase": turn.phase, "actions": actions}


def _key(request: Request) -> str | None:
    """The message's idempotency key (IETF draft-ietf-httpapi-idempotency-key-header), if the client gives one."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise RequestError("the Idempotency-Key must be 1 to 200 printable ASCII characters", param="Idempotency-Key")
    return key
