"""Chooses bfloat16 or float32 for the matrix products, by a short trial on a real batch where the device leaves a
choice.

Processors with matrix units (AMX) are several times faster in bfloat16, others slower. It knows a model, a batch and a
loss.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch
from torch import nn

from dialoop.training.batches import Batch
from dialoop.training.loop import Gear, LossFunction

TRIALS = 4
"""Of each precision, in turns: a machine that is slow for a moment is slow for both."""


@dataclass(frozen=True)
class Choice:
    """The precision that was chosen, and why, in words."""

    bf16: bool
    why: str

    @property
    def name(self) -> str:
        """As the settings call it."""
        return "bfloat16" if self.bf16 else "float32"


def choose_precision(wanted: str, gear: Gear, model: nn.Module, batch: Batch, loss_sum: LossFunction) -> Choice:
    """`wanted` if it is a precision; for "auto" the faster one for `batch`. Weights, gradients and dice stay as they
    were.
    """
    if wanted != "auto":
        return Choice(wanted == "bfloat16", "as asked")
    if gear.device.type == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
        return Choice(able, "the accelerator has bfloat16" if able else "the accelerator has no bfloat16")
    if gear.device.type != "cpu":
        return Choice(False, f"float32 is the safe choice on {gear.device.type}")
    if not has_bfloat16():
        return Choice(False, "this processor has no bfloat16")
    dice = torch.get_rng_state()
    best = {True: float("inf"), False: float("inf")}
    for trial in range(TRIALS + 1):
        for bf16 in best:
            seconds = _seconds(replace(gear, bf16=bf16), model, batch, loss_sum)
            if trial:  # the first of each is not timed
                best[bf16] = min(best[bf16], seconds)
    torch.set_rng_state(dice)
    return Choice(
        best[True] < best[False], f"a trial took {best[True]:.2f} s in bfloat16, {best[False]:.2f} s in float32"
    )


def has_bfloat16() -> bool:
    """Whether this processor multiplies matrices in bfloat16 (AVX-512 BF16 or AMX)."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _seconds(gear: Gear, model: nn.Module, batch: Batch, loss_sum: LossFunction) -> float:
    """A pass forth and back."""
    placed = batch.to(gear.device)
    start = time.perf_counter()
    with gear.autocast():
        loss = loss_sum(model, placed)
    loss.backward()  # type: ignore[no-untyped-call]
    model.zero_grad(set_to_none=True)
    return time.perf_counter() - start
