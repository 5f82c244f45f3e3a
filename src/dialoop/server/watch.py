"""Gives on the pieces of an answer as long as its client is there.

A client that goes away is noticed at once, not at the next piece, and the engine is told by closing its iterator. It
knows ASGI messages and iterators, no JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from fastapi import Request

from dialoop.engine import Piece


class ClientLeft(Exception):
    """The client closed its connection."""


async def while_connected(request: Request, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """The same pieces. Raises ClientLeft as soon as the client has gone; `pieces` is closed in any case."""
    gone = asyncio.ensure_future(_disconnected(request))
    step: asyncio.Future[Piece] | None = None
    try:
        while True:
            step = asyncio.ensure_future(_next(pieces))
            await asyncio.wait({step, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                raise ClientLeft
            try:
                piece = step.result()
            except StopAsyncIteration:
                return
            yield piece
    finally:
        gone.cancel()
        if step is not None and not step.done():
            step.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await step
        await pieces.aclose()


async def _next(pieces: AsyncGenerator[Piece, None]) -> Piece:
    return await anext(pieces)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
