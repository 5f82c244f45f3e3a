"""Heads: what a backbone is asked for, and the loss that teaches it. `HEADS` is the seam for further kinds.

A kind names the transformers class that carries the head, so what is saved loads in stock transformers. It does not
know where batches come from or how a loop runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from torch import Tensor, nn

from dialoop.errors import ModelError
from dialoop.model.crf import IGNORED, Crf
from dialoop.model.loss import target_nll
from dialoop.model.pooling import Pooling
from dialoop.model.windows import CASINGS

_KEPT = "dialoop_head"  # the key in a saved config.json
POOLED = ("classify", "regress")
"""The kinds of heads that read one state of a whole text."""


class Head(BaseModel):
    """What a model is asked for. `labels`: in the order of the output's columns; `multi_label`: any number at once.

    `tag` has three kinds of column for its labels: O, then B- and I- of each. `crf`: a tag is scored together with the
    one before it. `casing`: the tagger is told how each token is written, see `CASINGS`. `context`: so many tokens of a
    document, at most, are read at once; 0: each text by itself. `regress` gives its scores as `mean` + `scale` times
    the model's output. `pooling`: what `classify` and `regress` read of an encoder's text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str = "generate"
    labels: tuple[str, ...] = ()
    multi_label: bool = False
    crf: bool = False
    casing: bool = False
    context: int = Field(default=0, ge=0)
    mean: float = Field(default=0.0, allow_inf_nan=False)
    scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    pooling: Pooling = "own"

    @model_validator(mode="after")
    def _known(self) -> Head:
        if self.kind not in HEADS:
            raise ValueError(f"no head is called {self.kind!r}; known: {', '.join(HEADS)}")
        least = HEADS[self.kind].least_labels
        if len(self.labels) < least or len(set(self.labels)) != len(self.labels):
            raise ValueError(f"a {self.kind} head needs {least} or more labels, each once")
        if (self.crf or self.casing or self.context) and self.kind != "tag":
            raise ValueError(f"crf, casing and context belong to a tag head, not to {self.kind}")
        if self.pooling == "mean" and self.kind not in POOLED:
            raise ValueError(f"pooling belongs to {' and '.join(POOLED)}, not to {self.kind}")
        return self


@dataclass(frozen=True)
class HeadKind:
    """One kind of head.

    `auto`: the name of the transformers class that loads it. `task`: PEFT's name of it. `least_labels`: so
    many labels it has at least.
    `fresh`: it may come with new weights of its own. `loss`: model, inputs, truth → sum of the losses, a scalar;
    `count`: truth → how many were summed.
    `pooling`: transformers' config → in words, which hidden state is read. `configure`: the head's part of the config.
    `parts`: head, width of the embeddings → modules beside those of the transformers class, saved and loaded with it.
    """

    auto: str
    task: str
    least_labels: int
    fresh: bool
    loss: Callable[[nn.Module, dict[str, Tensor], Tensor], Tensor]
    count: Callable[[Tensor], Tensor]
    pooling: Callable[[Any], str]
    configure: Callable[[Head], dict[str, Any]]
    parts: Callable[[Head, int], dict[str, nn.Module]] = lambda head, width: {}


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


def score_loss(model: nn.Module, inputs: dict[str, Tensor], truth: Tensor) -> Tensor:
    """Sum over the B texts of the squared error against truth (B,), in units of the head's `scale`."""
    logits: Tensor = model(**inputs).logits[:, 0]
    wide = torch.promote_types(logits.dtype, torch.float32)
    return (logits.to(wide) - truth.to(wide)).square().sum()


def tag_scores(model: nn.Module, inputs: dict[str, Tensor]) -> Tensor:
    """(B, T, K) scores of each token's tags, in at least float32. `inputs` may hold casing (B, T), see `CASINGS`."""
    plain = dict(inputs)
    casing = plain.pop("casing", None)
    if casing is not None:
        inner = _inside(model)
        words = inner.get_input_embeddings()(plain.pop("input_ids"))
        plain["inputs_embeds"] = words + inner.casing(casing).to(words.dtype)
    logits: Tensor = model(**plain).logits
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def tag_loss(model: nn.Module, inputs: dict[str, Tensor], truth: Tensor) -> Tensor:
    """Sum over the units of -log p(tag) for truth (B, T) int64, -100 where there is none; by rows with a CRF."""
    scores = tag_scores(model, inputs)
    crf = getattr(_inside(model), "crf", None)
    if crf is None:
        return F.cross_entropy(scores.transpose(1, 2), truth, ignore_index=IGNORED, reduction="sum")
    found: Tensor = crf(scores, truth)
    return found


def transitions_of(model: nn.Module) -> NDArray[np.float64] | None:
    """(K, K) what going from a tag to another adds; None for a tagger without a CRF."""
    crf = getattr(_inside(model), "crf", None)
    return None if crf is None else crf.transitions.detach().double().cpu().numpy()


def _inside(model: Any) -> Any:
    """The transformers model inside `model` (PEFT wraps it)."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _tag_config(head: Head) -> dict[str, Any]:
    columns = ["O", *(f"{mark}-{label}" for label in head.labels for mark in "BI")]
    return {
        "num_labels": len(columns),
        "id2label": dict(enumerate(columns)),
        "label2id": {column: i for i, column in enumerate(columns)},
    }


def _tag_parts(head: Head, width: int) -> dict[str, nn.Module]:
    found: dict[str, nn.Module] = {}
    if head.crf:
        found["crf"] = Crf(1 + 2 * len(head.labels))
    if head.casing:
        found["casing"] = nn.Embedding(len(CASINGS), width)
        nn.init.zeros_(found["casing"].weight)  # type: ignore[arg-type]  # at first it changes nothing
    return found


def _score_config(head: Head) -> dict[str, Any]:
    return {"num_labels": 1, "problem_type": "regression"}


def kept_head(config: Any) -> dict[str, Any] | None:
    """What `remember` wrote into transformers' `config`; None where nothing stands there."""
    found: dict[str, Any] | None = getattr(config, _KEPT, None)
    return found


def _class_pooling(config: Any) -> str:
    if (kept_head(config) or {}).get("pooling") == "mean":
        return "the mean of all tokens"
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
        least_labels=0,
        fresh=False,
        loss=target_nll,
        count=torch.sum,
        pooling=lambda config: "every token before a target",
        configure=lambda head: {},
    ),
    "classify": HeadKind(
        auto="AutoModelForSequenceClassification",
        task="SEQ_CLS",
        least_labels=2,
        fresh=True,
        loss=class_loss,
        count=lambda truth: torch.tensor(truth.shape[0]),
        pooling=_class_pooling,
        configure=_class_config,
    ),
    "tag": HeadKind(
        auto="AutoModelForTokenClassification",
        task="TOKEN_CLS",
        least_labels=1,
        fresh=True,
        loss=tag_loss,
        count=lambda truth: (truth != IGNORED).sum(),
        pooling=lambda config: "every token that brings a character",
        configure=_tag_config,
        parts=_tag_parts,
    ),
    "regress": HeadKind(
        auto="AutoModelForSequenceClassification",
        task="SEQ_CLS",
        least_labels=0,
        fresh=True,
        loss=score_loss,
        count=lambda truth: torch.tensor(truth.shape[0]),
        pooling=_class_pooling,
        configure=_score_config,
    ),
}
"""The kinds of heads by name. A further kind is one more entry."""


def head_of(config: Any) -> Head:
    """The head that a saved model's config tells of: what `remember` wrote, a stock classifier, else generate.

    Raises ModelError for a head that is not known here.
    """
    told = kept_head(config)
    if told is None and any(name.endswith("ForSequenceClassification") for name in config.architectures or []):
        labels = [config.id2label[i] for i in sorted(config.id2label)]
        several = config.problem_type == "multi_label_classification"
        told = {"kind": "classify", "labels": labels, "multi_label": several}
        if config.problem_type == "regression" and len(labels) == 1:
            told = {"kind": "regress"}
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


def last_layer(model: nn.Module) -> nn.Linear:
    """The linear layer that gives the logits of a text. Raises ModelError where there is none."""
    config: Any = _inside(model).config
    found = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not found or found[-1].out_features != config.num_labels:
        raise ModelError(
            f"the layer that gives the logits of a {type(_inside(model)).__name__} was not found",
            remedy="take BERT or a decoder (mini, GPT-2, Llama, Qwen3), and leave contrastive off",
        )
    return found[-1]


def head_loss(head: Head, model: nn.Module, inputs: dict[str, Tensor], truth: Tensor) -> Tensor:
    """Sum of the losses of one batch by the head's kind, a scalar. Raises ModelError for an unknown kind."""
    if head.kind not in HEADS:
        raise ModelError(f"no head is called {head.kind!r}", remedy=f"known: {', '.join(HEADS)}")
    return HEADS[head.kind].loss(model, inputs, truth)
