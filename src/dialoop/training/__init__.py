"""Training: settings, batches, the loop, stopping, checkpoint and resume, the folder of a run, pretraining.

Settings load no torch; what needs it is loaded when it is named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialoop.training.settings import Job, TuneSettings, checked

if TYPE_CHECKING:
    from dialoop.training.bar import TerminalWatch
    from dialoop.training.pretraining import pretrain
    from dialoop.training.recipe import Recipe, read_recipe
    from dialoop.training.tuning import RunResult, resume, tune
    from dialoop.training.watching import Quiet, Standing, Watch

_LOADED_WHEN_NAMED = {
    "Quiet": "watching",
    "Recipe": "recipe",
    "RunResult": "tuning",
    "Standing": "watching",
    "TerminalWatch": "bar",
    "Watch": "watching",
    "pretrain": "pretraining",
    "read_recipe": "recipe",
    "resume": "tuning",
    "tune": "tuning",
}

__all__ = [
    "Job",
    "Quiet",
    "Recipe",
    "RunResult",
    "Standing",
    "TerminalWatch",
    "TuneSettings",
    "Watch",
    "checked",
    "pretrain",
    "read_recipe",
    "resume",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name in _LOADED_WHEN_NAMED:
        return getattr(import_module(f"dialoop.training.{_LOADED_WHEN_NAMED[name]}"), name)
    raise AttributeError(f"module 'dialoop.training' has no attribute {name!r}")
