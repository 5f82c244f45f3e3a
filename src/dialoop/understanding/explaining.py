"""Why a classifier gives a text its label: what each word adds to it, and the training texts that are nearest.

Words: integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365), by Captum, on the way from the text with every
token unknown to the text as it is; the shares add up to the difference in the label's logit. Nearest: cosine of the
features that the head reads. It knows no files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dialoop.conversation import Example
from dialoop.conversation.spans import words
from dialoop.errors import DataError, ModelError, SettingsError
from dialoop.model import Base
from dialoop.model.adapter import merged
from dialoop.model.backbone import quietly
from dialoop.model.folder import verify
from dialoop.understanding.batching import Reader, readable
from dialoop.understanding.conversion import FOLDER
from dialoop.understanding.converted import Converted, is_installed
from dialoop.understanding.reading import read_texts
from dialoop.understanding.scores import softmax

STEPS = 64
"""Points on the way at which the gradient is taken; Gauss-Legendre quadrature."""
TOLD = 5
"""Labels and training texts that are told."""


@dataclass(frozen=True)
class Piece:
    """A word of the text, from `start` to `end` (code points), and what it adds to the label's logit."""

    start: int
    end: int
    adds: float


@dataclass(frozen=True)
class Neighbour:
    """A training text, its labels, and the cosine (-1 to 1) of its features with those of the text."""

    text: str
    labels: tuple[str, ...]
    cosine: float


@dataclass(frozen=True)
class Why:
    """Why `text` has `label`. `chances`: the likeliest labels with their probability, the likeliest first.

    `empty` and `whole`: the label's logit where every token is unknown, and of the text. `off`: by how much what the
    words add misses their difference; near 0 where the gradient was taken often enough. `cut`: the model did not read
    the end of the text.
    """

    model: str
    text: str
    label: str
    chances: dict[str, float]
    pieces: tuple[Piece, ...]
    empty: float
    whole: float
    off: float
    cut: bool
    neighbours: tuple[Neighbour, ...] = ()
    compared: int = 0


def explain_text(
    base: Base,
    text: str,
    *,
    label: str | None = None,
    train: Sequence[Example] = (),
    nearest: int = TOLD,
    steps: int = STEPS,
) -> Why:
    """Why a classifier gives `text` its `label`; None: the likeliest. `train`: the texts that the nearest are among.

    Raises ModelError for another head, SettingsError for a label that the model does not have or without Captum,
    DataError for a text without a word.
    """
    if base.head.kind != "classify":
        what = f"labels are explained, and this model has a head of kind {base.head.kind}"
        raise ModelError(what, where=base.name, remedy="tune one on texts with labels")
    if find_spec("captum") is None:
        raise SettingsError("attributions need Captum, which is missing", remedy="pip install 'dialoop[explain]'")
    text = readable(text)
    if not words(text):
        raise DataError("there is no word in the text", remedy='give one: --text "…"')
    labels = base.head.labels
    if label is not None and label not in labels:
        raise SettingsError(f"the model has no label {label!r}", remedy=f"it has {', '.join(labels[:20])}")
    logits = read_texts(base, [text]).logits
    chances = softmax(logits)[0] if not base.head.multi_label else 1 / (1 + np.exp(-logits[0].astype(np.float64)))
    number = int(chances.argmax()) if label is None else labels.index(label)
    pieces, empty, whole, cut = _attributed(base, text, number, steps)
    best = np.argsort(-chances)[:TOLD]
    return Why(
        model=base.name,
        text=text,
        label=labels[number],
        chances={labels[i]: float(chances[i]) for i in best} | {labels[number]: float(chances[number])},
        pieces=pieces,
        empty=empty,
        whole=whole,
        off=whole - empty - sum(piece.adds for piece in pieces),
        cut=cut,
        neighbours=nearest_texts(reader_of(base), text, train, nearest),
        compared=len(train),
    )


def nearest_texts(read: Reader, text: str, train: Sequence[Example], count: int = TOLD) -> tuple[Neighbour, ...]:
    """The `count` texts whose features are nearest to the text's, the nearest first; each text once."""
    others = list({one.text: one for one in train}.values())
    if not others or count < 1:
        return ()
    features = read([text, *(one.text for one in others)]).features
    units = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    cosines = units[1:] @ units[0]
    return tuple(Neighbour(others[i].text, _labels(others[i]), float(cosines[i])) for i in np.argsort(-cosines)[:count])


def reader_of(base: Base) -> Reader:
    """What reads many texts the fastest: the model's conversion to ONNX where it has one of these weights, or torch."""
    if base.path is not None and (base.path / FOLDER).is_dir() and is_installed():
        converted = Converted.bound(base.path, verify(base.path))
        return converted.read
    return lambda texts: read_texts(base, texts)


def _labels(example: Example) -> tuple[str, ...]:
    return (example.label,) if example.label is not None else tuple(example.labels or ())


def _attributed(base: Base, text: str, number: int, steps: int) -> tuple[tuple[Piece, ...], float, float, bool]:
    """What each word adds, the logit without and with the words, and whether the text was cut."""
    from captum.attr import IntegratedGradients

    made = base.tokenizer(
        text,
        truncation=True,
        max_length=base.window,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_tensors="pt",
    )
    special = made["special_tokens_mask"].bool()
    model = merged(base.model).to(base.device)
    embed: Any = model.get_input_embeddings()
    with torch.no_grad():
        whole = embed(made["input_ids"].to(base.device))
        empty = torch.where(special.to(base.device)[..., None], whole, _unknown(base, embed))

    def logit(given: Tensor) -> Tensor:
        mask = torch.ones(given.shape[:2], dtype=torch.int64, device=given.device)
        found: Tensor = model(inputs_embeds=given, attention_mask=mask).logits[:, number].float()
        return found

    with quietly():
        shares = IntegratedGradients(logit).attribute(whole, baselines=empty, n_steps=steps, internal_batch_size=16)
        with torch.inference_mode():
            low, high = (float(logit(one)[0]) for one in (empty, whole))
    adds = shares.sum(dim=-1)[0].double().cpu().numpy()
    offsets = [tuple(pair) for pair in made["offset_mapping"][0].tolist()]
    cut = len(base.tokenizer(text, truncation=False, verbose=False)["input_ids"]) > len(offsets)
    return _by_word(text, offsets, adds), low, high, cut


def _unknown(base: Base, embed: Any) -> Tensor:
    """The embedding of a token that says nothing: the mask of an encoder, which was trained to take it so, or padding.

    Not zeros: behind a norm the text and a thousandth of it are the same, and all the gradient stands at the zero.
    """
    mask = base.tokenizer.mask_token_id
    found: Tensor = embed(torch.tensor([[base.tokenizer.pad_token_id if mask is None else mask]], device=base.device))
    return found


def _by_word(text: str, offsets: Sequence[tuple[int, ...]], adds: NDArray[np.float64]) -> tuple[Piece, ...]:
    """The shares of tokens, gathered by the words that they lie in; a token over several words is shared evenly.

    A token of white space belongs to the word behind it, at the end to the last one.
    """
    found = words(text)
    sums = np.zeros(len(found))
    for (start, end), share in zip(offsets, adds, strict=True):
        inside = [number for number, (low, high) in enumerate(found) if low < end and start < high]
        behind = next((number for number, (low, _) in enumerate(found) if low >= end), len(found) - 1)
        inside = inside or [behind]
        for number in inside:
            sums[number] += share / len(inside)
    return tuple(Piece(low, high, float(one)) for (low, high), one in zip(found, sums, strict=True))
