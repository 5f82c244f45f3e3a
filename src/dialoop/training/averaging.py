"""Averages of the weights over the steps, and with those before the first, which are often better than the last ones.

It knows tensors alone.

The steps themselves go on from the raw weights; only looks and the model take the average.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from dialoop.training.move_settings import AverageName


class Average:
    """The average of a model's trained weights.

    `ema`: a ← d a + (1 − d) θ after each step, d the smaller of `decay` and (1 + t) / (10 + t) (Polyak averaging as in
    TensorFlow's ExponentialMovingAverage). `tail`: the plain mean of the weights after each step from step `start` on
    (Jain et al. 2018, https://arxiv.org/abs/1610.03774). `count`: how many weights went into it. Into what is taken go
    the model's present weights, those of the base, with `base_share` (WiSE-FT, Wortsman et al. 2022,
    https://arxiv.org/abs/2109.01903).
    """

    def __init__(
        self, model: nn.Module, kind: AverageName, *, decay: float, start: int, base_share: float = 0.0
    ) -> None:
        self.kind, self.decay, self.start, self.count = kind, decay, start, 0
        self._share = base_share
        self._trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.weights: dict[str, Tensor] | None = self._copied() if kind == "ema" else None
        self._base = self._copied() if base_share else None

    @torch.no_grad()
    def add(self, step: int) -> None:
        """Take in the weights as they are after `step` steps."""
        if self.kind == "none" or (self.kind == "tail" and step < self.start):
            return
        self.count += 1
        if self.weights is None:
            self.weights = self._copied()
            return
        kept = min(self.decay, (1 + self.count) / (10 + self.count)) if self.kind == "ema" else 1 - 1 / self.count
        for name, weight in self._trained.items():
            self.weights[name].lerp_(weight, 1 - kept)

    @torch.no_grad()
    def taken(self) -> dict[str, Tensor] | None:
        """What the model is to be: average or present weights, with the base's share; None: the present ones alone."""
        if self._base is None:
            return self.weights
        mine = self._trained if self.weights is None else self.weights
        return {name: weight.lerp(self._base[name], self._share) for name, weight in mine.items()}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """For the while the model has the weights that are taken; then its own again, bit by bit."""
        taken = self.taken()
        if taken is None:
            yield
            return
        raw = self._copied()
        self._put(taken)
        try:
            yield
        finally:
            self._put(raw)

    def restore(self, weights: dict[str, Tensor] | None, count: int) -> None:
        """Go on from what a checkpoint kept."""
        self.count = count
        self.weights = None
        if weights is not None:
            self.weights = {name: weights[name].to(p.device) for name, p in self._trained.items()}

    def _copied(self) -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in self._trained.items()}

    @torch.no_grad()
    def _put(self, weights: dict[str, Tensor]) -> None:
        for name, weight in self._trained.items():
            weight.copy_(weights[name])
