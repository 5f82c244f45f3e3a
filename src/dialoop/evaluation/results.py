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
    """What the model answered at one turn, given the true history, beside what was truly said there.

    For a classifier: the labels of one text; for a tagger its spans, as `label: words`; for a scorer its score.
    """

    conversation: str
    index: int = Field(description="The message's position in the conversation, from 0.")
    lang: str
    kind: Literal["call", "text", "label", "spans", "score"]
    seen: bool | None = Field(default=None, description="Whether training offered the true tools, where known.")
    asked: str = Field(description="The message right before the turn; the text to be labelled.")
    truth: str | None
    true_calls: list[Call] = Field(default_factory=list)
    true_labels: list[str] = Field(default_factory=list)
    said: str | None
    said_calls: list[Call] = Field(default_factory=list)
    said_labels: list[str] = Field(default_factory=list)
    malformed: list[str] = Field(default_factory=list, description="What looks like a call and is none.")
    capped: bool = Field(default=False, description="Whether the answer has all of `max_new_tokens`.")
    score: float = Field(
        description="0 to 1. Calls: 1 exact, 0.5 right tools, else 0. Texts: chrF / 100. Labels: 1 or 0. Spans: F1."
        " Scores: 1 / (1 + error in standard deviations of the true ones)."
    )


class LabelFigures(BaseModel):
    """One label (or tag): shares from 0 to 1, and how often it is true."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


class Sureness(BaseModel):
    """Predictions that a classifier was about equally sure of: its mean probability, and the share that was right."""

    sure: float
    right: float
    of: int


class Confused(BaseModel):
    """How many texts of a true label were given a label."""

    true: str
    said: str
    of: int


class Coverage(BaseModel):
    """What was measured and what was not."""

    given: int = Field(description="Conversations (or labelled texts) in the file.")
    used: int = Field(description="Of these, measured.")
    unit: Literal["conversations", "texts"] = "conversations"
    target_turns: int = 0
    call_turns: int = 0
    text_turns: int = 0
    target_tokens: int = 0
    unweighted_turns: int = Field(default=0, description="Assistant turns of weight 0: context, not measured.")
    shortened: int = Field(default=0, description="Conversations over the window: later targets see less before them.")
    lost_targets: int = Field(default=0, description="Target messages that do not fit into the window at all.")
    shortened_prompts: int = Field(default=0, description="Answers generated on a history shortened from the front.")
    lost_pairs: int = Field(default=0, description="Edited answers that do not fit into the window.")
    too_long: int = Field(default=0, description="Turns not generated: even the shortest history exceeds the window.")
    held: int = Field(default=0, description="Answers whose calls were held to the schemas of their tools.")
    capped: int = Field(default=0, description="Answers that have all of `max_new_tokens`.")
    languages: dict[str, int] = Field(description="Conversations or texts by language.")
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
    labels: dict[str, list[LabelFigures]] = Field(
        default_factory=dict, description="Label by label: `labels` of texts; `spans` and `words` (with O) of a tagger."
    )
    sureness: list[Sureness] = Field(default_factory=list, description="A classifier's bins, the least sure first.")
    confused: list[Confused] = Field(default_factory=list, description="For one label a text; the right ones too.")
    tallies: dict[str, dict[str, Any]] = Field(default_factory=dict, exclude=True, repr=False)


class Comparison(BaseModel):
    """Two bases on the same conversations. `differences[group][measure]` is after minus before."""

    schema_version: Literal[1] = 1
    before: Evaluation
    after: Evaluation
    differences: dict[str, dict[str, Difference]]
    notes: list[str] = Field(default_factory=list)
