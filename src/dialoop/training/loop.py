"""The loop's one step: batches in, weights moved, what happened out. The same for every head and for pretraining.

It knows batches, a loss and optimisers; not where data comes from, what a head is, or what is done with checkpoints.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from dialoop.training.batches import Batch
from dialoop.training.optimise import set_rate
from dialoop.training.schedule import OptimiserSettings, rate
from dialoop.training.team import share, sum_gradients, summed

LossFunction = Callable[[nn.Module, Batch], Tensor]
"""Model and batch → sum of the losses over the batch's targets, a scalar."""


@dataclass
class Progress:
    """Where a run stands: `step` steps taken, `tokens` seen (padding not counted), `targets` learned from."""

    step: int = 0
    tokens: int = 0
    targets: int = 0

    def add(self, report: StepReport) -> None:
        """Count one more step."""
        self.step += 1
        self.tokens += report.tokens
        self.targets += report.targets


@dataclass(frozen=True)
class StepReport:
    """One step: mean loss over its targets (nats), norm of the gradients before clipping, learning rate, seconds."""

    loss: float
    gradient: float
    lr: float
    seconds: float
    tokens: int
    targets: int


@dataclass(frozen=True)
class Gear:
    """What steps are taken with: the accelerator (devices, gradients), and bfloat16 or float32 for the matrices."""

    accelerator: Accelerator
    bf16: bool

    @property
    def processes(self) -> int:
        """How many train together."""
        return int(self.accelerator.num_processes)

    @property
    def device(self) -> torch.device:
        """Where the batches go."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """Of matrix products."""
        return torch.bfloat16 if self.bf16 else torch.float32

    def autocast(self) -> AbstractContextManager[None]:
        """Matrix products in bfloat16 where `bf16`; the weights stay as they are."""
        context: AbstractContextManager[None] = torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=self.bf16
        )
        return context


def take_step(
    gear: Gear,
    model: nn.Module,
    optimisers: Sequence[torch.optim.Optimizer],
    settings: OptimiserSettings,
    batches: Sequence[Batch],
    loss_sum: LossFunction,
    done: float,
) -> StepReport:
    """Move the weights once by the gradient of the mean loss over all targets of `batches` (accumulated exactly).

    The mean is over targets of all batches together, so splitting a batch changes nothing but rounding. `done` is the
    share of the whole run that has been done, 0 to 1, for the schedule. Of processes that train together each takes its
    share of the batches.
    """
    start = time.perf_counter()
    targets = sum(batch.count for batch in batches)
    total = torch.zeros((), device=gear.device)
    for batch in share(gear.accelerator, batches):
        placed = batch.to(gear.device)
        with gear.autocast():
            loss = loss_sum(model, placed)
        gear.accelerator.backward(loss / max(1, targets))
        total += loss.detach()
    trained = [p for p in model.parameters() if p.requires_grad]
    sum_gradients(gear.accelerator, trained)
    norm = float(gear.accelerator.clip_grad_norm_(trained, settings.clip))
    lr = settings.lr * rate(settings, done)
    set_rate(list(optimisers), lr)
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return StepReport(
        loss=summed(gear.accelerator, float(total)) / max(1, targets),
        gradient=norm,
        lr=lr,
        seconds=time.perf_counter() - start,
        tokens=sum(batch.tokens for batch in batches),
        targets=targets,
    )


@torch.no_grad()
def mean_loss(gear: Gear, model: nn.Module, batches: Sequence[Batch], loss_sum: LossFunction) -> float:
    """The mean loss (nats) over all targets of `batches`, in evaluation mode; the model's mode is put back."""
    was_training = model.training
    model.eval()
    total = 0.0
    try:
        for batch in share(gear.accelerator, batches):
            with gear.autocast():
                total += float(loss_sum(model, batch.to(gear.device)))
    finally:
        model.train(was_training)
    return summed(gear.accelerator, total) / max(1, sum(batch.count for batch in batches))
