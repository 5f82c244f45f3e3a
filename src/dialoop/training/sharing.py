"""Sentences that begin alike, put together: which they are, in what order they are learnt from, and the row in which
their beginning stands once.

Only ids count: the lead of a family is whatever its sentences begin with, which is the system message and the tools of
one agent. No padding is laid. It knows samples and rows; no text, no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from dialoop.training.batches import Batch, Sample
from dialoop.training.order import Step

LEAST_LEAD = 16
"""Tokens: a shorter beginning is not worth its bookkeeping."""
TOGETHER = 4
"""Sentences of a family that are learnt from in one step: most of the work is saved, and a step still sees others."""


@dataclass(frozen=True)
class Family:
    """Samples, by number, whose first `lead` tokens are the same and no targets; 0 where one stands alone."""

    members: tuple[int, ...]
    lead: int


def families_among(samples: Sequence[Sample], numbers: Sequence[int]) -> list[Family]:
    """The samples called `numbers`, each in one family. In sorted order the next joins while that saves more tokens.

    The token before a sample's first target is its own, so that every target is predicted from its own part.
    """
    order = sorted(numbers, key=lambda number: samples[number].ids.astype(">u4").tobytes())
    found: list[Family] = []
    members, lead = list[int](), 0
    for number in order:
        if members:
            before = members[-1]
            shared = min(_alike(samples[before].ids, samples[number].ids), _own(samples[number]))
            shared = min(shared, lead if len(members) > 1 else _own(samples[before]))
            if shared >= LEAST_LEAD and len(members) * shared >= (len(members) - 1) * lead:
                members, lead = [*members, number], shared
                continue
            found.append(Family(tuple(members), lead))
        members, lead = [number], 0
    return [*found, Family(tuple(members), lead)] if members else found


def steps_of_families(
    families: Sequence[Family],
    lengths: Sequence[int],
    batch_size: int,
    positions: int,
    *,
    seed: int,
    epoch: int,
    rows: int | None = None,
) -> list[Step]:
    """The steps of an epoch, as `order.steps_of`, with up to `TOGETHER` samples of a family side by side."""
    random = Random(f"{seed}/{epoch}")
    together = min(TOGETHER, batch_size)
    whole, rest = list[list[int]](), list[int]()
    for family in random.sample(families, len(families)):
        members = random.sample(family.members, len(family.members))
        full = len(members) - len(members) % together
        whole += [members[at : at + together] for at in range(0, full, together)]
        rest += members[full:]
    whole += [rest[at : at + together] for at in range(0, len(rest), together)]
    short = [whole.pop()] if whole and len(whole[-1]) < together else []
    random.shuffle(whole)
    order = [number for some in [*whole, *short] for number in some]
    leads = leads_of(families)
    return [
        rows_within(order[at : at + batch_size], lengths, positions, leads, most=rows)
        for at in range(0, len(order), batch_size)
    ]


def leads_of(families: Sequence[Family]) -> dict[int, tuple[int, int]]:
    """For each sample its family, by number, and the tokens of that family's lead."""
    return {member: (at, family.lead) for at, family in enumerate(families) for member in family.members}


def rows_within(
    numbers: Sequence[int],
    lengths: Sequence[int],
    positions: int,
    leads: Mapping[int, tuple[int, int]],
    *,
    most: int | None = None,
) -> Step:
    """`numbers` in their order, parted so that a row has at most `positions` tokens and `most` samples.

    A lead (see `leads_of`) counts once a row. A longer sample has a row of its own.
    """
    parts: Step = []
    there, filled = set[int](), 0
    for number in numbers:
        family, lead = leads[number]
        own = lengths[number] - (lead if family in there else 0)
        if not parts or len(parts[-1]) == most or filled + own > positions:
            parts.append([])
            there, filled, own = set(), 0, lengths[number]
        parts[-1].append(number)
        there.add(family)
        filled += own
    return parts


def lay_families(samples: Sequence[Sample]) -> Batch:
    """One row: input_ids, position_ids (1, N), segments (S, 3) as `dialoop.model.segments` takes them; truth (1, N).

    `tokens` counts those of the samples, as if none were shared.
    """
    parts = list[tuple[Sample, slice, bool]]()
    for family in families_among(samples, range(len(samples))):
        if family.lead:
            parts.append((samples[family.members[0]], slice(0, family.lead), False))
        parts += [(samples[number], slice(family.lead, None), family.lead > 0) for number in family.members]
    ids = np.concatenate([sample.ids[here] for sample, here, _ in parts])
    positions = np.concatenate([np.arange(len(sample.ids))[here] for sample, here, _ in parts])
    ends = np.cumsum([len(sample.ids[here]) for sample, here, _ in parts])
    begins = np.concatenate([[0], ends[:-1]])
    truth = np.concatenate([sample.truth[here] for sample, here, _ in parts]).astype(np.bool_)
    truth[begins] = False  # a lead has no target, and the first token of a sentence is predicted from nothing
    inputs = {
        "input_ids": torch.from_numpy(ids.astype(np.int64))[None],
        "position_ids": torch.from_numpy(positions)[None],
        "segments": torch.from_numpy(np.stack([begins, ends, [goes_on for _, _, goes_on in parts]], axis=1)),
    }
    tokens = sum(len(sample.ids) for sample in samples)
    told = [sample.deeds[here] for sample, here, _ in parts if sample.deeds is not None]
    deeds = torch.from_numpy(np.concatenate(told))[None] if len(told) == len(parts) else None
    return Batch(inputs, torch.from_numpy(truth)[None], int(truth.sum()), tokens, deeds=deeds)


def _alike(one: NDArray[np.int32], other: NDArray[np.int32]) -> int:
    """How many tokens two samples begin with alike."""
    least = min(len(one), len(other))
    unlike = np.flatnonzero(one[:least] != other[:least])
    return int(unlike[0]) if len(unlike) else least


def _own(sample: Sample) -> int:
    """The longest lead that leaves a sample's first target and the token before it its own."""
    return max(0, int(sample.truth.argmax()) - 1)
