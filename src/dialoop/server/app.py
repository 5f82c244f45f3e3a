"""The HTTP application: what is served, put together from the parts that are passed in.

Models over OpenAI's protocol; where agents are given, their durable conversations, the chat page and the desk page as
well. It does not know how an engine works or an agent answers, and loads no torch.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from dialoop.engine import Engine
from dialoop.errors import DialoopError, EngineError, RequestError
from dialoop.server.chat_page import ChatPage
from dialoop.server.completions import Completions
from dialoop.server.desk_page import DeskPage
from dialoop.server.faults import error_response, for_clients
from dialoop.server.in_service import InService, Running
from dialoop.server.operators import Operators
from dialoop.server.settings import ServeSettings
from dialoop.server.site import page_file
from dialoop.server.turns import ServedAgent, Turns
from dialoop.store import Store


@dataclass(frozen=True)
class House:
    """The agents that are served, by name, where their conversations are kept, and who may sit at the desk."""

    agents: Mapping[str, ServedAgent]
    store: Store
    operators: Operators = field(default_factory=Operators)
    tenant: str = "default"


def build_app(
    models: Sequence[Engine | InService],
    settings: ServeSettings | None = None,
    *,
    api_key: str | None = None,
    house: House | None = None,
) -> FastAPI:
    """The application that serves `models`, and the agents of a `house`; it closes the engines when it ends.

    With `api_key`, /v1 asks for it. The store stays open: who opened it closes it.
    """
    settings = settings or ServeSettings()
    served = [one if isinstance(one, InService) else InService(Running(one)) for one in models]
    turns = None if house is None else Turns(house.agents, house.store, house.tenant)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        going = None if turns is None else asyncio.create_task(turns.keep_going())
        yield
        if turns is not None and going is not None:
            going.cancel()
            await asyncio.wait([going])
            await turns.close()
        for model in {*served, *(agent.model for agent in (house.agents.values() if house else ()))}:
            await model.close()

    app = FastAPI(title="dialoop", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_exception_handler(DialoopError, _dialoop_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _defect)
    Completions(served, settings, api_key, turns).add_to(app)
    if turns is not None and house is not None:
        ChatPage(turns, settings.messages_per_minute).add_to(app)
        DeskPage(turns, house.operators).add_to(app)
        app.add_api_route("/pages/{name}", page_file, methods=["GET"])
        app.state.ending = turns.live.close
    return app


async def _dialoop_error(request: Request, error: Exception) -> Response:
    return error_response(for_clients(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = f"{request.method} {request.scope['path']}: {error.detail}"
    response = error_response(RequestError(what, status=error.status_code, code="unknown_url"))
    response.headers.update(error.headers or {})
    return response


async def _defect(request: Request, error: Exception) -> Response:
    return error_response(EngineError("a defect of the server; its log says more", status=500, code="internal_error"))
