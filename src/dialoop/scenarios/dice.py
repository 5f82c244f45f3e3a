"""Chance that gives the same draws on every machine and Python version.

Only `random.Random.random()` is promised to stay the same between Python versions, so all draws are made from it. A
seed is text; `random` hashes text by SHA-512, so `PYTHONHASHSEED` plays no part. It knows nothing of what is drawn.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws that depend on the seed alone."""

    def __init__(self, *seed: object) -> None:
        self._random = random.Random("/".join(str(part) for part in seed))

    def chance(self, probability: float) -> bool:
        """True with the given probability (0 to 1)."""
        return self._random.random() < probability

    def number(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        """One of `items`, all equally likely."""
        return items[self.number(0, len(items) - 1)]

    def weighted(self, weights: dict[T, float]) -> T:
        """One of the keys, each as likely as its weight says."""
        point = self._random.random() * sum(weights.values())
        for item, weight in weights.items():
            point -= weight
            if point < 0:
                return item
        return next(reversed(weights))

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different ones of `items` (all of them where there are fewer), in drawn order."""
        left = list(items)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(min(count, len(left)))]
