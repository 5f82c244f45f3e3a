"""The study of a search in Optuna's storage: opened, its space as distributions, dead trials put back.

It knows Optuna; it does not know how a trial is run.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from dialoop.errors import SettingsError
from dialoop.evaluation.measures import HEAD_SECTIONS, MEASURES
from dialoop.training.search.folder import Plan, SearchFolder
from dialoop.training.search.space import Range, Space, is_whole

MOST_TRIES = 3
"""A trial whose process was killed so many times is not put back again."""
RUNGS = 10
"""Trials are compared at each tenth of their run, whatever the number of their steps."""
KILLED = "killed"
"""The mark of a trial that did not end by itself; it is counted through the one that was put in its place."""


def open_study(folder: SearchFolder, plan: Plan, url: str, *, seed: int = 0) -> optuna.Study:
    """The plan's study at `url`, made where it is not there. Raises SettingsError for an address of no storage."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        lasting = _lasting(url)
        storage = optuna.storages.RDBStorage(
            lasting, engine_kwargs={"connect_args": {"timeout": 60}} if lasting.startswith("sqlite") else None
        )
        return optuna.create_study(
            storage=storage,
            study_name=plan.study,
            direction="maximize" if higher_is_better(plan.metric) else "minimize",
            sampler=optuna.samplers.TPESampler(n_startup_trials=max(4, min(10, plan.trials // 3)), seed=seed),
            pruner=_pruner(plan.pruner),
            load_if_exists=True,
        )
    except Exception as error:  # whatever a database's driver raises
        shown = url.split("@")[-1]
        remedy = "give sqlite:///FILE, or postgresql://HOST/DATABASE with the extra dialoop[postgres]"
        raise SettingsError(
            f"the storage cannot be opened: {_first_line(error)}", where=shown, remedy=remedy
        ) from error


def storage_url(folder: SearchFolder, given: str | None) -> str:
    """Where the study lasts: as given, or in the search's folder."""
    return given or f"sqlite:///{(folder.path / 'study.db').resolve()}"


def has_password(url: str) -> bool:
    """Whether an address tells a password, which must not be written down."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).password is not None or "password" in make_url(url).query
    except ArgumentError as error:
        remedy = "give sqlite:///FILE, or postgresql://HOST/DATABASE"
        raise SettingsError("storage is no address of a database", remedy=remedy) from error


def higher_is_better(metric: str) -> bool:
    """Whether a metric is to be high. Raises SettingsError for one that is not known or has no better."""
    if metric == "loss":
        return False
    known = {name for name, measure in MEASURES.items() if measure.better in ("higher", "lower")}
    if metric not in known:
        raise SettingsError(f"metric is {metric!r}", remedy=f"choose among loss, {', '.join(sorted(known))}")
    return MEASURES[metric].better == "higher"


def refuse_unmeasured(metric: str, head: str) -> None:
    """Raises SettingsError where a metric is not measured with such a head."""
    sections = HEAD_SECTIONS.get(head, ())
    if metric == "loss" or MEASURES[metric].section in sections:
        return
    fit = [name for name, one in MEASURES.items() if one.section in sections and one.better in ("higher", "lower")]
    remedy = f"choose among {', '.join(['loss', *fit])}"
    raise SettingsError(f"{metric} is not measured with the head {head}", remedy=remedy)


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The space as Optuna has it."""
    found: dict[str, BaseDistribution] = {}
    for name, dimension in space.items():
        if not isinstance(dimension, Range):
            found[name] = CategoricalDistribution(dimension)
        elif is_whole(name, dimension):
            step = 1 if dimension.step is None else int(dimension.step)
            found[name] = IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log, step=step)
        else:
            found[name] = FloatDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)
    return found


def counted(trials: list[FrozenTrial]) -> int:
    """Trials that were begun, those that were killed and put back apart."""
    return sum(one.state != TrialState.WAITING and KILLED not in one.user_attrs for one in trials)


def completed(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that ended with a value."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def put_back(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Mark a trial that was killed as failed, and put one with its values in its place.

    Gives whether it is tried again: after three tries it is not.
    """
    tries = int(trial.user_attrs.get("tries", 1))
    again = tries < MOST_TRIES
    with suppress(ValueError):  # it was told already
        if again:
            attributes: dict[str, Any] = {"tries": tries + 1, "goes_on": trial.number}
            study.enqueue_trial(trial.params, user_attrs=attributes)
            study._storage.set_trial_user_attr(trial._trial_id, KILLED, True)
        study.tell(trial.number, state=TrialState.FAIL)
    return again


def running(study: optuna.Study, worker: int | None = None) -> list[FrozenTrial]:
    """The trials under way, of all workers or of the process `worker`."""
    found = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return [one for one in found if worker is None or one.user_attrs.get("worker") == worker]


def _pruner(name: str) -> optuna.pruners.BasePruner:
    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2)
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=RUNGS, reduction_factor=3)
    return optuna.pruners.NopPruner()


def _lasting(url: str) -> str:
    """PostgreSQL through psycopg, which the extra `postgres` brings."""
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            return f"postgresql+psycopg://{url.removeprefix(plain)}"
    return url


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
