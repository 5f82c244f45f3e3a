"""The trial of precision: it decides, says why, and leaves no trace."""

import pytest
import torch
from accelerate import Accelerator

from dialoop.model.loss import target_nll
from dialoop.training.batches import Batch
from dialoop.training.loop import Gear
from dialoop.training.precision import choose_precision

from ..tiny_models import tiny_network


def trial(wanted: str, seed: int = 0):
    model = tiny_network("gpt2", 40, seed=seed).train()
    ids = torch.arange(20).reshape(2, 10)
    batch = Batch({"input_ids": ids}, torch.ones(2, 10, dtype=torch.bool), 18, 20)
    gear = Gear(Accelerator(cpu=True, mixed_precision="no"), bf16=False)
    choice = choose_precision(wanted, gear, model, batch, lambda one, b: target_nll(one, b.inputs, b.truth))
    return model, choice


@pytest.mark.parametrize("wanted", ["float32", "bfloat16"])
def test_what_is_asked_for_is_taken(wanted):
    _, choice = trial(wanted)
    assert (choice.name, choice.why) == (wanted, "as asked")


def test_a_processor_without_bfloat16_is_not_tried(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dialoop.training.precision.has_bfloat16", lambda: False)
    _, choice = trial("auto")
    assert (choice.name, choice.why) == ("float32", "this processor has no bfloat16")


def test_a_trial_leaves_weights_gradients_and_dice_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dialoop.training.precision.has_bfloat16", lambda: True)
    tiny_network("gpt2", 40, seed=3)
    wanted = torch.rand(2)
    model, choice = trial("auto", seed=3)
    assert torch.equal(torch.rand(2), wanted)
    assert "a trial took" in choice.why
    untouched = tiny_network("gpt2", 40, seed=3)
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), untouched.parameters(), strict=True))
    assert all(p.grad is None for p in model.parameters())
