"""What can be set about what counts how much, and how labels are taught: weights, smoothing, contrast, what is read.

It knows no data.
"""

from __future__ import annotations

import json
import math
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

NONE, BALANCED = "none", "balanced"


class LabelSettings(BaseModel):
    """What counts how much, and how labels are taught. A part of `TuneSettings`."""

    text_weight: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="What a token of an answer in words counts in learning, where one of a tool call counts 1; so does"
        " the token that an answer begins with, which tells a call from words.",
    )
    class_weights: str = Field(
        default=NONE,
        description="How much each label counts: none, all the same; balanced, rare ones more; or label: weight, on the"
        " command line as JSON.",
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="Share of the truth that is spread evenly over all labels, while learning."
    )
    pooling: Literal["auto", "own", "mean"] = Field(
        default="auto",
        description="What a head of labels or scores reads of a text: own, a token as transformers has it; mean, all"
        " tokens of an encoder; auto: as the base was trained.",
    )
    contrastive: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Texts of one label are drawn together, others apart, and names of labels taught as texts; auto: on"
        " an encoder, up to 16 texts a label.",
    )

    @field_validator("class_weights", mode="before")
    @classmethod
    def _weights_as_text(cls, value: Any) -> Any:
        if value is None or value is False:  # YAML's own words for none
            return NONE
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value

    @field_validator("class_weights")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in (NONE, BALANCED):
            weights_told(value)
        return value


def weights_told(text: str) -> dict[str, float]:
    """The weights by label that `class_weights` tells as JSON. Raises ValueError."""
    wanted = 'none, balanced, or weights by label as {"label": 2.5}'
    try:
        told = json.loads(text)
    except ValueError as error:
        raise ValueError(f"must be {wanted}") from error
    if not isinstance(told, dict) or not told:
        raise ValueError(f"must be {wanted}")
    for label, weight in told.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight) or weight <= 0:
            raise ValueError(f"the weight of {label!r} is {weight!r}, and must be a number above 0")
    return {label: float(weight) for label, weight in told.items()}
