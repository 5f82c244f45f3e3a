"""What pages are told while they are open: that a conversation changed, and the words that are being said just now.

Within this process at once; what other workers did is seen by looking at the log now and then. It knows no HTTP but the
form of server-sent events (HTML Living Standard, 9.2).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Any

LOOK = 1.0
"""Seconds between two looks at the log, for what other workers write."""
BEAT = 15.0
"""Seconds without an event after which a page is told that it is still connected; pages wait 40 s for one."""
ANY = ""
"""In the place of a conversation's name: whichever changes."""


class Live:
    """Who follows which conversation, and what has been said so far in a turn that runs. One event loop."""

    def __init__(self) -> None:
        self._wakers: dict[str, set[asyncio.Event]] = {}
        self._saying: dict[str, str] = {}
        self._closed = False

    def saying(self, conversation: str) -> str:
        """What the agent has said so far in the turn that runs and is not in the log yet, with the true values."""
        return self._saying.get(conversation, "")

    def say(self, conversation: str, words: str) -> None:
        """More words of the turn that runs."""
        self._saying[conversation] = self.saying(conversation) + words
        self._wake(conversation)

    def changed(self, conversation: str) -> None:
        """Something new stands in the log; what was being said stands there too, or will not be said."""
        self._saying.pop(conversation, None)
        self._wake(conversation)
        self._wake(ANY)

    def close(self) -> None:
        """Ends everybody's following."""
        self._closed = True
        for name in list(self._wakers):
            self._wake(name)

    async def follow(self, *conversations: str) -> AsyncGenerator[None, None]:
        """Gives once at the beginning, then whenever one of them changed, and at least every `LOOK` seconds."""
        with self._waking(conversations) as waker:
            while not self._closed:
                yield
                with suppress(TimeoutError):
                    await asyncio.wait_for(waker.wait(), LOOK)
                waker.clear()

    @contextmanager
    def _waking(self, conversations: tuple[str, ...]) -> Iterator[asyncio.Event]:
        waker = asyncio.Event()
        for name in conversations:
            self._wakers.setdefault(name, set()).add(waker)
        try:
            yield waker
        finally:
            for name in conversations:
                self._wakers[name].discard(waker)
                if not self._wakers[name]:
                    del self._wakers[name]

    def _wake(self, conversation: str) -> None:
        for waker in self._wakers.get(conversation, ()):
            waker.set()


async def beating(events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The events, less empty ones, and `beat` where none came for `BEAT` seconds.

    So no proxy cuts a quiet page off, and neither side takes a dead connection for a quiet one. `events` gives an empty
    one where there is nothing to tell, more often than that.
    """
    last = time.monotonic()
    async with aclosing(events):
        async for event in events:
            if event or time.monotonic() - last >= BEAT:
                last = time.monotonic()
                yield event or server_sent("beat", None)


def server_sent(event: str, body: Any, number: int | None = None) -> bytes:
    """One server-sent event with a JSON body."""
    head = "" if number is None else f"id: {number}\n"
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {event}\ndata: {text}\n\n".encode()
