"""What can be set about where a run is followed, besides its own log. It knows no tracker."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

TrackerName = Literal["tensorboard", "mlflow", "wandb"]


class TrackSettings(BaseModel):
    """Where a run is followed. A part of `TuneSettings`."""

    track: list[TrackerName] = Field(
        default=[],
        description="Where the run is followed besides its own log: tensorboard, mlflow, wandb; several with commas.",
    )

    @field_validator("track", mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        return parted(value)


def parted(value: Any) -> Any:
    """Names with commas between them, or a list of such, as a list of names, each once."""
    if value is None or value is False:  # YAML's own words for none
        return []
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        return value
    names = [name.strip() for word in words for name in word.split(",")]
    return list(dict.fromkeys(name for name in names if name))
