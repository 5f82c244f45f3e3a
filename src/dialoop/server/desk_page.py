"""The desk page's part of the server: signing in, the queue, a conversation with all its details, live, and acts on it.

What may be done when is told by `dialoop.desk`; this knows HTTP, and lets the agent go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from dialoop import desk
from dialoop.desk import Queue, Sight, Waiting, look
from dialoop.errors import RequestError
from dialoop.server.chat_page import shown
from dialoop.server.crowd import Crowd
from dialoop.server.desk_acts import Act, DraftWish, SignIn, SignOut, TakeOver
from dialoop.server.live import ANY, beating, server_sent
from dialoop.server.operators import SESSION, Operators
from dialoop.server.pace import Pace
from dialoop.server.site import Streamed, address, check_host, keep_cookie, page_file, posted
from dialoop.server.turns import Turns

COOKIE = "dialoop_operator"
TRIES = 5
"""Times that somebody may try to sign in within a minute."""
MOST_PAGES = 500
"""Pages of the desk that may be open at once, whatever customers have open."""
MOST_BY_OPERATOR = 50
"""Pages that one operator may have open."""


class DeskPage:
    """The routes below /desk."""

    def __init__(self, turns: Turns, operators: Operators) -> None:
        self._turns = turns
        self._operators = operators
        self._queue = Queue(turns.store, turns.tenant)
        self._looking = asyncio.Lock()
        self._tries = Pace(TRIES, 60)
        self._pages = Crowd(MOST_PAGES)

    def add_to(self, app: FastAPI) -> None:
        """Adds the routes."""
        app.add_api_route("/desk", self.page, methods=["GET"])
        app.add_api_route("/desk/me", self.me, methods=["GET"])
        app.add_api_route("/desk/sign-in", self.sign_in, methods=["POST"])
        app.add_api_route("/desk/sign-out", self.sign_out, methods=["POST"])
        app.add_api_route("/desk/events", self.events, methods=["GET"])
        app.add_api_route("/desk/acts", self.act, methods=["POST"])
        app.add_api_route("/desk/drafts", self.draft, methods=["POST"])

    async def page(self, request: Request) -> Response:
        """The page."""
        self._check_host(request)
        return page_file("desk.html")

    async def me(self, request: Request) -> JSONResponse:
        """Who is signed in here, and whether a password is asked for."""
        self._check_host(request)
        secret = request.cookies.get(COOKIE, "")
        return JSONResponse(
            {"operator": self._operators.operator(secret), "password": self._operators.ask_for_password}
        )

    async def sign_in(self, request: Request) -> JSONResponse:
        """Begins a session."""
        self._check_host(request)
        sent = await posted(request, SignIn)
        self._tries.check(address(request))
        self._tries.check(f"name:{sent.name}")
        secret = await asyncio.to_thread(self._operators.sign_in, sent.name, sent.password)
        if secret is None:
            raise RequestError("name and password do not belong together", status=401, code="wrong_password")
        response = JSONResponse({"operator": sent.name})
        keep_cookie(response, request, COOKIE, secret, path="/desk", seconds=SESSION)
        return response

    async def sign_out(self, request: Request) -> JSONResponse:
        """Ends the session."""
        await posted(request, SignOut)
        self._operators.sign_out(request.cookies.get(COOKIE, ""))
        response = JSONResponse({"operator": None})
        response.delete_cookie(COOKIE, path="/desk", httponly=True, samesite="strict")
        return response

    async def act(self, request: Request) -> JSONResponse:
        """Does what the operator wants; gives the seq of the event."""
        operator = self._operator(request)
        sent = (await posted(request, Act)).root
        await self._check_here(sent.conversation)
        if isinstance(sent, TakeOver):
            await self._turns.interrupt(sent.conversation)
        seq = await asyncio.to_thread(sent.done, self._turns.store, operator)
        self._turns.live.changed(sent.conversation)
        if sent.agent_goes_on:
            self._turns.go_on(sent.conversation)
        return JSONResponse({"seq": seq})

    async def draft(self, request: Request) -> JSONResponse:
        """What the agent's model would answer now."""
        self._operator(request)
        sent = await posted(request, DraftWish)
        name = await self._check_here(sent.conversation)
        async with self._turns.agent(name or "").model.turn() as running:
            text = await desk.draft(self._turns.store, sent.conversation, running.engine)
        return JSONResponse({"draft": text})

    async def events(self, request: Request, conversation: str | None = None) -> Response:
        """The queue, and one conversation if it is named: `queue`, `sight`, `saying`, as they become."""
        operator = self._operator(request)
        if conversation is not None:
            await self._check_here(conversation)
        left = self._pages.enter({operator: MOST_BY_OPERATOR})
        return Streamed(beating(self._follow(request.cookies.get(COOKIE, ""), conversation)), left)

    async def _follow(self, secret: str, conversation: str | None) -> AsyncGenerator[bytes, None]:
        names = (ANY,) if conversation is None else (ANY, conversation)
        sight, saying, told, queue = Sight(), "", -1, None
        async for _ in self._turns.live.follow(*names):
            if self._operators.operator(secret) is None:
                return
            if (waiting := await self._waiting()) != queue:
                queue = waiting
                yield server_sent("queue", queue)
            yield b""
            if conversation is None:
                continue
            sight = await asyncio.to_thread(look, self._turns.store, conversation, sight)
            if sight.state.seq != told:
                told = sight.state.seq
                yield server_sent("sight", {**shown(sight), "customer": sight.state.customer}, told)
            if (now := self._turns.live.saying(conversation)) != saying:
                saying = now
                yield server_sent("saying", saying)

    async def _waiting(self) -> list[dict[str, Any]]:
        async with self._looking:
            return [_row(one) for one in await asyncio.to_thread(self._queue.look)]

    async def _check_here(self, conversation: str) -> str | None:
        """The name of the conversation's agent. Raises RequestError 404 for another tenant's conversation."""
        known = await asyncio.to_thread(self._turns.store.conversation, conversation)
        if known is None or known.tenant != self._turns.tenant:
            raise RequestError("there is no such conversation", status=404, code="unknown")
        return known.agent

    def _operator(self, request: Request) -> str:
        self._check_host(request)
        operator = self._operators.operator(request.cookies.get(COOKIE, ""))
        if operator is None:
            raise RequestError("nobody is signed in", status=401, code="not_signed_in", remedy="sign in at /desk")
        return operator

    def _check_host(self, request: Request) -> None:
        if not self._operators.ask_for_password:
            check_host(request)


def _row(waiting: Waiting) -> dict[str, Any]:
    """A place in the queue as the page gets it."""
    row = asdict(waiting)
    return {
        **row,
        "calls": [call.model_dump() for call in waiting.calls],
        "last": [said.model_dump() for said in waiting.last],
    }
