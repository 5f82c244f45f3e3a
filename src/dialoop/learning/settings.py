"""What can be set about learning from served conversations: the section `learn` of a project file. Plain settings.

Each default is the one that the documents state. Figures are shares from 0 to 1 unless they say otherwise.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Speaker = Literal["customer", "operator", "checker", "agent", "other"]
"""Who judged a conversation: its customer, a person at the desk, a checker of the world, the agent itself, else."""


class LearnSettings(BaseModel):
    """How an agent learns from its conversations. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str | None = Field(default=None, description="The store of served conversations: a path or an address.")
    data: list[str] = Field(default=[], description="What was trained on before: it is mixed with what is new.")
    test: str | None = Field(default=None, description="The frozen test: conversations that are never trained on.")
    shelf: str = Field(
        default="shelf", description="The folder of versions and of what was decided about them, for every verb."
    )
    tenant: str | None = Field(default=None, description="Whose conversations are learnt from; unset: everybody's.")
    good: list[str] = Field(
        default=["done", "reached", "success", "solved", "resolved", "booked"],
        description="Outcomes of a conversation that count as good.",
    )
    believed: list[Speaker] = Field(
        default=["customer", "operator", "checker"], description="Whose judgement counts; the agent's own does not."
    )
    fewest: int = Field(default=1, ge=1, description="New conversations without which no round is begun.")
    most_old: int = Field(default=2000, ge=0, description="Conversations of the old data in the mixture, at most.")
    start: Literal["current", "base"] = Field(
        default="current", description="What is tuned: the version in service, or the base anew."
    )
    limit: int | None = Field(default=None, ge=1, description="Conversations of the test to measure on; unset: all.")
    max_new_tokens: int = Field(default=128, ge=1, description="Tokens that an answer may have while it is measured.")
    rehearse: int = Field(default=20, ge=0, description="Simulated customers to rehearse with; 0: no rehearsal.")
    margin: float = Field(
        default=0.02, ge=0, le=0.5, description="Loss of a rate that is borne, e.g. of exact calls or of task success."
    )
    loss_margin: float = Field(
        default=0.15,
        ge=0,
        le=1,
        description="Rise of the perplexity that is borne, relative: who answers in other words than the test's is no"
        " worse by that, and what is done is measured apart.",
    )
    large: float = Field(
        default=0.10,
        ge=0,
        le=1,
        description="Loss of a rate that refuses a candidate even where chance may explain it, of ten conversations or"
        " more.",
    )
    confidence: float = Field(
        default=0.95, gt=0.5, lt=1.0, description="Level of the intervals and of the tests that decide."
    )
    fresh: float = Field(
        default=0.2,
        ge=0,
        le=0.5,
        description="Share of what no round learnt from before, from ten on, that is measured on instead.",
    )
    probes: int = Field(default=200, ge=0, description="Private values that the candidate is probed for, at most.")
    drift: float = Field(
        default=0.05, ge=0, le=1, description="Rise of a rate, against before, from which the world counts as drifted."
    )
