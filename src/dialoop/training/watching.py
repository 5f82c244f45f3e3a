"""How a run tells what it is doing. Knows no terminal; `bar` shows it in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dialoop.training.loop import StepReport


@dataclass(frozen=True)
class Standing:
    """Where a run stands after a step: steps done `of` all, the epoch under way, the held-out loss of the best look."""

    step: int
    of: int
    epoch: float
    held_out: float | None


class Watch(Protocol):
    """Told by a run what happens."""

    def say(self, line: str) -> None:
        """One line for a person."""

    def step(self, report: StepReport, standing: Standing) -> None:
        """A step was taken."""

    def look(self, figures: dict[str, float], standing: Standing) -> None:
        """Held-out figures were taken, `loss` among them."""

    def close(self) -> None:
        """No more steps come."""


class Quiet:
    """Tells no one."""

    def say(self, line: str) -> None:
        """Nothing."""

    def step(self, report: StepReport, standing: Standing) -> None:
        """Nothing."""

    def look(self, figures: dict[str, float], standing: Standing) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Unwanted(Exception):
    """Raised by a watch that wants no more of the run: it ends without a model, and nothing is wrong with it."""
