"""A round of learning: collect, look for drift, mix, tune, judge, promote or refuse; all of it written down.

A round that was stopped, by a person or by a crash, is gone on with at the next call. What tunes, what rehearses and
who watches are passed in. It knows the shelf and the store; no agent and no scenario.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from dialoop.conversation import Conversation, read_conversations, write_conversations
from dialoop.conversation.likeness import conversation_key
from dialoop.errors import DataError, RunError
from dialoop.learning.collecting import Collected, Collection, Known, collect, erased, frozen
from dialoop.learning.deciding import Decision
from dialoop.learning.drift import Drift, Served, Sure, drift
from dialoop.learning.judging import Evidence, Rehearse, judge
from dialoop.learning.mixture import Old, mixed, old_data
from dialoop.learning.protecting import Protection, protected_record
from dialoop.learning.rounds import Record, Rounds, conversations_of
from dialoop.learning.settings import LearnSettings
from dialoop.learning.shelving import free_name, judged_against, put
from dialoop.model import resolve_model, shelf
from dialoop.model.folder import replace_file
from dialoop.store import Store
from dialoop.training import Job, Quiet, RunResult, TuneSettings, Watch, resume, tune
from dialoop.training.checkpoint import has_checkpoint
from dialoop.training.run_folder import RunFolder

_MOST_BEFORE = 500
"""Conversations of earlier rounds that drift is compared with, the last ones."""
MINI = "mini"
"""The bundled base."""
Tune = Callable[[Job, Path, Watch], RunResult]


def _tune(job: Job, run: Path, watch: Watch) -> RunResult:
    """Tunes in the folder `run`, or goes on with what was begun there.

    Where other settings were asked for since, the run is begun anew, unless it has a checkpoint: then its own hold.
    """
    folder = RunFolder(run)
    if not folder.settings.is_file():
        return tune(job, run=run, watch=watch)
    changed = _changed(folder.job(), job)
    if changed and not has_checkpoint(folder.checkpoint):
        watch.say(f"tuning is begun anew, since other settings are asked for: {changed}")
        shutil.rmtree(run)
        return tune(job, run=run, watch=watch)
    if changed:
        told = f"the run goes on with the settings that it was begun with, and these do not hold: {changed}"
        watch.say(f"{told}; to begin it anew with them, take {run} away")
    return resume(run, watch=watch)


def _changed(kept: Job, asked: Job) -> str:
    """Which settings are asked for that are not those that were kept, in words; empty where none are."""
    before, now = ({"base": job.base, **job.tune.model_dump(mode="json")} for job in (kept, asked))
    return ", ".join(f"{name} {now[name]} (it was {before[name]})" for name in now if now[name] != before[name])


@dataclass(frozen=True)
class Means:
    """What a round works with besides the store.

    `base` is tuned where the shelf has nothing in service, or if that is asked; None: what serves, and `mini` where
    that is not known. `serving`: the model that serves while the shelf has nothing in service; None: not known.
    `candidate`: a model that was made elsewhere; it is judged instead of tuning one. `again`: a round is held though
    nothing is new.
    """

    base: str | None = None
    serving: str | None = None
    tune: TuneSettings = field(default_factory=TuneSettings)
    rehearse: Rehearse | None = None
    protection: Protection | None = None
    sure: Sure | None = None
    candidate: Path | None = None
    again: bool = False
    by: str = "dialoop learn"
    make: Tune = _tune
    watch: Watch = field(default_factory=Quiet)


@dataclass(frozen=True)
class Round:
    """How a round ended. `decision` is None where none was made; `why` says why. `stopped_by`: a signal's number."""

    number: int
    folder: Path
    collected: Collected
    drift: Drift | None
    decision: Decision | None
    why: str
    stopped_by: int | None = None


def learn(store: Store, settings: LearnSettings, means: Means | None = None) -> Round:
    """Hold a round of learning, or go on with one that was stopped.

    Raises DialoopError where store, data, test or shelf cannot be used, where another process holds a round on this
    shelf, and where rounds on it learnt from another tenant; a bad candidate is no error, it is refused.
    """
    rounds = Rounds(Path(settings.shelf))
    with rounds.held():
        return _Round(store, settings, means or Means(), rounds).hold()


class _Round:
    """A round under way."""

    def __init__(self, store: Store, settings: LearnSettings, means: Means, rounds: Rounds) -> None:
        self.store, self.settings, self.means = store, settings, means
        given = means.candidate
        self.candidate = None if given is None else resolve_model(given, shelf=settings.shelf).resolve()
        self.protection = means.protection or Protection(vault=store.vault)
        self.shelf = shelf(settings.shelf)
        self.rounds = rounds
        self.gone: frozenset[str] = frozenset()
        self.forgotten: set[str] = set()
        self.number, self.folder = self.rounds.next()
        self.test = _test(settings.test, self.protection)
        self.say = means.watch.say

    def hold(self) -> Round:
        """All stages that are left."""
        self.rounds.refuse_other_tenant(self.settings.tenant)
        record = self.folder.record()
        under_way = record is not None and record.stage != "waiting"
        if record is not None and under_way and self.candidate not in (None, record.candidate_made):
            what = f"round {self.number} is half-way, and a candidate would take its place"
            raise RunError(what, where=self.folder.path, remedy="go on with that one first: dialoop learn")
        begun_anew = self._forget()
        if record is not None and under_way and not begun_anew:
            self.say(f"going on with round {self.number}")
            self.candidate = record.candidate_made
            if record.stage == "judged":
                return self._end(record)
        else:
            ended = self._collect()
            if ended is not None:
                return ended
        return self._decide(self._tuned())

    def _forget(self) -> bool:
        """Take what was erased out of every round's files; gives whether this round has to collect anew.

        That is so where a candidate was to learn from it, and is not judged yet; it is noted first, so that a crash in
        between leaves no run behind whose data has changed.
        """
        self.gone = erased(self.store)
        record = self.folder.record()
        anew = record is not None and record.stage == "collected" and record.made is None
        anew = anew and any(one.id in self.gone for one in conversations_of(self.folder.train))
        if record is not None and anew:
            self.say(f"round {self.number} is begun anew: it was to be tuned on conversations that were erased")
            self.folder.keep(record.model_copy(update={"stage": "waiting"}))
            shutil.rmtree(self.folder.run, ignore_errors=True)
        taken = self.rounds.forget(self.gone)
        if not taken:
            return anew
        count = len(set().union(*taken.values()))
        self.say(f"{count} conversations were erased, and are taken out of what was learnt from")
        self.forgotten = set().union(*(names for path, names in taken.items() if path.name != self.folder.rated.name))
        if record is not None and not anew and record.stage in ("collected", "judged"):
            report, seen = self.folder.collected()
            report.erased = sorted({*report.erased, *self.forgotten})
            self.folder.keep_collected(report, seen)
        return anew

    def _collect(self) -> Round | None:
        """Collect and mix; gives the round's end where there is nothing to learn."""
        test_ids, test_keys = frozen(self.test)
        old = old_data(map(Path, self.settings.data), self.settings.most_old, self.protection, test_ids, test_keys)
        old = replace(old, conversations=[one for one in old.conversations if one.id not in self.gone])
        learnt = self.rounds.learnt()
        keys = {conversation_key(conversation) for conversation in (*old.conversations, *learnt.values())}
        seen = self.rounds.seen()
        known = Known(seen, frozenset(learnt), frozenset(keys), test_ids, test_keys)
        found = collect(self.store, self.settings, known, self.protection)
        found.report.erased = sorted({*found.report.erased, *self.forgotten})
        found_drift = self._drift(found, [*old.conversations, *learnt.values()], seen)
        wanted = self.means.again or self.candidate is not None
        if not found.report.looked_at and not wanted:
            return self._nothing(found, found_drift, "nothing has come in since the last round")
        self.folder.begin()
        self.folder.write("drift.json", found_drift.model_dump(mode="json"))
        self.folder.keep_collected(found.report, found.seen)
        write_conversations(self.folder.rated, found.rated)
        if found.report.taken < self.settings.fewest and not wanted:
            self.folder.keep(self._record("waiting", {}))
            why = f"{found.report.taken} conversations are there to learn from, and {self.settings.fewest} are needed"
            return self._nothing(found, found_drift, why)
        pool = {name: one for name, one in learnt.items() if name not in found.seen}
        self._mix(old, pool, found.conversations)
        return None

    def _mix(self, old: Old, pool: dict[str, Conversation], new: Sequence[Conversation]) -> None:
        mixture = mixed(old.conversations, pool, new, self.settings.fresh, self.rounds.ever_learnt())
        if not mixture.train and self.candidate is None:
            raise DataError("there is nothing to train on", remedy="name old data: --data FILE")
        write_conversations(self.folder.new, new)
        write_conversations(self.folder.fresh, mixture.fresh)
        write_conversations(self.folder.train, mixture.train)
        told = ", ".join(f"{count} {name}" for name, count in mixture.counts.items() if count)
        self.say(f"round {self.number}: conversations: {told}")
        if old.in_test:
            self.say(f"{old.in_test} conversations of the old data stand in the test and are not trained on")
        self.folder.keep(self._record("collected", mixture.counts))

    def _record(self, stage: str, mixture: dict[str, int]) -> Record:
        served = self.shelf.current
        return Record.model_validate(
            {
                "number": self.number,
                "began": _now(),
                "stage": stage,
                "start": self._start(),
                "served": None if served is None else served.name,
                "made": None if self.candidate is None else str(self.candidate),
                "tenant": self.settings.tenant,
                "test_digest": _digest(self.settings.test),
                "mixture": mixture,
            }
        )

    def _start(self) -> str:
        """What is tuned: a version's name, or a model's."""
        served = self.shelf.current
        if self.settings.start == "base":
            return self.means.base or MINI
        return served.name if served is not None else self.means.base or self.means.serving or MINI

    def _nothing(self, found: Collection, found_drift: Drift, why: str) -> Round:
        return Round(self.number, self.folder.path, found.report, found_drift, None, why)

    def _drift(self, found: Collection, trained: Sequence[Conversation], seen: dict[str, int]) -> Drift:
        before = [name for name in seen if name not in found.seen][-_MOST_BEFORE:]
        served = Served({name: list(self.store.events(name)) for name in before})
        return drift(Served(found.events), trained, served, threshold=self.settings.drift, sure=self.means.sure)

    def _tuned(self) -> RunResult | Path:
        """The candidate's folder, or how the run was stopped."""
        if self.candidate is not None:
            return self.candidate
        run = RunFolder(self.folder.run)
        if run.read("run.json").get("status") == "done":
            return run.model
        record = self.folder.record()
        assert record is not None
        if not has_checkpoint(run.checkpoint) and record.start != self._start():
            record = record.model_copy(update={"start": self._start()})
            self.folder.keep(record)
        base = record.start
        if any(version.name == base for version in self.shelf.list()):
            base = str(self.shelf.folder(base))
        job = Job(data=str(self.folder.train), base=base, tune=self.means.tune)
        result = self.means.make(job, self.folder.run, self.means.watch)
        return result if result.model is None else result.model

    def _decide(self, tuned: RunResult | Path) -> Round:
        report = self.folder.collected()[0]
        found_drift: Drift | None = self.folder.read("drift.json", Drift)
        if isinstance(tuned, RunResult):
            why = "stopped while tuning, and saved; the same command goes on"
            return Round(self.number, self.folder.path, report, found_drift, None, why, tuned.stopped_by)
        record = self.folder.record()
        assert record is not None
        against = judged_against(self.shelf, self.means.serving, self.means.base or MINI, self.means.by)
        name = free_name(self.shelf, f"round-{self.number}")
        decision = judge(
            tuned,
            self.shelf.folder(against.version),
            self._evidence(),
            self.settings,
            at=_now(),
            names=(name, against.version),
            say=self.say,
        )
        decision.notes += self._notes(report, record)
        self.folder.write("decision.json", decision.model_dump(mode="json"))
        made = None if tuned == self.folder.run / "model" else str(tuned.resolve())
        judged = {"stage": "judged", "candidate": name, "served": against.current, "made": made}
        record = record.model_copy(update=judged)
        self.folder.keep(record)
        return self._end(record)

    def _end(self, record: Record) -> Round:
        """The candidate onto the shelf, and into service or not; after a crash, what is left of that."""
        decision: Decision | None = self.folder.read("decision.json", Decision)
        if decision is None:
            remedy = "restore it from a backup, or take this round's folder away: its conversations are collected anew"
            raise RunError("the decision is missing", where=self.folder.path / "decision.json", remedy=remedy)
        made = record.candidate_made or RunFolder(self.folder.run).model
        decision = put(self.shelf, made, decision, record.served, self.means.by)
        self.folder.write("decision.json", decision.model_dump(mode="json"))
        replace_file(self.folder.path / "decision.md", decision.page)
        self.folder.keep(record.model_copy(update={"stage": "decided"}))
        report, found_drift = self.folder.collected()[0], self.folder.read("drift.json", Drift)
        return Round(self.number, self.folder.path, report, found_drift, decision, decision.reason)

    def _evidence(self) -> Evidence:
        fresh = list(conversations_of(self.folder.fresh))
        learnt = [*conversations_of(self.folder.new), *self.rounds.learnt().values()]
        return Evidence(
            tests={"the test": self.test, "new conversations": fresh},
            rehearse=self.means.rehearse,
            learnt=[one for one in learnt if one.id not in {kept.id for kept in fresh}],
            vault=self.protection.vault,
            device=_device(self.means.tune),
        )

    def _notes(self, report: Collected, record: Record) -> list[str]:
        notes = []
        before = [one.test_digest for folder in self.rounds.decided() if (one := folder.record()) is not None]
        if before and before[-1] != record.test_digest:
            notes.append("The test is not that of the round before: their figures do not compare.")
        if report.erased and self.settings.start == "current":
            told = f"{len(report.erased)} conversations were erased that versions before this one learnt from"
            notes.append(f"{told}; with `start: base` a round begins without what they left in the weights.")
        return notes


def _test(path: str | None, protection: Protection) -> list[Conversation]:
    """The frozen test, protected as what is served is."""
    if path is None:
        return []
    house = Protection(finders=protection.finders, house=protection.house, keys=protection.keys)
    found = [protected_record(conversation, house)[0] for conversation in read_conversations(path)]
    if not found:
        raise DataError("the test holds no conversation", where=path, remedy="name held-out conversations")
    return found


def _digest(path: str | None) -> str | None:
    return None if path is None else hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _device(settings: TuneSettings) -> str:
    import torch

    if settings.device != "auto":
        return settings.device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
