"""The chat page's part of the server: a customer's own conversation, live, whatever is restarted meanwhile.

Whose a conversation is, is known by a secret cookie that makes the customer's name; no other conversation is shown. It
knows nothing of how an agent answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from dialoop import desk
from dialoop.desk import Sight, look, without_details
from dialoop.errors import RequestError
from dialoop.server.crowd import Crowd
from dialoop.server.live import beating, server_sent
from dialoop.server.pace import Pace
from dialoop.server.site import Posted, Streamed, address, keep_cookie, page_file, posted
from dialoop.server.turns import Turns

COOKIE = "dialoop_visitor"
MOST_PAGES = 500
"""Pages of customers that may be open at once; the desk's are not among them."""
MOST_BY_CUSTOMER = 10
"""Pages that one customer may have open."""
MOST_BY_ADDRESS = 100
"""Pages that may be open from one address."""
_YEAR = 365 * 24 * 3600
_MARK = r"^[\w.:-]{1,200}$"


class Message(Posted):
    """What a customer says. The page makes the conversation's id, and a key for each message: sent twice, said once."""

    agent: str = Field(max_length=200)
    conversation: str = Field(pattern=r"^chat-[\w-]{22,100}$")
    text: str = Field(min_length=1, max_length=8000, pattern=r"\S")
    key: str = Field(pattern=_MARK)
    lang: str | None = Field(default=None, pattern=r"^[A-Za-z]{2,3}$")


class Rating(Posted):
    """A thumb up (1) or down (-1) for the answer said at `said_at`."""

    conversation: str = Field(pattern=_MARK)
    said_at: int = Field(ge=1)
    score: int = Field(ge=-1, le=1)


class Wish(Posted):
    """A person is wanted."""

    conversation: str = Field(pattern=_MARK)


class ChatPage:
    """The routes below /chat."""

    def __init__(self, turns: Turns, messages_per_minute: int) -> None:
        self._turns = turns
        self._pace = Pace(messages_per_minute, 60)
        self._crowd = Pace(messages_per_minute * 10, 60)
        self._pages = Crowd(MOST_PAGES)

    def add_to(self, app: FastAPI) -> None:
        """Adds the routes."""
        app.add_api_route("/chat", self.page, methods=["GET"])
        app.add_api_route("/chat/about", self.about, methods=["GET"])
        app.add_api_route("/chat/events", self.events, methods=["GET"])
        app.add_api_route("/chat/messages", self.say, methods=["POST"])
        app.add_api_route("/chat/ratings", self.rate, methods=["POST"])
        app.add_api_route("/chat/person", self.ask_for_person, methods=["POST"])

    async def page(self, request: Request) -> Response:
        """The page."""
        response = page_file("chat.html")
        if COOKIE not in request.cookies:  # "lax": who comes by a link keeps the conversation, and gets no new cookie
            secret = secrets.token_urlsafe(32)
            keep_cookie(response, request, COOKIE, secret, path="/chat", seconds=_YEAR, same_site="lax")
        return response

    async def about(self, request: Request) -> JSONResponse:
        """Which agents there are, and how they greet."""
        agents = [{"name": name, "greeting": served.greeting} for name, served in self._turns.agents.items()]
        return JSONResponse({"agents": agents})

    async def say(self, request: Request) -> JSONResponse:
        """Takes a message; the answer comes with the events. A conversation that is new is opened."""
        sent = await posted(request, Message)
        customer = self._customer(request)
        self._slow_down(request, customer)
        if await asyncio.to_thread(self._turns.store.conversation, sent.conversation) is None:
            await self._turns.open(sent.agent, sent.conversation, customer=customer, lang=sent.lang)
        await self._own(customer, sent.conversation)
        said = {"key": sent.key, "customer": customer, "lang": sent.lang}
        pieces = self._turns.say(sent.agent, sent.conversation, sent.text, **said)
        async for _ in pieces:  # the first piece: what was said stands in the log
            break
        return JSONResponse({"conversation": sent.conversation}, status_code=202)

    async def rate(self, request: Request) -> JSONResponse:
        """Takes the judgement of an answer."""
        sent = await posted(request, Rating)
        customer = await self._own(self._customer(request), sent.conversation)
        self._slow_down(request, customer)
        rating = (self._turns.store, sent.conversation, "customer", float(sent.score))
        await asyncio.to_thread(desk.rate, *rating, said_at=sent.said_at)
        self._turns.live.changed(sent.conversation)
        return JSONResponse({"rated": sent.said_at})

    async def ask_for_person(self, request: Request) -> JSONResponse:
        """The customer wants a person."""
        sent = await posted(request, Wish)
        customer = await self._own(self._customer(request), sent.conversation)
        self._slow_down(request, customer)
        asked = (self._turns.store, sent.conversation, "the customer asked for a person")
        await asyncio.to_thread(desk.ask_for_person, *asked)
        self._turns.live.changed(sent.conversation)
        return JSONResponse({"asked": True})

    async def events(self, request: Request, conversation: str) -> Response:
        """The conversation as it is and becomes: `sight` (all of it), `saying` (the words of a turn that runs)."""
        customer = await self._own(self._customer(request), conversation)
        place = {customer: MOST_BY_CUSTOMER, f"address:{address(request)}": MOST_BY_ADDRESS}
        return Streamed(beating(self._follow(conversation)), self._pages.enter(place))

    async def _follow(self, conversation: str) -> AsyncGenerator[bytes, None]:
        sight, saying, told = Sight(), "", -1
        async for _ in self._turns.live.follow(conversation):
            sight = await asyncio.to_thread(look, self._turns.store, conversation, sight)
            if sight.state.seq != told:
                told = sight.state.seq
                yield server_sent("sight", shown(without_details(sight)), told)
            if (now := self._turns.live.saying(conversation)) != saying:
                saying = now
                yield server_sent("saying", saying)
            elif await asyncio.to_thread(self._gone, conversation):
                return
            yield b""

    def _gone(self, conversation: str) -> bool:
        known = self._turns.store.conversation(conversation)
        return known is None or known.phase == "erased"

    async def _own(self, customer: str, conversation: str) -> str:
        """The customer, whose conversation it is. Raises RequestError 404 where it is not."""
        known = await asyncio.to_thread(self._turns.store.conversation, conversation)
        if known is None or known.customer != customer or known.tenant != self._turns.tenant:
            raise RequestError("there is no such conversation here", status=404, code="unknown_conversation")
        return customer

    def _customer(self, request: Request) -> str:
        secret = request.cookies.get(COOKIE, "")
        if len(secret) < 32:
            remedy = "open /chat in a browser that keeps cookies"
            raise RequestError("the page's cookie is missing", status=403, code="no_cookie", remedy=remedy)
        return f"web-{hashlib.sha256(secret.encode()).hexdigest()[:32]}"

    def _slow_down(self, request: Request, customer: str) -> None:
        self._crowd.check(address(request))
        self._pace.check(customer)


def shown(sight: Sight) -> dict[str, Any]:
    """A sight as pages get it."""
    state = sight.state
    return {
        "conversation": state.conversation,
        "seq": state.seq,
        "phase": state.phase,
        "agent": state.agent,
        "lang": state.lang,
        "operator": state.operator,
        "lines": [line.model_dump() for line in sight.lines],
    }
