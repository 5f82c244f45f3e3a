"""From sums to figures: a formula turns rows of sums `(R, K)` into `R` figures, one call for a whole bootstrap.

Plain arithmetic on arrays. It knows nothing of conversations, models or languages. Where a library defines a figure
(sacrebleu for BLEU and chrF, scikit-learn for macro averages), the tests hold these formulas equal to the library.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Sums = NDArray[np.float64]
Formula = Callable[[Sums], Sums]

BINS = 15  # of equal width, for how sure a classifier is
BLEU_ORDER = 4
CHRF_ORDER = 6
_CHRF_BETA_SQUARED = 4.0


def _divide(above: Sums, below: Sums) -> Sums:
    """`above / below`, and NaN (no figure) where `below` is 0."""
    shares: Sums = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below != 0)
    return shares


def ratio(sums: Sums) -> Sums:
    """`(R, 2)` sums of what was counted and of what it is a share of → `(R,)` shares."""
    return _divide(sums[:, 0], sums[:, 1])


def perplexity(sums: Sums) -> Sums:
    """`(R, 2)` sums of negative log-likelihood (nats) and of tokens → `(R,)` perplexities, `exp(nats a token)`."""
    with np.errstate(over="ignore"):
        perplexities: Sums = np.exp(ratio(sums))
    return perplexities


def bits(sums: Sums) -> Sums:
    """`(R, 2)` sums of negative log-likelihood (nats) and of units (characters, bytes) → `(R,)` bits a unit."""
    each: Sums = ratio(sums) / np.log(2)
    return each


def bleu(sums: Sums) -> Sums:
    """`(R, 10+)`: 4 matches, 4 totals, answer length, truth length (tokens) → `(R,)` corpus BLEU, 0–100.

    As sacrebleu computes it by default (exponential smoothing, no effective order). Papineni et al. 2002, Post 2018.
    """
    matches, totals = sums[:, :BLEU_ORDER], sums[:, BLEU_ORDER : 2 * BLEU_ORDER]
    answer, truth = sums[:, 8], sums[:, 9]
    halvings = np.cumsum((matches == 0) & (totals > 0), axis=1)
    smoothed = np.where(matches == 0, 0.5**halvings, matches)
    precisions = _divide(smoothed, totals)
    complete = (totals > 0).all(axis=1) & (matches > 0).any(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        brevity = np.where(answer < truth, np.exp(1 - truth / answer), 1.0)
        score = 100 * brevity * np.exp(np.log(precisions).mean(axis=1))
    return np.where(truth == 0, np.nan, np.where(complete, score, 0.0))


def chrf(sums: Sums) -> Sums:
    """`(R, 18+)`: for 1 to 6 characters the n-grams of the answer, of the truth, and shared → `(R,)` chrF2, 0–100.

    As sacrebleu computes it by default (characters only, beta 2, effective order). Popović 2015.
    """
    answer, truth, shared = np.split(sums[:, : 3 * CHRF_ORDER], 3, axis=1)
    counts = (answer > 0) & (truth > 0)
    orders = np.maximum(counts.sum(axis=1), 1)
    precision = np.where(counts, shared / np.maximum(answer, 1), 0.0).sum(axis=1) / orders
    recall = np.where(counts, shared / np.maximum(truth, 1), 0.0).sum(axis=1) / orders
    below = _CHRF_BETA_SQUARED * precision + recall
    score = 100 * (1 + _CHRF_BETA_SQUARED) * precision * recall / np.where(below > 0, below, 1.0)
    return np.where(truth.sum(axis=1) == 0, np.nan, score)


def _by_type(sums: Sums) -> tuple[Sums, Sums, Sums, NDArray[np.bool_]]:
    """`(R, 3T)` → hits, said and true counts `(R, T)` of each token type, and which types occur at all."""
    hits, said, true = np.split(sums, 3, axis=1)
    return hits, said, true, (said + true) > 0


def _mean_over(values: Sums, occurs: NDArray[np.bool_]) -> Sums:
    return _divide(np.where(occurs, values, 0.0).sum(axis=1), occurs.sum(axis=1).astype(np.float64))


def macro_precision(sums: Sums) -> Sums:
    """`(R, 3T)` → `(R,)` mean over token types (true or said) of hits / said; a type never said counts 0."""
    hits, said, _true, occurs = _by_type(sums)
    return _mean_over(hits / np.maximum(said, 1), occurs)


def macro_recall(sums: Sums) -> Sums:
    """`(R, 3T)` → `(R,)` mean over token types (true or said) of hits / true; a type never true counts 0."""
    hits, _said, true, occurs = _by_type(sums)
    return _mean_over(hits / np.maximum(true, 1), occurs)


def macro_f1(sums: Sums) -> Sums:
    """`(R, 3T)` → `(R,)` mean over token types (true or said) of 2·hits / (said + true)."""
    hits, said, true, occurs = _by_type(sums)
    return _mean_over(2 * hits / np.maximum(said + true, 1), occurs)


def weighted_f1(sums: Sums) -> Sums:
    """`(R, 3T)` → `(R,)` mean of the types' F1, each weighted by how often it is true."""
    hits, said, true, _occurs = _by_type(sums)
    return _divide((true * 2 * hits / np.maximum(said + true, 1)).sum(axis=1), true.sum(axis=1))


def weighted_precision(sums: Sums) -> Sums:
    """`(R, 3T)` → `(R,)` mean of the types' precision, each weighted by how often it is true."""
    hits, said, true, _occurs = _by_type(sums)
    return _divide((true * hits / np.maximum(said, 1)).sum(axis=1), true.sum(axis=1))


def weighted_recall(sums: Sums) -> Sums:
    """`(R, 3T)` → `(R,)` mean of the types' recall, each weighted by how often it is true."""
    return micro_recall(sums)


def micro_precision(sums: Sums) -> Sums:
    """`(R, 3T)` → `(R,)` hits / said of all types together; 0 where nothing is said but something is true."""
    hits, said, true, _occurs = _by_type(sums)
    shares = hits.sum(axis=1) / np.maximum(said.sum(axis=1), 1)
    return np.where((said + true).sum(axis=1) > 0, shares, np.nan)


def micro_recall(sums: Sums) -> Sums:
    """`(R, 3T)` → `(R,)` hits / true of all types together."""
    hits, _said, true, _occurs = _by_type(sums)
    return _divide(hits.sum(axis=1), true.sum(axis=1))


def calibration_error(sums: Sums) -> Sums:
    """`(R, 3 * BINS + 1)` sums of `sureness_sums` → `(R,)` expected calibration errors, 0 to 1.

    The mean distance, over bins of equal width, of how sure from how often right (Guo et al. 2017, arXiv:1706.04599).
    """
    sure, right, _count = np.split(sums[:, :-1], 3, axis=1)
    return _divide(np.abs(sure - right).sum(axis=1), sums[:, -1])


def pearson(sums: Sums) -> Sums:
    """`(R, 6)` sums of x, y, x², y², xy and how many → `(R,)` correlations; none where one side does not vary."""
    x, y, xx, yy, xy, count = sums.T
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(np.maximum(count * xx - x * x, 0) * np.maximum(count * yy - y * y, 0))
    return _divide(count * xy - x * y, np.where(spread > 1e-12 * count * count, spread, 0.0))


def micro_f1(sums: Sums) -> Sums:
    """`(R, 3T)` → `(R,)` F1 of all types together."""
    hits, said, true, _occurs = _by_type(sums)
    return _divide(2 * hits.sum(axis=1), (said + true).sum(axis=1))
