"""What can be set about looks at the held-out data: what is measured, and what decides. It knows no model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

FigureName = Literal["auto", "loss", "accuracy", "macro_f1", "call_exact", "call_name", "reply_chrf"]


class LookSettings(BaseModel):
    """What is measured at looks. A part of `TuneSettings`."""

    stop_on: FigureName = Field(
        default="auto",
        description="The held-out figure that decides which weights are the best, and when to stop; auto: accuracy"
        " where a text has one label, else loss.",
    )
    look_answers: int | None = Field(
        default=None,
        ge=0,
        description="Held-out conversations that the model answers at each look; unset: none, or 16 where stop_on"
        " needs them.",
    )
