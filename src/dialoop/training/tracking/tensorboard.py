"""A run in TensorBoard: event files in the run's folder, written by torch's own writer."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from dialoop.training.tracking.tracker import Status, TrackedRun, Tracker

FOLDER = "tensorboard"
_FLUSH = 10
"""Seconds after which what was told lies in the file."""


def begin(run: TrackedRun) -> Tracker:
    """Write events to the folder `tensorboard` of the run."""
    return _TensorBoard(run)


class _TensorBoard:
    def __init__(self, run: TrackedRun) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        folder = run.folder / FOLDER
        self.identity = FOLDER
        self.place = f"tensorboard --logdir {shlex.quote(str(run.folder.parent))}"
        self.reached = _reached(folder)
        self._settings = run.settings
        self._writer: Any = SummaryWriter(str(folder), flush_secs=_FLUSH)
        if run.identity is None:
            rows = "".join(f"| {name} | {value} |\n" for name, value in run.settings.items())
            self._writer.add_text("settings", f"| setting | value |\n| --- | --- |\n{rows}")

    def figures(self, figures: dict[str, float], step: int) -> None:
        """One scalar each."""
        for name, figure in figures.items():
            self._writer.add_scalar(name, figure, step)

    def end(self, status: Status, outcome: dict[str, float]) -> None:
        """With the outcome, settings and outcome stand side by side on the page of hyperparameters."""
        if status == "done" and outcome:
            self._writer.add_hparams(self._settings, outcome, run_name=".")
        self._writer.close()


def _reached(folder: Path) -> dict[str, int]:
    """The last step of each scalar that the files hold; what a crash tore off at their ends is passed over."""
    if not folder.is_dir():
        return {}
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found: Any = EventAccumulator(str(folder), size_guidance={"scalars": 1})  # the last is always kept
    found.Reload()
    return {name: found.Scalars(name)[-1].step for name in found.Tags()["scalars"]}
