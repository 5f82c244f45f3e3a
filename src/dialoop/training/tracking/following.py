"""Hands a run's log to the trackers that were asked for. One that fails is said once and left out; the run goes on.

The log is the record and trackers are views of it: what one of them lacks when a run goes on is told from the log, and
what it has is not told again. It knows no tracker's own library.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dialoop.errors import SettingsError
from dialoop.training.run_folder import RunFolder
from dialoop.training.tracking.tracker import Plain, Status, TrackedRun, Tracker
from dialoop.training.watching import Unwanted

KEPT = "tracking.json"
"""The file of a run that holds what each tracker calls it."""
_LONGEST = 200
"""Characters of a tracker's own message that are shown."""


def refuse_missing(names: Sequence[str]) -> None:
    """Raises SettingsError for a tracker whose package is not there."""
    for name in names:
        found = find_spec(name)
        if found is None or found.origin is None:  # a mere folder of that name has no origin
            raise SettingsError(f"the tracker {name} is not installed", remedy=f"pip install 'dialoop[track-{name}]'")


def figures_of(entry: dict[str, Any]) -> dict[str, float]:
    """The figures in a line of a run's log, by the names that trackers show: `train/…`, `held_out/…`, `copying/…`."""
    if "held_out" in entry:
        others = {f"held_out/{name}": figure for name, figure in entry.items() if name not in ("step", "held_out")}
        return {"held_out/loss": entry["held_out"], **others}
    if "copying" in entry:
        return {f"copying/{name}": figure for name, figure in entry["copying"].items()}
    numbers = {name: value for name, value in entry.items() if isinstance(value, int | float)}
    return {f"train/{name}": value for name, value in numbers.items() if name not in ("step", "time")}


class Tracking:
    """The trackers of a run that still answer."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._trackers: dict[str, Tracker] = {}

    def begin(self, name: str, run: TrackedRun) -> str | None:
        """Begin with a tracker, or go on with it; gives what it calls the run, None where it does not answer."""
        with self._guarded(name):
            tracker: Tracker = import_module(f"dialoop.training.tracking.{name}").begin(run)
            self._trackers[name] = tracker
            self._say(f"followed by {name}: {tracker.place}")
            return tracker.identity
        return None

    def note(self, entry: dict[str, Any]) -> None:
        """Tell a line of the log to each tracker that does not have it."""
        if not self._trackers:
            return
        figures, step = figures_of(entry), int(entry["step"])
        for name, tracker in list(self._trackers.items()):
            new = {figure: value for figure, value in figures.items() if step > tracker.reached.get(figure, -1)}
            if new:
                with self._guarded(name):
                    tracker.figures(new, step)
                    tracker.reached |= dict.fromkeys(new, step)

    def end(self, status: Status, outcome: dict[str, float] | None = None) -> None:
        """Tell how the run ended, and close all. Asked again, nothing happens."""
        for name, tracker in list(self._trackers.items()):
            with self._guarded(name):
                tracker.end(status, outcome or {})
        self._trackers.clear()

    @contextmanager
    def _guarded(self, name: str) -> Iterator[None]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a tracker's own library: nobody here can mend them
                yield
        except Exception as error:  # noqa: BLE001 - whatever a tracker's library raises, the run is worth more
            self._trackers.pop(name, None)
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            told = re.sub(r"//[^/@\s]*@", "//", first)[:_LONGEST]  # an address may hold a password
            self._say(f"{name} fails, and the run goes on without it: {told}")


@contextmanager
def tracked(
    names: Sequence[str], folder: Path, settings: dict[str, Plain], say: Callable[[str], None]
) -> Iterator[Tracking]:
    """The trackers `names` of the run in `folder`, told what its log holds and they lack.

    However the block ends, they are closed. Enter it before the log is cut or written to.
    """
    tracking = Tracking(say)
    try:
        if names:
            _begin(tracking, names, RunFolder(folder), settings)
        yield tracking
    except (KeyboardInterrupt, Unwanted):
        tracking.end("stopped")
        raise
    except BaseException:
        tracking.end("failed")
        raise
    tracking.end("stopped")


def _begin(tracking: Tracking, names: Sequence[str], folder: RunFolder, settings: dict[str, Plain]) -> None:
    entries, known = list(folder.entries()), folder.read(KEPT)
    noted: dict[str, int] = {}
    for entry in entries:
        noted |= dict.fromkeys(figures_of(entry), int(entry["step"]))
    for name in names:
        run = TrackedRun(folder.path, _name(folder.path), settings, known.get(name), noted)
        identity = tracking.begin(name, run)
        if identity is not None:
            known[name] = identity
            folder.keep(KEPT, known)
    for entry in entries:
        tracking.note(entry)


def _name(folder: Path) -> str:
    """The folder's name; of a search's trial, which has a number alone, with the search's name before it."""
    own = folder.resolve()
    return f"{own.parent.parent.name}-{own.name}" if re.fullmatch(r"\d+", own.name) else own.name
