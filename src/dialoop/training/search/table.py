"""The trials of a search, best first: as rows, and as a table in the terminal. Knows rich, not how a search goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.table import Table

from dialoop.training.search.folder import Plan
from dialoop.training.search.study import KILLED


@dataclass(frozen=True)
class Row:
    """A trial in words. `reached`: where it was pruned, the best held-out loss by then."""

    number: int
    state: str
    value: str
    reached: str
    seconds: str
    params: dict[str, str]
    best: bool


def rows(study: optuna.Study, plan: Plan) -> list[Row]:
    """Whole trials by value, then pruned ones, then the others; without those that were killed and put back."""
    trials = [one for one in study.get_trials(deepcopy=False) if KILLED not in one.user_attrs]
    sign = -1.0 if study.direction == optuna.study.StudyDirection.MAXIMIZE else 1.0
    order = {TrialState.COMPLETE: 0, TrialState.PRUNED: 1, TrialState.FAIL: 2}

    def place(one: FrozenTrial) -> tuple[int, float, int]:
        value = sign * one.value if one.state == TrialState.COMPLETE and one.value is not None else 0.0
        return order.get(one.state, 3), value, one.number

    ranked = sorted(trials, key=place)
    return [_row(one, plan, sign, index == 0 and one.state == TrialState.COMPLETE) for index, one in enumerate(ranked)]


def _row(one: FrozenTrial, plan: Plan, sign: float, best: bool) -> Row:
    whole = one.state == TrialState.COMPLETE and one.value is not None
    reached = ""
    if one.state == TrialState.PRUNED and one.intermediate_values:
        tenth = max(one.intermediate_values)
        reached = f"loss {sign * one.intermediate_values[tenth]:.4f} after {10 * tenth} %"
    elif one.state == TrialState.FAIL:
        reached = str(one.user_attrs.get("reason", ""))
    seconds = one.user_attrs.get("seconds")
    if seconds is None and one.duration is not None:
        seconds = one.duration.total_seconds()
    return Row(
        number=one.number,
        state={"COMPLETE": "whole", "FAIL": "failed"}.get(one.state.name, one.state.name.lower()),
        value=f"{one.value:.4f}" if whole else "",
        reached=reached,
        seconds="" if seconds is None else f"{seconds:.0f}",
        params={name: shown(one.params[name]) if name in one.params else "" for name in plan.space},
        best=best,
    )


def shown(value: Any) -> str:
    """A setting's value, numbers to three figures."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def trials_table(study: optuna.Study, plan: Plan, *, most: int = 10) -> Table:
    """The best `most` trials for the terminal; how many more there are stands in the caption."""
    found = rows(study, plan)
    rest = len(found) - most
    table = Table(
        box=None,
        pad_edge=False,
        caption=f"and {rest} more, in the report" if rest > 0 else None,
        caption_justify="left",
    )
    table.add_column("trial", justify="right")
    table.add_column(plan.metric, justify="right")
    table.add_column("state")
    for name in plan.space:
        table.add_column(name, justify="right", overflow="fold")
    for row in found[:most]:
        style = "bold green" if row.best else None
        table.add_row(str(row.number), row.value, row.state, *row.params.values(), style=style)
    return table
