"""What a classifier makes of texts: logits, and the features that its head reads them from. It knows no scores.

The head of a decoder reads the hidden state of the text's last token, that of an encoder what its pooling gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import get_ident

import torch
from torch import Tensor

from dialoop.errors import ModelError
from dialoop.model import Base
from dialoop.model.heads import last_layer
from dialoop.understanding.batching import Read, read_by_length
from dialoop.understanding.scores import Array


def check_classifier(base: Base) -> None:
    """Raises ModelError unless the base gives one label to a text."""
    if base.head.kind != "classify" or base.head.multi_label:
        kind = "any number of labels a text" if base.head.multi_label else f"a head of kind {base.head.kind}"
        raise ModelError(
            f"intents are read with one label a text, and this model has {kind}",
            where=base.name,
            remedy="tune a base with texts that have one `label` each",
        )


def read_texts(base: Base, texts: Sequence[str]) -> Read:
    """Logits and features of the texts, in their order. A text longer than the window is read up to its end."""
    return read_by_length(texts, partial(_read, base))


def _read(base: Base, texts: list[str]) -> tuple[Array, Array]:
    given = lay(base, texts)
    caught: list[Tensor] = []
    mine = get_ident()

    def catch(_: object, inputs: tuple[Tensor, ...]) -> None:
        if get_ident() == mine:  # another thread may read with the same model
            caught.append(inputs[0])

    hook = last_layer(base.model).register_forward_pre_hook(catch)
    try:
        with torch.inference_mode():
            logits = base.model(**given).logits
    finally:
        hook.remove()
    features = at_end(caught[-1], given["attention_mask"])
    return logits.float().cpu().numpy(), features.float().cpu().numpy()


def lay(base: Base, texts: list[str]) -> dict[str, Tensor]:
    """Token ids (B, T) and their mask. An empty text is read as a space, so that there is a token to read."""
    laid = base.tokenizer(
        [text or " " for text in texts],
        truncation=True,
        max_length=base.window,
        padding=True,
        return_tensors="pt",
    )
    kept = {name: laid[name].to(base.device) for name in ("input_ids", "attention_mask")}
    return kept


def at_end(hidden: Tensor, mask: Tensor) -> Tensor:
    """What the head reads of hidden (B, T, D): the last token that is no padding; of (B, D) all of it."""
    if hidden.dim() == 2:
        return hidden
    places = torch.arange(mask.shape[1], device=mask.device)
    last = (mask * places).argmax(dim=1)
    return hidden[torch.arange(hidden.shape[0], device=hidden.device), last]
