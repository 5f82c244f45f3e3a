"""A run in MLflow: in the store that MLFLOW_TRACKING_URI names, else in a SQLite file beside the run's folder."""

from __future__ import annotations

import logging
import os
import shlex
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dialoop.model.folder import locked
from dialoop.training.tracking.tracker import Status, TrackedRun, Tracker

STORE = "mlflow.db"
EXPERIMENT = "dialoop"
"""Where MLFLOW_EXPERIMENT_NAME names no other."""
_EVERY = 5.0
"""Seconds for which figures are kept back, to be sent together."""
_MOST = 500
"""Figures that are sent together at most; a server takes 1,000."""
_MOST_SETTINGS = 100
_STATUS = {"done": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


def begin(run: TrackedRun) -> Tracker:
    """Make a run in the store, or go on with the one that was made."""
    return _MlFlow(run)


class _MlFlow:
    def __init__(self, run: TrackedRun) -> None:
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # a server that is gone holds the run up
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")  # for seconds, not for minutes
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # how it makes its tables
        own = run.folder.resolve().parent / STORE
        asked = os.environ.get("MLFLOW_TRACKING_URI")
        self._waiting: list[Any] = []
        self._sent = time.monotonic()
        with nullcontext() if asked else locked(own.with_name(f".{STORE}.lock")):  # two trials may make it at once
            self._client, experiment = _open(asked or f"sqlite:///{own}")
            self.identity = run.identity or self._new(experiment, run)
        if run.identity is not None:
            self._client.update_run(self.identity, status="RUNNING")
        self.reached = self._reached()
        self.place = _place(asked, own)

    def figures(self, figures: dict[str, float], step: int) -> None:
        """Keep them back for a moment; a batch costs a server no more than one."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._waiting += [Metric(name, figure, now, step) for name, figure in figures.items()]
        if len(self._waiting) >= _MOST or time.monotonic() - self._sent >= _EVERY:
            self._send()

    def end(self, status: Status, outcome: dict[str, float]) -> None:
        """The outcome stands with the figures, of the last step."""
        if status == "done":
            step = max([*self.reached.values(), 0])
            self.figures(outcome, step)
        self._send()
        self._client.set_terminated(self.identity, _STATUS[status])

    def _send(self) -> None:
        self._client.log_batch(self.identity, metrics=self._waiting)
        self._waiting, self._sent = [], time.monotonic()

    def _new(self, experiment: str, run: TrackedRun) -> str:
        from mlflow.entities import Param

        made = self._client.create_run(experiment, run_name=run.name)
        settings = [Param(name, str(value)) for name, value in run.settings.items()]
        for first in range(0, len(settings), _MOST_SETTINGS):
            self._client.log_batch(made.info.run_id, params=settings[first : first + _MOST_SETTINGS])
        return str(made.info.run_id)

    def _reached(self) -> dict[str, int]:
        names = self._client.get_run(self.identity).data.metrics
        history = {name: self._client.get_metric_history(self.identity, name) for name in names}
        return {name: max(one.step for one in told) for name, told in history.items()}


def _open(store: str) -> tuple[Any, str]:
    """A client of the store, and the experiment that runs belong to, made where it is not there."""
    from mlflow import MlflowClient

    client: Any = MlflowClient(store)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    found = client.get_experiment_by_name(name)
    return client, str(found.experiment_id if found else client.create_experiment(name))


def _place(asked: str | None, own: Path) -> str:
    if asked is not None:
        return asked.rpartition("@")[2]  # an address may hold a password
    return f"mlflow ui --backend-store-uri {shlex.quote(f'sqlite:///{own}')}"
