"""The loop: batches in, weights moved, one line a step out. The same for every head and for pretraining.

It knows batches, a loss and optimisers; not where data comes from, what a head is, or what is done with checkpoints.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from dialoop.training.batches import Batch
from dialoop.training.optimise import OptimiserSettings, rate, set_rate

LossFunction = Callable[[nn.Module, Batch], Tensor]
"""Model and batch → sum of the losses over the batch's targets, a scalar."""


@dataclass
class Progress:
    """Where a run stands: `step` steps taken, `tokens` seen (padding not counted), `targets` learned from."""

    step: int = 0
    tokens: int = 0
    targets: int = 0


@dataclass(frozen=True)
class StepReport:
    """One step: mean loss over its targets (nats), norm of the gradients before clipping, learning rate, seconds."""

    step: int
    loss: float
    gradient: float
    lr: float
    seconds: float
    tokens: int
    targets: int


def take_step(
    accelerator: Accelerator,
    model: nn.Module,
    optimisers: Sequence[torch.optim.Optimizer],
    settings: OptimiserSettings,
    batches: Sequence[Batch],
    loss_sum: LossFunction,
    progress: Progress,
    steps: int,
) -> StepReport:
    """Move the weights once by the gradient of the mean loss over all targets of `batches` (accumulated exactly).

    The mean is over targets of all batches together, so splitting a batch changes nothing but rounding. `steps` is the
    length of the whole run, for the schedule. Updates `progress`.
    """
    start = time.perf_counter()
    targets = max(1, sum(int(batch.targets.sum()) for batch in batches))
    total = 0.0
    for batch in batches:
        with accelerator.autocast():
            loss = loss_sum(model, batch)
        accelerator.backward(loss / targets)
        total += loss.item()
    norm = float(accelerator.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], settings.clip))
    lr = settings.lr * rate(settings, progress.step / max(1, steps))
    set_rate(list(optimisers), lr)
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    tokens = sum(batch.tokens for batch in batches)
    progress.step += 1
    progress.tokens += tokens
    progress.targets += targets
    return StepReport(
        progress.step, total / targets, norm, lr, time.perf_counter() - start, tokens=tokens, targets=targets
    )
