"""Plots of classifiers and scorers: reliability, confusion, scores against the truth. Knows matplotlib."""

from __future__ import annotations

from collections import Counter

import numpy as np
from matplotlib.figure import Figure as Canvas

from dialoop.evaluation.drawing import AFTER, BEFORE, legend, plain, svg
from dialoop.evaluation.results import Evaluation

MOST_LABELS = 15
"""Labels of a confusion plot: those with the most mistakes, true or said."""


def reliability(before: Evaluation | None, after: Evaluation) -> str:
    """How often a classifier is right (height) where it is so sure (place): on the diagonal it is well calibrated."""
    if not after.sureness:
        return ""
    canvas = Canvas(figsize=(4.6, 4.2), layout="constrained")
    axes = canvas.subplots()
    axes.plot([0, 100], [0, 100], color="#d0d7de", linewidth=1, zorder=0)
    for one, colour in ((before, BEFORE), (after, AFTER)):
        if one is not None and one.sureness:
            most = max(point.of for point in one.sureness)
            sizes = [12 + 90 * point.of / most for point in one.sureness]
            places = [100 * point.sure for point in one.sureness], [100 * point.right for point in one.sureness]
            axes.plot(*places, color=colour, linewidth=1)
            axes.scatter(*places, s=sizes, color=colour)
    axes.set_xlim(-2, 102)
    axes.set_ylim(-2, 102)
    axes.set_xlabel("how sure (%)")
    axes.set_ylabel("how often right (%)")
    legend(axes, before is not None)
    return svg(canvas)


def confusion(after: Evaluation) -> str:
    """True labels in rows, labels said in columns, each row as shares; where labels are many, those with mistakes."""
    if not after.confused:
        return ""
    labels = sorted({label for one in after.confused for label in (one.true, one.said)})
    if len(labels) > MOST_LABELS:
        wrong: Counter[str] = Counter()
        for one in after.confused:
            if one.true != one.said:
                wrong.update({one.true: one.of, one.said: one.of})
        labels = sorted(label for label, _ in wrong.most_common(MOST_LABELS))
    if len(labels) < 2:
        return ""
    place = {label: i for i, label in enumerate(labels)}
    counts, totals = np.zeros((len(labels), len(labels))), Counter[str]()
    for one in after.confused:
        totals[one.true] += one.of
        if one.true in place and one.said in place:
            counts[place[one.true], place[one.said]] = one.of
    shares = counts / np.maximum([[totals[label]] for label in labels], 1)
    side = 2.2 + 0.36 * len(labels)
    canvas = Canvas(figsize=(side, side), layout="constrained")
    axes = canvas.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[row, column] > 0.6 else "#24292f"
        axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", fontsize=7, color=colour)
    names = [plain(label)[:24] for label in labels]
    axes.set_xticks(range(len(labels)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(labels)), names, fontsize=7)
    axes.set_xlabel("said")
    axes.set_ylabel("true")
    return svg(canvas)


def scores(after: Evaluation) -> str:
    """A dot for each text: the true score (place) and the score said (height)."""
    pairs = [(float(one.truth or 0), float(one.said or 0)) for one in after.answers if one.kind == "score"]
    if not pairs:
        return ""
    true, said = np.array(pairs).T
    canvas = Canvas(figsize=(4.6, 4.2), layout="constrained")
    axes = canvas.subplots()
    ends = [min(true.min(), said.min()), max(true.max(), said.max())]
    axes.plot(ends, ends, color="#d0d7de", linewidth=1, zorder=0)
    axes.scatter(true, said, s=10, color=AFTER, alpha=0.6)
    axes.set_xlabel("true")
    axes.set_ylabel("said")
    legend(axes, False)
    return svg(canvas)
