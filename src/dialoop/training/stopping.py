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

    `higher`: whether more is better; a loss is the better the lower. Of equal figures the one with the lower loss is
    the better: few held-out texts tell few accuracies.
    """

    limit: int
    best: float | None = None
    best_step: int = 0
    since: int = 0
    higher: bool = False
    best_loss: float | None = None

    def look(self, figure: float, step: int, loss: float | None = None) -> bool:
        """Take note of a figure, and of the held-out loss beside it; whether they are a new best."""
        if (
            self.best is None
            or (figure > self.best if self.higher else figure < self.best)
            or self._ahead(figure, loss)
        ):
            self.best, self.best_step, self.since, self.best_loss = figure, step, 0, loss
            return True
        self.since += 1
        return False

    def _ahead(self, figure: float, loss: float | None) -> bool:
        return figure == self.best and loss is not None and self.best_loss is not None and loss < self.best_loss

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
