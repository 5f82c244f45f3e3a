"""Plots of a report as SVG text. Labels are English and drawn as paths, so that no font is needed to read them.

Knows matplotlib, and nothing of pages.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from dialoop.evaluation import label_plots
from dialoop.evaluation.drawing import AFTER, BEFORE, legend, plain, svg
from dialoop.evaluation.measures import MEASURES
from dialoop.evaluation.results import Answer, Comparison, Evaluation, Figure

_CALLS = ("call_exact", "call_name", "call_false")
_TEXTS = ("chrf", "bleu", "rouge_l")


def plots(result: Evaluation | Comparison) -> dict[str, str]:
    """Title → SVG text; only plots that have something to show."""
    after = result.after if isinstance(result, Comparison) else result
    before = result.before if isinstance(result, Comparison) else None
    drawn = {
        "Tool calls, with intervals": _bars(before, after, _CALLS, "share of turns (%)"),
        "Answers in words, with intervals": _bars(before, after, _TEXTS, "score (0–100)"),
        "Answers in words: how close to the truth": _histogram(before, after),
        "How sure, and how often right": label_plots.reliability(before, after),
        "What was taken for what": label_plots.confusion(after),
        "Scores said, against the true ones": label_plots.scores(after),
    }
    return {title: svg for title, svg in drawn.items() if svg}


def _bars(before: Evaluation | None, after: Evaluation, names: Sequence[str], label: str) -> str:
    """Horizontal bars, one pair for each measure and group; groups within groups are left to the table."""
    rows = [
        (name, group, figures[name], before.figures.get(group, {}).get(name) if before else None)
        for name in names
        for group, figures in after.figures.items()
        if name in figures and figures[name].value is not None and ", " not in group
    ]
    if not rows:
        return ""
    canvas = Canvas(figsize=(7, 0.9 + (0.55 if before else 0.4) * len(rows)), layout="constrained")
    axes = canvas.subplots()
    height = 0.38 if before else 0.7
    for place, (name, _group, now, then) in enumerate(rows):
        if then is not None:
            _bar(axes, place - height / 2, height, then, name, BEFORE)
        _bar(axes, place + (height / 2 if then is not None else 0), height, now, name, AFTER)
    axes.set_yticks(range(len(rows)), [f"{MEASURES[name].label} · {plain(group)}" for name, group, _, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 106)
    axes.set_xlabel(label)
    legend(axes, before is not None)
    return svg(canvas)


def _bar(axes: Axes, place: float, height: float, figure: Figure, name: str, colour: str) -> None:
    scale = 100 if MEASURES[name].unit == "%" else 1
    value = (figure.value or 0.0) * scale
    axes.barh(place, value, height, color=colour)
    top = value
    if figure.low is not None and figure.high is not None:
        top = max(value, figure.high * scale)
        axes.plot([figure.low * scale, top], [place, place], color="#24292f", linewidth=1)
    axes.text(min(top, 100) + 0.8, place, f"{value:.0f}", va="center", fontsize=8)


def _histogram(before: Evaluation | None, after: Evaluation) -> str:
    """chrF of single answers, in steps of ten."""

    def scores(answers: Sequence[Answer]) -> list[float]:
        return [100 * one.score for one in answers if one.kind == "text"]

    if not scores(after.answers):
        return ""
    canvas = Canvas(figsize=(7, 2.8), layout="constrained")
    axes = canvas.subplots()
    series = [scores(before.answers), scores(after.answers)] if before else [scores(after.answers)]
    axes.hist(series, bins=range(0, 101, 10), color=[BEFORE, AFTER][-len(series) :])
    axes.set_xlabel("chrF of an answer (100: the truth word for word)")
    axes.set_ylabel("answers")
    legend(axes, before is not None)
    return svg(canvas)
