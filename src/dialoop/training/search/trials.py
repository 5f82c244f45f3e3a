"""Works through trials one after the other: each is an ordinary run of tuning with the values that it was given.

It knows a study and runs; it does not know how many others do the same beside it, but takes turns with them.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from dialoop.errors import DataError, ModelError, RunError, SettingsError, is_out_of_memory
from dialoop.evaluation.evaluate import ALL, evaluate_model
from dialoop.evaluation.heads import evaluate_labelled
from dialoop.evaluation.measures import MEASURES
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.model import load_base
from dialoop.model.folder import locked
from dialoop.training.checkpoint import has_checkpoint
from dialoop.training.loop import StepReport
from dialoop.training.material import part, read_records
from dialoop.training.run_folder import RunFolder
from dialoop.training.search.best import keep_best
from dialoop.training.search.folder import Plan, SearchFolder
from dialoop.training.search.study import RUNGS, counted, distributions, higher_is_better, put_back
from dialoop.training.settings import Job, checked, without_idle
from dialoop.training.stopping import StopSignal
from dialoop.training.tuning import RunResult, resume, tune
from dialoop.training.watching import Quiet, Standing, Unwanted

Say = Callable[[str], None]


class Trials:
    """The trials that one process works through. `until`: the monotonic time after which none is begun.

    `parent`: the process that this one ends with, where it is a worker.
    """

    def __init__(
        self,
        folder: SearchFolder,
        plan: Plan,
        study: optuna.Study,
        say: Say,
        *,
        until: float | None = None,
        parent: int | None = None,
    ) -> None:
        self.folder, self.plan, self.study, self.say = folder, plan, study, say
        self.until, self.parent = until, parent
        self.stop = StopSignal()

    def work(self, stop: StopSignal) -> int | None:
        """Run trials until all are done or the time is up. Gives the signal that ended it before, if one did."""
        self.stop = stop
        while not stop:
            trial = self._next()
            if trial is None:
                return None
            stopped = self._run(trial)
            if stopped is not None:
                return stopped
        return stop.number

    def _next(self) -> optuna.Trial | None:
        """The next trial with its values; None where there is none to begin."""
        if self.until is not None and time.monotonic() >= self.until:
            return None
        self.plan.refuse_changed_data()
        with locked(self.folder.turn):
            if counted(self.study.get_trials(deepcopy=False)) >= self.plan.trials:
                return None
            trial = self.study.ask(distributions(self.plan.space))
            trial.set_user_attr("worker", os.getpid())
        return trial

    def _run(self, trial: optuna.Trial) -> int | None:
        """Run a trial and tell the study how it ended."""
        run = self.folder.trial(trial.number)
        try:
            result = self._tuned(trial, run)
            if result.stopped_by is not None:
                self._put_back(trial)
                return result.stopped_by
            value = self._value(result, run)
        except Unwanted:
            self._end(trial, run, TrialState.PRUNED, "pruned: behind the others")
        except BaseException as error:
            if not isinstance(error, (RunError, SettingsError, ModelError, DataError)) and not is_out_of_memory(error):
                self._put_back(trial)
                raise
            trial.set_user_attr("reason", (str(error) or type(error).__name__).splitlines()[0][:300])
            self._end(trial, run, TrialState.FAIL, f"failed: {error}")
        else:
            with locked(self.folder.turn):
                trial.set_user_attr("seconds", result.seconds)
                trial.set_user_attr("steps", result.steps)
                self.study.tell(trial, value)
                best = keep_best(self.folder, self.plan, self.study, trial.number)
            self.say(f"trial {trial.number}: {self.plan.metric} {value:.4f}{', the best yet' if best else ''}")
        return None

    def _tuned(self, trial: optuna.Trial, run: Path) -> RunResult:
        """The trial's run, gone on with where it stopped if this trial stands in for one that was killed."""
        watch = _PruningWatch(self, trial)
        former = trial.user_attrs.get("goes_on")
        if former is not None:
            before = self.folder.trial(int(former))
            if has_checkpoint(before / "checkpoint"):
                self.say(f"trial {trial.number}: goes on with trial {former}")
                before.rename(run)
                return resume(run, watch=watch)
            shutil.rmtree(before, ignore_errors=True)
        shutil.rmtree(run, ignore_errors=True)  # a trial of this number that was killed before it was told
        self.say(
            f"trial {trial.number}: {', '.join(f'{name} {_short(value)}' for name, value in trial.params.items())}"
        )
        return tune(self._job(trial.params), run=run, watch=watch)

    def _job(self, params: dict[str, Any]) -> Job:
        """Looks at the held-out data come at least once in each tenth of the run, where nothing else was asked for.

        What would do nothing beside the other values of a trial (a rank without an adapter) is left out.
        """
        values = without_idle({**self.plan.tune, **params})
        if values.get("look_every") is None:
            a_step = values["batch_size"] * values.get("accumulate", 1)
            steps = math.ceil(math.ceil(self.plan.samples / a_step) * values["epochs"])
            values["look_every"] = max(1, steps // RUNGS)
            values.setdefault("patience", RUNGS)  # pruning decides instead, else short looks would end every trial
        return Job(data=self.plan.data, base=self.plan.base, tune=checked(values))

    def _value(self, result: RunResult, run: Path) -> float:
        """What the trial is judged by. Raises RunError where it is no number."""
        value = result.after if self.plan.metric == "loss" else measured(run, self.plan.metric)
        if value is None or not math.isfinite(value):
            raise RunError(f"{self.plan.metric} is {value}", where=run, remedy="choose another metric or space")
        return value

    def _end(self, trial: optuna.Trial, run: Path, state: TrialState, why: str) -> None:
        """Tell the study, and leave the run without weights."""
        with locked(self.folder.turn):
            self.study.tell(trial, state=state)
        folder = RunFolder(run)
        for weights in (folder.checkpoint, folder.model):
            shutil.rmtree(weights, ignore_errors=True)
        if folder.path.is_dir():
            folder.keep("run.json", folder.read("run.json") | {"status": state.name.lower()})
        self.say(f"trial {trial.number}: {why}")

    def _put_back(self, trial: optuna.Trial) -> None:
        with locked(self.folder.turn):
            one = next(one for one in self.study.get_trials(deepcopy=False) if one.number == trial.number)
            put_back(self.study, one)


class _PruningWatch(Quiet):
    """Reports the best held-out loss at each tenth of a run, and ends the run where the study says so."""

    def __init__(self, trials: Trials, trial: optuna.Trial) -> None:
        self.trials, self.trial, self.tenth = trials, trial, 0
        self.sign = -1.0 if higher_is_better(trials.plan.metric) else 1.0

    def step(self, report: StepReport, standing: Standing) -> None:
        """Raises Unwanted where the trial is behind, KeyboardInterrupt where the search is to end or is gone."""
        orphaned = self.trials.parent is not None and os.getppid() != self.trials.parent
        if orphaned or self.trials.stop:  # the signal came before the run listened for it
            raise KeyboardInterrupt
        tenth = (standing.step - 1) * RUNGS // standing.of  # a look comes after its step: the next step tells of it
        if standing.held_out is None or tenth <= self.tenth:
            return
        self.tenth = tenth
        with locked(self.trials.folder.turn):
            self.trial.report(self.sign * standing.held_out, tenth)
            behind = self.trial.should_prune()
        if behind:
            raise Unwanted


def measured(run: Path, metric: str) -> float | None:
    """A measure of `evaluate` of a run's model on what the run held out."""
    folder = RunFolder(run)
    job = folder.job()
    split, _ = part(read_records(Path(job.data)), job.tune.held_out, job.tune.seed)
    base = load_base(folder.model)
    generate = MEASURES[metric].section != "targets"
    settings = EvaluationSettings(resamples=100, generate=generate, seed=job.tune.seed)
    if base.head.kind == "generate":
        found = evaluate_model(base, split.held_out, settings)
    else:
        found = evaluate_labelled(base, split.held_out, settings)
    figure = found.figures.get(ALL, {}).get(metric)
    if figure is None:
        known = ", ".join(found.figures.get(ALL, {}))
        raise RunError(f"{metric} is not measured with this head", where=run, remedy=f"choose among loss, {known}")
    return figure.value


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
