"""A run in Weights & Biases: on its server, or with WANDB_MODE=offline in the run's folder alone.

Only settings and figures are sent: no console, no code, no machine, no list of packages. Its own environment variables
(WANDB_PROJECT, WANDB_ENTITY, WANDB_DIR, …) are respected.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dialoop.training.tracking.tracker import Status, TrackedRun, Tracker
from dialoop.training.tracking.wandb_file import history

PROJECT = "dialoop"
"""Where WANDB_PROJECT names no other."""
_LOGIN, _BEGIN, _UPLOAD = 60.0, 30.0, 60.0
"""Seconds that are waited for: a key at a terminal, the server at the start, the last figures at the end."""
_EXIT = {"done": 0, "stopped": 130, "failed": 1}


def begin(run: TrackedRun) -> Tracker:
    """Begin a run, or go on with the one that was begun."""
    return _WandB(run)


class _WandB:
    def __init__(self, run: TrackedRun) -> None:
        import wandb

        quiet = wandb.Settings(
            silent=True,
            console="off",
            disable_code=True,
            disable_git=True,
            save_code=False,
            x_disable_machine_info=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
            login_timeout=_LOGIN,
            init_timeout=_BEGIN,
            finish_timeout=_UPLOAD,
            finish_timeout_raises=True,
        )
        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            id=run.identity,
            name=run.name,
            dir=os.environ.get("WANDB_DIR") or str(run.folder),
            config=run.settings,
            resume="allow",
            settings=quiet,
        )
        self.identity = str(self._run.id)
        offline = bool(self._run.offline)
        self.place = f"wandb sync {self._run.settings.sync_dir}" if offline else str(self._run.url)
        self.reached = self._reached(run, offline=offline)

    def figures(self, figures: dict[str, float], step: int) -> None:
        """Told at once; its own process sends them."""
        self._run.log(figures, step=step)

    def end(self, status: Status, outcome: dict[str, float]) -> None:
        """The outcome stands in the summary."""
        if status == "done":
            self._run.summary.update(outcome)
        self._run.finish(exit_code=_EXIT[status])

    def _reached(self, run: TrackedRun, *, offline: bool) -> dict[str, int]:
        """The server tells how far it came; offline, the files that earlier parts of the run have left."""
        if run.identity is None:
            return {}
        if not offline:
            last = int(self._run.starting_step) - 1
            return {name: min(step, last) for name, step in run.noted.items()}
        found: dict[str, int] = {}
        for path in Path(self._run.settings.wandb_dir).glob(f"*-{self.identity}/run-{self.identity}.wandb"):
            for step, figures in history(path):
                found |= {name: max(step, found.get(name, step)) for name in figures}
        return found
