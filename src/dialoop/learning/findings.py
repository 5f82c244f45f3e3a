"""What is found when a candidate is held against the version in service: measure by measure better, the same, or worse.

The rule. A difference counts as *worse* where it goes beyond its margin and chance does not explain it (the interval of
the paired difference leaves zero out), or where it is large, whatever chance explains. It counts as *better* where the
interval leaves zero out on the good side and the paired test holds, corrected for all findings that could promote (Holm
1979). Of fewer than ten conversations (`FEWEST`) an interval is too short to be believed: such figures are told, and
decide nothing. What cannot be measured any more is worse. It knows figures, no models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dialoop.errors import SettingsError
from dialoop.evaluation import Comparison, Difference
from dialoop.evaluation.formulas import ratio
from dialoop.evaluation.tallies import Draws, Tally
from dialoop.learning.settings import LearnSettings

Outcome = Literal["better", "same", "worse", "few"]
"""`few`: measured on too few conversations to decide anything."""
FEWEST = 10
"""Conversations below which a finding is told and decides nothing. Without any true difference a percentile bootstrap
interval at 95 % leaves zero out on the good side in 27 % of cases at 2 conversations, in 2.5 % where there are many.
"""
_ALL = "all"


class Trial(BaseModel):
    """One simulated customer's task: whether it was done. Both models are given the same tasks."""

    model_config = ConfigDict(extra="forbid")
    task: str
    succeeded: bool
    lang: str | None = None
    why: str | None = Field(default=None, description="Why not, if it was not.")


class Finding(BaseModel):
    """One measure of the candidate (`after`) against the version in service (`before`).

    `low` and `high` bound the difference, `margin` is what of a loss is borne, and `large` what refuses in any case.
    `of` counts units (turns, tokens, tasks), `conversations` those that have any; `p` is of the paired two-sided test.
    """

    model_config = ConfigDict(extra="forbid")
    on: str
    group: str
    measure: str
    better: Literal["higher", "lower"]
    before: float | None
    after: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    of: int = 0
    conversations: int = 0
    margin: float
    large: float | None
    outcome: Outcome = "same"

    def __str__(self) -> str:
        group = "" if self.group == _ALL else f", {self.group}"
        bounds = "" if self.low is None or self.high is None else f" ({self.low:+.3f} to {self.high:+.3f})"
        return f"{self.measure} on {self.on}{group}: {_figure(self.before)} → {_figure(self.after)}{bounds}"


@dataclass(frozen=True)
class _Gate:
    measure: str
    better: Literal["higher", "lower"]
    label: str


_GATES = (
    _Gate("call_exact", "higher", "exact calls"),
    _Gate("call_false", "lower", "false calls"),
    _Gate("call_malformed", "lower", "malformed calls"),
    _Gate("perplexity", "lower", "perplexity"),
)


def compared(comparison: Comparison, on: str, settings: LearnSettings) -> list[Finding]:
    """The findings of a comparison on a test called `on`: of all conversations, and of each language where several are.

    Better is provisional: `corrected` decides.
    """
    languages = [lang for lang in comparison.after.coverage.languages if lang in comparison.differences]
    groups = [_ALL, *(languages if len(languages) > 1 else [])]
    found = []
    for group in groups:
        for gate in _GATES:
            before = comparison.before.figures.get(group, {}).get(gate.measure)
            after = comparison.after.figures.get(group, {}).get(gate.measure)
            if before is None or (before.value is None and (after is None or after.value is None)):
                continue
            difference = comparison.differences.get(group, {}).get(gate.measure) or Difference(value=None)
            margin, large = _borne(gate.measure, before.value, settings)
            finding = Finding(
                on=on,
                group=group,
                measure=gate.label,
                better=gate.better,
                before=before.value,
                after=None if after is None else after.value,
                low=difference.low,
                high=difference.high,
                p=difference.p,
                of=before.of,
                conversations=_counting(comparison, group, gate.measure),
                margin=margin,
                large=large if group == _ALL else None,
            )
            found.append(finding.model_copy(update={"outcome": outcome_of(finding)}))
    return found


def rehearsed(before: Sequence[Trial], after: Sequence[Trial], settings: LearnSettings) -> list[Finding]:
    """Task success of both models at the same tasks, of all and of each language. Better is provisional.

    Raises SettingsError where the tasks are not the same: then nothing is paired.
    """
    earlier, later = {trial.task: trial for trial in before}, {trial.task: trial for trial in after}
    if earlier.keys() != later.keys() or len(earlier) != len(before) or len(later) != len(after):
        raise SettingsError(
            "the rehearsal did not give both models the same tasks, each once",
            remedy="rehearse with the same customers and the same seed",
        )
    languages = sorted({trial.lang for trial in after if trial.lang is not None})
    found = []
    for lang in [None, *languages] if len(languages) > 1 else [None]:
        tasks = [task for task, trial in later.items() if lang in (None, trial.lang)]
        first, second = ([float(some[task].succeeded) for task in tasks] for some in (earlier, later))
        if not tasks:
            continue
        finding = _success(first, second, lang or _ALL, settings)
        found.append(finding.model_copy(update={"outcome": outcome_of(finding)}))
    return found


def _success(first: list[float], second: list[float], group: str, settings: LearnSettings) -> Finding:
    one, two = (Tally(np.array([[value, 1.0] for value in side]), ratio) for side in (first, second))
    difference = one.difference(two, Draws.make(len(first), resamples(settings), 0), settings.confidence)
    return Finding(
        on="rehearsal",
        group=group,
        measure="task success",
        better="higher",
        before=sum(first) / len(first),
        after=sum(second) / len(second),
        low=difference.low,
        high=difference.high,
        p=difference.p,
        of=len(first),
        conversations=len(first),
        margin=settings.margin,
        large=settings.large if group == _ALL else None,
    )


def _borne(measure: str, before: float | None, settings: LearnSettings) -> tuple[float, float]:
    """The margin of a measure, and from which loss it is large."""
    if measure == "perplexity":
        return settings.loss_margin * (before or 0.0), 4 * settings.loss_margin * (before or 0.0)
    if measure == "call_malformed":
        return 0.0, settings.margin
    return settings.margin, settings.large


def _counting(comparison: Comparison, group: str, measure: str) -> int:
    """How many conversations have anything that the measure counts."""
    tally = comparison.before.tallies.get(group, {}).get(measure)
    return 0 if tally is None else int(np.count_nonzero(tally.units))


def resamples(settings: LearnSettings) -> int:
    """Draws of a test: enough that p can fall below what fifty findings together ask of it; at most 20,000."""
    return min(20_000, max(1000, math.ceil(100 / (1 - settings.confidence))))


def corrected(findings: Sequence[Finding], settings: LearnSettings) -> list[Finding]:
    """The same findings, better only where p holds when it is corrected for all that could promote.

    After Holm (1979) over every finding of enough conversations, whatever it came to: the smallest p is held against
    (1 - confidence) divided by their number, the next one against one less, until one does not hold.
    """
    tested = [finding for finding in findings if finding.conversations >= FEWEST and finding.p is not None]
    held: list[Finding] = []
    for number, finding in enumerate(sorted(tested, key=lambda one: one.p or 0.0)):
        if (finding.p or 0.0) >= (1 - settings.confidence) / (len(tested) - number):
            break
        held.append(finding)
    return [
        one.model_copy(update={"outcome": "same"})
        if one.outcome == "better" and not any(one is other for other in held)
        else one
        for one in findings
    ]


def outcome_of(finding: Finding) -> Outcome:
    """What the finding comes to by itself, by the rule of this file; better holds only if `corrected` leaves it."""
    if finding.after is None:
        return "worse"
    if finding.before is None:
        return "same"
    if finding.conversations < FEWEST:
        return "few"
    sign = 1.0 if finding.better == "higher" else -1.0
    gain = sign * (finding.after - finding.before)
    bounds = sorted(sign * bound for bound in (finding.low, finding.high) if bound is not None)
    certain = len(bounds) == 2
    if gain < -finding.margin and certain and bounds[1] < 0:
        return "worse"
    if finding.large is not None and gain < -finding.large - 1e-12:
        return "worse"
    return "better" if gain > 0 and certain and bounds[0] > 0 else "same"


def _figure(value: float | None) -> str:
    return "not to be measured" if value is None else f"{value:.3f}"
