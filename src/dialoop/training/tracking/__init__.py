"""Follows a run elsewhere: TensorBoard, MLflow, Weights & Biases. Each is loaded only where it is asked for.

What trackers are told comes from the settings and from the run's log, which stays the record; texts never leave it.
"""

from dialoop.training.tracking.following import Tracking, figures_of, refuse_missing, tracked
from dialoop.training.tracking.told import flat, named, settings_of
from dialoop.training.tracking.tracker import Plain, Status, TrackedRun, Tracker

__all__ = [
    "Plain",
    "Status",
    "TrackedRun",
    "Tracker",
    "Tracking",
    "figures_of",
    "flat",
    "named",
    "refuse_missing",
    "settings_of",
    "tracked",
]
