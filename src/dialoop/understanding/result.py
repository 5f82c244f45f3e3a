"""What was made of a message: plain data, with the attributes that an agent reads. It knows no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Understanding:
    """The likeliest intents with their confidence (0 to 1), the likeliest first.

    `out_of_scope`: the message is about something that the agent is not for; `scope` is how surely it is not (above the
    threshold that was fitted: in scope). The intents are told either way. `slots` and `sentiment` are not looked at by
    this room yet; whoever finds them passes them in.
    """

    intents: Mapping[str, float]
    out_of_scope: bool = False
    scope: float | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    sentiment: str | None = None

    @property
    def intent(self) -> str | None:
        """The likeliest intent; None where the message is out of scope or nothing was found."""
        return None if self.out_of_scope else next(iter(self.intents), None)
