"""Which of two answers a base finds likelier: the one that a person wrote, or the one that it replaced.

Gives log-probabilities and tallies of them. Knows nothing of generation or of training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from dialoop.conversation import Conversation
from dialoop.evaluation import formulas
from dialoop.evaluation.tallies import Tally, tally
from dialoop.model import Base, answer_log_probs, answer_pairs


@dataclass(frozen=True)
class Preferred:
    """One pair: log p (nats) of the chosen and of the rejected answer, and how many tokens each has."""

    chosen: float
    rejected: float
    chosen_tokens: int
    rejected_tokens: int

    @property
    def whole(self) -> bool:
        """Whether the chosen answer is the likelier one as a whole."""
        return self.chosen > self.rejected

    @property
    def a_token(self) -> bool:
        """Whether the chosen answer is the likelier one by the mean of its tokens."""
        return self.chosen / self.chosen_tokens > self.rejected / self.rejected_tokens


def preferred(base: Base, conversation: Conversation) -> tuple[list[Preferred], int]:
    """The pairs of a conversation, and how many do not fit into the base's window."""
    pairs, lost = answer_pairs(conversation, base.tokenizer, window=base.window)
    found = []
    for pair in pairs:
        nats = []
        for answer in pair.answers:
            ids = torch.tensor([[*pair.prompt, *answer]], device=base.device)  # (1, T)
            targets = torch.zeros_like(ids, dtype=torch.bool)
            targets[0, len(pair.prompt) :] = True
            with torch.inference_mode():
                nats.append(float(answer_log_probs(base.model, {"input_ids": ids}, targets)[0]))
        found.append(Preferred(nats[0], nats[1], *map(len, pair.answers)))
    return found, lost


def pair_tallies(scored: Sequence[Sequence[Preferred]]) -> dict[str, Tally]:
    """The shares of pairs whose chosen answer is the likelier one. None where there are no pairs. `scored`: those of
    each conversation."""
    if not any(scored):
        return {}
    placed = [(place, pair) for place, pairs in enumerate(scored) for pair in pairs]
    return {
        "preferred": tally(len(scored), [(place, (pair.whole, 1)) for place, pair in placed], 2, formulas.ratio),
        "preferred_a_token": tally(
            len(scored), [(place, (pair.a_token, 1)) for place, pair in placed], 2, formulas.ratio
        ),
    }
