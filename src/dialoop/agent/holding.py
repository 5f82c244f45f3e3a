"""Holds a conversation's lease while a turn runs: waits for it, renews it, gives it back.

A turn that ended gives it back at once. One that broke off leaves it to run out, so that `Store.abandoned` names the
conversation and another worker goes on. It knows nothing of turns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

from dialoop.errors import LeaseLost, RequestError, StoreError
from dialoop.store import Lease, Store

log = logging.getLogger(__name__)
_RENEWALS = ThreadPoolExecutor(2, thread_name_prefix="dialoop-lease")
"""Threads of their own: a renewal must not stand in line behind what the turns have to do."""
_SOON = 0.001
"""Seconds after which a lease that was left behind runs out."""


@asynccontextmanager
async def holding(
    store: Store, conversation: str, worker: str, seconds: float, *, patience: float
) -> AsyncIterator[Lease]:
    """The lease, renewed until the block ends. Raises RequestError 409 where another holds it for all `patience`."""
    lease = await _taken(store, conversation, worker, seconds, patience)
    renewal = asyncio.create_task(_renew(store, lease, seconds))
    try:
        yield lease
    except RequestError:  # refused, and nothing is left to go on with
        await _stop(renewal)
        await asyncio.to_thread(store.release, lease)
        raise
    except BaseException:
        await _stop(renewal)
        with suppress(StoreError):  # lost already, or the store is away: then it runs out by itself
            await asyncio.to_thread(store.renew, lease, _SOON)
        raise
    await _stop(renewal)
    await asyncio.to_thread(store.release, lease)


async def _taken(store: Store, conversation: str, worker: str, seconds: float, patience: float) -> Lease:
    deadline = asyncio.get_running_loop().time() + patience
    pause = 0.01
    while True:
        lease = await asyncio.to_thread(store.acquire, conversation, worker, seconds)
        if lease is not None:
            return lease
        if asyncio.get_running_loop().time() + pause > deadline:
            what = f"the conversation {conversation!r} is being answered"
            raise RequestError(what, status=409, code="busy", remedy="wait for that answer, or send the message again")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.25)


async def _renew(store: Store, lease: Lease, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds / 3)
        try:
            await asyncio.get_running_loop().run_in_executor(_RENEWALS, store.renew, lease, seconds)
        except LeaseLost:
            return  # the next thing that is written fails with it
        except StoreError as error:
            log.warning("a lease could not be renewed and is tried again: %s", error.what)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
