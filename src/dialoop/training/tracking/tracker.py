"""What a tracker is: it gets settings at the start, figures with a step during the run, and the outcome at its end.

A module of this package named as the tracker holds one function, `begin(run: TrackedRun) -> Tracker`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Plain = str | int | float | bool
Status = Literal["done", "stopped", "failed"]
"""How a run ended: with a model; by a person, a signal or whoever wanted no more of it; by an error."""


@dataclass(frozen=True)
class TrackedRun:
    """A run as trackers know it: settings and figures, no text and no path of its data.

    `identity`: what this tracker called the run when it was begun; None: it is new here. `noted`: of each figure the
    last step that the run's log held when this part of the run began.
    """

    folder: Path
    name: str
    settings: dict[str, Plain]
    identity: str | None
    noted: dict[str, int]


class Tracker(Protocol):
    """Where a run is followed. Whatever it raises is said once, and the run goes on without it.

    `identity`: what it calls the run, to go on with. `place`: where a person looks. `reached`: of each figure the last
    step that is there already; up to it nothing is told again.
    """

    identity: str
    place: str
    reached: dict[str, int]

    def figures(self, figures: dict[str, float], step: int) -> None:
        """Take the figures of a step."""

    def end(self, status: Status, outcome: dict[str, float]) -> None:
        """Take the outcome, write what has been kept back, and close. A run that was stopped may go on later."""
