"""Figures label by label, how sure a classifier was and how often right, and what it took for what. Plain counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dialoop.evaluation.formulas import BINS, Sums
from dialoop.evaluation.results import Confused, LabelFigures, Sureness


def label_figures(true: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> list[LabelFigures]:
    """Precision, recall, F1 and support of each label, by its name. `true[i]` and `said[i]` go together, place by place
    for tokens; `label_figures_of_sets` is for what has no places.
    """
    hits: Counter[str] = Counter()
    for one, other in zip(true, said, strict=True):
        hits.update(label for label, against in zip(one, other, strict=True) if label == against)
    return _figures(hits, Counter(x for one in said for x in one), Counter(x for one in true for x in one))


def label_figures_of_sets(
    true: Sequence[set[tuple[str, int, int]]], said: Sequence[set[tuple[str, int, int]]]
) -> list[LabelFigures]:
    """The same for sets of (label, start, end): a hit is the same label with the same edges."""
    hits = Counter(span[0] for one, other in zip(true, said, strict=True) for span in one & other)
    return _figures(hits, Counter(x[0] for one in said for x in one), Counter(x[0] for one in true for x in one))


def _figures(hits: Counter[str], said: Counter[str], true: Counter[str]) -> list[LabelFigures]:
    return [
        LabelFigures(
            label=label,
            precision=hits[label] / said[label] if said[label] else 0.0,
            recall=hits[label] / true[label] if true[label] else 0.0,
            f1=2 * hits[label] / (said[label] + true[label]),
            support=true[label],
        )
        for label in sorted(said.keys() | true.keys())
    ]


def sureness_sums(sure: NDArray[np.float64], right: NDArray[np.float64]) -> Sums:
    """(3 * BINS + 1,): for each bin of equal width the summed probability, how many were right, how many there are;
    then how many in all. sure (N,) in [0, 1], right (N,) 0 or 1.
    """
    place = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    counts = [np.bincount(place, weights=weights, minlength=BINS) for weights in (sure, right, np.ones_like(sure))]
    return np.concatenate([*counts, [len(sure)]])


def sureness(sums: Sums) -> list[Sureness]:
    """The bins that hold anything, of summed `sureness_sums`."""
    sure, right, count = np.split(sums[:-1], 3)
    return [
        Sureness(sure=float(sure[i] / count[i]), right=float(right[i] / count[i]), of=int(count[i]))
        for i in range(BINS)
        if count[i]
    ]


def confusions(true: Sequence[str], said: Sequence[str]) -> list[Confused]:
    """How often each label was taken for each, the right ones too, most frequent first."""
    counts = Counter(zip(true, said, strict=True))
    return [Confused(true=t, said=s, of=n) for (t, s), n in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]
