"""What can be set about an evaluation. Plain settings; every default is the one that the documentation states."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class EvaluationSettings(BaseModel):
    """How a base is measured. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(default=0, ge=0, description="Seed of the resampling and of the choice under `limit`.")
    limit: int | None = Field(default=None, ge=1, description="Conversations to use, chosen by hash; all if unset.")
    max_new_tokens: int = Field(default=128, ge=1, description="Tokens an answer may have at most.")
    batch_size: int = Field(default=16, ge=1, description="Answers generated side by side.")
    held: bool = Field(
        default=True,
        description="Whether calls are held to the schemas of their tools, as the engine holds them when it serves.",
    )
    resamples: int = Field(default=1000, ge=100, description="Bootstrap and randomisation draws.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1.0, description="Level of the intervals.")
    generate: bool = Field(default=True, description="Whether answers are generated; without, only targets are scored.")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="float32",
        description="Number format of models that answer, where files are evaluated; auto: as the engine serves them,"
        " the faster one on this machine. Classifiers, taggers and scorers stay in float32.",
    )
