"""The course of the learning rate, and which weights decay or move by Muon."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialoop.training.optimise import make_optimisers, set_rate
from dialoop.training.schedule import OptimiserSettings, rate

from ..tiny_models import tiny_network

SCHEDULES = ("constant", "linear", "cosine", "stable", "inverse_sqrt")


@given(st.sampled_from(SCHEDULES), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_factor_is_a_share(schedule, warmup, decay, done):
    settings = OptimiserSettings(schedule=schedule, warmup=warmup, decay=decay)
    assert 0 <= rate(settings, done) <= 1


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_rises_and_then_never_rises_again(schedule):
    settings = OptimiserSettings(schedule=schedule, warmup=0.1, decay=0.3)
    course = [rate(settings, step / 100) for step in range(101)]
    assert course[0] < 0.1
    assert course[:11] == sorted(course[:11])
    assert course[10:] == sorted(course[10:], reverse=True)
    assert course[10] == pytest.approx(1.0)
    last = {"constant": 1.0, "inverse_sqrt": 0.1**0.5}.get(schedule, 0.0)
    assert course[-1] == pytest.approx(last, abs=1e-9)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert"])
def test_only_matrices_inside_the_layers_move_by_muon_or_decay(kind):
    model = tiny_network(kind, 60)
    names = {id(p): name for name, p in model.named_parameters()}
    muon, adamw = make_optimisers(model, OptimiserSettings(name="muon"))
    moved = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    others = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    assert moved | others == set(names.values())
    assert not moved & others
    assert not {
        name for name in moved if any(part in name for part in ("embed", "wte", "wpe", "lm_head", "cls", "norm"))
    }
    (plain,) = make_optimisers(model, OptimiserSettings(weight_decay=0.3))
    decayed = {names[id(p)] for group in plain.param_groups if group["weight_decay"] for p in group["params"]}
    assert decayed == moved


def test_the_rate_is_set_everywhere():
    optimisers = make_optimisers(tiny_network("gpt2", 60), OptimiserSettings(name="muon"))
    set_rate(optimisers, 0.25)
    assert {group["lr"] for optimiser in optimisers for group in optimiser.param_groups} == {0.25}
