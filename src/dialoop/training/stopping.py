"""When a run ends before its last step: the held-out figure no longer improves, or a person or the system asks.

It knows figures and signals, not models.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Patience:
    """The best held-out figure so far and how many looks ago it was. `limit`: looks without a new best that are borne.

    `higher`: whether more is better; a loss is the better the lower.
    """

    limit: int
    best: float | None = None
    best_step: int = 0
    since: int = 0
    higher: bool = False

    def look(self, figure: float, step: int) -> bool:
        """Take note of a figure; whether it is a new best."""
        if self.best is None or (figure > self.best if self.higher else figure < self.best):
            self.best, self.best_step, self.since = figure, step, 0
            return True
        self.since += 1
        return False

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return self.since >= self.limit


class StopSignal:
    """Whether Ctrl-C or SIGTERM has come; the step under way is finished first. A second Ctrl-C ends at once."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __bool__(self) -> bool:
        return self.number is not None

    def take(self, number: int, frame: FrameType | None) -> None:
        """The handler."""
        if self.number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number


@contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Listens for Ctrl-C and SIGTERM during the block; outside the main thread, where none arrive, it hears nothing."""
    asked = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    former = {number: signal.signal(number, asked.take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
