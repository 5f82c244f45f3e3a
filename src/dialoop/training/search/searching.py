"""A search from beginning to end: the plan is made, trials are worked through by one process or several, the report is
written. A search that was stopped or killed goes on with the trials that were under way.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from dialoop.errors import RunError, SettingsError
from dialoop.model.folder import locked, verify
from dialoop.model.names import resolve_model
from dialoop.training.preparing import Prepared, prepare
from dialoop.training.search.best import best_trial
from dialoop.training.search.folder import Plan, SearchFolder, free_folder
from dialoop.training.search.report import write_report
from dialoop.training.search.settings import AUTO, SearchSettings
from dialoop.training.search.space import Range, Space, checked_space, default_space, refuse_other_losses
from dialoop.training.search.study import (
    completed,
    counted,
    distributions,
    has_password,
    higher_is_better,
    open_study,
    put_back,
    refuse_unmeasured,
    running,
    storage_url,
)
from dialoop.training.search.trials import Say, Trials
from dialoop.training.settings import Job
from dialoop.training.stopping import StopSignal, stop_signal
from dialoop.training.tracking import refuse_missing

_LOOK = 0.2
"""Seconds between two looks whether workers still live."""


@dataclass(frozen=True)
class SearchResult:
    """How a search stands. `best`: the number of the best trial; `model`: its model's folder; `value`: what it reached.

    `stopped_by`: the signal that stopped the search, else None. `done`: trials that were begun and have ended.
    """

    folder: Path
    study: optuna.Study
    plan: Plan
    best: int | None
    value: float | None
    model: Path | None
    done: int
    stopped_by: int | None


def search(job: Job, settings: SearchSettings, *, folder: Path | None = None, say: Say = print) -> SearchResult:
    """Search about the job's settings; what it sets itself is the same for all trials.

    `folder`: a new one; None: one below `searches/`, named after data and base. Raises DataError, ModelError,
    SettingsError before anything is written, RunError later.
    """
    # what changes the loss belongs to heads that are judged by it
    metric = "loss" if settings.metric == AUTO else settings.metric
    higher_is_better(metric)
    own = SearchFolder(folder or free_folder(Path(job.data), job.base))
    own.refuse_taken()
    if settings.space:
        checked_space(settings.space)
        refuse_other_losses(settings.space, metric, settings.pruner)
    plan = _plan(job, settings)
    with own.claimed() as claim:
        own.write_plan(plan)
        return _go(own, plan, settings, claim, say)


def resume_search(
    folder: Path, settings: SearchSettings, *, trials: int | None = None, say: Say = print
) -> SearchResult:
    """Go on with the search in `folder`; trials that were under way when it ended are put back and tried again.

    `trials`: in all, if more are wanted now. Of `settings` only timeout, workers and storage are taken. Raises RunError
    where there is none, where it is still at work, or where the base is another one; DataError where the data is.
    """
    own = SearchFolder(folder)
    plan = own.plan()
    _refuse_changed(plan)
    if trials is not None and trials != plan.trials:
        plan = plan.model_copy(update={"trials": trials})
    if settings.storage is None and plan.storage is None and not plan.own_storage:
        what = "the trials are kept in a storage whose address holds a password, which is not written down"
        raise SettingsError(what, where=folder, remedy="give --storage again")
    kept = settings.model_copy(update={"storage": settings.storage or plan.storage})
    with own.claimed() as claim:
        own.write_plan(plan)
        return _go(own, plan, kept, claim, say)


def _refuse_changed(plan: Plan) -> None:
    """Trials of other data, or of another base, could not be compared with those that there are."""
    plan.refuse_changed_data()
    if plan.fingerprint is not None and verify(resolve_model(plan.base)) != plan.fingerprint:
        raise RunError("the base has changed since the search began", where=plan.base, remedy="begin a new search")


def _plan(job: Job, settings: SearchSettings) -> Plan:
    """Decide what is the same for all trials, by preparing one run."""
    refuse_missing(job.tune.track)
    prepared = prepare(job)
    head = prepared.base.head.kind
    metric = "label_accuracy" if prepared.chosen.stop_on == "accuracy" else "loss"
    if settings.metric != AUTO:
        metric = settings.metric
        refuse_unmeasured(metric, head)
    if not prepared.held_out.samples:
        raise SettingsError("nothing is held out, so trials cannot be compared", remedy="give --held-out a share")
    fixed = job.tune.model_dump(mode="json", exclude_unset=True)
    if twice := sorted(fixed.keys() & settings.space.keys()):
        remedy = "leave the option out, or take the setting out of the space"
        raise SettingsError(f"`{twice[0]}` is both set and searched", remedy=remedy)
    decided = {name: getattr(prepared.chosen, name) for name in ("lr", "epochs", "batch_size")}
    space = settings.space or _default(prepared, decided, fixed)
    storage = settings.storage
    plan = Plan(
        study=f"{Path(job.data).name.split('.')[0]}-{uuid.uuid4().hex[:8]}",
        data=job.data,
        base=job.base,
        head=head,
        tune={**decided, **fixed, "precision": prepared.chosen.precision},
        space=space,
        first=_first(space, {**job.tune.model_dump(mode="json"), **decided}),
        samples=len(prepared.train.samples),
        metric=metric,
        pruner=settings.pruner,
        trials=settings.trials,
        own_storage=storage is None,
        storage=None if storage is None or has_password(storage) else storage,
        files={one["path"]: one["sha256"] for one in prepared.facts["files"]},
        fingerprint=prepared.base.fingerprint,
    )
    del prepared
    gc.collect()  # the weights, before trials load theirs
    return plan


def _default(prepared: Prepared, decided: dict[str, Any], fixed: dict[str, Any]) -> Space:
    """The space by the head, without what the job sets itself."""
    config = prepared.base.model.config.to_dict()  # type: ignore[operator, union-attr]
    has_dropout = any("drop" in name and isinstance(value, float) for name, value in config.items())
    adapter = prepared.job.tune.adapter
    space = default_space(prepared.base.head.kind, decided, has_dropout=has_dropout, adapter=adapter)
    return {name: dimension for name, dimension in space.items() if name not in fixed}


def _first(space: Space, chosen: dict[str, Any]) -> dict[str, Any]:
    """What `tune` itself would take of the space; what it leaves to the base is drawn."""
    values = {name: chosen.get(name) for name in space}
    return {
        name: value
        for name, value in values.items()
        if value is not None
        and (dimension.holds(value) if isinstance(dimension := space[name], Range) else value in dimension)
    }


def _go(folder: SearchFolder, plan: Plan, settings: SearchSettings, claim: int, say: Say) -> SearchResult:
    url = storage_url(folder, settings.storage)
    study = open_study(folder, plan, url)
    say(f"search: {folder.path}; the trials are in {url.split('@')[-1]}")
    with locked(folder.turn):
        if not study.get_trials(deepcopy=False):
            study.enqueue_trial(_known(plan.first, plan.space))
        for trial in running(study):
            again = put_back(study, trial)
            say(f"trial {trial.number} was killed; {'it is tried again' if again else 'it is not tried again'}")
    with stop_signal() as stop:
        if settings.workers == 1:
            until = None if settings.timeout is None else time.monotonic() + settings.timeout
            study = open_study(folder, plan, url, seed=_seed(plan, study, 0))
            stopped = Trials(folder, plan, study, say, until=until).work(stop)
        else:
            stopped = _side_by_side(folder, plan, settings, study, url, claim, say, stop)
    return _result(folder, plan, study, stopped, say)


def _known(first: dict[str, Any], space: Space) -> dict[str, Any]:
    """Whole numbers as the distributions have them."""
    found = distributions(space)
    return {name: found[name].to_external_repr(found[name].to_internal_repr(value)) for name, value in first.items()}


def _seed(plan: Plan, study: optuna.Study, worker: int) -> int:
    """Of the sampler: another one for each worker, and after each time that the search went on."""
    return int(plan.tune.get("seed", 0)) + 1000 * worker + len(study.get_trials(deepcopy=False))


def _side_by_side(
    folder: SearchFolder,
    plan: Plan,
    settings: SearchSettings,
    study: optuna.Study,
    url: str,
    claim: int,
    say: Say,
    stop: StopSignal,
) -> int | None:
    """Begin the workers and wait for them; what one left unfinished by dying is put back for the others."""
    threads = max(1, (os.cpu_count() or 1) // settings.workers)
    workers = [
        _begin(folder, plan, settings, url, claim, threads, _seed(plan, study, number))
        for number in range(settings.workers)
    ]
    refused = False
    asked = False
    while workers:
        if stop and not asked:
            asked = True
            for worker in workers:
                worker.terminate()
        for worker in [one for one in workers if one.poll() is not None]:
            workers.remove(worker)
            refused = refused or worker.returncode == 2
            with locked(folder.turn):
                for trial in running(study, worker.pid):
                    put_back(study, trial)
                    say(f"trial {trial.number}: its worker ended with status {worker.returncode}; it is put back")
        time.sleep(_LOOK)
    late = settings.timeout is not None
    left = plan.trials - counted(study.get_trials(deepcopy=False))
    if left > 0 and not stop and not late:
        why = "see its message above" if refused else "perhaps for want of memory; try fewer workers"
        raise RunError(f"the workers ended with {left} trials to go", where=folder.path, remedy=f"{why}; then --resume")
    return stop.number


def _begin(
    folder: SearchFolder, plan: Plan, settings: SearchSettings, url: str, claim: int, threads: int, seed: int
) -> subprocess.Popen[str]:
    """A worker. It is told on its standard input, where no other user can read a password."""
    told = {
        "folder": str(folder.path),
        "storage": url,
        "trials": plan.trials,
        "seconds": settings.timeout,
        "threads": threads,
        "seed": seed,
        "parent": os.getpid(),
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "dialoop.training.search.worker"],
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        start_new_session=True,  # Ctrl-C comes to the search, which asks its workers once
        pass_fds=() if sys.platform == "win32" else (claim,),
    )
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(told) + "\n")
    worker.stdin.close()
    return worker


def _result(folder: SearchFolder, plan: Plan, study: optuna.Study, stopped: int | None, say: Say) -> SearchResult:
    best = best_trial(study)
    done = counted(study.get_trials(deepcopy=False))
    if best is not None:
        write_report(folder, plan, study)
        others = len(completed(study)) - 1
        say(f"the best trial's model is kept; the weights of the {others} other whole trials are deleted")
    return SearchResult(
        folder=folder.path,
        study=study,
        plan=plan,
        best=None if best is None else best.number,
        value=None if best is None else best.value,
        model=None if best is None else folder.trial(best.number) / "model",
        done=done,
        stopped_by=stopped,
    )
