"""Few texts a label: those of one label are drawn together and others apart, beside the head's own loss.

A handful of texts says little of where one label ends and the next begins; what it says well is which texts belong
together. So each step holds several texts of a label, the names of labels are taught as texts where they are words, and
the head begins at the labels' means in the space that the encoder has from its own training. It knows samples, labels
and features; not how a run goes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dialoop.conversation import Example
from dialoop.errors import DataError, SettingsError
from dialoop.model import Head
from dialoop.model.heads import is_encoder, last_layer
from dialoop.training.batches import Batch, Sample
from dialoop.training.label_settings import LabelSettings
from dialoop.training.loop import LossFunction
from dialoop.training.order import POOL, Step

FEW = 16
"""Texts a label, the median, up to which `auto` contrasts."""
TOGETHER = 2
"""Texts of a label that come into a step side by side."""
TEMPERATURE = 0.07
"""Of the cosines, as in Khosla et al. 2020."""
SHARPER = 20.0
"""Greatest logit that a cosine of 1 gives where a head begins at its labels' means."""

_WITHIN = re.compile(r"(?<=[a-z])(?=[A-Z])|[\W_]+")
_HAN = re.compile(r"[㐀-鿿]")


@dataclass(frozen=True)
class Contrast:
    """The head's loss and, of the same pass, the supervised contrastive loss of the features that the head reads."""

    plain: LossFunction

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Sum over the batch, a scalar. Texts are compared with those of the same batch."""
        caught: list[Tensor] = []
        hook = last_layer(model).register_forward_pre_hook(lambda _, given: caught.append(given[0]))
        try:
            loss = self.plain(model, batch)
        finally:
            hook.remove()
        return loss + contrastive_loss(caught[-1], batch.truth)


def contrastive_loss(features: Tensor, truth: Tensor) -> Tensor:
    """Sum over features (B, D) of the mean, over others of the same label in truth (B,), of −log the share that their
    cosine has among all others (Khosla et al. 2020, https://arxiv.org/abs/2004.11362, L_out). Texts that are alone with
    their label count nothing.
    """
    unit = F.normalize(features.float(), dim=1)
    itself = torch.eye(len(truth), dtype=torch.bool, device=truth.device)
    likeness = (unit @ unit.T / TEMPERATURE).masked_fill(itself, -torch.inf)
    same = (truth[:, None] == truth[None]) & ~itself
    nats = likeness.log_softmax(dim=1).masked_fill(~same, 0.0).sum(dim=1)
    return -(nats / same.sum(dim=1).clamp(min=1)).sum()


def contrasts(settings: LabelSettings, head: Head, config: Any, train: Sequence[Example], where: Path) -> bool:
    """Whether texts are contrasted: as asked; `auto`: few texts a label, one label each, and an encoder.

    Raises SettingsError, DataError where it is asked for and cannot be.
    """
    single, encoder = head.kind == "classify" and not head.multi_label, is_encoder(config)
    if settings.contrastive == "off" or (settings.contrastive == "auto" and not (single and encoder)):
        return False
    if not single:
        kind = "any number of labels a text" if head.multi_label else head.kind
        raise SettingsError(
            f"contrastive is on, which takes one label a text, and this data teaches {kind}",
            remedy="leave --contrastive out",
        )
    if not encoder:
        raise SettingsError(
            f"contrastive is on, which takes an encoder, and a {config.model_type} model reads one way",
            remedy="take a sentence encoder or BERT, or leave --contrastive out",
        )
    counts = Counter(example.label for example in train)
    if settings.contrastive == "auto":
        return median(counts.values()) <= FEW and max(counts.values()) > 1
    if max(counts.values()) < TOGETHER:
        raise DataError(
            "contrastive is on, and no label has two texts to draw together",
            where=where,
            remedy="give two or more texts a label, or leave --contrastive out",
        )
    return True


def names_as_texts(labels: Sequence[str]) -> list[Example]:
    """The labels that are words, as texts: `card_arrival` as "card arrival"; `w2` and `LABEL_3` are none."""
    found = []
    for label in labels:
        words = [word for word in _WITHIN.split(label) if word]
        if all(word.isalpha() for word in words) and any(len(word) > 2 or _HAN.search(word) for word in words):
            found.append(Example(text=" ".join(words), label=label))
    return found


def contrast_line(labels: int, texts: int, named: int) -> str:
    """What a person is told."""
    taught = f"; the names of {named} labels are taught as texts" if named else ""
    return f"about {texts / labels:.3g} texts a label: those of one label are drawn together, others apart{taught}"


def steps_by_label(
    samples: Sequence[Sample], a_step: int, positions: int, *, seed: int, epoch: int, rows: int
) -> list[Step]:
    """The steps of an epoch, every sample once, `a_step` a step; texts of a label come side by side, two or three, of
    like length.

    `rows` and `positions` (rows x longest row) bound a portion, within which texts are compared.
    """
    random = Random(f"{seed}/{epoch}")
    lengths = [len(sample.ids) for sample in samples]
    by_label: dict[int, list[int]] = defaultdict(list)
    for number in sorted(range(len(samples)), key=lambda i: lengths[i] * random.uniform(0.5, 1.5)):
        by_label[int(samples[number].truth)].append(number)
    groups = [group for label in sorted(by_label) for group in _together(by_label[label])]
    random.shuffle(groups)
    steps: list[list[int]] = []
    for pool in _alike(groups, a_step * POOL, lengths):
        steps += [pool[at : at + a_step] for at in range(0, len(pool), a_step)]
    steps.sort(key=lambda step: len(step) < a_step)  # what is left over at the end of pools
    order = [number for step in steps for number in step]
    steps = [order[at : at + a_step] for at in range(0, len(order), a_step)]
    random.shuffle(steps)
    return [_in_order(step, lengths, positions, rows) for step in steps]


def _together(own: list[int]) -> list[list[int]]:
    """A label's texts in twos, the last three together where they are odd."""
    cuts = range(0, max(1, len(own) - len(own) % TOGETHER), TOGETHER)
    return [own[start:end] for start, end in zip(cuts, [*cuts[1:], len(own)], strict=True)]


def _alike(groups: list[list[int]], size: int, lengths: Sequence[int]) -> Iterator[list[int]]:
    """Pools of about `size` texts, in each the groups by falling length, so that steps have little padding."""
    pool: list[list[int]] = []
    for group in [*groups, []]:
        if sum(map(len, pool)) + len(group) > size or not group:
            pool.sort(key=lambda one: -max(lengths[number] for number in one))
            yield [number for one in pool for number in one]
            pool = []
        pool.append(group)


def _in_order(step: Sequence[int], lengths: Sequence[int], positions: int, rows: int) -> Step:
    """The step in portions of neighbours."""
    most = max(TOGETHER, min(rows, positions // max(lengths[number] for number in step)))
    return [list(step[at : at + most]) for at in range(0, len(step), most)]


def few_of_each(samples: Sequence[Sample]) -> list[Sample]:
    """The first samples of each label, `FEW` at most."""
    seen: Counter[int] = Counter()
    found = []
    for sample in samples:
        seen[int(sample.truth)] += 1
        if seen[int(sample.truth)] <= FEW:
            found.append(sample)
    return found


@torch.no_grad()
def begin_at_means(model: nn.Module, batches: Sequence[Batch], device: torch.device) -> None:
    """Set the head to the labels' means (prototypes, Snell et al. 2017, https://arxiv.org/abs/1703.05175).

    Each row is the direction of its label's mean feature, as long as makes a cosine of 1 the logit `SHARPER`; the bias
    is 0. A label without a text keeps its row.
    """
    layer = last_layer(model)
    caught: list[Tensor] = []
    was_training = model.training
    model.eval()
    hook = layer.register_forward_pre_hook(lambda _, given: caught.append(given[0].float()))
    try:
        for batch in batches:
            model(**batch.to(device).inputs)
    finally:
        hook.remove()
        model.train(was_training)
    features, truth = torch.cat(caught), torch.cat([batch.truth for batch in batches]).to(device)
    unit, length = F.normalize(features, dim=1), features.norm(dim=1).mean()
    means = torch.zeros(layer.out_features, unit.shape[1], device=device).index_add_(0, truth, unit)
    has = means.norm(dim=1) > 0
    layer.weight[has] = (F.normalize(means, dim=1) * SHARPER / length)[has].to(layer.weight.dtype)
    if layer.bias is not None:
        layer.bias.zero_()
