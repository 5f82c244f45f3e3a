"""What a rehearsal gave: a result for each customer, and the shares over all. Plain data; it knows no agent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any, Literal

_Z = 1.959963984540054
"""The normal quantile of a 95 % interval."""


@dataclass(frozen=True)
class Line:
    """One line of a conversation, for a reader: `who` says or does `text`."""

    who: Literal["customer", "agent", "call", "result", "note"]
    text: str


@dataclass(frozen=True)
class Share:
    """`count` of `of`, with a 95 % interval after Wilson (1927), in 0 to 1; None where there is nothing to count."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share itself."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end."""
        if not self.of:
            return None
        share, spread = self.count / self.of, _Z * _Z / self.of
        middle = (share + spread / 2) / (1 + spread)
        half = sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if self.value is None or self.interval is None:
            return "–"
        low, high = self.interval
        return f"{self.value:.0%} ({self.count}/{self.of}; {low:.0%}–{high:.0%})"


@dataclass(frozen=True)
class Result:
    """How it went for one customer. `faults` is empty for a success; `lines` are kept for failures only."""

    customer: str
    lang: str
    faults: tuple[str, ...]
    turns: int
    seconds: float
    called_person: str | None = None
    decided: dict[str, int] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()

    @property
    def success(self) -> bool:
        """Whether the customer got what it came for."""
        return not self.faults


@dataclass(frozen=True)
class Rehearsal:
    """All results, in the order of the customers. `name`: what was rehearsed; `seconds`: from first to last."""

    name: str
    results: tuple[Result, ...]
    seconds: float

    @property
    def languages(self) -> list[str]:
        """The languages that were spoken."""
        return sorted({one.lang for one in self.results})

    def success(self, lang: str | None = None) -> Share:
        """The customers that got what they came for, of all or of one language."""
        some = self._of(lang)
        return Share(sum(one.success for one in some), len(some))

    def called_person(self, lang: str | None = None) -> Share:
        """The conversations in which the agent called a person."""
        some = self._of(lang)
        return Share(sum(one.called_person is not None for one in some), len(some))

    def turns(self, lang: str | None = None) -> float | None:
        """Turns of a conversation, on average."""
        some = self._of(lang)
        return sum(one.turns for one in some) / len(some) if some else None

    def decided(self, lang: str | None = None) -> Counter[str]:
        """Decisions by kind: "rule" (whichever), "model" and what else there is."""
        counts: Counter[str] = Counter()
        for one in self._of(lang):
            for action, count in one.decided.items():
                counts[action.partition(":")[0]] += count
        return counts

    def share_decided(self, kind: str, lang: str | None = None) -> Share:
        """The decisions of one kind, of all."""
        counts = self.decided(lang)
        return Share(counts[kind], counts.total())

    def failures(self) -> list[Result]:
        """The customers that did not get what they came for."""
        return [one for one in self.results if not one.success]

    def to_json(self) -> dict[str, Any]:
        """All of it as a JSON object."""
        groups: list[str | None] = [None, *self.languages]
        shares = {
            lang or "all": {
                "success": _share(self.success(lang)),
                "called_person": _share(self.called_person(lang)),
                "turns": self.turns(lang),
                "decided": dict(self.decided(lang)),
            }
            for lang in groups
        }
        return {
            "name": self.name,
            "seconds": self.seconds,
            "shares": shares,
            "results": list(map(asdict, self.results)),
        }

    def _of(self, lang: str | None) -> list[Result]:
        return [one for one in self.results if lang in (None, one.lang)]


def write_json(path: Path, rehearsals: Sequence[Rehearsal]) -> None:
    """Writes rehearsals into one file."""
    written = json.dumps({"rehearsals": [one.to_json() for one in rehearsals]}, ensure_ascii=False, indent=1)
    path.write_text(written + "\n", encoding="utf-8")


def reasons(results: Iterable[Result]) -> Counter[str]:
    """How often each kind of fault occurred: a fault's words up to the first colon, once a conversation."""
    return Counter(kind for one in results for kind in {fault.partition(":")[0] for fault in one.faults})


def _share(share: Share) -> dict[str, Any]:
    return {"count": share.count, "of": share.of, "value": share.value, "interval": share.interval}
