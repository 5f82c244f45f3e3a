"""Measures a base with any head but `generate` on labelled texts: which head, which measure. `MEASURED` is the seam.

It knows the heads' names and what measures each; no figure itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dialoop.conversation import Example
from dialoop.errors import ModelError
from dialoop.evaluation.classify import evaluate_classifier
from dialoop.evaluation.progress import Progress, quiet
from dialoop.evaluation.results import Evaluation
from dialoop.evaluation.score import evaluate_scorer
from dialoop.evaluation.settings import EvaluationSettings
from dialoop.evaluation.tag import evaluate_tagger
from dialoop.model import Base

MEASURED: dict[str, Callable[..., Evaluation]] = {
    "classify": evaluate_classifier,
    "tag": evaluate_tagger,
    "regress": evaluate_scorer,
}
"""Head → base, examples, settings, `data`, `progress` → evaluation."""


def evaluate_labelled(
    base: Base,
    examples: Sequence[Example],
    settings: EvaluationSettings,
    *,
    data: str = "",
    progress: Progress = quiet,
) -> Evaluation:
    """Every figure that goes with the base's head. Raises DataError, and ModelError for a head that is not measured."""
    if base.head.kind not in MEASURED:
        raise ModelError(
            f"{base.name} has a head of kind {base.head.kind}, and nothing is known that measures it on labelled texts",
            remedy=f"give a model with one of the heads {', '.join(MEASURED)}",
        )
    return MEASURED[base.head.kind](base, examples, settings, data=data, progress=progress)
