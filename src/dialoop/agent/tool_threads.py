"""Threads that plain functions of a project are called in: so many at most, and none keeps the program from ending.

A function that never comes back cannot be stopped. Python waits at its end for the threads of its own pools, so that
one such function would keep a server alive for ever; these are left behind. It knows no tools.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

Job = tuple[Future[Any], Callable[[], Any]]


class Threads:
    """At most `most` threads, each begun when it is first needed; further calls wait for one."""

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._begun = self._busy = 0

    def run(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """What the function gives, or raises, once a thread has called it."""
        done: Future[Any] = Future()
        with self._guard:
            self._busy += 1  # calls that wait count too
            if self._begun < min(self._busy, self._most):
                self._begun += 1
                threading.Thread(target=self._work, name=f"{self._name}_{self._begun}", daemon=True).start()
        self._jobs.put((done, function))
        return asyncio.wrap_future(done)

    def _work(self) -> None:
        while True:
            _call(*self._jobs.get())
            with self._guard:
                self._busy -= 1


def _call(done: Future[Any], function: Callable[[], Any]) -> None:
    if not done.set_running_or_notify_cancel():
        return  # its time was up before a thread was free
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - who waits is told, as by any pool of threads
        done.set_exception(error)
    else:
        done.set_result(result)
