"""A linear-chain conditional random field over tags (Lafferty et al. 2001), one number for each pair of neighbours.

Written here because the packages that have one are no longer kept. There are no scores of the first and last tag: a
long text is learnt in windows, which begin and end anywhere. It knows no labels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

IGNORED = -100
"""The truth of a position that counts for nothing, as in `torch.nn.functional.cross_entropy`."""


class Crf(nn.Module):
    """`transitions` (K, K): what going from tag i to tag j adds to a row's score. They start at 0."""

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(tags, tags))

    def forward(self, scores: Tensor, truth: Tensor) -> Tensor:
        """Sum over rows of -log p(true tags), nats, a scalar. scores (B, T, K); truth (B, T) int64, `IGNORED` or a tag.

        Ignored positions are left out, as if the row did not have them. Exact, by the forward algorithm.
        """
        rows, tags, mask = _pressed(scores, truth)
        moves = self.transitions.to(rows.dtype)
        true = rows.gather(2, tags[..., None])[..., 0]  # (B, U)
        steps = moves[tags[:, :-1], tags[:, 1:]]
        total = (true * mask).sum() + (steps * mask[:, 1:]).sum()
        reach = rows[:, 0]  # (B, K): log of the summed exponentials over all rows of tags that end here in each tag
        for unit in range(1, rows.shape[1]):
            onward = torch.logsumexp(reach[:, :, None] + moves, dim=1) + rows[:, unit]
            reach = torch.where(mask[:, unit, None], onward, reach)
        return (torch.logsumexp(reach, dim=1) * mask[:, 0]).sum() - total


def _pressed(scores: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Scores (B, U, K), tags (B, U) and mask (B, U) with the ignored positions moved to the rows' ends and cut off."""
    counted = truth != IGNORED
    width = max(1, int(counted.sum(dim=1).max()))
    order = torch.argsort((~counted).to(torch.int8), dim=1, stable=True)[:, :width]
    mask = counted.gather(1, order)
    tags = truth.gather(1, order).masked_fill(~mask, 0)
    rows = scores.gather(1, order[..., None].expand(-1, -1, scores.shape[2]))
    return rows, tags, mask
