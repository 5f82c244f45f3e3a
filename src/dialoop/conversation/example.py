"""One labelled utterance, for classifiers, taggers and regressors. Plain data; it knows nothing of files or models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dialoop.conversation.record import SlotSpan
from dialoop.errors import Place

OUT_OF_SCOPE = "out_of_scope"
"""The label of messages that an agent is not for. It is no intent, and is not learnt as one."""


@dataclass(frozen=True)
class Example:
    """A text with exactly one of `label`, `labels` (none to many), `score` (finite) or `spans` (code points).

    `document` names what the text was taken from: the texts of one follow one another. `extra` keeps what else the
    record said. `place` is where it was read and does not count in comparisons.
    """

    text: str
    label: str | None = None
    labels: tuple[str, ...] | None = None
    score: float | None = None
    spans: tuple[SlotSpan, ...] | None = None
    id: str | None = None
    lang: str | None = None
    split: str | None = None
    source: str | None = None
    customer: str | None = None
    document: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    place: Place | None = field(default=None, compare=False)

    @property
    def kind(self) -> str:
        """`label`, `labels`, `score` or `spans`: what is to be learnt."""
        for kind in ("label", "labels", "score", "spans"):
            if getattr(self, kind) is not None:
                return kind
        raise ValueError("an example needs a label, labels, a score or spans")


EXAMPLE_META = ("id", "lang", "split", "source", "customer", "document")
