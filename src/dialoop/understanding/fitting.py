"""Fits how sure a classifier is and what is out of scope, on messages that it was not trained on.

Messages labelled `out_of_scope` are not trained: there is no end to what an agent is not for, and a class for it would
learn the few examples of it. They are held back and choose, here, the score that tells them best from the others, and
its threshold. It knows runs and examples; not where examples come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import optimize  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score

from dialoop.conversation import OUT_OF_SCOPE, Example
from dialoop.errors import DataError, RunError
from dialoop.model import Base, load_base
from dialoop.training.run_folder import RunFolder
from dialoop.understanding.batching import Read
from dialoop.understanding.calibration import Calibration, Figures, evenly, packed, write_calibration
from dialoop.understanding.reading import check_classifier, read_texts
from dialoop.understanding.run_texts import texts_of
from dialoop.understanding.scores import METHODS, Array, Method, know, scope_scores, softmax

KEPT = 0.95
"""Share of held-out messages in scope that the threshold keeps at least."""
ALIKE = 0.01
"""AUROC within which two scores do equally well; of these the one that keeps least of what was trained on is taken."""
FEWEST = 10
"""Messages out of scope that it takes to choose by; with fewer it is mahalanobis, and the share kept alone decides."""


@dataclass(frozen=True)
class _Told:
    """Held-out messages with their labels, read."""

    read: Read
    labels: list[str]

    def __len__(self) -> int:
        return len(self.labels)


def fit(run: Path | str, held_out: Sequence[Example] | None = None) -> Calibration:
    """Fit the classifier of a run that has ended, and keep the outcome beside it as `understanding.json`.

    `held_out`: messages with their intent, or labelled `out_of_scope`; those that the run held out come along. Raises
    RunError for a run without a model or whose data has changed, ModelError, DataError.
    """
    folder = RunFolder(Path(run))
    if not folder.model.is_dir():
        raise RunError("this run has no model yet", where=folder.path, remedy="let it end: dialoop tune --resume")
    split = texts_of(folder.path)
    return fit_model(load_base(folder.model), split.train, [*split.held_out, *(held_out or [])])


def fit_model(base: Base, train: Sequence[Example], held_out: Sequence[Example]) -> Calibration:
    """Fit a classifier to held-out messages, given those it was trained on, and write `understanding.json` beside it.

    Raises DataError where no held-out message has an intent of the model's, ModelError.
    """
    check_classifier(base)
    intents = [one for one in held_out if one.label in base.head.labels and one.label != OUT_OF_SCOPE]
    others = [one for one in held_out if one.label == OUT_OF_SCOPE]
    taught = [one for one in train if one.label in base.head.labels and one.label != OUT_OF_SCOPE]
    if not intents or not taught:
        raise DataError(
            "there is no held-out message with an intent that the model knows",
            remedy="hold out a tenth of the texts, or give a file of others",
        )
    columns = [i for i, label in enumerate(base.head.labels) if label != OUT_OF_SCOPE]
    names = [base.head.labels[i] for i in columns]
    inside, outside = _told(base, intents), _told(base, others)
    truth = np.asarray([names.index(label) for label in inside.labels])
    logits = inside.read.logits[:, columns]
    temperature = fit_temperature(logits, truth)
    trained = _told(base, taught)
    method, threshold, auroc = _choose(trained, inside, outside)
    scores = _scores(method, trained, inside)
    refused = float((_scores(method, trained, outside) < threshold).mean()) if len(outside) else None
    figures = Figures(
        in_scope=len(inside),
        out_of_scope=len(outside),
        accuracy=float((logits.argmax(axis=1) == truth).mean()),
        error_before=calibration_error(softmax(logits), truth),
        error_after=calibration_error(softmax(logits, temperature), truth),
        auroc=auroc,
        kept=float((scores >= threshold).mean()),
        refused=refused,
    )
    kept = know(method, trained.read.features, trained.labels)
    calibration = Calibration.model_validate(
        {
            "fingerprint": base.fingerprint,
            "labels": base.head.labels,
            "temperature": temperature,
            "method": method,
            "threshold": threshold,
            "quantiles": evenly(scores),
            "figures": figures,
            "points": packed(kept.points),
            "whitening": packed(kept.whitening),
        }
    )
    assert base.path is not None
    write_calibration(base.path, calibration)
    return calibration


def fit_temperature(logits: Array, truth: Array) -> float:
    """The temperature under which the held-out labels are likeliest, 0.05 to 20 (Guo et al. 2017, arXiv:1706.04599)."""

    def loss(log_temperature: float) -> float:
        chosen = softmax(logits, float(np.exp(log_temperature)))[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    found = optimize.minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))


def calibration_error(probabilities: Array, truth: Array, bins: int = 15) -> float:
    """Expected calibration error: how far confidence is from being right, over bins of equal width."""
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs(sure[place == i].mean() - right[place == i].mean()) * (place == i).mean() for i in set(place.tolist())]
    return float(sum(gaps))


def _told(base: Base, examples: Sequence[Example]) -> _Told:
    return _Told(read_texts(base, [one.text for one in examples]), [str(one.label) for one in examples])


def _scores(method: Method, trained: _Told, told: _Told) -> Array:
    known = know(method, trained.read.features, trained.labels)
    return scope_scores(method, known, told.read.logits, told.read.features)


def _choose(trained: _Told, inside: _Told, outside: _Told) -> tuple[Method, float, dict[str, float] | None]:
    """The method that tells best, its threshold, and the AUROC of each."""
    if len(outside) < FEWEST:
        scores = _scores("mahalanobis", trained, inside)
        return "mahalanobis", _highest(scores), None
    truth = [1] * len(inside) + [0] * len(outside)
    both: dict[Method, tuple[Array, Array]] = {
        name: (_scores(name, trained, inside), _scores(name, trained, outside)) for name in METHODS
    }
    auroc = {str(name): float(roc_auc_score(truth, np.concatenate(pair))) for name, pair in both.items()}
    best = next(name for name in METHODS if auroc[name] >= max(auroc.values()) - ALIKE)
    return best, threshold_between(*both[best]), auroc


def threshold_between(inside: Array, outside: Array) -> float:
    """Where most of both are told rightly (their shares added), but no more than 1 - KEPT of those inside are lost."""
    most = _highest(inside)
    candidates = [value for value in np.unique(np.concatenate([inside, outside])) if value <= most]
    gains = [float((inside >= value).mean() + (outside < value).mean()) for value in candidates]
    return float(candidates[int(np.argmax(gains))]) if candidates else most


def _highest(inside: Array) -> float:
    """The highest threshold that loses no more than 1 - KEPT of the messages in scope; of fewer than 21, none."""
    return float(np.quantile(inside, 1 - KEPT, method="lower"))
