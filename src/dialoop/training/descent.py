"""Plain descent with momentum and decoupled decay, as torch's own SGD does not have it. It knows weights alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch


class Descent(torch.optim.Optimizer):
    """θ ← θ − η d − η λ θ, where d is the gradient g, or with momentum μ the move v ← μ v + g.

    With `nesterov` d is g + μ v. η is `lr`, λ `weight_decay`: it never enters v (Loshchilov and Hutter 2019, SGDW,
    https://arxiv.org/abs/1711.05101). Momentum and Nesterov as in Sutskever et al. 2013.
    """

    def __init__(
        self, params: Iterable[Any], lr: float, *, momentum: float, nesterov: bool, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient."""
        for group in self.param_groups:
            lr, momentum = group["lr"], group["momentum"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                move = weight.grad
                if momentum:
                    state = self.state[weight]
                    if "momentum" not in state:
                        state["momentum"] = torch.zeros_like(weight)
                    kept = state["momentum"].mul_(momentum).add_(weight.grad)
                    move = weight.grad.add(kept, alpha=momentum) if group["nesterov"] else kept
                weight.mul_(1 - lr * group["weight_decay"]).add_(move, alpha=-lr)
