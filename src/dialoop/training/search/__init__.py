"""Searches for good settings: a space, trials that are ordinary runs of tuning, pruning, and a report (Optuna).

What needs Optuna or torch is loaded when it is named, so that settings and their documents need neither.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialoop.training.search.settings import AUTO, SearchSettings
from dialoop.training.search.space import Range, Space, read_space

if TYPE_CHECKING:
    from dialoop.training.search.searching import SearchResult, resume_search, search
    from dialoop.training.search.table import trials_table

_LOADED_WHEN_NAMED = {
    "SearchResult": "searching",
    "resume_search": "searching",
    "search": "searching",
    "trials_table": "table",
}

__all__ = [
    "AUTO",
    "Range",
    "SearchResult",
    "SearchSettings",
    "Space",
    "read_space",
    "resume_search",
    "search",
    "trials_table",
]


def __getattr__(name: str) -> Any:
    if name in _LOADED_WHEN_NAMED:
        return getattr(import_module(f"dialoop.training.search.{_LOADED_WHEN_NAMED[name]}"), name)
    raise AttributeError(f"module 'dialoop.training.search' has no attribute {name!r}")
