"""Data against a model, models against each other: figures, intervals, reports."""

from dialoop.evaluation.calls import ToolsSeen
from dialoop.evaluation.classify import evaluate_classifier
from dialoop.evaluation.evaluate import compare, evaluate_model
from dialoop.evaluation.fit import Fit, fit, known_figures
from dialoop.evaluation.from_files import evaluate_files
from dialoop.evaluation.progress import Progress
from dialoop.evaluation.report import write_report
from dialoop.evaluation.results import Answer, Comparison, Coverage, Difference, Evaluation, Figure
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.evaluation.table import table
from dialoop.evaluation.terminal import progress_bar

__all__ = [
    "Answer",
    "Comparison",
    "Coverage",
    "Difference",
    "Evaluation",
    "EvaluationSettings",
    "Figure",
    "Fit",
    "Progress",
    "ToolsSeen",
    "compare",
    "evaluate_classifier",
    "evaluate_files",
    "evaluate_model",
    "fit",
    "known_figures",
    "progress_bar",
    "table",
    "write_report",
]
