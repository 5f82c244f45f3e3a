"""What can be set about what a run goes after. Plain settings; they know no data and no model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

PREFERENCE_EPOCHS = 3
"""Times that preferences are gone through, unless another number is asked for."""
GENTLER = 0.1
"""Of the learning rate that the likelihood takes, what preferences take, unless another is asked for."""


class PreferenceSettings(BaseModel):
    """The objective, and how it weighs."""

    objective: Literal["auto", "nll", "dpo"] = Field(
        default="auto",
        description="What is gone after: nll, the likelihood of the answers; dpo, that edited answers are likelier than"
        " those they replaced; auto: nll.",
    )
    beta: float = Field(default=0.1, gt=0, description="dpo: how dear it is to leave the base.")
    nll_weight: float = Field(
        default=0.2,
        ge=0,
        description="dpo: weight of the likelihood of chosen answers and of those without a rejected one.",
    )

    @property
    def compares(self) -> bool:
        """Whether answers are compared with what the base gave to them."""
        return self.objective not in ("auto", "nll")
