"""A round of learning: collect, look for drift, mix, tune, judge, promote or refuse; all of it written down.

A round that was stopped, by a person or by a crash, is gone on with at the next call. What tunes, what rehearses and
who watches are passed in. It knows the shelf and the store; no agent and no scenario.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from dialoop.conversation import Conversation, read_conversations, write_conversations
from dialoop.conversation.likeness import conversation_key
from dialoop.errors import DataError, ModelError
from dialoop.learning.collecting import Collected, Collection, Known, collect, frozen
from dialoop.learning.deciding import Decision
from dialoop.learning.drift import Drift, Served, Sure, drift
from dialoop.learning.judging import Evidence, Rehearse, judge
from dialoop.learning.mixture import Old, mixed, old_data
from dialoop.learning.protecting import Protection, protected_record
from dialoop.learning.rounds import Record, Rounds, conversations_of
from dialoop.learning.settings import LearnSettings
from dialoop.model import resolve_model, shelf
from dialoop.model.folder import replace_file
from dialoop.store import Store
from dialoop.training import Job, Quiet, RunResult, TuneSettings, Watch, resume, tune
from dialoop.training.run_folder import RunFolder

_MOST_BEFORE = 500
"""Conversations of earlier rounds that drift is compared with, the last ones."""
Tune = Callable[[Job, Path, Watch], RunResult]


def _tune(job: Job, run: Path, watch: Watch) -> RunResult:
    """Tunes in the folder `run`, or goes on with what was begun there."""
    return resume(run, watch=watch) if RunFolder(run).settings.is_file() else tune(job, run=run, watch=watch)


@dataclass(frozen=True)
class Means:
    """What a round works with besides the store. `base` is tuned where nothing is on the shelf, or if that is asked.

    `candidate`: a model that was made elsewhere; it is judged instead of tuning one. `again`: a round is held though
    nothing is new.
    """

    base: str = "mini"
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

    Raises DialoopError where store, data, test or shelf cannot be used; a bad candidate is no error, it is refused.
    """
    means = means or Means()
    return _Round(store, settings, means).hold()


class _Round:
    """A round under way."""

    def __init__(self, store: Store, settings: LearnSettings, means: Means) -> None:
        self.store, self.settings, self.means = store, settings, means
        self.candidate = None if means.candidate is None else resolve_model(means.candidate)
        self.protection = means.protection or Protection(vault=store.vault)
        self.shelf = shelf(settings.shelf)
        self.rounds = Rounds(self.shelf.path)
        self.number, self.folder = self.rounds.next()
        self.test = _test(settings.test, self.protection)
        self.say = means.watch.say

    def hold(self) -> Round:
        """All stages that are left."""
        record = self.folder.record()
        if record is None or record.stage == "waiting":
            ended = self._collect()
            if ended is not None:
                return ended
        else:
            self.say(f"going on with round {self.number}")
        return self._decide(self._tuned())

    def _collect(self) -> Round | None:
        """Collect and mix; gives the round's end where there is nothing to learn."""
        test_ids, test_keys = frozen(self.test)
        old = old_data(map(Path, self.settings.data), self.settings.most_old, self.protection, test_ids, test_keys)
        learnt = self.rounds.learnt()
        keys = {conversation_key(conversation) for conversation in (*old.conversations, *learnt.values())}
        seen = self.rounds.seen()
        known = Known(seen, frozenset(learnt), self.rounds.rated(), frozenset(keys), test_ids, test_keys)
        found = collect(self.store, self.settings, known, self.protection)
        gone = set(found.gone)
        if gone:
            self.rounds.forget(gone)
            self.say(f"{len(gone)} conversations were erased, and are taken out of what was learnt from")
        found_drift = self._drift(found, [*old.conversations, *learnt.values()], seen)
        if not found.report.looked_at and not self.means.again:
            return self._nothing(found, found_drift, "nothing has come in since the last round")
        self.folder.begin()
        self.folder.write("drift.json", found_drift.model_dump(mode="json"))
        self.folder.keep_collected(found.report, found.seen)
        write_conversations(self.folder.rated, found.rated)
        if found.report.taken < self.settings.fewest and not self.means.again:
            self.folder.keep(self._record("waiting", {}))
            why = f"{found.report.taken} conversations are there to learn from, and {self.settings.fewest} are needed"
            return self._nothing(found, found_drift, why)
        pool = {name: one for name, one in learnt.items() if name not in found.seen}
        self._mix(old, pool, found.conversations)
        return None

    def _mix(self, old: Old, pool: dict[str, Conversation], new: Sequence[Conversation]) -> None:
        mixture = mixed(old.conversations, pool, new, self.settings.fresh)
        if not mixture.train:
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
        from_base = served is None or self.settings.start == "base"
        return Record.model_validate(
            {
                "number": self.number,
                "began": _now(),
                "stage": stage,
                "start": self.means.base if from_base or served is None else served.name,
                "served": None if served is None else served.name,
                "test_digest": _digest(self.settings.test),
                "mixture": mixture,
            }
        )

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
        record = self.folder.record()
        assert record is not None
        base = record.start
        if any(version.name == base for version in self.shelf.list()):
            base = str(self.shelf.folder(base))
        run = RunFolder(self.folder.run)
        if run.read("run.json").get("status") == "done":
            return run.model
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
        served = self._served()
        name = self._name()
        decision = judge(
            tuned,
            self.shelf.folder(served),
            self._evidence(),
            self.settings,
            at=_now(),
            names=(name, served),
            say=self.say,
        )
        decision.notes += self._notes(report, record)
        self._put(tuned, decision)
        self.folder.write("decision.json", decision.model_dump(mode="json"))
        replace_file(self.folder.path / "decision.md", decision.page)
        self.folder.keep(record.model_copy(update={"stage": "decided", "candidate": name}))
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

    def _served(self) -> str:
        """The version in service; where none is, the base comes onto the shelf, so that it can be rolled back to."""
        current = self.shelf.current
        if current is not None:
            return current.name
        why = f"what served before the first round: {self.means.base}"
        return self.shelf.add(resolve_model(self.means.base), "first", by=self.means.by, why=why).name

    def _name(self) -> str:
        """A name for the candidate that no version has."""
        taken = {version.name for version in self.shelf.list()}
        name, number = f"round-{self.number}", 1
        while name in taken:
            number += 1
            name = f"round-{self.number}-{number}"
        return name

    def _notes(self, report: Collected, record: Record) -> list[str]:
        notes = []
        before = [one.test_digest for folder in self.rounds.decided() if (one := folder.record()) is not None]
        if before and before[-1] != record.test_digest:
            notes.append("The test is not that of the round before: their figures do not compare.")
        if report.erased and self.settings.start == "current":
            erased = f"{len(report.erased)} conversations were erased that versions before this one learnt from"
            notes.append(f"{erased}; with `start: base` a round begins without what they left in the weights.")
        return notes

    def _put(self, tuned: Path, decision: Decision) -> None:
        """The candidate onto the shelf, and into service or not."""
        figures = {
            f"{one.measure} on {one.on}": one.after for one in decision.findings if one.group == "all" and one.after
        }
        by, name = self.means.by, decision.candidate
        try:
            self.shelf.add(resolve_model(tuned), name, metrics=figures, make_current=False, by=by, why="a candidate")
        except ModelError as error:
            if decision.promoted:
                raise
            decision.notes.append(f"It was not put on the shelf: {error.what}.")
            return
        if decision.promoted:
            self.shelf.promote(name, by=by, why=decision.reason)
        else:
            self.shelf.refuse(name, by=by, why=decision.reason)


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
