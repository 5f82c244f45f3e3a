"""Scores that a base with a `regress` head gives to texts, in the unit of those that it learnt from."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dialoop.errors import ModelError
from dialoop.model.base import Base


def score_texts(base: Base, texts: Sequence[str], *, batch_size: int = 16) -> list[float]:
    """The score of each text; texts are cut at the window. The base keeps its mode. Raises ModelError for another
    head.
    """
    if base.head.kind != "regress":
        what = f"{base.name} has a head of kind {base.head.kind}, not regress"
        raise ModelError(what, remedy="tune it with scored texts first")
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    found = [0.0] * len(texts)
    for start in range(0, len(order), batch_size):
        numbers = order[start : start + batch_size]
        batch = base.tokenizer(
            [texts[number] for number in numbers],
            truncation=True,
            max_length=base.window,
            padding=True,
            return_tensors="pt",
            return_token_type_ids=False,
        ).to(base.device)
        with torch.inference_mode():
            outputs = base.model(**batch).logits[:, 0].double()
        for number, value in zip(numbers, outputs.tolist(), strict=True):
            found[number] = base.head.mean + base.head.scale * value
    return found
