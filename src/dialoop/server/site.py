"""What the chat page and the desk page share: files with strict headers, cookies, who may post, checked bodies.

A page of another site can neither post here (no cookie is sent along, the body must be JSON, the origin is compared)
nor show these pages in a frame; it may link to them. It knows requests, not conversations.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dialoop.errors import RequestError
from dialoop.server.body import read_json_body

Sent = TypeVar("Sent", bound=BaseModel)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
FILES = (
    "chat.html",
    "chat.css",
    "chat.js",
    "desk.html",
    "desk.css",
    "desk.js",
    "page.css",
    "page.js",
    "words.js",
    "icon.svg",
)
_LARGEST = 256 * 1024
"""Bytes that a page may post at once."""


class Posted(BaseModel):
    """What a page posts; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


def page_file(name: str) -> Response:
    """A file of the pages. Raises RequestError 404 for another name."""
    if name not in FILES:
        raise RequestError(f"there is no page {name!r}", status=404, code="unknown_url")
    content = files("dialoop.server").joinpath("pages", name).read_bytes()
    kind = _KINDS[name.rpartition(".")[2]]
    return Response(content, media_type=f"{kind}; charset=utf-8", headers=_HEADERS)


async def posted(request: Request, form: type[Sent]) -> Sent:
    """The checked body of a page's request. Raises RequestError: 400, 403, 413, 415."""
    if not _from_here(request):
        raise RequestError("a page of another site may not do this", status=403, code="wrong_origin")
    body = await read_json_body(request, _LARGEST)
    try:
        sent = json.loads(body)
        json.dumps(sent, ensure_ascii=False).encode()
        return form.model_validate(sent)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise RequestError(f"{where}: {first['msg']}", code="invalid_value", param=where) from None
    except (ValueError, RecursionError) as error:
        raise RequestError("the body is no JSON in UTF-8", code="invalid_json") from error


def check_host(request: Request) -> None:
    """Raises RequestError 403 for a name that leads here but is not this machine's own (DNS rebinding)."""
    _, host = _place(f"//{request.headers.get('host', '')}")
    if host not in LOOPBACK:
        what = f"{host!r} is not this machine, and without a sign-in or key this is for this machine alone"
        raise RequestError(what, status=403, code="wrong_host", remedy="see docs/serving.md")


def _from_here(request: Request) -> bool:
    """Whether a page of this site sends the request, or a program that names no origin."""
    origin = request.headers.get("origin")
    place = None if origin is None else _place(origin)[0]
    return origin is None or (bool(place) and place == request.headers.get("host"))


def _place(url: str) -> tuple[str | None, str | None]:
    """Host and port as they are written, and the host alone; None where it is no address ("http://[")."""
    try:
        parts = urlsplit(url)
        return parts.netloc, parts.hostname
    except ValueError:
        return None, None


def keep_cookie(
    response: Response,
    request: Request,
    name: str,
    secret: str,
    *,
    path: str,
    seconds: int,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """Gives the browser a secret that only this site gets back, and no script reads.

    "lax": also where a link of another site leads here, though with nothing that is posted from there.
    """
    secure = request.scope["scheme"] == "https"
    response.set_cookie(name, secret, max_age=seconds, path=path, httponly=True, samesite=same_site, secure=secure)


def address(request: Request) -> str:
    """The address that a request comes from; behind a proxy on this machine the one that the proxy tells."""
    return request.client.host if request.client else ""


class Streamed(StreamingResponse):
    """Server-sent events, kept by no cache and held back by no proxy. `ended` is called once, however they end."""

    def __init__(self, events: AsyncIterator[bytes], ended: Callable[[], None]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events until they end or the client leaves."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()
