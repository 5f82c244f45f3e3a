"""Data against a model, models against each other: figures, intervals, reports.

What needs torch is imported when it is first asked for, so that a check of files alone starts at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialoop.evaluation.calls import ToolsSeen
from dialoop.evaluation.check import Check, check_files
from dialoop.evaluation.check_pages import check_pages
from dialoop.evaluation.fit_results import Fit
from dialoop.evaluation.progress import Progress
from dialoop.evaluation.results import Answer, Call, Comparison, Coverage, Difference, Evaluation, Figure
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.evaluation.terminal import progress_bar, show

if TYPE_CHECKING:
    from dialoop.evaluation.classify import evaluate_classifier
    from dialoop.evaluation.evaluate import compare, evaluate_model
    from dialoop.evaluation.figures_table import table
    from dialoop.evaluation.fitting import fit, fit_texts
    from dialoop.evaluation.from_files import evaluate_files
    from dialoop.evaluation.heads import MEASURED, evaluate_labelled
    from dialoop.evaluation.nearness import Reference, known_figures
    from dialoop.evaluation.report import write_report

_HEAVY = {
    "MEASURED": "heads",
    "Reference": "nearness",
    "compare": "evaluate",
    "evaluate_classifier": "classify",
    "evaluate_files": "from_files",
    "evaluate_labelled": "heads",
    "evaluate_model": "evaluate",
    "fit": "fitting",
    "fit_texts": "fitting",
    "known_figures": "nearness",
    "table": "figures_table",
    "write_report": "report",
}

__all__ = [
    "MEASURED",
    "Answer",
    "Call",
    "Check",
    "Comparison",
    "Coverage",
    "Difference",
    "Evaluation",
    "EvaluationSettings",
    "Figure",
    "Fit",
    "Progress",
    "Reference",
    "ToolsSeen",
    "check_files",
    "check_pages",
    "compare",
    "evaluate_classifier",
    "evaluate_files",
    "evaluate_labelled",
    "evaluate_model",
    "fit",
    "fit_texts",
    "known_figures",
    "progress_bar",
    "show",
    "table",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(import_module(f"dialoop.evaluation.{_HEAVY[name]}"), name)
    raise AttributeError(f"module 'dialoop.evaluation' has no attribute {name!r}")
