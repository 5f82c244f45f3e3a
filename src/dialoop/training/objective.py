"""What a run goes after, where it is more than the likelihood of the answers: which samples, which batches, which loss.

It knows the objectives by name, and keeps the base's log-probabilities with a run; nothing of how a run goes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from dialoop.conversation import Conversation
from dialoop.errors import DataError, RunError, SettingsError
from dialoop.model import Base, Head, is_pair
from dialoop.training.batches import Batch, Sample
from dialoop.training.loop import Gear
from dialoop.training.preference import Dpo
from dialoop.training.ratings import Kto
from dialoop.training.run_folder import RunFolder
from dialoop.training.settings import TuneSettings
from dialoop.training.side import Counts, Side

if TYPE_CHECKING:
    from dialoop.training.preparing import Prepared

REFERENCE = "reference.json"
"""The base's log-probabilities, kept in a run's folder."""


class Objective(Protocol):
    """One objective. Samples that compare with the base carry its log-probabilities once `with_reference` gave them."""

    def samples_of(self, conversations: Sequence[Conversation], base: Base, window: int) -> Side:
        """What is learnt from, each at most `window` tokens; what cannot be is counted."""

    def for_samples(self, side: Side, where: Path) -> Objective:
        """The objective with what it takes from the samples to train on.

        Raises DataError where there is nothing to compare.
        """

    def lines(self, train: Counts, held_out: Counts) -> list[str]:
        """What a person is told of the samples."""

    def lay(self, samples: Sequence[Sample], pad: int) -> Batch:
        """A batch of samples."""

    def anchored(self, batches: Sequence[Batch], gear: Gear, model: nn.Module) -> list[Batch]:
        """The batches of one step, or of one look, with what they share under the model as it is."""

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Sum over the batch, a scalar."""

    def referred(self, samples: Sequence[Sample], gear: Gear, base: Base, positions: int) -> NDArray[np.float64]:
        """The log-probabilities (nats) that each sample is compared with, under the model as it is, (N, K)."""

    def with_reference(self, samples: Sequence[Sample], kept: NDArray[np.float64]) -> list[Sample]:
        """The samples with what `referred` gave."""


def objective_of(settings: TuneSettings, head: Head, where: Path) -> Objective | None:
    """The objective that was asked for; None for the head's own loss. Raises DataError, SettingsError."""
    if not settings.compares:
        return None
    if head.kind != "generate":
        raise DataError(
            f"{settings.objective} learns from answers, and this file holds none",
            where=where,
            remedy="give conversations, or leave --objective out",
        )
    if settings.fresh_values:
        raise SettingsError(
            f"fresh_values is {settings.fresh_values:g}, and {settings.objective} compares with what the base gave to"
            " the answers as they are",
            remedy="leave --fresh-values out, or take --objective nll",
        )
    if settings.objective == "kto":
        return Kto(settings.beta, settings.nll_weight, settings.desirable_weight, settings.undesirable_weight)
    return Dpo(beta=settings.beta, nll_weight=settings.nll_weight)


def told_of(objective: Objective | None, train: Sequence[Any], counts: Counts, held_out: Counts) -> list[str]:
    """What a person is told of it; and that there would be edits or ratings to learn from, where it does not."""
    told = [] if objective is None else objective.lines(counts, held_out)
    talks = [one for one in train if isinstance(one, Conversation)]
    edits = sum(is_pair(message) for one in talks for message in one.messages)
    if edits and objective is None:
        told.append(f"{edits:,} answers have a `rejected` one; --objective dpo learns from both")
    if isinstance(objective, Kto):
        return told
    rated = [(one.messages[index], score) for one in talks for index, score in one.ratings.items() if score]
    bad = sum(score < 0 and message.is_target for message, score in rated)
    if rated:
        taught = f"; {bad:,} are rated bad and taught all the same, as their weight is not 0" if bad else ""
        told.append(f"{len(rated):,} answers are rated; --objective kto learns from ratings{taught}")
    return told


def with_reference(prepared: Prepared, folder: RunFolder) -> Prepared:
    """The prepared run with the base's log-probabilities: from its folder, else taken now and kept there.

    Raises RunError where those in the folder are of other samples.
    """
    objective, sides = prepared.objective, {"train": prepared.train, "held_out": prepared.held_out}
    if objective is None:
        return prepared
    marks = {name: _digest(side.samples) for name, side in sides.items()}
    known = folder.read(REFERENCE)
    if not known:
        known = {
            name: {
                "of": marks[name],
                "nats": objective.referred(
                    side.samples, prepared.gear, prepared.base, prepared.chosen.positions
                ).tolist(),
            }
            for name, side in sides.items()
        }
        folder.keep(REFERENCE, known)
    for name, side in sides.items():
        if known.get(name, {}).get("of") != marks[name]:
            raise RunError("it was taken of other samples", where=folder.path / REFERENCE, remedy="begin a new run")
        side.samples[:] = objective.with_reference(side.samples, np.asarray(known[name]["nats"]))
    return prepared


def _digest(samples: Sequence[Sample]) -> str:
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(len(sample.ids).to_bytes(4, "big") + sample.ids.tobytes() + sample.truth.tobytes())
    return digest.hexdigest()
