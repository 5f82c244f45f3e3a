"""Makes optimisers and sets their learning rate. It knows parameters by name and shape, not data or heads."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn

from dialoop.training.descent import Descent
from dialoop.training.muon import Muon
from dialoop.training.parts import layers_of
from dialoop.training.schedule import OptimiserSettings

_IN_A_LAYER = re.compile(r"\.\d+\.")
"""Layers are numbered in the names of their weights; embeddings and heads are not."""


def make_optimisers(model: nn.Module, settings: OptimiserSettings) -> list[torch.optim.Optimizer]:
    """One optimiser for all trained weights, or Muon for the matrices inside the layers and AdamW for the rest.

    Norms, biases, embeddings and heads take no weight decay. AdamW: Loshchilov and Hutter 2019; Adam, with the decay
    within the gradient: Kingma and Ba 2015; Muon: `dialoop.training.muon`. Where `layer_decay` is below 1, groups tell
    their share of the learning rate.
    """
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    layers = layers_of(model)
    shares = {name: layers.share(name, settings.layer_decay) for name, _ in trained}
    matrices = [(name, p) for name, p in trained if p.ndim == 2 and _IN_A_LAYER.search(name)]
    others = [(name, p) for name, p in trained if p.ndim != 2 or not _IN_A_LAYER.search(name)]
    decayed, plain = _groups(matrices, settings.weight_decay, shares), _groups(others, 0.0, shares)
    lr, betas = settings.lr, (settings.beta1, settings.beta2)
    if settings.name == "muon" and decayed:
        muon = Muon(decayed, lr)
        return [muon, torch.optim.AdamW(plain, lr=lr, betas=betas, fused=True)] if plain else [muon]
    if settings.name == "sgd":
        return [Descent([*decayed, *plain], lr, momentum=settings.momentum, nesterov=settings.nesterov)]
    adam = torch.optim.Adam if settings.name == "adam" else torch.optim.AdamW
    return [adam([*decayed, *plain], lr=lr, betas=betas, fused=True)]


def _groups(
    weights: list[tuple[str, nn.Parameter]], weight_decay: float, shares: dict[str, float]
) -> list[dict[str, Any]]:
    """A group for each share of the learning rate."""
    parted: dict[float, list[nn.Parameter]] = {}
    for name, weight in weights:
        parted.setdefault(shares[name], []).append(weight)
    return [{"params": some, "weight_decay": weight_decay, "share": share} for share, some in parted.items()]


def set_rate(optimisers: list[torch.optim.Optimizer], lr: float) -> None:
    """Give every group of every optimiser its share of the learning rate `lr`."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = lr * group.get("share", 1.0)
