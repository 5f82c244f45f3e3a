"""A run in the terminal: lines, and a bar with loss, target tokens a second and the time left. Knows rich.

Where the output is no terminal there is a plain line every half minute instead.
"""

from __future__ import annotations

import time
from collections import deque

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from dialoop.training.loop import StepReport
from dialoop.training.watching import Standing

PLAIN_EVERY = 30.0
"""Seconds between two lines where there is no bar."""
_RECENT = 20
"""Steps over which loss and speed are told."""


class TerminalWatch:
    """Shows a run on `console`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._recent: deque[StepReport] = deque(maxlen=_RECENT)
        self._told = time.monotonic()

    def say(self, line: str) -> None:
        """One line for a person, above the bar."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def step(self, report: StepReport, standing: Standing) -> None:
        """Move the bar, or now and then say how it goes."""
        self._recent.append(report)
        if self._console.is_terminal:
            self._move(standing)
        elif time.monotonic() - self._told >= PLAIN_EVERY or standing.step == standing.of:
            self._told = time.monotonic()
            self.say(f"step {standing.step} of {standing.of}, epoch {standing.epoch:.1f}: {self._figures(standing)}")

    def look(self, figures: dict[str, float], standing: Standing) -> None:
        """A line for a person."""
        told = ", ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
        self.say(f"epoch {standing.epoch:.1f}: held-out {told}")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _move(self, standing: Standing) -> None:
        if self._bar is None:
            columns = (
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[figures]}"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=standing.of, epoch="", figures="", completed=standing.step - 1)
        assert self._task is not None
        self._bar.update(
            self._task, completed=standing.step, epoch=f"{standing.epoch:.1f}", figures=self._figures(standing)
        )

    def _figures(self, standing: Standing) -> str:
        targets = sum(report.targets for report in self._recent)
        seconds = sum(report.seconds for report in self._recent)
        loss = sum(report.loss * report.targets for report in self._recent) / max(1, targets)
        held_out = "" if standing.held_out is None else f", held out {standing.held_out:.3f}"
        return f"loss {loss:.3f}{held_out}, {targets / max(seconds, 1e-9):,.0f} targets/s"
