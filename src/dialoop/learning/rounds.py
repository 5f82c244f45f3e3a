"""The folders of the rounds of learning, below the shelf: what each round collected, trained on and decided.

    rounds/0001/
      round.json       what the round began from, and how far it came
      collected.json   what was collected, and what was left out and why; how far each conversation was considered
      rated.jsonl      the conversations with rated answers, also those that have nothing else to learn
      new.jsonl        the conversations to learn from, protected
      fresh.jsonl      of these, the ones that this round only measures on
      train.jsonl      the others, those of earlier rounds, and old data
      run/             the run that made the candidate
      drift.json       whether the world has drifted
      decision.json    the figures and the decision; decision.md says the same to a person

Files are written in one step, so a round that was stopped is gone on with. It knows files, no models and no store.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dialoop.conversation import Conversation, read_conversations, write_conversations
from dialoop.errors import RunError, SettingsError
from dialoop.learning.collecting import Collected
from dialoop.model.folder import lock, replace_file
from dialoop.model.shelf import ROUNDS

Stage = Literal["waiting", "collected", "judged", "decided"]
"""Waiting for more conversations; to be tuned and judged; to be put on the shelf; at its end."""


class Record(BaseModel):
    """What `round.json` keeps. `start`: what was tuned; `served`: the version in service when the round began, and
    from `judged` on when the candidate was judged; `made`: the folder of a candidate that the round's run did not make.

    `tenant`: whose conversations were collected (None: everybody's); rounds of before it was kept do not tell.
    """

    model_config = ConfigDict(extra="forbid")
    number: int
    began: str
    stage: Stage
    start: str
    served: str | None
    candidate: str | None = None
    made: str | None = None
    tenant: str | None = None
    test_digest: str | None = None
    mixture: dict[str, int] = Field(default_factory=dict)

    @property
    def candidate_made(self) -> Path | None:
        """The folder of a candidate that the round's run did not make."""
        return None if self.made is None else Path(self.made)


class _CollectedFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    report: Collected
    seen: dict[str, int]


class RoundFolder:
    """The files of one round, by their meaning."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def new(self) -> Path:
        """What was collected."""
        return self.path / "new.jsonl"

    @property
    def rated(self) -> Path:
        """What was collected with rated answers."""
        return self.path / "rated.jsonl"

    @property
    def fresh(self) -> Path:
        """What of that is measured on, and not trained on before the next round."""
        return self.path / "fresh.jsonl"

    @property
    def train(self) -> Path:
        """What is trained on."""
        return self.path / "train.jsonl"

    @property
    def run(self) -> Path:
        """The run that makes the candidate."""
        return self.path / "run"

    def begin(self) -> None:
        """Make the folder. Raises RunError where it cannot be made."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = f"cannot be made: {error.strerror or error}"
            raise RunError(what, where=self.path, remedy="name a shelf that can be written") from error

    def record(self) -> Record | None:
        """How far the round came; None where it had not collected yet. Raises RunError where that cannot be read."""
        found: Record | None = self._read("round.json", Record)
        return found

    def keep(self, record: Record) -> None:
        """Write how far the round came."""
        self.write("round.json", record.model_dump(mode="json"))

    def collected(self) -> tuple[Collected, dict[str, int]]:
        """The report, and how far each conversation was considered."""
        found = self._read("collected.json", _CollectedFile)
        return (found.report, found.seen) if found else (Collected(), {})

    def keep_collected(self, report: Collected, seen: dict[str, int]) -> None:
        """Write what `collected` gives."""
        self.write("collected.json", {"report": report.model_dump(mode="json"), "seen": seen})

    def write(self, name: str, data: dict[str, Any]) -> None:
        """Write a JSON file in one step."""
        replace_file(self.path / name, json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def read(self, name: str, model: type[BaseModel]) -> Any:
        """A JSON file of the round as `model`; None where it is not there."""
        return self._read(name, model)

    def _read(self, name: str, model: Any) -> Any:
        path = self.path / name
        if not path.exists():
            return None
        try:
            return model.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            remedy = "restore it from a backup, or take this round's folder away: its conversations are collected anew"
            raise RunError("this record of a round cannot be read", where=path, remedy=remedy) from error


class Rounds:
    """All rounds of a shelf."""

    def __init__(self, shelf: Path) -> None:
        self.path = shelf / ROUNDS

    def folders(self) -> list[RoundFolder]:
        """Every round, the first one first."""
        numbered = [path for path in self.path.glob("[0-9]*") if path.is_dir() and path.name.isdigit()]
        return [RoundFolder(path) for path in sorted(numbered, key=lambda path: int(path.name))]

    def next(self) -> tuple[int, RoundFolder]:
        """The round to go on with: the last one where it came to no end, else a new one."""
        folders = self.folders()
        if folders:
            record = folders[-1].record()
            if record is None or record.stage != "decided":
                return int(folders[-1].path.name), folders[-1]
        number = int(folders[-1].path.name) + 1 if folders else 1
        return number, RoundFolder(self.path / f"{number:04}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """One process at a time holds a round. Raises RunError at once where another one does, or none can be held."""
        path = self.path / ".lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            what = f"cannot be written: {error.strerror or error}"
            raise RunError(what, where=path, remedy="name a shelf that can be written") from error
        try:
            _lock(handle, self.path)
            yield
        finally:
            os.close(handle)

    def refuse_other_tenant(self, tenant: str | None) -> None:
        """Raises SettingsError where rounds of this shelf learnt from another tenant's conversations."""
        for folder in self.folders():
            record = folder.record()
            if record is None or record.stage == "waiting" or "tenant" not in record.model_fields_set:
                continue
            if record.tenant != tenant:
                before, now = (
                    f"tenant {one!r}" if one is not None else "every tenant" for one in (record.tenant, tenant)
                )
                raise SettingsError(
                    f"rounds on this shelf learn from the conversations of {before}, and this one would from {now}",
                    where=folder.path,
                    remedy="name another shelf for it: --shelf FOLDER",
                )

    def decided(self) -> list[RoundFolder]:
        """The rounds that came to a decision."""
        return [folder for folder in self.folders() if (record := folder.record()) and record.stage == "decided"]

    def seen(self) -> dict[str, int]:
        """How far each conversation was considered."""
        seen: dict[str, int] = {}
        for folder in self.decided():
            seen |= folder.collected()[1]
        return seen

    def learnt(self) -> dict[str, Conversation]:
        """The conversations of all rounds by id, each as it was last judged; not those taken back."""
        pool: dict[str, Conversation] = {}
        for folder in self.decided():
            for name in folder.collected()[1]:
                pool.pop(name, None)
            pool |= {conversation.id: conversation for conversation in conversations_of(folder.new)}
        return pool

    def ever_learnt(self) -> frozenset[str]:
        """The ids of the conversations that any decided round learnt from, also of those taken back since."""
        return frozenset(one.id for folder in self.decided() for one in conversations_of(folder.new))

    def forget(self, conversations: Iterable[str]) -> dict[Path, set[str]]:
        """Take conversations out of every round's files, since they were erased; gives which, by file."""
        gone = set(conversations)
        taken: dict[Path, set[str]] = {}
        folders = self.folders() if gone else []
        for path in (path for one in folders for path in (one.new, one.rated, one.fresh, one.train)):
            before = list(conversations_of(path))
            after = [conversation for conversation in before if conversation.id not in gone]
            if len(after) < len(before):
                write_conversations(path, after)
                taken[path] = {conversation.id for conversation in before} & gone
        return taken


def _lock(handle: int, where: Path) -> None:
    try:
        lock(handle, wait=False)
    except OSError as error:
        raise RunError("a round is under way", where=where, remedy="wait until it has ended") from error


def conversations_of(path: Path) -> Iterator[Conversation]:
    """Those of a file of ours; none where there is no file, or nothing in it."""
    if path.exists() and path.stat().st_size:
        yield from read_conversations(path)
