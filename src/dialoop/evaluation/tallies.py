"""Tallies: the sums of each conversation, from which a figure, its interval and its difference to another are computed.

Whole conversations are drawn, never single turns: turns of one conversation are not independent. Intervals are
percentile bootstrap intervals (Efron 1979); differences are tested by paired approximate randomisation (Noreen 1989;
Riezler and Maxwell 2005), which swaps whole conversations between the two systems. Knows no metric by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from dialoop.evaluation.formulas import Formula, Sums
from dialoop.evaluation.results import Difference, Figure

_CHUNK = 64  # resamples computed at once: bounds the memory of tallies with a column for each token type


@dataclass(frozen=True)
class Tally:
    """One measure over conversations.

    `sums`: (C, K), what each conversation adds; its last column counts the units (turns, tokens). Where `columns` is
    given the sums are sparse and count, for each of the T = K/3 token ids in it, ascending, how often hit, said, true.
    """

    sums: Any  # Sums, or scipy.sparse.csr_array where most entries are 0
    formula: Formula
    columns: NDArray[np.int64] | None = None

    @property
    def units(self) -> Sums:
        """(C,): how many turns or tokens of each conversation count."""
        if self.columns is None:
            return np.asarray(self.sums[:, -1])
        return np.asarray(self.sums[:, 2 * len(self.columns) :].sum(axis=1))

    def figure(self, draws: Draws, confidence: float) -> Figure:
        """The measure over all conversations, with its bootstrap interval (none below two conversations that count).

        A mean over types is too high in a draw, which lacks the rarest types, the hardest ones: the draws are moved
        until the value is their median.
        """
        value = _whole(self.formula, self.sums)
        low = high = None
        if np.isfinite(value) and np.count_nonzero(self.units) > 1:
            drawn = _in_chunks(self.formula, draws.counts, lambda counts: counts @ self.sums)
            if self.columns is not None and np.isfinite(drawn).any():
                drawn += value - np.nanmedian(drawn)
            low, high = _interval(drawn, confidence)
        return Figure(value=_known(value), low=low, high=high, of=int(self.units.sum()))

    def difference(self, other: Tally, draws: Draws, confidence: float) -> Difference:
        """`other` minus this measure on the same conversations: interval by paired bootstrap, p by randomisation."""
        before, after = _aligned(self, other)

        def gap(pair: Sums) -> Sums:
            first, second = np.split(pair, 2, axis=1)
            return self.formula(second) - self.formula(first)

        both, swapped = _beside(before, after), _beside(after, before)
        value = _whole(gap, both)
        if not np.isfinite(value) or np.count_nonzero(self.units) < 2:
            return Difference(value=_known(value))
        low, high = _interval(_in_chunks(gap, draws.counts, lambda drawn: drawn @ both), confidence)
        shuffled = _in_chunks(gap, draws.swaps, lambda swaps: (1 - swaps) @ both + swaps @ swapped)
        shuffled = shuffled[np.isfinite(shuffled)]  # one that leaves a side without a figure tells neither way
        extreme = np.count_nonzero(np.abs(shuffled) >= abs(value) - 1e-12)
        return Difference(value=value, low=low, high=high, p=(extreme + 1) / (len(shuffled) + 1))


@dataclass(frozen=True)
class Draws:
    """Seeded draws shared by all measures of the same conversations, so that every comparison is paired.

    They are the same on every machine, kept in a byte each, and drawn when they are first asked for.
    """

    conversations: int
    resamples: int
    seed: int

    @classmethod
    @lru_cache(maxsize=4)
    def make(cls, conversations: int, resamples: int, seed: int) -> Draws:
        """Draws for `conversations` conversations; those of the last few numbers are kept."""
        return cls(conversations, resamples, seed)

    @cached_property
    def counts(self) -> NDArray[np.uint8]:
        """(R, C): how often each conversation is drawn."""
        rng = np.random.Generator(np.random.PCG64(self.seed))
        share = np.full(self.conversations, 1 / max(self.conversations, 1))
        return self._drawn(lambda rows: rng.multinomial(self.conversations, share, size=rows))

    @cached_property
    def swaps(self) -> NDArray[np.uint8]:
        """(R, C): 1 where the two systems change places."""
        rng = np.random.Generator(np.random.PCG64([self.seed, 1]))
        return self._drawn(lambda rows: rng.integers(0, 2, size=(rows, self.conversations)))

    def _drawn(self, draw: Callable[[int], NDArray[np.int64]]) -> NDArray[np.uint8]:
        """Row by row of the resamples, a few at once: as whole numbers of eight bytes they would fill the memory."""
        found = np.zeros((self.resamples, self.conversations), dtype=np.uint8)
        if self.conversations:
            for at in range(0, self.resamples, _CHUNK):
                found[at : at + _CHUNK] = draw(min(_CHUNK, self.resamples - at))
        return found


def tally(conversations: int, rows: Sequence[tuple[int, Sequence[float]]], width: int, formula: Formula) -> Tally:
    """Adds up rows of (conversation's number, what it adds)."""
    sums = np.zeros((conversations, width))
    for number, values in rows:
        sums[number] += values
    return Tally(sums, formula)


def type_tallies(by_type: Sequence[Sequence[NDArray[np.int64]]], formulas: dict[str, Formula]) -> dict[str, Tally]:
    """Tallies over token types. `by_type[c]`: the ids hit, said and true in conversation c, repeats included."""
    columns = np.unique(np.concatenate([ids for one in by_type for ids in one] or [np.zeros(0, dtype=np.int64)]))
    row, column = [], []
    for number, one in enumerate(by_type):
        for block, ids in enumerate(one):
            column.append(block * len(columns) + np.searchsorted(columns, ids))
            row.append(np.full(len(ids), number))
    places = (np.concatenate(row or [np.zeros(0, int)]), np.concatenate(column or [np.zeros(0, int)]))
    ones = np.ones(len(places[0]))
    sums = sparse.csr_array((ones, places), shape=(len(by_type), 3 * len(columns)))  # repeats are added up
    return {name: Tally(sums, formula, columns) for name, formula in formulas.items()}


def _aligned(first: Tally, second: Tally) -> tuple[Any, Any]:
    """The sums of both with the same columns: a token type that only one of them has counts 0 in the other."""
    if first.columns is None or second.columns is None:
        return first.sums, second.sums
    union = np.union1d(first.columns, second.columns)

    def widened(tally: Tally, columns: NDArray[np.int64]) -> Any:
        narrow = tally.sums.tocoo()
        blocks, types = np.divmod(narrow.col, len(columns))
        column = blocks * len(union) + np.searchsorted(union, columns[types])
        return sparse.csr_array((narrow.data, (narrow.row, column)), shape=(narrow.shape[0], 3 * len(union)))

    return widened(first, first.columns), widened(second, second.columns)


def _beside(left: Any, right: Any) -> Any:
    return np.hstack([left, right]) if isinstance(left, np.ndarray) else sparse.hstack([left, right], format="csr")


def _whole(formula: Formula, sums: Any) -> float:
    return float(formula(np.asarray(sums.sum(axis=0)).reshape(1, -1))[0])


def _in_chunks(formula: Formula, draws: NDArray[np.uint8], summed: Callable[[Sums], Sums]) -> Sums:
    """`formula(summed(draws))` over the `(R, C)` draws, a few resamples at a time."""
    chunks = (draws[at : at + _CHUNK].astype(np.float64) for at in range(0, len(draws), _CHUNK))
    return np.concatenate([formula(summed(some)) for some in chunks])


def _interval(values: Sums, confidence: float) -> tuple[float | None, float | None]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None, None
    low, high = np.quantile(finite, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
