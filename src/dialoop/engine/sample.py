"""Chooses the next token from logits: greedily or by chance, among those that are allowed.

Allowed tokens are found by asking about likely ones first, not by masking the whole vocabulary. Each answer has a
generator of its own, so what it draws does not depend on the answers beside it. It knows no texts and no grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

_TRIES = 32
_LIKELY = 64


class Sampler:
    """Chooses the tokens of one answer. `temperature` 0: the likeliest. `seed` None: drawn from the system."""

    def __init__(self, temperature: float, top_p: float, seed: int | None) -> None:
        self.temperature = temperature
        self.top_p = top_p
        self._generator = torch.Generator()
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed % 2**63)

    def choose(self, logits: Tensor, allowed: Callable[[int], bool], others: Callable[[], Iterable[int]]) -> int | None:
        """A token for `logits` (V,), or None if none is allowed.

        Drawing again after a refusal, with the refused token's probability set to 0, gives exactly the distribution
        over the allowed tokens. After 32 refusals the likeliest allowed token is taken; `others` lists those worth
        asking about where none of the 64 likeliest is allowed.
        """
        scores = logits.detach().float().cpu()
        if self.temperature > 0:
            token = self._draw(scores, allowed)
            if token is not None:
                return token
        if allowed(likeliest := int(scores.argmax())):
            return likeliest
        for token in torch.topk(scores, min(_LIKELY, len(scores))).indices.tolist():
            if allowed(token):
                return int(token)
        rest = torch.tensor(list(others()), dtype=torch.long)
        for position in torch.sort(scores[rest], descending=True).indices.tolist() if len(rest) else ():
            token = int(rest[position])
            if allowed(token):
                return token
        return None

    def _draw(self, scores: Tensor, allowed: Callable[[int], bool]) -> int | None:
        """A token by chance, or None after too many refusals."""
        chances = torch.softmax(scores / self.temperature, dim=-1)
        if self.top_p < 1:
            ordered, order = torch.sort(chances, descending=True, stable=True)
            beyond = ordered.cumsum(-1) - ordered >= self.top_p  # the token that reaches top_p is still in
            chances[order[beyond]] = 0
        for _ in range(_TRIES):
            bounds = chances.cumsum(-1)
            if not bounds[-1] > 0:
                return None
            point = torch.rand((), generator=self._generator) * bounds[-1]
            token = min(int(torch.searchsorted(bounds, point, right=True)), len(chances) - 1)
            if chances[token] > 0 and allowed(token):
                return token
            chances[token] = 0
        return None
