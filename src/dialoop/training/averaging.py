"""Averages of the weights over the steps, which are often better than the last weights. It knows tensors alone.

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
    (Jain et al. 2018, https://arxiv.org/abs/1610.03774). `count`: how many weights went into it.
    """

    def __init__(self, model: nn.Module, kind: AverageName, *, decay: float, start: int) -> None:
        self.kind, self.decay, self.start, self.count = kind, decay, start, 0
        self._trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.weights: dict[str, Tensor] | None = self._copied() if kind == "ema" else None

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

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """For the while the model has the averaged weights, where there are any; then its own again, bit by bit."""
        if self.weights is None:
            yield
            return
        raw = self._copied()
        self._put(self.weights)
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
