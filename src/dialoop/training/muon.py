"""Muon for all matrices of one shape together: as torch's own moves them one by one, in about two thirds of the time.

It knows weights alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

_FIFTH_ORDER = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_LEAST_NORM = 1e-7
MOST_AT_ONCE = 1 << 24
"""Numbers of the matrices that are made orthogonal together; one at least."""


class Muon(torch.optim.Optimizer):
    """θ ← θ − η λ θ − 0.2 η √max(m, n) O, for matrices θ (m, n).

    O is the orthogonal matrix next to the move, by five Newton-Schulz iterations in bfloat16; the move is Nesterov's of
    the mean gradient v ← μ v + (1 − μ) g. η is `lr`, λ `weight_decay`. Jordan et al. 2024,
    https://kellerjordan.github.io/posts/muon/; the size of the update is that of AdamW (arXiv:2502.16982).
    """

    def __init__(self, params: Iterable[Any], lr: float, *, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every matrix that has a gradient."""
        for group in self.param_groups:
            lr, decay = group["lr"], group["weight_decay"]
            for weights in _alike([one for one in group["params"] if one.grad is not None]):
                moves = torch.stack([_lying(self._move(one, group["momentum"])) for one in weights])
                size = 0.2 * math.sqrt(max(weights[0].shape))
                for weight, turned in zip(weights, orthogonal(moves), strict=True):
                    weight.mul_(1 - lr * decay).add_(turned if _lies(weight) else turned.mT, alpha=-lr * size)

    def _move(self, weight: Tensor, momentum: float) -> Tensor:
        """Nesterov's move in bfloat16, the shape of `weight`."""
        assert weight.grad is not None
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        mean = state["momentum"].lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(mean, momentum).bfloat16()


def orthogonal(matrices: Tensor) -> Tensor:
    """About U Vᵀ for each U S Vᵀ of `matrices` (k, m, n) bfloat16, m ≤ n: singular values of 0.5 to 1.5."""
    a, b, c = _FIFTH_ORDER
    found: Tensor = matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp(min=_LEAST_NORM)
    for _ in range(_ITERATIONS):
        square = found @ found.mT
        square = torch.baddbmm(square, square, square, beta=b, alpha=c)
        found = torch.baddbmm(found, square, found, beta=a)
    return found


def _alike(weights: list[Tensor]) -> Iterator[list[Tensor]]:
    """Those that lie alike, in parts of at most `MOST_AT_ONCE` numbers."""
    sorts: dict[tuple[int, ...], list[Tensor]] = {}
    for weight in weights:
        sorts.setdefault(tuple(sorted(weight.shape)), []).append(weight)
    for some in sorts.values():
        most = max(1, MOST_AT_ONCE // some[0].numel())
        yield from (some[at : at + most] for at in range(0, len(some), most))


def _lies(matrix: Tensor) -> bool:
    return matrix.shape[0] <= matrix.shape[1]


def _lying(matrix: Tensor) -> Tensor:
    """The matrix, turned where it has more rows than columns."""
    return matrix if _lies(matrix) else matrix.mT
