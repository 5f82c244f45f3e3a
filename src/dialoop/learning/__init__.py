"""Learning from served conversations: collect, select, protect, tune, judge, promote or refuse; and drift.

Collecting and drift load no torch; what needs it is loaded when it is named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialoop.learning.collecting import Collected, Collection, Known, collect, frozen
from dialoop.learning.drift import Drift, Served, Sign, drift
from dialoop.learning.protecting import Protection, protected, protected_record
from dialoop.learning.rounds import RoundFolder, Rounds
from dialoop.learning.selecting import Judgement, Selected, select
from dialoop.learning.settings import LearnSettings
from dialoop.learning.traces import Secret, secrets_of

if TYPE_CHECKING:
    from dialoop.learning.deciding import Decision
    from dialoop.learning.findings import Finding, Trial
    from dialoop.learning.judging import Evidence, Rehearse, judge
    from dialoop.learning.learning import Means, Round, learn
    from dialoop.learning.probing import Leak, Probe, probe

_HEAVY = {
    "Decision": "deciding",
    "Evidence": "judging",
    "Finding": "findings",
    "Leak": "probing",
    "Means": "learning",
    "Probe": "probing",
    "Rehearse": "judging",
    "Round": "learning",
    "Trial": "findings",
    "judge": "judging",
    "learn": "learning",
    "probe": "probing",
}

__all__ = [
    "Collected",
    "Collection",
    "Decision",
    "Drift",
    "Evidence",
    "Finding",
    "Judgement",
    "Known",
    "Leak",
    "LearnSettings",
    "Means",
    "Probe",
    "Protection",
    "Rehearse",
    "Round",
    "RoundFolder",
    "Rounds",
    "Secret",
    "Selected",
    "Served",
    "Sign",
    "Trial",
    "collect",
    "drift",
    "frozen",
    "judge",
    "learn",
    "probe",
    "protected",
    "protected_record",
    "secrets_of",
    "select",
]


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(import_module(f"dialoop.learning.{_HEAVY[name]}"), name)
    raise AttributeError(f"module 'dialoop.learning' has no attribute {name!r}")
