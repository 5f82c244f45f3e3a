"""What can be set about which weights are trained: layers, embeddings, adapters. It knows no weights."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

AdapterName = Literal["none", "lora", "dora", "rslora", "ia3"]


class PartSettings(BaseModel):
    """Which weights are trained. A part of `TuneSettings`."""

    train: str = Field(
        default="all",
        pattern=r"^(all|head|top:[1-9][0-9]*)$",
        description="What is trained: all; top:N, the N uppermost layers and what is above; head, what is above alone.",
    )
    freeze_embeddings: bool = Field(default=False, description="Leave the embeddings as they are.")
    spare_rare: int = Field(
        default=40,
        ge=0,
        description="Leave the output rows of tokens as they are that are fewer than this in a million targets: moved"
        " at every target, names that are spelt with them could not be said any more; 0: all are trained.",
    )
    unfreeze: float | None = Field(
        default=None,
        gt=0,
        description="Begin with the uppermost layer, and train one more below it each so many epochs; unset: all at"
        " once.",
    )
    adapter: AdapterName = Field(
        default="none", description="Train the weights themselves, or few new ones beside them (all through PEFT)."
    )
    lora_rank: int = Field(default=16, ge=1, description="Width of the adapter.")
    lora_alpha: float = Field(
        default=32.0, gt=0, description="Scale: the adapter counts alpha / rank times; rslora: alpha / √rank times."
    )
    lora_dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout before the adapter.")
