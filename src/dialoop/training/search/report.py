"""Writes the report of a search: one HTML page that needs no network. It holds settings and figures, no data."""

from __future__ import annotations

import base64
from importlib.resources import files

import optuna
from jinja2 import Environment, StrictUndefined
from optuna.trial import TrialState

from dialoop.evaluation.report import page_style
from dialoop.training.search.best import best_trial, best_yaml
from dialoop.training.search.folder import Plan, SearchFolder
from dialoop.training.search.plots import FEWEST, importances, plots
from dialoop.training.search.space import Dimension, Range
from dialoop.training.search.study import KILLED
from dialoop.training.search.table import rows, shown


def write_report(folder: SearchFolder, plan: Plan, study: optuna.Study) -> None:
    """Write `report.html` in one step. Raises RunError where it cannot be written."""
    folder.write(folder.report, page(folder, plan, study))


def page(folder: SearchFolder, plan: Plan, study: optuna.Study) -> str:
    """The whole page as text."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = files("dialoop.training.search").joinpath("report.html.jinja").read_text("utf-8")
    best = best_trial(study)
    trials = study.get_trials(deepcopy=False)
    return environment.from_string(text).render(
        style=page_style(),
        plan=plan,
        best=best,
        best_yaml=None if best is None else best_yaml(folder, plan, best),
        first=next((one for one in trials if one.state == TrialState.COMPLETE and one.number == 0), None),
        counts={
            words: sum(one.state == state and KILLED not in one.user_attrs for one in trials)
            for state, words in (
                (TrialState.COMPLETE, "whole"),
                (TrialState.PRUNED, "pruned"),
                (TrialState.FAIL, "failed"),
            )
        },
        killed=sum(KILLED in one.user_attrs for one in trials),
        plots=[(title, base64.b64encode(svg.encode()).decode()) for title, svg in plots(study, plan).items()],
        ranked=bool(importances(study)),
        fewest=FEWEST,
        rows=rows(study, plan),
        ranges={name: _told(dimension) for name, dimension in plan.space.items()},
        folder=folder.path.name,
    )


def _told(dimension: Dimension) -> str:
    if not isinstance(dimension, Range):
        return ", ".join(shown(value) for value in dimension)
    how = ", by order of size" if dimension.log else "" if dimension.step is None else f", in steps of {dimension.step}"
    return f"{shown(dimension.low)} to {shown(dimension.high)}{how}"
