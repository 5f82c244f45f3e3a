"""The folder of a search: its plan, its trials' runs, the best settings, the report; and who is at work in it.

    plan.json       what is searched and how, with everything decided that is the same for all trials
    study.db        the trials, in Optuna's form (unless they are kept elsewhere)
    trials/NNNN/    the run of a trial; only the best one's keeps its model
    best.yaml       the best settings, in the form of a project file
    report.html     the report

It knows files; it does not know Optuna.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from dialoop.errors import DataError, ModelError, RunError
from dialoop.model.folder import replace_file
from dialoop.training.run_folder import claim
from dialoop.training.search.space import Space

SEARCHES = Path("searches")


class Plan(BaseModel):
    """A search, decided. `study`: its name in the storage. `tune`: settings that are the same for all trials.

    `first`: the values of the first trial, what `tune` itself would take. `samples`: what an epoch goes through.
    `files`: the SHA-256 of each file of the data, by its path; `fingerprint` of the base; one of an earlier version
    tells neither.
    `storage`: None where it is the folder's own file, or where its address holds a password, which is never written.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    study: str
    data: str
    base: str
    head: str
    tune: dict[str, Any]
    space: Space
    first: dict[str, Any]
    samples: int
    metric: str
    pruner: str
    trials: int
    own_storage: bool
    storage: str | None = None
    files: dict[str, str] = {}
    fingerprint: str | None = None

    def refuse_changed_data(self) -> None:
        """Raises DataError where a file of the data is gone or no longer what it was: trials could not be compared."""
        remedy = "put it back as it was, then --resume; or begin a new search"
        for path, digest in self.files.items():
            try:
                with Path(path).open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise DataError(f"cannot be read: {error.strerror}", where=path, remedy=remedy) from error
            if found != digest:
                raise DataError("the data has changed since the search began", where=path, remedy=remedy)


class SearchFolder:
    """The files of the search in `path`, by their meaning."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plan_file, self.best, self.report = path / "plan.json", path / "best.yaml", path / "report.html"

    def trial(self, number: int) -> Path:
        """The run of a trial."""
        return self.path / "trials" / f"{number:04d}"

    @property
    def turn(self) -> Path:
        """The lock of whoever writes to the study: workers take turns, so that SQLite is never written by two."""
        return self.path / ".turn"

    def refuse_taken(self) -> None:
        """Raises RunError where something is in the folder already."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise RunError("this folder is taken", where=self.path, remedy="add --resume, or name another with --out")

    def write_plan(self, plan: Plan) -> None:
        """Keep the plan. Raises RunError where it cannot be written."""
        self.write(self.plan_file, plan.model_dump_json(indent=1) + "\n")

    def plan(self) -> Plan:
        """The plan. Raises RunError where there is none that can be read."""
        if not self.plan_file.is_file():
            raise RunError("there is no search in this folder", where=self.path, remedy="leave --resume out")
        try:
            return Plan.model_validate_json(self.plan_file.read_text(encoding="utf-8"))
        except (OSError, ValueError, ValidationError) as error:
            raise RunError(f"cannot be read: {error}", where=self.plan_file, remedy="begin a new search") from error

    def write(self, path: Path, text: str) -> None:
        """Write a file in one step. Raises RunError where it cannot be written."""
        try:
            replace_file(path, text)
        except ModelError as error:
            raise RunError(error.what, where=path, remedy="free some space, or name another folder") from error

    @contextmanager
    def claimed(self) -> Iterator[int]:
        """Held by one search at a time, and by the workers that inherit the file's number which is given.

        It is let go when the last of them has ended, however it ended. Raises RunError where it is held.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path / ".claim", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            remedy = "wait for it; after a kill its workers end with the step under way"
            claim(handle, self.path, "a search is at work in this folder", remedy)
            yield handle
        finally:
            os.close(handle)


def free_folder(data: Path, base: str) -> Path:
    """A folder below `searches/` that is named after data and base, and numbered where that is taken."""
    name = f"{data.name.split('.')[0]}-{Path(base).name}"
    folder, number = SEARCHES / name, 1
    while folder.exists():
        number += 1
        folder = SEARCHES / f"{name}-{number}"
    return folder
