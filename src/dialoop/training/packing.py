"""Sentences packed into rows of one length, several in a row, each blind to its neighbours. Pretraining reads such
rows.

A row is filled first-fit by decreasing length, so few positions are padding, and every row has the same length, so that
a compiled model sees one shape. It knows token ids and targets, not text, and no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dialoop.training.batches import Batch


@dataclass(frozen=True)
class Packed:
    """B rows of T positions.

    ids (B, T) int64; targets (B, T) bool: this token is to be predicted from those before it; positions (B, T) int64:
    place within its sentence, from 0; segments (B, T) int64: which sentence of the row, from 1, and 0 for padding.
    """

    ids: Tensor
    targets: Tensor
    positions: Tensor
    segments: Tensor

    def to(self, device: torch.device) -> Packed:
        """The same rows on `device`."""
        return Packed(*(tensor.to(device) for tensor in (self.ids, self.targets, self.positions, self.segments)))

    def mask(self, dtype: torch.dtype) -> Tensor:
        """(B, 1, T, T), added to attention scores: 0 where a token may look (itself and before, same sentence)."""
        same = self.segments[:, :, None] == self.segments[:, None, :]
        causal = torch.ones(same.shape[1:], dtype=torch.bool, device=same.device).tril()
        blocked = torch.finfo(dtype).min
        return torch.where(same & causal, 0.0, blocked).to(dtype)[:, None]

    def batch(self, dtype: torch.dtype) -> Batch:
        """As the loop takes it, the mask in `dtype`."""
        inputs = {"input_ids": self.ids, "attention_mask": self.mask(dtype), "position_ids": self.positions}
        return Batch(inputs, self.targets, int(self.targets.sum()), int((self.segments > 0).sum()))


def pack(lengths: Sequence[int], width: int) -> list[list[int]]:
    """Rows of sentence indices whose lengths sum to at most `width`; first-fit by decreasing length.

    Raises ValueError if one is longer than `width`.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    if order and lengths[order[0]] > width:
        raise ValueError(f"a sentence of {lengths[order[0]]} tokens does not fit a row of {width}")
    rows: list[list[int]] = []
    room: list[int] = []
    open_from = 0
    for index in order:
        for row in range(open_from, len(rows)):
            if room[row] >= lengths[index]:
                rows[row].append(index)
                room[row] -= lengths[index]
                break
        else:
            rows.append([index])
            room.append(width - lengths[index])
        while open_from < len(rows) and room[open_from] < 16:
            open_from += 1
    return rows


def lay_out(rows: Iterable[Iterable[tuple[Sequence[int], Sequence[bool]]]], width: int) -> Packed:
    """Rows, each a list of (ids, targets) of sentences, laid out; the first token of a sentence is never a target."""
    listed = [list(row) for row in rows]
    ids = np.zeros((len(listed), width), dtype=np.int64)
    targets = np.zeros((len(listed), width), dtype=bool)
    positions = np.zeros((len(listed), width), dtype=np.int64)
    segments = np.zeros((len(listed), width), dtype=np.int64)
    for r, row in enumerate(listed):
        at = 0
        for number, (tokens, wanted) in enumerate(row, start=1):
            end = at + len(tokens)
            ids[r, at:end] = tokens
            targets[r, at:end] = wanted
            targets[r, at] = False
            positions[r, at:end] = np.arange(len(tokens))
            segments[r, at:end] = number
            at = end
    return Packed(*(torch.from_numpy(a) for a in (ids, targets, positions, segments)))
