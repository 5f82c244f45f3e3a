"""Tunes a base to data: steps, looks at the held-out loss, checkpoints, an early end, and the best weights as the
model.

A run that was stopped, by a person or by a crash, goes on to the same losses. It knows what was prepared and the run's
folder; not what the samples are.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dialoop.errors import RunError
from dialoop.model import save_model
from dialoop.training.allocator import freed_memory_kept
from dialoop.training.averaging import Average
from dialoop.training.batches import Sample
from dialoop.training.card import Outcome, model_card
from dialoop.training.checkpoint import (
    has_checkpoint,
    load_average,
    load_best,
    load_checkpoint,
    restore_weights,
    save_checkpoint,
    trained_weights,
)
from dialoop.training.looks import Looks
from dialoop.training.loop import Progress, StepReport, mean_loss, take_step
from dialoop.training.objective import with_reference
from dialoop.training.optimise import make_optimisers
from dialoop.training.order import Step
from dialoop.training.parts import trained_in
from dialoop.training.preparing import Prepared, prepare
from dialoop.training.run_folder import RunFolder, free_folder, machine, now, versions, writing
from dialoop.training.settings import Job, TuneSettings
from dialoop.training.stopping import Patience, StopSignal, stop_signal
from dialoop.training.team import agreed, leads, own_dice
from dialoop.training.tracking import Tracking, refuse_missing, settings_of, tracked
from dialoop.training.watching import Quiet, Standing, Watch

SAVE_EVERY = 60.0
"""Seconds between checkpoints; one comes at each look as well, unless writing them took a twentieth of the time."""


@dataclass(frozen=True)
class RunResult:
    """How a run went. Losses in nats a target. `stopped_by`: the signal that stopped it, else None; then `model` is
    None.

    `before` and `after`: held-out loss of the base and of the model; None where nothing is held out. `figures`: all
    held-out figures of the model.
    """

    folder: Path
    model: Path | None
    stopped_by: int | None
    early: bool
    steps: int
    epochs: float
    targets: int
    seconds: float
    loss: float
    before: float | None
    after: float | None
    best_step: int | None
    figures: dict[str, float] = field(default_factory=dict)


def tune(job: Job, *, run: Path | None = None, watch: Watch | None = None) -> RunResult:
    """Tune as the job says, in the new folder `run` (None: one below `runs/`, named after data and base).

    Raises DataError, ModelError, SettingsError before anything is written, RunError later.
    """
    watch = watch or Quiet()
    folder = RunFolder(run or free_folder(Path(job.data), job.base), writes=leads())
    folder.refuse_taken()
    refuse_missing(job.tune.track)
    prepared = prepare(job)
    looks = Looks(prepared)
    folder.begin(job)
    with folder.claimed():
        folder.keep("data.json", prepared.facts)
        if prepared.tools is not None and folder.writes:
            with writing(folder.path):
                prepared.tools.write(folder.path)
        return _go(prepared, looks, folder, watch, resumed=False)


def resume(run: Path, *, watch: Watch | None = None) -> RunResult:
    """Go on with the run in `run` from its last checkpoint, to the losses that it would have had undisturbed.

    Raises RunError where there is nothing to go on with, where another process is at work with it, or where data or
    base are no longer what they were.
    """
    folder = RunFolder(run, writes=leads())
    job = folder.job()
    with folder.claimed():
        return _go_on(folder, job, watch or Quiet())


def _go_on(folder: RunFolder, job: Job, watch: Watch) -> RunResult:
    run, record = folder.path, folder.read("run.json")
    if record.get("status") == "done":
        raise RunError("this run has ended", where=run, remedy=f"its model is in {folder.model}")
    refuse_missing(job.tune.track)
    prepared = prepare(job, kept=record.get("chosen"))
    known = folder.read("data.json").get("files", prepared.facts["files"])
    for before, here in zip(known, prepared.facts["files"], strict=False):
        if before["sha256"] != here["sha256"]:
            raise RunError("the data has changed since the run began", where=here["path"], remedy="begin a new run")
    if record.get("base", prepared.base.fingerprint) != prepared.base.fingerprint:
        raise RunError("the base has changed since the run began", where=job.base, remedy="begin a new run")
    folder.keep("data.json", prepared.facts)
    return _go(prepared, Looks(prepared), folder, watch, resumed=True)


def _go(prepared: Prepared, looks: Looks, folder: RunFolder, watch: Watch, *, resumed: bool) -> RunResult:
    for line in prepared.lines:
        watch.say(line)
    watch.say(f"run: {folder.path}")
    prepared = with_reference(prepared, folder)
    track = prepared.job.tune.track if folder.writes else ()
    following = tracked(track, folder.path, settings_of(prepared), watch.say)
    with freed_memory_kept(), stop_signal() as stop, following as tracking:
        tuning = _Tuning(prepared, looks, folder, watch, stop, tracking)
        try:
            result = tuning.go(resumed=resumed)
        finally:
            watch.close()
        tracking.end("done" if result.model else "stopped", _outcome(result))
        return result


class _Tuning:
    """A run under way."""

    def __init__(
        self,
        prepared: Prepared,
        looks: Looks,
        folder: RunFolder,
        watch: Watch,
        stop: StopSignal,
        tracking: Tracking,
    ) -> None:
        self.looks, self.found = looks, dict[str, float]()
        self.tracking = tracking
        self.prepared, self.folder, self.watch, self.stop = prepared, folder, watch, stop
        self.chosen, self.model = prepared.chosen, prepared.base.model
        self.samples: Sequence[Sample] = []
        self.optimiser = prepared.job.tune.optimiser_settings(self.chosen.lr)
        torch.manual_seed(prepared.job.tune.seed)
        self.optimisers = make_optimisers(self.model, self.optimiser)
        self.progress = Progress()
        self.patience = Patience(prepared.job.tune.patience, higher=prepared.chosen.stop_on != "loss")
        self.best: dict[str, Tensor] | None = None
        self.before: float | None = None
        self.loss = math.nan
        self.an_epoch = math.ceil(len(prepared.train.samples) / (self.chosen.batch_size * prepared.job.tune.accumulate))
        self.total = math.ceil(self.an_epoch * self.chosen.epochs)
        self.average = self._new_average(prepared.job.tune)
        self.steps: tuple[int, list[Step]] = (-1, [])
        self.began = self.saved = time.monotonic()
        self.spent = self.cost = 0.0
        self.record: dict[str, Any] = {}

    def _new_average(self, settings: TuneSettings) -> Average:
        start = math.ceil(self.total * (1 - settings.average_tail))
        return Average(
            self.model, settings.average, decay=settings.average_decay, start=start, base_share=settings.base_share
        )

    def go(self, *, resumed: bool) -> RunResult:
        """All steps that are left, then the model."""
        self._begin(resumed=resumed)
        while self.progress.step < self.total and not self.patience.over:
            if self._told_to_stop():
                return self._stopped()
            self._step()
            looked = self.progress.step % self.chosen.look_every == 0 or self.progress.step == self.total
            if looked:
                self._look()
            self._save_now_and_then(looked=looked)
        return self._finish()

    def _begin(self, *, resumed: bool) -> None:
        self.record = self.folder.read("run.json") or {"started": now()}
        self.record |= {
            "status": "running",
            "versions": versions(),
            "machine": machine(),
            "seed": self.prepared.job.tune.seed,
            "base": self.prepared.base.fingerprint,
            "chosen": asdict(self.chosen),
        }
        self.folder.keep("run.json", self.record)
        if resumed and has_checkpoint(self.folder.checkpoint):
            state = load_checkpoint(self.folder.checkpoint, self.model, self.optimisers)
            self.best = load_best(self.folder.checkpoint)
            self.average.restore(load_average(self.folder.checkpoint), state.get("averaged", 0))
            self.progress, self.patience = Progress(**state["progress"]), Patience(**state["patience"])
            self.before, self.loss, self.spent = state["before"], state["loss"], state["seconds"]
            self.found = state.get("found", {"loss": self.patience.best})
            self.watch.say(f"going on after step {self.progress.step:,} of {self.total:,}")
        begins = not self.progress.step and self.patience.best is None  # a run stopped before its first step has looked
        self.folder.cut_log(-1 if begins else self.progress.step)
        if begins:
            self._look()

    def _told_to_stop(self) -> bool:
        """Whether the first of the processes was: all stop after the same step."""
        told = agreed(self.prepared.gear.accelerator, self.stop.number)
        if told is not None and not self.stop:
            self.stop.take(told, None)
        return told is not None

    def _step(self) -> None:
        epoch, index = divmod(self.progress.step, self.an_epoch)
        if self.steps[0] != epoch:
            self.steps, self.samples = (epoch, self.prepared.steps(epoch)), self.prepared.samples_in(epoch)
        own_dice(self.prepared.gear.accelerator, self.prepared.job.tune.seed, self.progress.step)
        with trained_in(self.model, self.progress.step / self.an_epoch, self.prepared.job.tune.unfreeze):
            report = take_step(
                self.prepared.gear,
                self.model,
                self.optimisers,
                self.optimiser,
                self.prepared.anchored(self.prepared.batches(self.samples, self.steps[1][index])),
                self.prepared.taught,
                self.progress.step / self.total,
            )
        self.progress.add(report)
        self.average.add(self.progress.step)
        self.loss = report.loss
        self._note_step(report)

    def _note_step(self, report: StepReport) -> None:
        step = self.progress.step
        if not math.isfinite(report.loss) or not math.isfinite(report.gradient):
            raise RunError(
                f"the loss is {report.loss} and the gradient {report.gradient} at step {step}",
                where=self.folder.path,
                remedy="tune again with a smaller --lr, or with --precision float32",
            )
        entry = {"step": step, "epoch": round(step / self.an_epoch, 4), **asdict(report)}
        self._note(entry | {"seconds": round(report.seconds, 4)})
        self.watch.step(report, self._standing())

    def _note(self, entry: dict[str, Any]) -> None:
        self.folder.note(entry)
        self.tracking.note(entry)

    def _look(self) -> None:
        """Take the held-out figures, and keep the weights where they are the best yet.

        A new head that has learnt nothing is no candidate: of few held-out texts it may have guessed the most.
        """
        samples = self.prepared.held_out.samples
        if not samples:
            return
        with self.average.in_place():
            passes = self.prepared.anchored(self.prepared.passes(samples))
            loss = mean_loss(self.prepared.gear, self.model, passes, self.prepared.loss)
            measured = self.looks.figures() if self.folder.writes else {}
            figures = {"loss": loss, **agreed(self.prepared.gear.accelerator, measured)}
            untaught = not self.progress.step and bool(self.prepared.base.fresh)
            if not untaught and self.patience.look(figures[self.chosen.stop_on], self.progress.step, loss):
                self.best, self.found = trained_weights(self.model), figures
        if self.progress.step == 0:
            self.before = loss
        others = {name: figure for name, figure in figures.items() if name != "loss"}
        self._note({"step": self.progress.step, "held_out": loss, **others})
        self.watch.look(figures, self._standing())

    def _standing(self) -> Standing:
        step = self.progress.step
        return Standing(step, self.total, step / self.an_epoch, self.found.get("loss"))

    def _save_now_and_then(self, *, looked: bool) -> None:
        waited = time.monotonic() - self.saved
        if self.folder.writes and waited >= max(20 * self.cost, 0.0 if looked else SAVE_EVERY):
            self._save()

    def _save(self) -> None:
        start = time.monotonic()
        state = {
            "progress": asdict(self.progress),
            "patience": asdict(self.patience),
            "before": self.before,
            "loss": self.loss,
            "seconds": self._seconds(),
            "averaged": self.average.count,
            "found": self.found,
        }
        average = self.average.weights
        save_checkpoint(self.folder.checkpoint, self.model, self.optimisers, state, best=self.best, average=average)
        self.saved = time.monotonic()
        self.cost = self.saved - start

    def _seconds(self) -> float:
        return round(self.spent + time.monotonic() - self.began, 2)

    def _stopped(self) -> RunResult:
        if self.folder.writes:
            self._save()
        result = self._result(model=None)
        self.folder.keep("run.json", self.record | {"status": "stopped", "result": _plain(result)})
        return result

    def _finish(self) -> RunResult:
        best = self.best if self.best is not None else self.average.taken()
        if best is not None:
            restore_weights(self.model, best)
        self.model.eval()
        if self.folder.writes:
            save_model(self.prepared.base, self.folder.model, card=self._card())
        result = self._result(model=self.folder.model)
        self.folder.keep("run.json", self.record | {"status": "done", "ended": now(), "result": _plain(result)})
        if self.folder.writes:
            shutil.rmtree(self.folder.checkpoint, ignore_errors=True)
        return result

    def _card(self) -> str:
        """Of the model that is about to be saved."""
        result = self._result(model=self.folder.model)
        looks = (entry for entry in self.folder.entries() if "held_out" in entry)
        first = next(looks, {}) if self.before is not None else {}
        outcome = Outcome(
            name=self.folder.path.resolve().name,
            started=self.record["started"],
            steps=result.steps,
            epochs=result.epochs,
            seconds=result.seconds,
            best_step=result.best_step,
            before={name: figure for name, figure in first.items() if name not in ("step", "held_out")}
            | ({} if self.before is None else {"loss": self.before}),
            after=result.figures,
            versions=self.record["versions"],
        )
        return model_card(self.prepared, outcome)

    def _result(self, model: Path | None) -> RunResult:
        return RunResult(
            folder=self.folder.path,
            model=model,
            stopped_by=None if model else self.stop.number,
            early=self.progress.step < self.total,
            steps=self.progress.step,
            epochs=round(self.progress.step / self.an_epoch, 4),
            targets=self.progress.targets,
            seconds=self._seconds(),
            loss=self.loss,
            before=self.before,
            after=self.found.get("loss"),
            best_step=None if self.patience.best is None else self.patience.best_step,
            figures=self.found,
        )


def _plain(result: RunResult) -> dict[str, Any]:
    """As `run.json` keeps it: without the paths, which change when a folder is moved."""
    kept = asdict(result)
    del kept["folder"], kept["model"]
    return kept


def _outcome(result: RunResult) -> dict[str, float]:
    """What trackers are told at the end."""
    figures = {"before": result.before, "best_step": result.best_step, **result.figures}
    work = {name: getattr(result, name) for name in ("steps", "epochs", "targets", "seconds")}
    return {f"result/{name}": float(value) for name, value in {**figures, **work}.items() if value is not None}
