"""Muon in stacks moves weights as torch's own does one by one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dialoop.training import muon
from dialoop.training.muon import Muon, orthogonal

SHAPES = [(8, 20), (20, 8), (8, 20), (6, 6), (20, 8), (6, 6), (3, 9)]


def weights() -> list[nn.Parameter]:
    dice = torch.Generator().manual_seed(3)
    return [nn.Parameter(torch.randn(shape, generator=dice)) for shape in SHAPES]


def walk(params: list[nn.Parameter], optimiser: torch.optim.Optimizer, steps: int = 4) -> None:
    dice = torch.Generator().manual_seed(4)
    for _ in range(steps):
        for param in params:
            param.grad = torch.randn(param.shape, generator=dice)
        optimiser.step()


@pytest.mark.parametrize("at_once", [muon.MOST_AT_ONCE, 1], ids=["stacked", "one by one"])
def test_it_moves_as_torchs_own(at_once: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(muon, "MOST_AT_ONCE", at_once)
    ours, theirs, still = weights(), weights(), weights()
    walk(ours, Muon(ours, 0.02, weight_decay=0.1))
    walk(theirs, torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"))
    for one, other, before in zip(ours, theirs, still, strict=True):
        assert (one - before).norm() > 0.02
        assert (one - other).norm() < 0.03 * (one - before).norm()  # both iterate in bfloat16


def test_what_it_makes_is_near_orthogonal():
    found = orthogonal(torch.randn(5, 12, 40, generator=torch.Generator().manual_seed(1)).bfloat16())
    values = torch.linalg.svdvals(found.float())
    assert ((values > 0.4) & (values < 1.6)).all()


def test_a_weight_without_gradient_stays():
    params = weights()
    params[0].grad = torch.ones_like(params[0])
    before = [param.detach().clone() for param in params]
    Muon(params, 0.1).step()
    assert not torch.equal(params[0], before[0])
    assert all(torch.equal(param, kept) for param, kept in zip(params[1:], before[1:], strict=True))
