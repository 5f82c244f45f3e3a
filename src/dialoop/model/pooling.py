"""Mean pooling: a head on an encoder reads the mean of the text's tokens in the place of its first token's state.

Sentence encoders are trained so: the mean of their tokens is what brings texts of like meaning together, and the state
of [CLS] is not. transformers' classes have no such reading, so a model that is saved with it lacks the pooler that they
would look for: stock transformers says that those weights are new, and `load_base` reads it right. It knows no labels.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dialoop.errors import ModelError

Pooling = Literal["own", "mean"]
"""What a head reads: what transformers' class for the backbone does (`own`), or the mean of the tokens."""

POOLED_KINDS = ("bert",)
"""Kinds of models, as their configs call them, whose pooler is given the states of all tokens."""
_TOLD = Path("1_Pooling") / "config.json"
"""Where sentence encoders tell of their pooling, in the form of sentence-transformers."""


class MeanPooler(nn.Module):
    """Hidden states (B, T, D) → (B, D): the mean over the tokens that are no padding, at the length √D.

    The length makes a head's logits cosines, about √D times: sentence encoders know directions, not lengths.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mask: Tensor | None = None

    def see(self, module: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        """Keep the mask (B, T) of the texts that the backbone is about to read; a hook before its forward."""
        self.mask = given["attention_mask"] if "attention_mask" in given else args[1] if len(args) > 1 else None

    def forward(self, hidden: Tensor) -> Tensor:
        """The mean, and the mask is forgotten."""
        mask, self.mask = self.mask, None
        if mask is None:
            mask = torch.ones(hidden.shape[:2], device=hidden.device)
        weights = mask.to(hidden.dtype).unsqueeze(-1)
        mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        unit: Tensor = F.normalize(mean.float(), dim=1).to(hidden.dtype)
        return unit * float(hidden.shape[-1] ** 0.5)


def pool_by_mean(model: Any, where: Path) -> None:
    """Let the head of `model` read the mean of the tokens. Raises ModelError for a kind that cannot."""
    inner = model.base_model
    if model.config.model_type not in POOLED_KINDS:
        raise ModelError(
            f"the head of a {model.config.model_type} model cannot read the mean of the tokens",
            where=where,
            remedy=f"take --pooling own, or a base of the kind {' or '.join(POOLED_KINDS)}",
        )
    inner.pooler = MeanPooler()
    inner.register_forward_pre_hook(inner.pooler.see, with_kwargs=True)


def told_pooling(folder: Path, kept: dict[str, Any] | None) -> Pooling:
    """How a base was trained to be read: `kept` is the head in its config, if dialoop saved it; else what a sentence
    encoder tells. Raises ModelError where that is no JSON.
    """
    if kept is not None:
        return "mean" if kept.get("pooling") == "mean" else "own"
    path = folder / _TOLD
    if not path.is_file():
        return "own"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return "mean" if told["pooling_mode_mean_tokens"] else "own"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            "this does not tell how the encoder pools: there is no `pooling_mode_mean_tokens` to be read",
            where=path,
            remedy="get the whole model again, or say --pooling own or mean",
        ) from error
