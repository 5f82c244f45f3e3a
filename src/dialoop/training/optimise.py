"""Optimisers and learning-rate schedules of the loop. It knows parameters, not data or heads."""

from __future__ import annotations

import math
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn


class OptimiserSettings(BaseModel):
    """How weights move. Rates are per step; `warmup` and `decay` are shares of all steps, 0 to 1."""

    model_config = ConfigDict(extra="forbid")
    name: Literal["adamw", "muon"] = "adamw"
    lr: float = Field(1e-3, gt=0, description="learning rate of AdamW, and of Muon matched to AdamW's update size")
    weight_decay: float = Field(0.01, ge=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.98, ge=0, lt=1)
    schedule: Literal["constant", "linear", "cosine", "stable"] = "linear"
    warmup: float = Field(0.05, ge=0, le=1)
    decay: float = Field(0.2, ge=0, le=1, description="share of steps at the end in which `stable` falls to zero")
    clip: float = Field(1.0, gt=0, description="largest norm of all gradients together")


def make_optimisers(model: nn.Module, settings: OptimiserSettings) -> list[torch.optim.Optimizer]:
    """AdamW for all trained weights, or Muon for the matrices inside the layers and AdamW for the rest.

    Norms, biases and embeddings take no weight decay. Muon: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/,
    with update sizes matched to AdamW (arXiv:2502.16982).
    """
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    matrices = [p for name, p in trained if p.ndim == 2 and "embed" not in name and "lm_head" not in name]
    others = [p for _, p in trained if all(p is not m for m in matrices)]
    betas = (settings.beta1, settings.beta2)
    if settings.name == "muon":
        return [
            torch.optim.Muon(
                matrices, lr=settings.lr, weight_decay=settings.weight_decay, adjust_lr_fn="match_rms_adamw"
            ),
            torch.optim.AdamW(others, lr=settings.lr, betas=betas, weight_decay=0.0, fused=True),
        ]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.lr, betas=betas, fused=True)]


def rate(settings: OptimiserSettings, done: float) -> float:
    """The factor on the learning rate when the share `done` (0 to 1) of all steps has been taken."""
    if done < settings.warmup:
        return max(done, 1e-3) / settings.warmup
    left = max(0.0, 1.0 - done)
    if settings.schedule == "constant":
        return 1.0
    if settings.schedule == "stable":
        return min(1.0, left / settings.decay) if settings.decay else 1.0
    share = left / (1.0 - settings.warmup) if settings.warmup < 1 else 0.0
    return share if settings.schedule == "linear" else 0.5 - 0.5 * math.cos(math.pi * share)


def set_rate(optimisers: list[torch.optim.Optimizer], lr: float) -> None:
    """Give every group of every optimiser the learning rate `lr`."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = lr
