"""The held-out copying test of pretraining. It knows token ids and the two tokens around a call, not text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F

from dialoop.training.corpus import Ids
from dialoop.training.loop import Gear
from dialoop.training.packing import Packed, lay_out, pack

Call = tuple[int, int, int]
"""A call inside a batch: its row, its first position, and the position behind its last token."""


class CopyWatch:
    """The share of calls whose every token is the model's first choice given the true history.

    That share is exactly the share of calls that greedy decoding writes letter for letter.
    """

    def __init__(self, examples: dict[str, list[Ids]], begin: int, end: int, *, width: int, rows: int) -> None:
        """`examples`: language → conversations; `begin`, `end`: the ids of the tokens that open and close a call."""
        self._batches = {lang: list(_lay(ids, begin, end, width, rows)) for lang, ids in examples.items()}

    @torch.no_grad()
    def measure(self, gear: Gear, model: Any) -> dict[str, float]:
        """Language → share of calls that come out exact, 0 to 1; and `loss-<language>`, nats a token of a call."""
        result: dict[str, float] = {}
        for lang, batches in self._batches.items():
            exact: list[bool] = []
            loss = tokens = 0.0
            for packed, calls in batches:
                rows = packed.to(gear.device)
                with gear.autocast():
                    inputs = rows.batch(gear.dtype).inputs
                    hidden = model.model(**inputs, use_cache=False).last_hidden_state
                    logits = model.lm_head(torch.cat([hidden[row, b - 1 : e - 1] for row, b, e in calls])).float()
                truth = torch.cat([rows.ids[row, b:e] for row, b, e in calls])
                loss += float(F.cross_entropy(logits, truth, reduction="sum"))
                tokens += len(truth)
                right = (logits.argmax(-1) == truth).split([e - b for _, b, e in calls])
                exact += [bool(one.all()) for one in right]
            result[lang] = sum(exact) / max(1, len(exact))
            result[f"loss-{lang}"] = loss / max(1.0, tokens)
        return result


def _lay(examples: list[Ids], begin: int, end: int, width: int, rows: int) -> Iterator[tuple[Packed, list[Call]]]:
    fitting = [ids for ids in examples if len(ids) <= width and begin in ids]
    packed = pack([len(ids) for ids in fitting], width)
    for at in range(0, len(packed), rows):
        chunk = [[fitting[i] for i in row] for row in packed[at : at + rows]]
        batch = lay_out([[(ids.tolist(), [True] * len(ids)) for ids in row] for row in chunk], width)
        begins, ends = (batch.ids == begin).nonzero().tolist(), (batch.ids == end).nonzero().tolist()
        # behind a call stands the end of its message, which is part of what must come out
        yield batch, [(row, b, e + 2) for (row, b), (_, e) in zip(begins, ends, strict=True)]
