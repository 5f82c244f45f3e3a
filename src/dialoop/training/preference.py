"""Tuning to what people prefer: a person's edits become pairs of answers, and pairs become batches with a loss (DPO).

The reference is the base before its first step. Its log-probabilities are taken once, before training, so no second
model is ever in memory. It knows conversations, batches and the model's losses; nothing of steps or folders.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dialoop.conversation import Conversation
from dialoop.errors import DataError
from dialoop.model import Base, answer_log_probs, answer_pairs, is_pair, sentences
from dialoop.training.batches import Batch, Sample, lay_sentences
from dialoop.training.loop import Gear
from dialoop.training.order import portions
from dialoop.training.preference_loss import dpo_loss
from dialoop.training.side import Counts, Side, naming

Row = tuple[NDArray[np.int32], NDArray[np.bool_]]
"""Ids and targets (T,) of one row of a batch."""


@dataclass(frozen=True)
class Plain(Sample):
    """A sentence of answers that nobody judged. It counts as one, like a pair, however many targets it has."""

    @property
    def count(self) -> int:
        """One."""
        return 1


@dataclass(frozen=True)
class Pair(Sample):
    """Two answers to one prompt: `ids` and `truth` hold prompt and chosen answer (`first` tokens), then the rejected.

    `reference`: log p (nats) of the chosen and of the rejected answer under the base.
    """

    first: int = 0
    reference: tuple[float, float] = (0.0, 0.0)

    @property
    def count(self) -> int:
        """One."""
        return 1

    @property
    def rows(self) -> tuple[Sample, Sample]:
        """The chosen and the rejected, each with the prompt."""
        return Sample(self.ids[: self.first], self.truth[: self.first]), Sample(
            self.ids[self.first :], self.truth[self.first :]
        )


@dataclass(frozen=True)
class PairBatch(Batch):
    """Rows: P chosen, P rejected, then plain sentences. `reference` (P, 2); `count`: pairs and sentences."""

    reference: Tensor

    def to(self, device: torch.device) -> PairBatch:
        """The same batch on `device`."""
        inputs = {name: tensor.to(device) for name, tensor in self.inputs.items()}
        return replace(self, inputs=inputs, truth=self.truth.to(device), reference=self.reference.to(device))


@dataclass(frozen=True)
class Dpo:
    """Direct preference optimisation. `beta`: how dear it is to leave the base.

    `nll_weight`: of the mean negative log-likelihood of a chosen answer's tokens, and of a plain sentence's, in the
    loss (Llama 3, arXiv:2407.21783, section 4.1.4, takes 0.2); at 0 plain sentences are left out.
    """

    beta: float
    nll_weight: float

    def samples_of(self, conversations: Sequence[Conversation], base: Base, window: int) -> Side:
        """A sample for each pair, and one for each sentence of the answers that have none."""
        side = Side(counts=Counts(records=len(conversations)))
        counts = side.counts
        for conversation in conversations:
            with naming(conversation):
                pairs, lost = answer_pairs(conversation, base.tokenizer, window=window)
            counts.answers_lost += lost
            counts.turns_left_out += max((pair.left_out for pair in pairs), default=0)
            made: list[Sample] = [pair_sample(pair.prompt, *pair.answers) for pair in pairs]
            counts.pairs += len(made)
            if self.nll_weight:
                made += plain_samples(conversation, pairs_in(conversation), base, window, counts)
            counts.without_targets += not made
            side.samples.extend(made)
            counts.tokens += sum(len(sample.ids) for sample in made)
        counts.samples = counts.targets = len(side.samples)
        return side

    def for_samples(self, side: Side, where: Path) -> Dpo:
        """The same. Raises DataError where there is no pair to learn from."""
        if not side.counts.pairs:
            raise DataError(
                "dpo learns from pairs, and no answer to be learnt has a `rejected` one that fits the window",
                where=where,
                remedy="give conversations that operators have edited (`dialoop learn` collects them), or take"
                " --objective nll",
            )
        return self

    def lines(self, train: Counts, held_out: Counts) -> list[str]:
        """What a person is told of the samples."""
        plain = [counts.samples - counts.pairs for counts in (train, held_out)]
        told = f"dpo: {train.pairs:,} pairs to train on, {held_out.pairs:,} held out; beta {self.beta:g}"
        if not self.nll_weight:
            return [told, "answers without a `rejected` one are not learnt from: nll_weight is 0"]
        return [
            told,
            f"{plain[0]:,} sentences of answers without a `rejected` one ({plain[1]:,} held out) and the chosen answers"
            f" are learnt by their likelihood, with weight {self.nll_weight:g}",
        ]

    def lay(self, samples: Sequence[Sample], pad: int) -> Batch:
        """A batch of pairs and plain sentences."""
        pairs = [sample for sample in samples if isinstance(sample, Pair)]
        plain = [sample for sample in samples if not isinstance(sample, Pair)]
        rows = [[pair.rows[side] for pair in pairs] for side in (0, 1)]
        laid = lay_sentences([*rows[0], *rows[1], *plain], pad)
        reference = torch.tensor([pair.reference for pair in pairs], dtype=torch.float32).reshape(-1, 2)
        return PairBatch(laid.inputs, laid.truth, len(samples), laid.tokens, reference=reference)

    def anchored(self, batches: Sequence[Batch], gear: Gear, model: nn.Module) -> list[Batch]:
        """The batches as they are: each pair is compared with itself."""
        return list(batches)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Sum over pairs and plain sentences, a scalar."""
        assert isinstance(batch, PairBatch)
        found = answer_log_probs(model, batch.inputs, batch.truth)  # (R,)
        pairs = len(batch.reference)
        total = dpo_loss(found[:pairs], found[pairs : 2 * pairs], batch.reference, self.beta).sum()
        if self.nll_weight:
            means = found / batch.truth.sum(dim=1)
            total = total - self.nll_weight * (means[:pairs].sum() + means[2 * pairs :].sum())
        return total

    def referred(self, samples: Sequence[Sample], gear: Gear, base: Base, positions: int) -> NDArray[np.float64]:
        """Log p of both answers of each sample under the model as it is, (N, 2); zeros for a plain sentence."""
        kept = np.zeros((len(samples), 2))
        numbers = [number for number, sample in enumerate(samples) if isinstance(sample, Pair)]
        pad = int(base.tokenizer.pad_token_id)
        for portion in portions(range(len(numbers)), [len(samples[n].ids) for n in numbers], positions):
            chosen = [numbers[place] for place in portion]
            batch = self.lay([samples[n] for n in chosen], pad)
            kept[chosen] = log_probs(gear, base.model, batch).reshape(2, -1).T
        return kept

    def with_reference(self, samples: Sequence[Sample], kept: NDArray[np.float64]) -> list[Sample]:
        """The samples with what `referred` gave."""
        return [
            replace(sample, reference=(float(row[0]), float(row[1]))) if isinstance(sample, Pair) else sample
            for sample, row in zip(samples, kept, strict=True)
        ]


@torch.no_grad()
def log_probs(gear: Gear, model: nn.Module, batch: Batch) -> NDArray[np.float64]:
    """Log p (nats) of each row's targets, (R,), without dropout; the model's mode is put back."""
    was_training = model.training
    model.eval()
    try:
        placed = batch.to(gear.device)
        with gear.autocast():
            found = answer_log_probs(model, placed.inputs, placed.truth)
    finally:
        model.train(was_training)
    return found.double().cpu().numpy()


def pair_sample(prompt: list[int], chosen: list[int], rejected: list[int]) -> Pair:
    """Both answers after the prompt; what they say and their stops are the targets."""
    ids = np.asarray([*prompt, *chosen, *prompt, *rejected], dtype=np.int32)
    truth = np.zeros(len(ids), dtype=np.bool_)
    first = len(prompt) + len(chosen)
    truth[len(prompt) : first] = True
    truth[first + len(prompt) :] = True
    return Pair(ids, truth, first=first)


def pairs_in(conversation: Conversation) -> set[int]:
    """The indexes of the answers that are compared with a `rejected` one."""
    return {index for index, message in enumerate(conversation.messages) if is_pair(message)}


def plain_samples(
    conversation: Conversation, compared: Set[int], base: Base, window: int, counts: Counts
) -> list[Sample]:
    """The sentences of the answers of weight 1 that are not `compared` with anything."""
    messages = [
        message.model_copy(update={"weight": 0}) if index in compared and message.role == "assistant" else message
        for index, message in enumerate(conversation.messages)
    ]
    if not any(message.is_target for message in messages):
        return []
    with naming(conversation):
        made = sentences(messages, conversation.tools, base.tokenizer, window=window)
    counts.turns_left_out += max((sentence.left_out for sentence in made), default=0)
    counts.answers_lost += sum(sentence.lost for sentence in made)
    return [
        Plain(np.asarray(sentence.ids, dtype=np.int32), np.asarray(sentence.targets, dtype=np.bool_))
        for sentence in made
        if any(sentence.targets)
    ]
