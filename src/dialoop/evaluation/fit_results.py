"""What a fit of data and base says: lengths, targets, how far the text is from what the base knows. Plain data."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Known(BaseModel):
    """What a base makes of text in one language: bits and tokens for each character of what is to be said."""

    perplexity: float
    bits_per_character: float
    tokens_per_character: float


class Nearness(BaseModel):
    """One language of the data beside the reference. `distance`: bits a character over the reference's."""

    lang: str
    conversations: int
    data: Known
    compared_with: str | None = None
    reference: Known | None = None
    distance: float | None = None
    verdict: Literal["near", "some way off", "far", "no reference"]


class Stretch(BaseModel):
    """A stretch of text as the base reads it, and whether it is to be learnt."""

    text: str
    target: bool


class Lengths(BaseModel):
    """Tokens a conversation, before anything is left out."""

    median: int
    ninety_percent: int = Field(description="Nine in ten conversations are at most so long.")
    longest: int
    longest_id: str
    window: int
    over_window: int = Field(description="Conversations longer than the window.")
    left_out_turns: int = Field(description="Turns of those that are out of sight at their ends.")
    lost_targets: int = Field(description="Answers that no sentence teaches, because they do not fit.")


class Fit(BaseModel):
    """What `fit` found. `faults` make tuning impossible; `warnings` make it doubtful."""

    base: str
    unit: Literal["conversations", "texts"] = "conversations"
    given: int
    measured: int = Field(description="Of these, how many had their tokens counted.")
    scored: int = Field(default=0, description="Of these, how many had their likelihood measured.")
    lengths: Lengths
    tokens: int
    target_tokens: int = 0
    target_share: float | None = Field(default=None, description="Share of tokens that are targets, 0 to 1.")
    without_target: list[str] = Field(default_factory=list, description="Conversations measured without any target.")
    refused: list[str] = Field(default_factory=list, description="What the chat template refused, and why.")
    nearness: list[Nearness] = Field(default_factory=list)
    reference: str | None = Field(default=None, description="What the data was compared with.")
    example: list[Stretch] = Field(default_factory=list, description="One conversation as the base reads it.")
    faults: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
