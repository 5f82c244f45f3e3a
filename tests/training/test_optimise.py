"""Every optimiser moves weights as its formula says, computed here by hand; layers have their share of the rate."""

import pytest
import torch

from dialoop.training.optimise import make_optimisers, set_rate
from dialoop.training.schedule import OptimiserSettings

from ..tiny_models import tiny_network

LR, DECAY, MOMENTUM, BETA1, BETA2 = 0.05, 0.2, 0.8, 0.7, 0.95


class OneMatrix(torch.nn.Module):
    """A matrix in a layer, whose gradient is known: half the sum of its squares, times `slope`."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.ModuleList([torch.nn.Linear(3, 3, bias=False, dtype=torch.float64)])

    def get_input_embeddings(self) -> torch.nn.Module:
        return torch.nn.Identity()


def gradient(weight: torch.Tensor, step: int) -> torch.Tensor:
    return weight * (1 + step) - 0.3


def moved(steps: int = 4, **values) -> torch.Tensor:
    """The matrix after so many steps of an optimiser."""
    model = OneMatrix()
    (weight,) = model.parameters()
    given = {"lr": LR, "weight_decay": DECAY, "momentum": MOMENTUM, "beta1": BETA1, "beta2": BETA2}
    (optimiser,) = make_optimisers(model, OptimiserSettings(**given | values))
    for step in range(steps):
        weight.grad = gradient(weight.detach(), step)
        optimiser.step()
    return weight.detach()


def start() -> torch.Tensor:
    return next(OneMatrix().parameters()).detach().clone()


@pytest.mark.parametrize("momentum", [0.0, MOMENTUM])
def test_sgd_is_descent_with_momentum_and_decoupled_decay(momentum):
    weight, move = start(), torch.zeros(3, 3, dtype=torch.float64)
    for step in range(4):
        move = momentum * move + gradient(weight, step)
        weight = weight - LR * move - LR * DECAY * weight
    torch.testing.assert_close(moved(name="sgd", momentum=momentum), weight, rtol=1e-12, atol=0)


def test_nesterov_looks_ahead():
    weight, move = start(), torch.zeros(3, 3, dtype=torch.float64)
    for step in range(4):
        slope = gradient(weight, step)
        move = MOMENTUM * move + slope
        weight = weight - LR * (slope + MOMENTUM * move) - LR * DECAY * weight
    torch.testing.assert_close(moved(name="sgd", nesterov=True), weight, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adam_has_the_decay_within_the_gradient_and_adamw_apart(name):
    weight = start()
    mean, square = torch.zeros_like(weight), torch.zeros_like(weight)
    for step in range(4):
        slope = gradient(weight, step) + (DECAY * weight if name == "adam" else 0)
        if name == "adamw":
            weight = weight - LR * DECAY * weight
        mean = BETA1 * mean + (1 - BETA1) * slope
        square = BETA2 * square + (1 - BETA2) * slope**2
        fair, fair_square = mean / (1 - BETA1 ** (step + 1)), square / (1 - BETA2 ** (step + 1))
        weight = weight - LR * fair / (fair_square.sqrt() + 1e-8)
    torch.testing.assert_close(moved(name=name), weight, rtol=1e-10, atol=0)


@pytest.mark.parametrize("name", ["adam", "adamw", "muon", "sgd"])
@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert"])
def test_a_layer_has_its_share_of_the_rate_of_the_one_above(name, kind):
    model = tiny_network(kind, 60, layers=3)
    names = {id(p): key for key, p in model.named_parameters()}
    optimisers = make_optimisers(model, OptimiserSettings(name=name, layer_decay=0.5))
    set_rate(optimisers, 0.8)
    rates = {names[id(p)]: group["lr"] for one in optimisers for group in one.param_groups for p in group["params"]}
    assert set(rates) == set(names.values())
    for key, lr in rates.items():
        number = next((int(part) for part in key.split(".") if part.isdigit()), None)
        if number is not None:
            assert lr == pytest.approx(0.8 * 0.5 ** (3 - number)), key
        elif "embed" in key or "wte" in key or "wpe" in key:
            assert lr == pytest.approx(0.8 * 0.5**4), key
        else:
            assert lr == pytest.approx(0.8), key
