"""Makes optimisers and sets their learning rate. It knows parameters by name and shape, not data or heads."""

from __future__ import annotations

import re

import torch
from torch import nn

from dialoop.training.schedule import OptimiserSettings

_IN_A_LAYER = re.compile(r"\.\d+\.")
"""Layers are numbered in the names of their weights; embeddings and heads are not."""


def make_optimisers(model: nn.Module, settings: OptimiserSettings) -> list[torch.optim.Optimizer]:
    """AdamW for all trained weights, or Muon for the matrices inside the layers and AdamW for the rest.

    Norms, biases, embeddings and heads take no weight decay. Muon: Jordan et al. 2024,
    https://kellerjordan.github.io/posts/muon/, with update sizes matched to AdamW (arXiv:2502.16982).
    """
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    matrices = [p for name, p in trained if p.ndim == 2 and _IN_A_LAYER.search(name)]
    others = [p for name, p in trained if p.ndim != 2 or not _IN_A_LAYER.search(name)]
    betas = (settings.beta1, settings.beta2)
    if settings.name == "muon" and matrices:
        muon = torch.optim.Muon(
            matrices, lr=settings.lr, weight_decay=settings.weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        if not others:
            return [muon]
        return [muon, torch.optim.AdamW(others, lr=settings.lr, betas=betas, weight_decay=0.0, fused=True)]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.lr, betas=betas, fused=True)]


def set_rate(optimisers: list[torch.optim.Optimizer], lr: float) -> None:
    """Give every group of every optimiser the learning rate `lr`."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = lr
