"""Texts read some at once, the short with the short, and what comes of it: logits and features. Plain arrays.

It knows no model: how some texts are read is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dialoop.understanding.scores import Array

BATCH = 32
"""Texts that are read at once."""


@dataclass(frozen=True)
class Read:
    """logits (N, L) and features (N, D) of N texts."""

    logits: Array
    features: Array


Reader = Callable[[Sequence[str]], Read]
"""Texts → logits and features, in their order."""


_HALF = re.compile("[\ud800-\udfff]")


def readable(text: str) -> str:
    """The text, as long as before, with `\ufffd` for each half of a sign, which no tokenizer takes."""
    return _HALF.sub("\ufffd", text)


def read_by_length(texts: Sequence[str], read: Callable[[list[str]], tuple[Array, Array]]) -> Read:
    """`read`: some texts → their logits and features. Gives those of all, in their order."""
    logits = [np.empty(0)] * len(texts)
    features = [np.empty(0)] * len(texts)
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    for start in range(0, len(order), BATCH):
        numbers = order[start : start + BATCH]
        some_logits, some_features = read([readable(texts[number]) for number in numbers])
        for number, row, feature in zip(numbers, some_logits, some_features, strict=True):
            logits[number], features[number] = row, feature
    return Read(np.asarray(logits, dtype=np.float32), np.asarray(features, dtype=np.float32))
