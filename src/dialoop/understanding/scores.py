"""How far a message is from what was trained on: four scores over logits and features, greater is nearer.

Compared on held-out messages, the best is kept; where several are alike, the one that needs least. Plain arrays; it
knows no model and no text.

softmax: the greatest probability (Hendrycks and Gimpel 2017, arXiv:1610.02136). energy: the log of the summed
exponentials of the logits (Liu et al. 2020, arXiv:2010.03759). neighbour: cosine to the nearest training message (Sun
et al. 2022, arXiv:2204.06507). mahalanobis: distance to the nearest intent's mean, in the spread that all intents share
(Lee et al. 2018, arXiv:1807.03888; for intents: Podolskiy et al. 2021, arXiv:2101.03778).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Method = Literal["softmax", "energy", "neighbour", "mahalanobis"]
METHODS: tuple[Method, ...] = ("softmax", "energy", "mahalanobis", "neighbour")
"""From the one that keeps least of the training messages to the one that keeps most."""
SHRUNK = 0.1
"""Share of a plain sphere in the common spread, so that directions with few examples are not trusted too far."""


@dataclass(frozen=True)
class Known:
    """What a method must keep of the training messages; empty where it needs none.

    neighbour: `points` (N, D) of length 1. mahalanobis: `whitening` (D, D) and the intents' whitened means as `points`.
    """

    points: Array | None = None
    whitening: Array | None = None


def softmax(logits: Array, temperature: float = 1.0) -> Array:
    """(N, L) probabilities."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def know(method: Method, features: Array, labels: Sequence[str]) -> Known:
    """What is kept of the training messages: features (N, D) and the intent of each."""
    if method == "neighbour":
        return Known(points=_unit(features))
    if method != "mahalanobis":
        return Known()
    given = np.asarray(labels)
    means, residues = [], []
    for label in sorted(set(labels)):
        own = features[given == label].astype(np.float64)
        means.append(own.mean(axis=0))
        residues.append(own - means[-1])
    spread = np.atleast_2d(np.cov(np.concatenate(residues).T, bias=True))
    size = len(spread)
    spread = (1 - SHRUNK) * spread + SHRUNK * (np.trace(spread) / size + 1e-12) * np.eye(size)
    values, vectors = np.linalg.eigh(spread)
    whitening = (vectors / np.sqrt(values)).T.astype(np.float32)
    return Known(np.asarray(means @ whitening.T, dtype=np.float32), whitening)


def scope_scores(method: Method, known: Known, logits: Array, features: Array) -> Array:
    """(N,) scores of messages, given logits (N, L) and features (N, D)."""
    if method == "softmax":
        return np.asarray(softmax(logits).max(axis=1), dtype=np.float32)
    if method == "energy":
        top = logits.max(axis=1)
        return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)), dtype=np.float32)
    assert known.points is not None
    if method == "neighbour":
        return np.asarray((_unit(features) @ known.points.T).max(axis=1), dtype=np.float32)
    assert known.whitening is not None
    white = features @ known.whitening.T
    centre = known.points.mean(axis=0)  # far from it, the squares below would be rounded by more than they differ
    white, points = white - centre, known.points - centre
    squares = (white**2).sum(1)[:, None] - 2 * white @ points.T + (points**2).sum(1)[None]
    return np.asarray(-squares.min(axis=1), dtype=np.float32)


def _unit(features: Array) -> Array:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12), dtype=np.float32)
