"""What can be set about what a run goes after. Plain settings; they know no data and no model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

PREFERENCE_EPOCHS = 3
"""Times that preferences are gone through, unless another number is asked for."""
GENTLER = 0.1
"""Of the learning rate that the likelihood takes, what preferences take, unless another is asked for."""
KTO_FEWEST = 4
"""Answers a step at least, unless another number is asked for: kto compares with a mean over them."""


class PreferenceSettings(BaseModel):
    """The objective, and how it weighs."""

    objective: Literal["auto", "nll", "dpo", "kto"] = Field(
        default="auto",
        description="What is gone after: nll, the likelihood of the answers; dpo, that edited answers are likelier than"
        " those they replaced; kto, that answers rated good become likelier and bad ones less; auto: nll.",
    )
    beta: float = Field(default=0.1, gt=0, description="dpo, kto: how dear it is to leave the base.")
    nll_weight: float = Field(
        default=0.2,
        ge=0,
        description="dpo: weight of the likelihood of chosen answers and of those without a rejected one;"
        " kto: of answers that nobody rated.",
    )
    desirable_weight: float | None = Field(
        default=None,
        gt=0,
        description="kto: how much a good answer counts; unset: 1, or such that all of them count at least as much as"
        " all bad ones.",
    )
    undesirable_weight: float | None = Field(
        default=None,
        gt=0,
        description="kto: how much a bad answer counts; unset: 1, or such that all good ones count at most 4/3 as much"
        " as all of them.",
    )

    @property
    def compares(self) -> bool:
        """Whether answers are compared with what the base gave to them."""
        return self.objective not in ("auto", "nll")

    @property
    def fewest_a_step(self) -> int:
        """Samples a step at least, where their number is left open."""
        return KTO_FEWEST if self.objective == "kto" else 1
