"""The HTTP application: models, chat completions, health, readiness, metrics, over engines that are passed in.

Streamed and unstreamed answers go one path: pieces, watched for a client that goes away. It does not know how an engine
works and loads no torch.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.exceptions import HTTPException

from dialoop.engine import Engine, Gathered, Piece
from dialoop.errors import DialoopError, EngineError, RequestError
from dialoop.server.body import read_json_body
from dialoop.server.faults import error_response
from dialoop.server.metrics import Metrics
from dialoop.server.replies import DONE, Reply, error_event
from dialoop.server.settings import ServeSettings
from dialoop.server.watch import ClientLeft, while_connected
from dialoop.server.wire import ChatRequest, read_chat_request

log = logging.getLogger(__name__)


def build_app(
    engines: Sequence[Engine], settings: ServeSettings | None = None, *, api_key: str | None = None
) -> FastAPI:
    """The application that serves `engines`; it closes them when it ends. With `api_key`, /v1 asks for it."""
    settings = settings or ServeSettings()
    by_model = {model: engine for engine in engines for model in engine.models()}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        for engine in engines:
            await engine.close()

    app = FastAPI(title="dialoop", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_exception_handler(DialoopError, _dialoop_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _defect)
    desk = Desk(by_model, settings, api_key)
    app.add_api_route("/v1/models", desk.list_models, methods=["GET"])
    app.add_api_route("/v1/models/{model:path}", desk.show_model, methods=["GET"])
    app.add_api_route("/v1/chat/completions", desk.complete, methods=["POST"])
    app.add_api_route("/healthz", desk.healthy, methods=["GET"])
    app.add_api_route("/readyz", desk.ready, methods=["GET"])
    app.add_api_route("/metrics", desk.show_metrics, methods=["GET"])
    return app


class Desk:
    """The routes, and what they share: engines by model name, settings, metrics."""

    def __init__(self, engines: dict[str, Engine], settings: ServeSettings, api_key: str | None) -> None:
        self.metrics = Metrics()
        self._engines = engines
        self._settings = settings
        self._api_key = api_key
        self._since = int(time.time())

    async def healthy(self) -> JSONResponse:
        """Whether the process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self) -> JSONResponse:
        """Whether each model would take a request now."""
        ready = {model: await engine.ready() for model, engine in self._engines.items()}
        return JSONResponse({"ready": all(ready.values()), "models": ready}, 200 if all(ready.values()) else 503)

    async def show_metrics(self) -> PlainTextResponse:
        """What was done so far."""
        return PlainTextResponse(self.metrics.text(), media_type="text/plain; version=0.0.4")

    async def list_models(self, request: Request) -> JSONResponse:
        """The models that a request may name."""
        self._check_key(request)
        return JSONResponse({"object": "list", "data": [self._card(model) for model in self._engines]})

    async def show_model(self, request: Request, model: str) -> JSONResponse:
        """One model."""
        self._check_key(request)
        self._engine(model)
        return JSONResponse(self._card(model))

    async def complete(self, request: Request) -> Response:
        """One chat completion, streamed or whole."""
        started = time.monotonic()
        model = "-"
        try:
            self._check_key(request)
            asked = read_chat_request(await read_json_body(request, int(self._settings.max_body_mib * 2**20)))
            engine = self._engine(asked.model)
            model = asked.model
            wanted = asked.to_request(temperature=self._settings.temperature, max_tokens=self._settings.max_tokens)
            pieces = self._timed(while_connected(request, engine.generate(wanted)), started)
            first = await anext(pieces)
            if asked.wants_stream:
                events = self._events(asked, first, pieces, model)
                return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
            answer = Gathered()
            answer.add(first)
            async for piece in pieces:
                answer.add(piece)
            self.metrics.count(model, 200)
            return JSONResponse(Reply(model).whole(answer))
        except StopAsyncIteration:
            self.metrics.count(model, 502)
            raise EngineError("the engine gave no answer") from None
        except RequestError as error:
            self.metrics.count(model, error.status)
            raise
        except (ClientLeft, asyncio.CancelledError):
            self.metrics.count(model, 499)
            return Response(status_code=499)

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
        except RequestError as error:
            status = error.status
            yield error_event(error)
        except ClientLeft:
            return
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

    def _engine(self, model: str) -> Engine:
        if model not in self._engines:
            known = ", ".join(self._engines)
            raise RequestError(
                f"there is no model {model!r} here",
                status=404,
                code="model_not_found",
                param="model",
                remedy=f"ask for {known}",
            )
        return self._engines[model]

    def _check_key(self, request: Request) -> None:
        if self._api_key is None:
            return
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), self._api_key.encode()):
            raise RequestError("a valid API key is needed", status=401, code="invalid_api_key")

    def _card(self, model: str) -> dict[str, Any]:
        return {"id": model, "object": "model", "created": self._since, "owned_by": "dialoop"}


async def _dialoop_error(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestError):
        return error_response(error)
    log.error("%s", error)
    return error_response(EngineError(getattr(error, "what", str(error)), status=500))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = f"{request.method} {request.url.path}: {error.detail}"
    response = error_response(RequestError(what, status=error.status_code, code="unknown_url"))
    response.headers.update(error.headers or {})
    return response


async def _defect(request: Request, error: Exception) -> Response:
    return error_response(EngineError("a defect of the server; its log says more", status=500, code="internal_error"))
