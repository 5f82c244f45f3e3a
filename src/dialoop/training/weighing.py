"""How much each label counts and how sure the truth is, while a run learns: class weights and label smoothing; and what
an answer's words count beside its calls.

Held-out losses know neither. The mean is still over all targets of a step, so how a step is parted changes nothing:
dividing by the sum of the weights instead, as torch's `reduction="mean"` does, would weigh a batch by what is in it.
It knows samples and heads' outputs; not how a run goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from dialoop.errors import SettingsError
from dialoop.model import Head, target_nll
from dialoop.model.crf import IGNORED
from dialoop.model.heads import tag_scores
from dialoop.training.batches import Batch, Sample
from dialoop.training.label_settings import BALANCED, NONE, LabelSettings, weights_told

Weights = NDArray[np.float64]
OUTSIDE = "O"
"""The name, among a tagger's weights, of the tag of tokens in no span."""


@dataclass(frozen=True)
class Weighing:
    """A loss with weights (K,), one for each of the head's outputs, or none, and `smoothing` of the truth, 0 up to 1.

    One label a text: each text's cross-entropy counts the weight of its true label. Any number of labels: each label's
    weight is that of the texts it is true of. Tags: as for one label, token by token.
    """

    head: Head
    weights: Tensor | None
    smoothing: float

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Sum over the batch, a scalar; without weights and smoothing it would be the head's own loss."""
        truth = batch.truth
        if self.head.kind == "tag":
            scores = tag_scores(model, batch.inputs)  # (B, T, K)
            each = F.cross_entropy(scores.transpose(1, 2), truth, ignore_index=IGNORED, reduction="none")
            return (each * self._of(truth.clamp(min=0), scores)).sum()
        logits = model(**batch.inputs).logits
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if truth.dim() == 1:
            each = F.cross_entropy(logits, truth, reduction="none", label_smoothing=self.smoothing)
            return (each * self._of(truth, logits)).sum()
        wanted = truth.to(logits.dtype) * (1 - self.smoothing) + self.smoothing / 2
        columns = torch.arange(logits.shape[1], device=logits.device)
        each = F.binary_cross_entropy_with_logits(
            logits, wanted, pos_weight=self._of(columns, logits), reduction="none"
        )
        return each.mean(dim=1).sum()

    def _of(self, columns: Tensor, like: Tensor) -> Tensor:
        """The weights of `columns`, in its shape; ones where there are none."""
        if self.weights is None:
            return torch.ones(columns.shape, dtype=like.dtype, device=like.device)
        return self.weights.to(device=like.device, dtype=like.dtype)[columns]

    def lines(self) -> list[str]:
        """What a person is told."""
        told = []
        if self.weights is not None:
            names = list(columns_of(self.head))
            low, high = int(self.weights.argmin()), int(self.weights.argmax())
            told.append(
                f"weights from {self.weights[low]:.3g} ({names[low]}) to {self.weights[high]:.3g} ({names[high]})"
            )
        if self.smoothing:
            told.append(f"label smoothing {self.smoothing:g}")
        return [f"while learning: {', '.join(told)}; the held-out loss is without"]


@dataclass(frozen=True)
class TextWeighing:
    """The likelihood of answers, in which their words count `weight` times what calls and the beginnings of answers do.

    All weights are divided by their mean over the targets to train on, `mean`.
    """

    weight: float
    mean: float

    @classmethod
    def of(cls, weight: float, samples: Sequence[Sample]) -> TextWeighing:
        """For samples of `generate` to train on."""
        targets = sum(sample.count for sample in samples)
        deeds = sum(int(sample.deeds.sum()) for sample in samples if sample.deeds is not None)
        return cls(weight, (deeds + weight * (targets - deeds)) / max(1, targets))

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Sum over the batch, a scalar."""
        assert batch.deeds is not None
        counts = torch.where(batch.deeds, 1.0, self.weight) / self.mean
        return target_nll(model, batch.inputs, batch.truth, counts)

    def lines(self) -> list[str]:
        """What a person is told."""
        return [f"while learning: words count {self.weight:g} of what calls count; the held-out loss is without"]


def columns_of(head: Head) -> tuple[str, ...]:
    """The names of the head's outputs: its labels; of a tagger O, then B- and I- of each."""
    if head.kind == "tag":
        return (OUTSIDE, *(f"{mark}-{label}" for label in head.labels for mark in "BI"))
    return head.labels


def weighing_of(settings: LabelSettings, head: Head, samples: Sequence[Sample]) -> Weighing | TextWeighing | None:
    """What was asked for, for samples to train on; None where that is nothing. Raises SettingsError."""
    _refuse_other_heads(settings, head)
    if settings.text_weight != 1:
        return TextWeighing.of(settings.text_weight, samples)
    weights = None
    if settings.class_weights == BALANCED:
        weights = _balanced(head, samples)
    elif settings.class_weights != NONE:
        weights = _told(head, weights_told(settings.class_weights))
    if weights is None and not settings.label_smoothing:
        return None
    return Weighing(head, None if weights is None else torch.from_numpy(weights), settings.label_smoothing)


def _refuse_other_heads(settings: LabelSettings, head: Head) -> None:
    if settings.text_weight != 1 and head.kind != "generate":
        raise SettingsError(
            f"text_weight belongs to a generate head, and this data teaches {head.kind}",
            remedy="leave --text-weight out",
        )
    if settings.label_smoothing and head.kind != "classify":
        raise SettingsError(
            f"label_smoothing belongs to a classify head, and this data teaches {head.kind}",
            remedy="leave --label-smoothing out",
        )
    if settings.class_weights == NONE:
        return
    if head.kind not in ("classify", "tag"):
        raise SettingsError(
            f"class_weights belong to a classify or tag head, and this data teaches {head.kind}",
            remedy="leave --class-weights out",
        )
    if head.crf:
        raise SettingsError(
            "class_weights weigh tags one by one, and a CRF scores whole rows of them",
            remedy="leave --class-weights or --crf out",
        )


def _balanced(head: Head, samples: Sequence[Sample]) -> Weights:
    """One label a text, and tags: N / (K · n), with n of the N and K labels that occur: each counts the same in all,
    and the mean over the N is 1. Any number of labels: how many texts lack the label, for each that has it.
    """
    if head.multi_label:
        has = np.sum([sample.truth for sample in samples], axis=0, dtype=np.float64)  # (L,)
        lacks = len(samples) - has
        return np.where((has > 0) & (lacks > 0), lacks / np.maximum(has, 1), 1.0)
    truth = np.concatenate([sample.truth.reshape(-1) for sample in samples])
    counts = np.bincount(truth[truth >= 0].astype(np.int64), minlength=len(columns_of(head))).astype(np.float64)
    occurs = counts > 0
    return np.where(occurs, counts.sum() / (occurs.sum() * np.maximum(counts, 1)), 1.0)


def _told(head: Head, told: dict[str, float]) -> Weights:
    """Weights by label; 1 for labels that are not named. Raises SettingsError for labels that no text has."""
    known = [*head.labels, *([OUTSIDE] if head.kind == "tag" else [])]
    for label in told:
        if label not in known:
            near = get_close_matches(label, known, n=1)
            raise SettingsError(
                f"class_weights has {label!r}, and no text to train on has that label",
                remedy=f"did you mean {near[0]!r}?" if near else f"the labels are: {', '.join(known[:20])}",
            )
    if head.kind != "tag":
        return np.array([told.get(label, 1.0) for label in head.labels])
    return np.array([told.get(OUTSIDE, 1.0), *(told.get(label, 1.0) for label in head.labels for _ in "BI")])
