"""Heads: what a backbone is asked for, and the loss that teaches it. `HEADS` is the seam for further kinds.

A kind names the transformers class that carries the head, so what is saved loads in stock transformers. It does not
know where batches come from or how a loop runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from torch import Tensor, nn

from dialoop.errors import ModelError
from dialoop.model.loss import target_nll

_KEPT = "dialoop_head"  # the key in a saved config.json


class Head(BaseModel):
    """What a model is asked for. `labels`: in the order of the output's columns; `multi_label`: any number at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str = "generate"
    labels: tuple[str, ...] = ()
    multi_label: bool = False

    @model_validator(mode="after")
    def _known(self) -> Head:
        if self.kind not in HEADS:
            raise ValueError(f"no head is called {self.kind!r}; known: {', '.join(HEADS)}")
        if HEADS[self.kind].labelled and (len(self.labels) < 2 or len(set(self.labels)) != len(self.labels)):
            raise ValueError(f"a {self.kind} head needs two or more labels, each once")
        return self


@dataclass(frozen=True)
class HeadKind:
    """One kind of head.

    `auto`: the name of the transformers class that loads it. `task`: PEFT's name of it. `labelled`: it has labels.
    `fresh`: it may come with new weights of its own. `loss`: model, inputs, truth → sum of the losses, a scalar;
    `count`: truth → how many were summed.
    `pooling`: transformers' config → in words, which hidden state is read. `configure`: the head's part of the config.
    """

    auto: str
    task: str
    labelled: bool
    fresh: bool
    loss: Callable[[nn.Module, dict[str, Tensor], Tensor], Tensor]
    count: Callable[[Tensor], Tensor]
    pooling: Callable[[Any], str]
    configure: Callable[[Head], dict[str, Any]]


def class_loss(model: nn.Module, inputs: dict[str, Tensor], truth: Tensor) -> Tensor:
    """Sum over the B texts: cross-entropy for truth (B,) int64, else for (B, L) in {0, 1} the mean over labels of
    binary cross-entropy."""
    logits = model(**inputs).logits
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if truth.dim() == 1:
        return F.cross_entropy(logits, truth, reduction="sum")
    per_label = F.binary_cross_entropy_with_logits(logits, truth.to(logits.dtype), reduction="none")
    return per_label.mean(dim=1).sum()


def _class_config(head: Head) -> dict[str, Any]:
    return {
        "num_labels": len(head.labels),
        "id2label": dict(enumerate(head.labels)),
        "label2id": {label: i for i, label in enumerate(head.labels)},
        "problem_type": "multi_label_classification" if head.multi_label else "single_label_classification",
    }


def _class_pooling(config: Any) -> str:
    return "the first token, [CLS]" if is_encoder(config) else "the last token of the text"


def is_encoder(config: Any) -> bool:
    """Whether the backbone sees both sides of each token (BERT), so that it cannot generate."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    kind = config.model_type
    return kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and (
        kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or not getattr(config, "is_decoder", False)
    )


HEADS: dict[str, HeadKind] = {
    "generate": HeadKind(
        auto="AutoModelForCausalLM",
        task="CAUSAL_LM",
        labelled=False,
        fresh=False,
        loss=target_nll,
        count=torch.sum,
        pooling=lambda config: "every token before a target",
        configure=lambda head: {},
    ),
    "classify": HeadKind(
        auto="AutoModelForSequenceClassification",
        task="SEQ_CLS",
        labelled=True,
        fresh=True,
        loss=class_loss,
        count=lambda truth: torch.tensor(truth.shape[0]),
        pooling=_class_pooling,
        configure=_class_config,
    ),
}
"""The kinds of heads by name. A further kind is one more entry."""


def head_of(config: Any) -> Head:
    """The head that a saved model's config tells of: what `remember` wrote, a stock classifier, else generate.

    Raises ModelError for a head that is not known here.
    """
    told = getattr(config, _KEPT, None)
    if told is None and any(name.endswith("ForSequenceClassification") for name in config.architectures or []):
        labels = [config.id2label[i] for i in sorted(config.id2label)]
        several = config.problem_type == "multi_label_classification"
        told = {"kind": "classify", "labels": labels, "multi_label": several}
    try:
        return Head() if told is None else Head.model_validate(told)
    except ValidationError as error:
        raise ModelError(
            f"the model was saved with a head that is not known here: {error.errors()[0]['msg']}",
            remedy="say which head you want, or tune the backbone anew",
        ) from error


def remember(head: Head, config: Any) -> None:
    """Write `head` into transformers' `config`, so that a saved model tells of it."""
    for key, value in HEADS[head.kind].configure(head).items():
        setattr(config, key, value)
    if head.kind == "generate":
        if hasattr(config, _KEPT):
            delattr(config, _KEPT)
    else:
        setattr(config, _KEPT, head.model_dump(mode="json"))


def head_loss(head: Head, model: nn.Module, inputs: dict[str, Tensor], truth: Tensor) -> Tensor:
    """Sum of the losses of one batch by the head's kind, a scalar. Raises ModelError for an unknown kind."""
    if head.kind not in HEADS:
        raise ModelError(f"no head is called {head.kind!r}", remedy=f"known: {', '.join(HEADS)}")
    return HEADS[head.kind].loss(model, inputs, truth)
