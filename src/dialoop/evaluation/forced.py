"""Teacher forcing: one forward pass a conversation scores every target token given the true tokens before it.

Gives counts, no figures. Knows nothing of generation or of languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from dialoop.conversation import Conversation
from dialoop.model import Base, Sentence, sentences

_LOGITS_AT_ONCE = 64_000_000  # numbers; 256 MB in float32


@dataclass(frozen=True)
class Forced:
    """One conversation under teacher forcing.

    `truth`, `said`: (n,), the true and the likeliest id of each target. `nats`: the sum of their negative
    log-likelihoods. `characters`, `utf8_bytes`: of the targets as text, control tokens left out.
    """

    nats: float
    truth: NDArray[np.int64]
    said: NDArray[np.int64]
    characters: int
    utf8_bytes: int
    shortened: bool
    lost: int

    @property
    def by_type(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The ids that were hit, said and true, repeats included."""
        return self.truth[self.truth == self.said], self.said, self.truth


@dataclass
class _Sums:
    nats: float = 0.0
    truth: list[int] = field(default_factory=list)
    said: list[int] = field(default_factory=list)


def forced(base: Base, conversation: Conversation, *, all_targets: bool = False) -> Forced:
    """Scores the targets of one conversation (`all_targets`: every token but the first).

    Where a conversation exceeds the base's window, later targets see less of the turns before them (`shortened`);
    targets that do not fit at all are counted in `lost`.
    """
    parts = sentences(
        conversation.messages, conversation.tools, base.tokenizer, window=base.window, all_targets=all_targets
    )
    sums = _Sums()
    for part in parts:
        _add(base, part, sums)
    text = str(base.tokenizer.decode(sums.truth, skip_special_tokens=True))
    return Forced(
        nats=sums.nats,
        truth=np.array(sums.truth, dtype=np.int64),
        said=np.array(sums.said, dtype=np.int64),
        characters=len(text),
        utf8_bytes=len(text.encode()),
        shortened=any(part.left_out for part in parts),
        lost=sum(part.lost for part in parts),
    )


def _add(base: Base, sentence: Sentence, sums: _Sums) -> None:
    """Adds one sentence's targets. A token is predicted from the position before it, so the first is never one."""
    places = [i for i, target in enumerate(sentence.targets) if target and i > 0]
    if not places:
        return
    with torch.inference_mode():
        ids = torch.tensor([sentence.ids], device=base.device)  # (1, T)
        at_once = max(1, _LOGITS_AT_ONCE // len(base.tokenizer))
        for part in _parts(places, at_once):
            keep = torch.tensor(part, device=base.device) - 1  # (n,)
            logits = base.model(input_ids=ids, logits_to_keep=keep, use_cache=False).logits[0].float()  # (n, V)
            truth = ids[0, keep + 1]
            sums.nats += float(torch.nn.functional.cross_entropy(logits, truth, reduction="sum"))
            sums.truth += truth.tolist()
            sums.said += logits.argmax(dim=-1).tolist()


def _parts(places: Sequence[int], size: int) -> list[Sequence[int]]:
    return [places[start : start + size] for start in range(0, len(places), size)]
