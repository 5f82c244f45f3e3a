"""What can be set about a search. Plain settings; loads neither torch nor Optuna."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dialoop.training.search.space import Space

AUTO = "auto"
"""The metric that goes by the head."""


class SearchSettings(BaseModel):
    """How settings are searched for. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trials: int = Field(default=20, ge=1, description="Runs in all, the pruned and the failed ones among them.")
    timeout: float | None = Field(
        default=None, gt=0, description="Seconds after which no further trial is begun; unset: no limit."
    )
    workers: int = Field(default=1, ge=1, description="Processes side by side; each has its share of the cores.")
    pruner: Literal["median", "hyperband", "none"] = Field(
        default="median", description="What ends a trial early whose held-out loss is behind the others'."
    )
    metric: str = Field(
        default=AUTO,
        description="What is to be best on the held-out data: loss, or a measure of `evaluate` such as label_accuracy;"
        " auto: label_accuracy of a classifier of one label, whose weights are kept by it, else loss.",
    )
    storage: str | None = Field(
        default=None,
        description="Where the trials last: sqlite:///… or postgresql://…; unset: study.db in the search's folder.",
    )
    space: Space = Field(
        default={},
        description="Settings of `tune` that are searched: each a list of values, or low and high with log or step;"
        " unset: by the head.",
    )
