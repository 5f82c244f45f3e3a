"""The routes of OpenAI's protocol: models and chat completions, and health, readiness, metrics.

Raw requests are answered here: streamed and unstreamed ones go one path, pieces, watched for a client that goes away.
What is asked of an agent is handed to `agent_way`. It does not know how an engine works and loads no torch.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from dialoop.engine import Gathered, GenerateRequest, Piece
from dialoop.errors import DialoopError, EngineError, RequestError
from dialoop.server.agent_way import AGENT, AgentWay
from dialoop.server.body import read_json_body
from dialoop.server.faults import for_clients
from dialoop.server.in_service import InService
from dialoop.server.metrics import Metrics
from dialoop.server.replies import DONE, Reply, error_event
from dialoop.server.settings import ServeSettings
from dialoop.server.site import check_host
from dialoop.server.turns import Turns
from dialoop.server.watch import ClientLeft, while_connected
from dialoop.server.wire import ChatRequest, read_chat_request


class Completions:
    """The routes below /v1 and those for who runs the server, and what they share: models, agents, metrics."""

    def __init__(
        self, models: Sequence[InService], settings: ServeSettings, api_key: str | None, turns: Turns | None
    ) -> None:
        self.metrics = Metrics()
        self._models = models
        self._agents = None if turns is None else AgentWay(turns)
        self._settings = settings
        self._api_key = api_key
        self._since = int(time.time())

    def add_to(self, app: FastAPI) -> None:
        """Adds the routes."""
        app.add_api_route("/v1/models", self.list_models, methods=["GET"])
        app.add_api_route("/v1/models/{model:path}", self.show_model, methods=["GET"])
        app.add_api_route("/v1/chat/completions", self.complete, methods=["POST"])
        app.add_api_route("/healthz", self.healthy, methods=["GET"])
        app.add_api_route("/readyz", self.ready, methods=["GET"])
        app.add_api_route("/metrics", self.show_metrics, methods=["GET"])

    async def healthy(self) -> JSONResponse:
        """Whether the process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self) -> JSONResponse:
        """Whether each model would take a request now."""
        engines = [model.running.engine for model in self._models]
        ready = {name: await engine.ready() for engine in engines for name in engine.models()}
        return JSONResponse({"ready": all(ready.values()), "models": ready}, 200 if all(ready.values()) else 503)

    async def show_metrics(self) -> PlainTextResponse:
        """What was done so far."""
        return PlainTextResponse(self.metrics.text(), media_type="text/plain; version=0.0.4")

    async def list_models(self, request: Request) -> JSONResponse:
        """The models that a request may name."""
        self._check_key(request)
        await self._follow()
        return JSONResponse({"object": "list", "data": [self._card(name) for name in self._names()]})

    async def show_model(self, request: Request, model: str) -> JSONResponse:
        """One model."""
        self._check_key(request)
        await self._follow()
        self._check_known(model)
        return JSONResponse(self._card(model))

    async def complete(self, request: Request) -> Response:
        """One chat completion, streamed or whole: raw, or an agent's."""
        started = time.monotonic()
        model = "-"
        try:
            self._check_key(request)
            asked = read_chat_request(await read_json_body(request, int(self._settings.max_body_mib * 2**20)))
            await self._follow()
            self._check_known(asked.model)
            model = asked.model
            if model.startswith(AGENT) and self._agents is not None:
                if self._api_key is None:
                    check_host(request)
                return await self._agents.complete(request, asked, self._counted(model))
            return await self._raw(request, asked, started)
        except RequestError as error:
            self.metrics.count(model, error.status)
            raise
        except (ClientLeft, asyncio.CancelledError):
            self.metrics.count(model, 499)
            return Response(status_code=499)
        except Exception:
            self.metrics.count(model, 500)
            raise

    async def _raw(self, request: Request, asked: ChatRequest, started: float) -> Response:
        """An answer of the model itself to the messages of this request."""
        model = asked.model
        wanted = asked.to_request(temperature=self._settings.temperature, max_tokens=self._settings.max_tokens)
        pieces = self._timed(while_connected(request, self._generated(wanted, model)), started)
        try:
            first = await anext(pieces)
        except StopAsyncIteration:
            raise EngineError("the engine gave no answer") from None
        if asked.wants_stream:
            events = self._events(asked, first, pieces, model)
            return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        answer = Gathered()
        answer.add(first)
        async for piece in pieces:
            answer.add(piece)
        self.metrics.count(model, 200)
        return JSONResponse(Reply(model).whole(answer))

    async def _generated(self, wanted: GenerateRequest, model: str) -> AsyncGenerator[Piece, None]:
        """The pieces of the model that is called so; another version may serve under the name from the next on."""
        for served in self._models:
            if model in served.running.engine.models():
                async with served.turn() as running:
                    pieces = running.engine.generate(wanted)
                    try:
                        async for piece in pieces:
                            yield piece
                    finally:
                        await pieces.aclose()
                return
        self._check_known("")

    async def _events(
        self, asked: ChatRequest, first: Piece, pieces: AsyncGenerator[Piece, None], model: str
    ) -> AsyncIterator[bytes]:
        """The events of a streamed answer. An error in its middle is an event too."""
        reply, status = Reply(model), 499
        try:
            for event in reply.events(first, with_usage=asked.wants_usage):
                yield event
            async for piece in pieces:
                for event in reply.events(piece, with_usage=asked.wants_usage):
                    yield event
            status = 200
            yield DONE
        except ClientLeft:
            return
        except Exception as error:
            told = for_clients(error)
            status = told.status
            yield error_event(told)
            if not isinstance(error, DialoopError):
                raise
        finally:
            self.metrics.count(model, status)
            await pieces.aclose()

    async def _timed(self, pieces: AsyncGenerator[Piece, None], started: float) -> AsyncGenerator[Piece, None]:
        """The same pieces; the first and the last are noted."""
        begun = False
        self.metrics.in_flight += 1
        try:
            async for piece in pieces:
                if not begun:
                    begun = True
                    self.metrics.first_piece.observe(time.monotonic() - started)
                if piece.usage:
                    self.metrics.prompt_tokens += piece.usage.prompt_tokens
                    self.metrics.cached_tokens += piece.usage.cached_tokens
                    self.metrics.completion_tokens += piece.usage.completion_tokens
                    self.metrics.whole.observe(time.monotonic() - started)
                yield piece
        finally:
            self.metrics.in_flight -= 1
            await pieces.aclose()

    async def _follow(self) -> None:
        for model in self._models:
            await model.follow()

    def _counted(self, model: str) -> Callable[[int], None]:
        return lambda status: self.metrics.count(model, status)

    def _names(self) -> list[str]:
        """Every name that a request may ask for."""
        agents = [] if self._agents is None else self._agents.names()
        return [*agents, *(name for model in self._models for name in model.running.engine.models())]

    def _check_known(self, model: str) -> None:
        known = self._names()
        if model not in known:
            raise RequestError(
                f"there is no model {model!r} here",
                status=404,
                code="model_not_found",
                param="model",
                remedy=f"ask for {', '.join(known)}",
            )

    def _check_key(self, request: Request) -> None:
        if self._api_key is None:
            return
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), self._api_key.encode()):
            raise RequestError("a valid API key is needed", status=401, code="invalid_api_key")

    def _card(self, model: str) -> dict[str, Any]:
        return {"id": model, "object": "model", "created": self._since, "owned_by": "dialoop"}
