"""Tuning to what people think of single answers: rated ones become samples, and these batches with a loss (KTO).

A rating needs no second answer to the same prompt. What the loss compares with, the reference point, is how far the
model has moved from the base on answers that belong to other prompts; which ones is settled before training, so that
the base is asked once. It knows conversations, batches and the model's losses; nothing of steps or folders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dialoop.conversation import Conversation, Message
from dialoop.errors import DataError
from dialoop.model import Base, answer_log_probs, answers_at, is_pair, rejected_message
from dialoop.training.batches import Batch, Sample, lay_sentences
from dialoop.training.loop import Gear
from dialoop.training.order import portions
from dialoop.training.preference import Row, log_probs, plain_samples
from dialoop.training.preference_loss import balanced_weights, kto_anchor, kto_loss
from dialoop.training.side import Counts, Side, naming

_TRIES = 64
"""Answers to other prompts that are tried, one after the other, until one fits beside a prompt."""


@dataclass(frozen=True)
class Judged(Sample):
    """An answer and whether it is `good`; besides, an answer to another prompt after this one's.

    `ids` and `truth` hold prompt and answer (`first` tokens), then prompt and other answer, or nothing where none fits.
    `reference`: log p (nats) of the answer and of the other one under the base.
    """

    first: int = 0
    good: bool = True
    reference: tuple[float, float] = (0.0, 0.0)

    @property
    def count(self) -> int:
        """One."""
        return 1

    @property
    def own(self) -> Sample:
        """Prompt and answer."""
        return Sample(self.ids[: self.first], self.truth[: self.first])

    @property
    def other(self) -> Sample | None:
        """Prompt and other answer."""
        if len(self.ids) == self.first:
            return None
        return Sample(self.ids[self.first :], self.truth[self.first :])


@dataclass(frozen=True)
class JudgedBatch(Batch):
    """Rows: R judged answers, then plain sentences. `good` (R,) bool; `reference` (R,); `count`: answers and sentences.

    `others`: M rows of answers to other prompts, with `others_reference` (M,); None where there are none. `anchor`: the
    reference point in nats, the same for all batches of a step; that of the base is 0.
    """

    good: Tensor
    reference: Tensor
    others: Batch | None
    others_reference: NDArray[np.float64]
    anchor: float = 0.0

    def to(self, device: torch.device) -> JudgedBatch:
        """The same batch on `device`; the others go there when they are asked for."""
        return replace(
            self,
            inputs={name: tensor.to(device) for name, tensor in self.inputs.items()},
            truth=self.truth.to(device),
            good=self.good.to(device),
            reference=self.reference.to(device),
        )


@dataclass(frozen=True)
class Kto:
    """Kahneman-Tversky optimisation (Ethayarajh et al. 2024, arXiv:2402.01306). `beta`: how dear it is to leave the
    base.

    `desirable`, `undesirable`: weights of good and bad answers; None: as their numbers ask, once `for_samples` knows
    them. `nll_weight`: of the mean negative log-likelihood of a plain sentence; at 0 these are left out.
    """

    beta: float
    nll_weight: float
    desirable: float | None = None
    undesirable: float | None = None

    def samples_of(self, conversations: Sequence[Conversation], base: Base, window: int) -> Side:
        """A sample for each judged answer, and one for each sentence of the answers that nobody judged."""
        side = Side(counts=Counts(records=len(conversations)))
        counts = side.counts
        heard: list[Heard] = []
        plain: list[Sample] = []
        for conversation in conversations:
            found = heard_in(conversation, base, window, counts)
            made: list[Sample] = []
            if self.nll_weight:
                made = plain_samples(conversation, set(judgements(conversation)), base, window, counts)
            counts.without_targets += not found and not made
            heard += found
            plain += made
        side.samples.extend([*_judged(heard, window), *plain])
        counts.liked = sum(one.good for one in heard)
        counts.disliked = len(heard) - counts.liked
        counts.unmatched = sum(isinstance(sample, Judged) and sample.other is None for sample in side.samples)
        counts.tokens = sum(len(sample.ids) for sample in side.samples)
        counts.samples = counts.targets = len(side.samples)
        return side

    def for_samples(self, side: Side, where: Path) -> Kto:
        """With weights that suit these samples to train on. Raises DataError unless there are good and bad answers."""
        liked, disliked = side.counts.liked, side.counts.disliked
        if not liked and not disliked:
            raise DataError(
                "kto learns from rated answers, and no answer that fits the window is rated or has a `rejected` one",
                where=where,
                remedy="give the `rating` of answers (docs/preferences.md; `dialoop learn` collects the chat page's in"
                " rated.jsonl), or take --objective nll",
            )
        if not liked or not disliked:
            kind, other = ("good", "bad") if liked else ("bad", "good")
            raise DataError(
                f"kto learns from good and bad answers, and all {liked + disliked} that are rated here are {kind}",
                where=where,
                remedy=f"add answers that are rated {other}, or take --objective nll",
            )
        desirable, undesirable = balanced_weights(liked, disliked, self.desirable, self.undesirable)
        return replace(self, desirable=desirable, undesirable=undesirable)

    def lines(self, train: Counts, held_out: Counts) -> list[str]:
        """What a person is told of the samples."""
        told = [
            f"kto: {train.liked:,} good and {train.disliked:,} bad answers to train on, {held_out.liked:,} and"
            f" {held_out.disliked:,} held out; beta {self.beta:g}, weights {self.desirable or 1:.3g} and"
            f" {self.undesirable or 1:.3g}"
        ]
        if train.unmatched:
            told.append(f"{train.unmatched:,} of them have no answer of another prompt beside them: none fits")
        if not self.nll_weight:
            return [*told, "answers that nobody rated are not learnt from: nll_weight is 0"]
        plain = [counts.samples - counts.liked - counts.disliked for counts in (train, held_out)]
        return [
            *told,
            f"{plain[0]:,} sentences of answers that nobody rated ({plain[1]:,} held out) are learnt by their"
            f" likelihood, with weight {self.nll_weight:g}",
        ]

    def lay(self, samples: Sequence[Sample], pad: int) -> Batch:
        """A batch of judged answers and plain sentences."""
        judged = [sample for sample in samples if isinstance(sample, Judged)]
        plain = [sample for sample in samples if not isinstance(sample, Judged)]
        laid = lay_sentences([*(sample.own for sample in judged), *plain], pad)
        matched = [(other, sample.reference[1]) for sample in judged if (other := sample.other) is not None]
        others = lay_sentences([other for other, _ in matched], pad) if matched else None
        return JudgedBatch(
            laid.inputs,
            laid.truth,
            len(samples),
            laid.tokens + (others.tokens if others else 0),
            good=torch.tensor([sample.good for sample in judged], dtype=torch.bool),
            reference=torch.tensor([sample.reference[0] for sample in judged], dtype=torch.float32),
            others=others,
            others_reference=np.array([known for _, known in matched]),
        )

    def anchored(self, batches: Sequence[Batch], gear: Gear, model: nn.Module) -> list[Batch]:
        """The batches with the reference point that the model as it is has over all of them; no gradient goes there."""
        changes = [
            log_probs(gear, model, batch.others) - batch.others_reference
            for batch in batches
            if isinstance(batch, JudgedBatch) and batch.others is not None
        ]
        anchor = kto_anchor(np.concatenate(changes)) if changes else 0.0
        return [replace(batch, anchor=anchor) if isinstance(batch, JudgedBatch) else batch for batch in batches]

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Sum over judged answers and plain sentences, a scalar."""
        assert isinstance(batch, JudgedBatch)
        found = answer_log_probs(model, batch.inputs, batch.truth)  # (R + plain,)
        judged = len(batch.reference)
        changes = found[:judged] - batch.reference
        weights = (self.desirable or 1.0, self.undesirable or 1.0)
        total = kto_loss(changes, batch.good, batch.anchor, self.beta, weights).sum()
        if self.nll_weight:
            total = total - self.nll_weight * (found[judged:] / batch.truth[judged:].sum(dim=1)).sum()
        return total

    def referred(self, samples: Sequence[Sample], gear: Gear, base: Base, positions: int) -> NDArray[np.float64]:
        """Log p of each answer and of the other one under the model as it is, (N, 2); zeros for a plain sentence."""
        kept = np.zeros((len(samples), 2))
        judged = {number: sample for number, sample in enumerate(samples) if isinstance(sample, Judged)}
        numbers = list(judged)
        pad = int(base.tokenizer.pad_token_id)
        for portion in portions(range(len(numbers)), [len(judged[n].ids) for n in numbers], positions):
            chosen = [numbers[place] for place in portion]
            kept[chosen, 0] = log_probs(gear, base.model, lay_sentences([judged[n].own for n in chosen], pad))
            matched = {n: other for n in chosen if (other := judged[n].other) is not None}
            if matched:
                kept[list(matched), 1] = log_probs(gear, base.model, lay_sentences(list(matched.values()), pad))
        return kept

    def with_reference(self, samples: Sequence[Sample], kept: NDArray[np.float64]) -> list[Sample]:
        """The samples with what `referred` gave."""
        return [
            replace(sample, reference=(float(row[0]), float(row[1]))) if isinstance(sample, Judged) else sample
            for sample, row in zip(samples, kept, strict=True)
        ]


@dataclass(frozen=True)
class Heard:
    """An answer after its prompt, as ids, and whether it is good."""

    prompt: list[int]
    answer: list[int]
    good: bool


def judgements(conversation: Conversation) -> dict[int, list[tuple[Message, bool]]]:
    """What people judged, by the index of the message: the answer itself, where it was rated or put in another's place,
    and the one that it replaced; each with whether it is good.

    A good answer of weight 0 is none: it is not to be learnt. A bad one is to be avoided, whatever its weight.
    """
    ratings = conversation.ratings
    found: dict[int, list[tuple[Message, bool]]] = {}
    for index, message in enumerate(conversation.messages):
        rating, pair = ratings.get(index, 0.0), is_pair(message)
        judged = []
        if rating < 0:
            judged.append((message, False))
        elif message.is_target and (rating > 0 or pair):
            judged.append((message, True))
        if pair:
            judged.append((rejected_message(message), False))
        if judged:
            found[index] = judged
    return found


def heard_in(conversation: Conversation, base: Base, window: int, counts: Counts) -> list[Heard]:
    """The judged answers of a conversation as ids; those that do not fit the window are counted."""
    heard, left_out = [], 0
    for index, judged in judgements(conversation).items():
        said = [message for message, _ in judged]
        with naming(conversation):
            found = answers_at(conversation, index, said, base.tokenizer, window=window)
        if found is None:
            counts.answers_lost += len(said)
            continue
        left_out = max(left_out, found.left_out)
        for answer, (_, good) in zip(found.answers, judged, strict=True):
            heard.append(Heard(found.prompt, answer, good))
    counts.turns_left_out += left_out
    return heard


def _judged(heard: Sequence[Heard], window: int) -> list[Judged]:
    """The samples, each with an answer to another prompt: the next one in an order by hash that fits."""
    order = sorted(range(len(heard)), key=lambda number: _hash(heard[number]))
    others: dict[int, list[int]] = {}
    for place, number in enumerate(order):
        one = heard[number]
        following = (heard[order[(place + step) % len(order)]] for step in range(1, min(_TRIES, len(order))))
        for other in following:
            differs = other.prompt != one.prompt and other.answer != one.answer
            if differs and len(one.prompt) + len(other.answer) <= window:
                others[number] = other.answer
                break
    return [_sample(one, others.get(number)) for number, one in enumerate(heard)]


def _sample(one: Heard, other: list[int] | None) -> Judged:
    ids, truth = _row(one.prompt, one.answer)
    first = len(ids)
    if other is not None:
        more = _row(one.prompt, other)
        ids, truth = np.concatenate([ids, more[0]]), np.concatenate([truth, more[1]])
    return Judged(ids, truth, first=first, good=one.good)


def _row(prompt: list[int], answer: list[int]) -> Row:
    truth = np.arange(len(prompt) + len(answer)) >= len(prompt)
    return np.asarray([*prompt, *answer], dtype=np.int32), truth


def _hash(one: Heard) -> bytes:
    return hashlib.sha256(np.asarray([len(one.prompt), *one.prompt, *one.answer], dtype=np.int32).tobytes()).digest()
