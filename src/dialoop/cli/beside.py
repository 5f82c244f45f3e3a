"""Runs a verb of dialoop as a process beside this one, on a part of the processors.

What it says is kept until it has ended, so that two verbs do not speak into each other. It ends with the block that it
is needed in.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""How many processors this process may use."""
_ENDS_WITHIN = 15.0
"""Seconds that a verb may take to end when it is told to."""


class Beside:
    """A verb that is running."""

    def __init__(self, words: list[str], threads: int) -> None:
        """`words`: the verb and what it is given. It computes with `threads` threads."""
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # closed by `end`
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONIOENCODING": "utf-8"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dialoop", *words],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            env=environment,
        )

    def result(self) -> tuple[int, str]:
        """Waits for its end; gives its exit status and all that it said."""
        status = self._process.wait()
        self._said.seek(0)
        return status, self._said.read()

    def end(self) -> None:
        """Ends it, if it is running still."""
        self._process.terminate()
        try:
            self._process.wait(timeout=_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()


@contextmanager
def beside(words: list[str], threads: int) -> Iterator[Beside]:
    """A verb that runs for as long as the block at most."""
    running = Beside(words, threads)
    try:
        yield running
    finally:
        running.end()
