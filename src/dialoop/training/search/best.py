"""What is kept of the best trial: its model, and its settings as a project file. The other trials' weights go."""

from __future__ import annotations

import shutil
from typing import Any

import optuna
import yaml
from optuna.trial import FrozenTrial

from dialoop.training.run_folder import RunFolder
from dialoop.training.search.folder import Plan, SearchFolder
from dialoop.training.search.study import completed


def best_trial(study: optuna.Study) -> FrozenTrial | None:
    """The completed trial with the best value, None before there is one."""
    return study.best_trial if completed(study) else None


def best_settings(folder: SearchFolder, trial: FrozenTrial) -> dict[str, Any]:
    """What `dialoop tune` is to be given to make the trial's run again, as a project file has it.

    Only what differs from the defaults. Raises RunError where the trial's run is gone.
    """
    job = RunFolder(folder.trial(trial.number)).job()
    return {"base": job.base, "data": job.data, "tune": job.tune.model_dump(mode="json", exclude_defaults=True)}


def best_yaml(folder: SearchFolder, plan: Plan, trial: FrozenTrial) -> str:
    """The same as YAML text, with a line that says where it comes from."""
    text = yaml.safe_dump(best_settings(folder, trial), sort_keys=False, allow_unicode=True)
    return f"# The best of a search: trial {trial.number}, held-out {plan.metric} {trial.value:.6g}.\n{text}"


def keep_best(folder: SearchFolder, plan: Plan, study: optuna.Study, newest: int) -> bool:
    """Delete the weights of every completed trial but the best, write the best settings.

    Gives whether the best is the trial `newest`.
    """
    done = completed(study)
    best = best_trial(study)
    if best is None:
        return False
    for one in done:
        if one.number != best.number:
            shutil.rmtree(folder.trial(one.number) / "model", ignore_errors=True)
    folder.write(folder.best, best_yaml(folder, plan, best))
    return best.number == newest
