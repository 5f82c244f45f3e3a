"""In what order samples are learnt from: epochs into steps, steps into portions of one pass each.

All is decided by the lengths, the seed and the number of the epoch, so a resumed run takes the very steps that it would
have taken. It knows lengths, and nothing of what is in a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

Step = list[list[int]]
"""One move of the weights: portions, each a list of sample indices that go through the model together."""
POOL = 8
"""Steps whose samples are sorted by length together: enough for little padding, few enough to stay a shuffle."""


def steps_of(
    lengths: Sequence[int],
    batch_size: int,
    positions: int,
    *,
    seed: int,
    epoch: int,
    pool: int = POOL,
    rows: int | None = None,
) -> list[Step]:
    """The steps of an epoch: every sample once, `batch_size` a step, samples of like length together.

    `positions` bounds rows x longest row of a portion; a sample longer than that is a portion of its own. `rows` bounds
    the samples of a portion.
    """
    random = Random(f"{seed}/{epoch}")
    order = list(range(len(lengths)))
    random.shuffle(order)
    steps = []
    for start in range(0, len(order), batch_size * pool):
        chunk = sorted(order[start : start + batch_size * pool], key=lambda i: -lengths[i])
        steps += [chunk[at : at + batch_size] for at in range(0, len(chunk), batch_size)]
    random.shuffle(steps)
    return [portions(step, lengths, positions, rows=rows) for step in steps]


def portions(samples: Sequence[int], lengths: Sequence[int], positions: int, *, rows: int | None = None) -> Step:
    """`samples` by falling length, parted so that rows x longest row is at most `positions`, rows at most `rows`."""
    parts: Step = []
    for index in sorted(samples, key=lambda i: (-lengths[i], i)):
        full = not parts or len(parts[-1]) == rows
        if not full and (len(parts[-1]) + 1) * lengths[parts[-1][0]] <= positions:
            parts[-1].append(index)
        else:
            parts.append([index])
    return parts
