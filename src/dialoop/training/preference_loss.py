"""Losses that learn from what people prefer. Plain formulas on log-probabilities; they know no model and no batch."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def dpo_loss(chosen: Tensor, rejected: Tensor, reference: Tensor, beta: float) -> Tensor:
    """-log sigmoid(beta · ((chosen - its reference) - (rejected - its reference))), one for each pair, (P,).

    chosen, rejected (P,): log p of the answers under the model, in nats; reference (P, 2): the same under the frozen
    base, chosen first. Rafailov et al. 2023, arXiv:2305.18290, equation 7.
    """
    margin = (chosen - reference[:, 0]) - (rejected - reference[:, 1])
    return -F.logsigmoid(beta * margin)
