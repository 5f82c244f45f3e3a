"""What an evaluation says: figures with intervals, answers turn by turn, differences. Plain data that becomes JSON.

Knows no model and computes nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dialoop.evaluation.settings import EvaluationSettings


class Figure(BaseModel):
    """A measured value; `low` and `high` bound its interval; `of` is how many units (turns, tokens) it counts."""

    value: float | None
    low: float | None = None
    high: float | None = None
    of: int = 0


class Difference(BaseModel):
    """After minus before; `p` of a two-sided paired test that nothing but chance made the difference."""

    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None


class Call(BaseModel):
    """A tool call as compared: `arguments` is canonical JSON, or the text as it was said where it is no JSON."""

    model_config = ConfigDict(frozen=True)
    name: str
    arguments: str


class Answer(BaseModel):
    """What the model answered at one assistant turn, given the true history, beside what was truly said there."""

    conversation: str
    index: int = Field(description="The message's position in the conversation, from 0.")
    lang: str
    kind: Literal["call", "text"]
    seen: bool | None = Field(description="Whether training offered the true tools; null where unknown or for texts.")
    asked: str = Field(description="The message right before the turn.")
    truth: str | None
    true_calls: list[Call]
    said: str | None
    said_calls: list[Call]
    malformed: list[str] = Field(description="What looks like a call and is none.")
    capped: bool = Field(description="Whether the answer was cut at `max_new_tokens`.")
    score: float = Field(description="0 to 1. Call turns: 1 exact, 0.5 right names, else 0. Texts: chrF / 100.")


class Coverage(BaseModel):
    """What was measured and what was not."""

    given: int = Field(description="Conversations in the file.")
    used: int = Field(description="Conversations measured.")
    target_turns: int
    call_turns: int
    text_turns: int
    target_tokens: int
    unweighted_turns: int = Field(description="Assistant turns of weight 0: context, not measured.")
    shortened: int = Field(description="Conversations longer than the window: later targets see less before them.")
    lost_targets: int = Field(description="Target messages that do not fit into the window at all.")
    shortened_prompts: int = Field(description="Answers generated on a history shortened from the front.")
    too_long: int = Field(description="Turns not generated: even the shortest history exceeds the window.")
    capped: int = Field(description="Answers that reached `max_new_tokens`.")
    languages: dict[str, int] = Field(description="Conversations by language.")
    notes: list[str] = Field(default_factory=list)


class Evaluation(BaseModel):
    """One base measured on one set of conversations.

    `figures[group][measure]`: groups are `all`, each language, and `seen tools` / `unseen tools` where known.
    `tallies` (not in the JSON) lets `compare` pair two evaluations conversation by conversation.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    schema_version: Literal[1] = 1
    model: str
    fingerprint: str
    tokenizer: str = Field(description="Digest of the tokenizer; token figures compare only where it is the same.")
    data: str
    settings: EvaluationSettings
    coverage: Coverage
    figures: dict[str, dict[str, Figure]]
    answers: list[Answer]
    seconds: float
    conversations: list[str] = Field(description="Ids of the conversations measured, in order.")
    tallies: dict[str, dict[str, Any]] = Field(default_factory=dict, exclude=True, repr=False)


class Comparison(BaseModel):
    """Two bases on the same conversations. `differences[group][measure]` is after minus before."""

    schema_version: Literal[1] = 1
    before: Evaluation
    after: Evaluation
    differences: dict[str, dict[str, Difference]]
    notes: list[str] = Field(default_factory=list)
