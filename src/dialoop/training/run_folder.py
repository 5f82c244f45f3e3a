"""The folder of a run: all that is needed to repeat it, to go on with it, and to know how it went.

    settings.yaml      data, base and every setting, in the form of a project file
    data.json          files with their hashes, counts, how they were parted, what was left out
    tools_seen.json    the tools that training offered (conversations only)
    run.json           versions, machine, what was chosen for it, status, result
    log.jsonl          a line for each step and each look at the held-out data
    tracking.json      what each tracker calls the run (where there are any)
    .claim             locked by the process that is at work in the folder
    checkpoint/        the last whole state of an unfinished run
    model/             the tuned model

It knows files and their names; it does not know models or loops.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dialoop.errors import ModelError, RunError
from dialoop.model.folder import lock, replace_file
from dialoop.training.settings import Job, read_job

RUNS = Path("runs")
_HELD = (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK)
"""What an operating system says of a lock that another process holds."""
_PACKAGES = ("dialoop", "torch", "transformers", "tokenizers", "peft", "accelerate", "safetensors", "numpy")


class RunFolder:
    """The files of the run in `path`, by their meaning. `writes`: False for a process that trains beside the one that
    does, and only reads."""

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self.path, self.writes = path, writes

    @property
    def settings(self) -> Path:
        """What was asked for."""
        return self.path / "settings.yaml"

    @property
    def log(self) -> Path:
        """Steps and looks."""
        return self.path / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The state to go on from."""
        return self.path / "checkpoint"

    @property
    def model(self) -> Path:
        """The tuned model."""
        return self.path / "model"

    def refuse_taken(self) -> None:
        """Raises RunError where there is a run in the folder, or other things."""
        if not self.writes:
            return
        if self.settings.exists():
            raise RunError(
                "there is a run in this folder",
                where=self.path,
                remedy=f"go on with it: dialoop tune --run {self.path} --resume; or name another folder with --run",
            )
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            what = "there are other things in this folder" if self.path.is_dir() else "this is a file"
            raise RunError(what, where=self.path, remedy="name another folder with --run")

    def begin(self, job: Job) -> None:
        """Make the folder for a new run. Raises RunError where it is taken or cannot be written."""
        if not self.writes:
            return
        self.refuse_taken()
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self._write("settings.yaml", job.write())

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Held by one process at a time, for as long as it lives. Raises RunError where another one holds it."""
        if not self.writes:
            yield
            return
        with writing(self.path):
            handle = os.open(self.path / ".claim", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            remedy = "wait for it, or stop it with Ctrl-C and go on then"
            claim(handle, self.path, "a run is at work in this folder", remedy)
            yield
        finally:
            os.close(handle)

    def job(self) -> Job:
        """What was asked for. Raises RunError where there is no run."""
        if not self.settings.is_file():
            raise RunError(
                "there is no run in this folder", where=self.path, remedy="name a run's folder, or leave --resume out"
            )
        return read_job(self.settings)

    def keep(self, name: str, data: dict[str, Any]) -> None:
        """Write `data` to the JSON file `name`, in one step."""
        self._write(name, json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def read(self, name: str) -> dict[str, Any]:
        """The JSON file `name`; empty where it is not there. Raises RunError where it cannot be read."""
        path = self.path / name
        try:
            found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        except (OSError, ValueError) as error:
            raise RunError(f"cannot be read: {error}", where=path, remedy="begin a new run") from error
        if not isinstance(found, dict):
            raise RunError("this is no record of a run", where=path, remedy="begin a new run")
        return found

    def note(self, entry: dict[str, Any]) -> None:
        """Add a line to the log."""
        if not self.writes:
            return
        with writing(self.log), self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of the log; a last line that was torn by a crash is passed over."""
        if not self.log.exists():
            return
        with self.log.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    return

    def cut_log(self, step: int) -> None:
        """Forget what was noted after `step`: it will be done again."""
        kept = [json.dumps(entry) + "\n" for entry in self.entries() if entry["step"] <= step]
        self._write("log.jsonl", "".join(kept))

    def _write(self, name: str, text: str) -> None:
        if not self.writes:
            return
        try:
            replace_file(self.path / name, text)
        except ModelError as error:
            raise RunError(
                error.what, where=self.path / name, remedy="free some space, or name another folder"
            ) from error


def claim(handle: int, folder: Path, held: str, remedy: str) -> None:
    """Hold `folder` by its open file `.claim`, until it is closed. Raises RunError, `held`, where another process does.

    On a disk that knows no locks it does nothing.
    """
    try:
        lock(handle, wait=False)
    except OSError as error:
        if error.errno in _HELD:
            raise RunError(held, where=folder, remedy=remedy) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """An operating system's refusal to write `path` becomes a RunError."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise RunError(
            f"cannot be written: {error.strerror or error}",
            where=path,
            remedy="free some space; the last whole checkpoint is kept" if full else "name another folder with --run",
        ) from error


def free_folder(data: Path, base: str) -> Path:
    """A folder below `runs/` that is named after data and base, and numbered where that is taken."""
    words = f"{data.name.split('.')[0]}-{Path(base).name}"
    name = re.sub(r"[^\w.-]+", "-", words).strip("-.") or "run"
    folder, number = RUNS / name, 1
    while folder.exists():
        number += 1
        folder = RUNS / f"{name}-{number}"
    return folder


def versions() -> dict[str, str]:
    """The versions that figures depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def machine() -> dict[str, Any]:
    """What it runs on."""
    return {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()}


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
