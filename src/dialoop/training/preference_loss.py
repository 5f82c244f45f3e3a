"""Losses that learn from what people prefer. Plain formulas on log-probabilities; they know no model and no batch."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

MOST_GOOD = 4 / 3
"""Weight of all good answers over that of all bad ones, at most; 1 at least (arXiv:2402.01306)."""


def dpo_loss(chosen: Tensor, rejected: Tensor, reference: Tensor, beta: float) -> Tensor:
    """-log sigmoid(beta · ((chosen - its reference) - (rejected - its reference))), one for each pair, (P,).

    chosen, rejected (P,): log p of the answers under the model, in nats; reference (P, 2): the same under the frozen
    base, chosen first. Rafailov et al. 2023, arXiv:2305.18290, equation 7.
    """
    margin = (chosen - reference[:, 0]) - (rejected - reference[:, 1])
    return -F.logsigmoid(beta * margin)


def kto_loss(changes: Tensor, good: Tensor, anchor: float, beta: float, weights: tuple[float, float]) -> Tensor:
    """weight · (1 - sigmoid(±beta · (change - anchor))), + for a good answer, - for a bad one; for each answer, (R,).

    changes (R,): log p of the answers under the model minus that under the frozen base, in nats; good (R,) bool;
    anchor: the reference point in nats, see `kto_anchor`; weights: of good answers, of bad ones. Ethayarajh et al.
    2024, arXiv:2402.01306.
    """
    up = good.to(changes.dtype)
    weight = weights[0] * up + weights[1] * (1 - up)
    return weight * torch.sigmoid(-beta * (2 * up - 1) * (changes - anchor))


def kto_anchor(changes: NDArray[np.float64]) -> float:
    """How far the model has moved from the base, in nats: max(0, mean change over answers to other prompts, (M,)).

    A rough, one-sided estimate of their Kullback-Leibler divergence; a constant of the step.
    """
    return max(0.0, float(changes.mean()))


def balanced_weights(good: int, bad: int, desirable: float | None, undesirable: float | None) -> tuple[float, float]:
    """Weights of good and of bad answers; for one that is None the one nearest to 1 such that all good answers together
    weigh 1 to `MOST_GOOD` times as much as all bad ones. Where both are None, the rarer kind is raised.
    """
    if desirable is not None and undesirable is not None:
        return desirable, undesirable
    share = good * (desirable or 1.0) / (bad * (undesirable or 1.0))
    wanted = min(MOST_GOOD, max(1.0, share))
    if undesirable is not None or (desirable is None and share < wanted):
        return wanted / share, undesirable or 1.0
    return desirable or 1.0, share / wanted
