"""Reads back what trackers wrote: TensorBoard's event files, MLflow's store, the file of an offline run of wandb."""

import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

from dialoop.training.tracking.wandb_file import history, records

Steps = dict[str, list[tuple[int, float]]]
"""Figure → its steps and values, in the order in which they were written."""


def tensorboard_steps(run: Path) -> Steps:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0}, purge_orphaned_data=False)
    found.Reload()
    return {name: [(one.step, one.value) for one in found.Scalars(name)] for name in found.Tags()["scalars"]}


def mlflow_client(run: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        return MlflowClient(f"sqlite:///{run.parent.resolve() / 'mlflow.db'}")


def mlflow_runs(run: Path) -> list[Any]:
    client = mlflow_client(run)
    return list(client.search_runs([client.get_experiment_by_name("dialoop").experiment_id]))


def mlflow_steps(run: Path) -> Steps:
    client, (made,) = mlflow_client(run), mlflow_runs(run)
    history = {name: client.get_metric_history(made.info.run_id, name) for name in made.data.metrics}
    return {name: [(one.step, one.value) for one in told] for name, told in history.items()}


def wandb_files(run: Path) -> list[Path]:
    """The files of a run's parts, in their order, once wandb's own process has written the end of the last."""
    found = sorted(run.glob("wandb/offline-run-*/run-*.wandb"), key=lambda path: path.parent.name)
    until = time.monotonic() + 30
    while found and not any(one.HasField("exit") for one in records(found[-1])) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def wandb_steps(run: Path) -> Steps:
    found: Steps = defaultdict(list)
    for path in wandb_files(run):
        for step, figures in history(path):
            for name, value in figures.items():
                found[name].append((step, value))
    return dict(found)


STEPS = {"tensorboard": tensorboard_steps, "mlflow": mlflow_steps, "wandb": wandb_steps}
