"""Samples, and how they are laid into batches. It knows token ids and what is true of them; no text, no model, no
loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Sample:
    """What is learnt from at once: one sentence, or one labelled text.

    ids (T,) int32. truth: for `generate` (T,) bool, this token is to be predicted; for `classify` the label's number,
    () int64, or for any number of labels (L,) float32 of 0 and 1; for `tag` (T,) int64, the tag's number or -100; for
    `regress` the standardised score, () float32. `more`: further inputs by name, (T,) int64 each. `deeds` of
    `generate`, (T,) bool: a call, or the token with which an answer begins and is a call or none.
    """

    ids: NDArray[np.int32]
    truth: NDArray[np.bool_] | NDArray[np.int64] | NDArray[np.float32]
    more: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    deeds: NDArray[np.bool_] | None = field(default=None, kw_only=True)

    @property
    def count(self) -> int:
        """How many losses are summed over it: its target tokens, its tags, or 1 for a labelled text."""
        if self.truth.dtype == np.bool_:
            return int(self.truth.sum())
        return int((self.truth >= 0).sum()) if self.truth.dtype == np.int64 and self.truth.ndim else 1


@dataclass(frozen=True)
class Batch:
    """B rows of at most T tokens. `inputs` as the model takes them, (B, T) each; `truth` as the head's loss takes it.

    `count`: losses summed; `tokens`: positions that are not padding; `deeds` (B, T): as of the samples, if all of them
    have it.
    """

    inputs: dict[str, Tensor]
    truth: Tensor
    count: int
    tokens: int
    deeds: Tensor | None = field(default=None, kw_only=True)

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        return Batch(
            {name: tensor.to(device) for name, tensor in self.inputs.items()},
            self.truth.to(device),
            self.count,
            self.tokens,
            deeds=None if self.deeds is None else self.deeds.to(device),
        )


def lay_sentences(samples: Sequence[Sample], pad: int) -> Batch:
    """A batch of sentences, padded at their ends.

    No mask is given: behind a causal mask no token sees what stands to its right, so padding at the end is never seen.
    """
    ids, _ = _padded(samples, pad)
    truth, deeds = np.zeros(ids.shape, dtype=np.bool_), np.zeros(ids.shape, dtype=np.bool_)
    for row, sample in enumerate(samples):
        truth[row, : len(sample.ids)] = sample.truth
        if sample.deeds is not None:
            deeds[row, : len(sample.ids)] = sample.deeds
    truth[:, 0] = False
    tokens = sum(len(sample.ids) for sample in samples)
    told = None if any(sample.deeds is None for sample in samples) else torch.from_numpy(deeds)
    return Batch({"input_ids": torch.from_numpy(ids)}, torch.from_numpy(truth), int(truth.sum()), tokens, deeds=told)


def lay_texts(samples: Sequence[Sample], pad: int) -> Batch:
    """A batch of labelled texts, padded at their ends, with the mask that an encoder needs."""
    ids, mask = _padded(samples, pad)
    truth = np.stack([sample.truth for sample in samples])
    inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    return Batch(inputs, torch.from_numpy(truth), len(samples), int(mask.sum()))


def lay_tags(samples: Sequence[Sample], pad: int) -> Batch:
    """A batch of texts whose tokens have tags, padded at their ends; padding has no tag."""
    ids, mask = _padded(samples, pad)
    inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    for name in samples[0].more:
        inputs[name] = torch.from_numpy(_rows([sample.more[name] for sample in samples], ids.shape[1], 0))
    truth = _rows([sample.truth for sample in samples], ids.shape[1], -100)
    return Batch(inputs, torch.from_numpy(truth), sum(sample.count for sample in samples), int(mask.sum()))


def _rows(values: Sequence[NDArray[Any]], width: int, pad: int) -> NDArray[np.int64]:
    found = np.full((len(values), width), pad, dtype=np.int64)
    for row, value in enumerate(values):
        found[row, : len(value)] = value
    return found


def _padded(samples: Sequence[Sample], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids (B, T), and 1 where there is a token."""
    width = max(len(sample.ids) for sample in samples)
    ids = np.full((len(samples), width), pad, dtype=np.int64)
    mask = np.zeros((len(samples), width), dtype=np.int64)
    for row, sample in enumerate(samples):
        ids[row, : len(sample.ids)] = sample.ids
        mask[row, : len(sample.ids)] = 1
    return ids, mask
