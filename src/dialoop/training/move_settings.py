"""What can be set about how weights move: optimiser, course of the learning rate, clipping. It knows no weights."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from dialoop.training.schedule import OptimiserName, OptimiserSettings, Schedule

AverageName = Literal["none", "ema", "tail"]


class MoveSettings(BaseModel):
    """How gradients become moves. A part of `TuneSettings`."""

    optimiser: OptimiserName = Field(
        default="adamw",
        description="How gradients become moves: adamw; adam (decay within the gradient); muon; sgd.",
    )
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Adam: how slowly the mean of the gradients changes.")
    beta2: float = Field(default=0.98, ge=0, lt=1, description="Adam: how slowly the mean of their squares changes.")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="sgd: share of the former move that is kept.")
    nesterov: bool = Field(default=False, description="sgd: look ahead along the momentum.")
    schedule: Schedule = Field(default="linear", description="How the learning rate falls.")
    warmup: float = Field(default=0.05, ge=0, le=1, description="Share of the steps in which the learning rate rises.")
    weight_decay: float = Field(default=0.01, ge=0, description="Pull of the matrices towards zero, a step and rate.")
    layer_decay: float = Field(
        default=1.0, gt=0, le=1, description="Each layer's learning rate is this times that of the layer above it."
    )
    clip: float = Field(default=1.0, gt=0, description="Largest norm of all gradients together; longer ones are cut.")

    accumulate: int = Field(
        default=1, ge=1, description="Batches a step, one after the other: as one batch so many times as large."
    )
    average: AverageName = Field(
        default="none",
        description="What is looked at and becomes the model: the weights, their moving average (ema) or mean (tail).",
    )
    average_decay: float = Field(default=0.99, ge=0, lt=1, description="ema: how slowly the average changes, a step.")
    average_tail: float = Field(default=0.25, gt=0, le=1, description="tail: share of the steps, the last, averaged.")
    base_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the base's own weights in what is looked at and becomes the model: more is kept of what"
        " it knew before.",
    )

    def optimiser_settings(self, lr: float) -> OptimiserSettings:
        """As the loop's step takes it."""
        return OptimiserSettings(
            name=self.optimiser,
            lr=lr,
            weight_decay=self.weight_decay,
            beta1=self.beta1,
            beta2=self.beta2,
            momentum=self.momentum,
            nesterov=self.nesterov,
            layer_decay=self.layer_decay,
            schedule=self.schedule,
            warmup=self.warmup,
            clip=self.clip,
        )
