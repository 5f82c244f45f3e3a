"""How far weights move at each step: the optimiser's settings and the course of the learning rate. It knows no
weights.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

OptimiserName = Literal["adamw", "adam", "muon", "sgd"]
Schedule = Literal["constant", "linear", "cosine", "stable", "inverse_sqrt"]


class OptimiserSettings(BaseModel):
    """How weights move. Rates are per step; `warmup` and `decay` are shares of all steps, 0 to 1."""

    model_config = ConfigDict(extra="forbid")
    name: OptimiserName = "adamw"
    lr: float = Field(
        default=1e-3, gt=0, description="learning rate of AdamW, and of Muon matched to AdamW's update size"
    )
    weight_decay: float = Field(default=0.01, ge=0)
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.98, ge=0, lt=1)
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of `sgd`: share of the former move that is kept")
    nesterov: bool = Field(default=False, description="of `sgd`: look ahead along the momentum")
    layer_decay: float = Field(
        default=1.0, gt=0, le=1, description="each layer's rate is this times that of the layer above it"
    )
    schedule: Schedule = "linear"
    warmup: float = Field(default=0.05, ge=0, le=1)
    decay: float = Field(
        default=0.2, ge=0, le=1, description="share of steps at the end in which `stable` falls to zero"
    )
    clip: float = Field(default=1.0, gt=0, description="largest norm of all gradients together")


def rate(settings: OptimiserSettings, done: float) -> float:
    """The factor on the learning rate when the share `done` (0 to 1) of all steps has been taken.

    `inverse_sqrt` falls with the square root of the steps (Vaswani et al. 2017), from the end of the rise, or without
    one from the first hundredth.
    """
    if done < settings.warmup:
        return max(done, 1e-3) / settings.warmup
    left = max(0.0, 1.0 - done)
    if settings.schedule == "constant":
        return 1.0
    if settings.schedule == "stable":
        return min(1.0, left / settings.decay) if settings.decay else 1.0
    if settings.schedule == "inverse_sqrt":
        rise = settings.warmup or 0.01
        return math.sqrt(rise / max(rise, done))
    share = left / (1.0 - settings.warmup) if settings.warmup < 1 else 0.0
    return share if settings.schedule == "linear" else 0.5 - 0.5 * math.cos(math.pi * share)
