"""Plots of a search as SVG text: how it went, which settings mattered, and what each value gave.

Knows matplotlib and a study's trials, and nothing of pages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import optuna
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator
from optuna.trial import FrozenTrial, TrialState

from dialoop.evaluation.drawing import AFTER, BEFORE, svg
from dialoop.training.search.folder import Plan
from dialoop.training.search.space import Range
from dialoop.training.search.study import completed, higher_is_better

_ACROSS = 3
FEWEST = 4
"""Whole trials without which nothing is said of which settings mattered."""


def plots(study: optuna.Study, plan: Plan) -> dict[str, str]:
    """Title → SVG text; only plots that have something to show."""
    trials = completed(study)
    if not trials:
        return {}
    drawn = {"How the search went": _history(study, plan, trials)}
    if found := importances(study):
        drawn["Which settings mattered"] = _bars(found)
    drawn["What each value gave"] = _slices(plan, trials)
    return drawn


def importances(study: optuna.Study) -> dict[str, float]:
    """Setting → its share of the differences between trials, 0 to 1, by fANOVA (Hutter et al. 2014).

    Empty below FEWEST whole trials, or where all reached the same.
    """
    trials = completed(study)
    if len(trials) < FEWEST or len({one.value for one in trials}) == 1:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    try:
        return optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError):  # values that differ by rounding alone
        return {}


def _history(study: optuna.Study, plan: Plan, trials: Sequence[FrozenTrial]) -> str:
    """Each whole trial, and the best so far; pruned trials as ticks at the foot."""
    canvas = Canvas(figsize=(7, 3.2), layout="constrained")
    axes = canvas.subplots()
    choose = max if higher_is_better(plan.metric) else min
    numbers = [one.number for one in trials]
    values = [float(one.value or 0.0) for one in trials]
    best = [choose(values[: i + 1]) for i in range(len(values))]
    axes.scatter(numbers, values, s=22, color=BEFORE, label="a trial")
    axes.step(numbers, best, where="post", color=AFTER, label="the best so far")
    pruned = [one.number for one in study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))]
    if pruned:
        foot = axes.get_ylim()[0]
        axes.scatter(pruned, [foot] * len(pruned), marker="|", color="#b42318", clip_on=False, label="pruned")
    axes.set_xlabel("trial")
    axes.set_ylabel(f"held-out {plan.metric}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    _plain(axes)
    return svg(canvas)


def _bars(found: dict[str, float]) -> str:
    canvas = Canvas(figsize=(7, 0.8 + 0.32 * len(found)), layout="constrained")
    axes = canvas.subplots()
    shares = [100 * share for share in found.values()]
    axes.barh(range(len(found)), shares, 0.7, color=AFTER)
    for place, share in enumerate(shares):
        axes.text(share + 0.8, place, f"{share:.0f}", va="center", fontsize=8)
    axes.set_yticks(range(len(found)), list(found))
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_xlim(0, 106)
    axes.set_xlabel("share of the differences between trials (%)")
    _plain(axes)
    return svg(canvas)


def _slices(plan: Plan, trials: Sequence[FrozenTrial]) -> str:
    """For each setting, what the trials reached over the values that they had; later trials darker."""
    down = math.ceil(len(plan.space) / _ACROSS)
    canvas = Canvas(figsize=(9, 0.4 + 2.3 * down), layout="constrained")
    grid = canvas.subplots(down, _ACROSS, squeeze=False, sharey=True)
    for axes in grid.flat[len(plan.space) :]:
        axes.set_axis_off()
    for axes, (name, dimension) in zip(grid.flat, plan.space.items(), strict=False):
        some = [one for one in trials if name in one.params]
        values = [one.value for one in some]
        ages = [one.number for one in some]
        if isinstance(dimension, Range):
            axes.scatter(
                [one.params[name] for one in some], values, c=ages, cmap="Blues", s=22, edgecolor=AFTER, lw=0.4
            )
            if dimension.log:
                axes.set_xscale("log")
                axes.minorticks_off()
        else:
            places = [dimension.index(one.params[name]) for one in some]
            axes.scatter(places, values, c=ages, cmap="Blues", s=22, edgecolor=AFTER, lw=0.4)
            axes.set_xticks(range(len(dimension)), [str(value) for value in dimension])
            axes.set_xlim(-0.5, len(dimension) - 0.5)
        axes.set_xlabel(name)
        _plain(axes)
    for line in grid:
        line[0].set_ylabel(plan.metric)
    return svg(canvas)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
