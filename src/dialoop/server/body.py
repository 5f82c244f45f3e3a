"""Reads a request's body within a limit. It knows HTTP headers, no JSON."""

from __future__ import annotations

from fastapi import Request
from starlette.requests import ClientDisconnect

from dialoop.errors import RequestError


async def read_json_body(request: Request, limit: int) -> bytes:
    """The body, at most `limit` bytes; more is refused before it is held. Raises RequestError: 413, 415.

    Only `application/json` is taken: a web page of another site cannot send that without asking the server first.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        what = f"the body's type is {kind!r}, not application/json" if kind else "the body has no type"
        raise RequestError(
            what, status=415, code="unsupported_media_type", remedy="send Content-Type: application/json"
        )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > limit:
                raise _too_large(limit)
    except ClientDisconnect as error:
        raise RequestError("the client left before its request was whole", code="incomplete_body") from error
    return bytes(body)


def _too_large(limit: int) -> RequestError:
    return RequestError(
        f"the request is larger than {limit / 2**20:g} MiB",
        status=413,
        code="request_too_large",
        remedy="shorten the conversation, or raise the server's max_body_mib",
    )
